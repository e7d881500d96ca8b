//! Quantiles of values, weighted and not.
//!
//! Source: XGBoost `src/common/stats.h`.

/// The quantile at `level`, in `[0, 1]`, between the two nearest order statistics; NaN if there is no value. Values change
/// their places.
///
/// The `k`-th smallest of `n` values is the quantile at `k / (n + 1)`.
pub(crate) fn quantile(level: f32, values: &mut [f32]) -> f32 {
    let Some(last) = values.len().checked_sub(1) else {
        return f32::NAN;
    };
    let n = values.len() as f64;
    let place = f64::from(level) * (n + 1.0);
    if place <= 1.0 || place >= n {
        let at = if place <= 1.0 { 0 } else { last };
        let (_, value, _) = values.select_nth_unstable_by(at, f32::total_cmp);
        return *value;
    }
    let below = place.floor();
    let (_, &mut low, above) = values.select_nth_unstable_by(below as usize - 1, f32::total_cmp);
    let high = above.iter().copied().min_by(f32::total_cmp).unwrap_or(low);
    (f64::from(low) + (place - below) * f64::from(high - low)) as f32
}

/// The least value up to which at least the share `level` of all weight lies; NaN if there is no value. `rows` are values
/// with their weights, and are sorted.
pub(crate) fn weighted_quantile(level: f32, rows: &mut [(f32, f32)]) -> f32 {
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let total: f64 = rows.iter().map(|&(_, weight)| f64::from(weight)).sum();
    // XGBoost's threshold has the precision of its sums.
    let threshold = f64::from((total * f64::from(level)) as f32);
    let mut sum = 0.0;
    let reached = rows.iter().find(|&&(_, weight)| {
        sum += f64::from(weight);
        sum >= threshold
    });
    reached
        .or(rows.last())
        .map_or(f32::NAN, |&(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::{quantile, weighted_quantile};

    #[test]
    fn lies_between_order_statistics() {
        let of = |level, values: &[f32]| quantile(level, &mut values.to_vec());
        assert_eq!(of(0.5, &[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(of(0.5, &[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(of(0.25, &[1.0, 2.0, 3.0, 4.0]), 1.25);
        assert_eq!(of(0.1, &[5.0, 1.0, 9.0]), 1.0);
        assert_eq!(of(0.0, &[5.0, 1.0, 9.0]), 1.0);
        assert_eq!(of(0.9, &[5.0, 1.0, 9.0]), 9.0);
        assert_eq!(of(1.0, &[5.0, 1.0, 9.0]), 9.0);
        assert_eq!(of(0.5, &[7.0]), 7.0);
        assert!(of(0.5, &[]).is_nan());
    }

    #[test]
    fn weights_are_steps() {
        let of = |level, rows: &[(f32, f32)]| weighted_quantile(level, &mut rows.to_vec());
        let rows = [(3.0, 1.0), (1.0, 1.0), (2.0, 2.0)];
        assert_eq!(of(0.25, &rows), 1.0);
        assert_eq!(of(0.26, &rows), 2.0);
        assert_eq!(of(0.75, &rows), 2.0);
        assert_eq!(of(0.76, &rows), 3.0);
        assert_eq!(of(1.0, &rows), 3.0);
        assert_eq!(of(0.5, &[(4.0, 0.0), (2.0, 0.0)]), 2.0);
        assert!(of(0.5, &[]).is_nan());
    }
}
