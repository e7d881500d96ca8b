//! The area under the receiver operating characteristic, by an exact sort.
//!
//! Rows of equal prediction form one trapezoid. With several classes it is one class against the rest, averaged by the
//! classes' shares of the weight.
//!
//! Source: XGBoost `src/metric/auc.cc`.

use crate::threads::Threads;

/// The area; `predictions` is `(n_rows, n_groups)`. NaN where there is no positive or no negative weight.
pub(crate) fn auc(
    predictions: &[f32],
    labels: &[f32],
    weights: Option<&[f32]>,
    n_groups: usize,
    threads: &Threads,
) -> f64 {
    let weight = |row: usize| f64::from(weights.map_or(1.0, |w| w[row]));
    if n_groups == 1 {
        let positive = |row: usize| weight(row) * f64::from(labels[row]);
        let order = descending(labels.len(), |row| predictions[row], threads);
        let curve = Curve::of(&order, |row| predictions[row], positive, weight);
        return curve.area / (curve.positives * curve.negatives);
    }
    let mut area = 0.0;
    let mut total = 0.0;
    for group in 0..n_groups {
        let score = |row: usize| predictions[row * n_groups + group];
        let positive = |row: usize| {
            if labels[row] as usize == group {
                weight(row)
            } else {
                0.0
            }
        };
        let order = descending(labels.len(), score, threads);
        let curve = Curve::of(&order, score, positive, weight);
        // A class that never occurs, or nothing but one class, leaves the area undefined, as in XGBoost.
        area += curve.area / curve.negatives;
        total += curve.positives;
        if curve.positives == 0.0 || curve.negatives == 0.0 {
            return f64::NAN;
        }
    }
    area / total
}

/// The rows by score, the highest first, equal ones in their order.
fn descending(n_rows: usize, score: impl Fn(usize) -> f32, threads: &Threads) -> Vec<u32> {
    // One number for score and row: no two are equal, so it does not matter how they are sorted.
    let key = |row: usize| u64::from(!ascending(score(row))) << 32 | row as u64;
    let mut keys: Vec<u64> = (0..n_rows).map(key).collect();
    threads.sort(&mut keys);
    keys.into_iter().map(|key| key as u32).collect()
}

/// A number that orders as [`f32::total_cmp`] does.
fn ascending(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 0 {
        bits | 1 << 31
    } else {
        !bits
    }
}

/// The curve's area before normalisation, and the weight on either side.
struct Curve {
    area: f64,
    positives: f64,
    negatives: f64,
}

impl Curve {
    /// Sweeps the rows in `order`, from the highest score down; `positive` is the part of a row's `weight` that is positive.
    fn of(
        order: &[u32],
        score: impl Fn(usize) -> f32,
        positive: impl Fn(usize) -> f64,
        weight: impl Fn(usize) -> f64,
    ) -> Self {
        let mut curve = Self {
            area: 0.0,
            positives: 0.0,
            negatives: 0.0,
        };
        let mut first = 0;
        while first < order.len() {
            let tied = score(order[first] as usize);
            let (mut true_positive, mut false_positive) = (0.0, 0.0);
            while first < order.len() && score(order[first] as usize) == tied {
                let row = order[first] as usize;
                true_positive += positive(row);
                false_positive += weight(row) - positive(row);
                first += 1;
            }
            curve.area += false_positive * (curve.positives + 0.5 * true_positive);
            curve.positives += true_positive;
            curve.negatives += false_positive;
            if tied.is_nan() {
                return Self {
                    area: f64::NAN,
                    ..curve
                };
            }
        }
        curve
    }
}
