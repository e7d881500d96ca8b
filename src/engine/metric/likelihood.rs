//! Negative log-likelihoods and deviances of numbers.
//!
//! Source: XGBoost `src/metric/elementwise_metric.cu`.

use super::BLOCK;
use super::block::weighted_sum;
use super::ln::ln;
use super::row::{Judged, Row, RowMetric};

/// Below this a probability or mean counts as this, since its logarithm is asked for.
pub(super) const SMALLEST: f64 = 1e-16;

/// Below this a mean of a gamma distribution counts as this.
const SMALLEST_GAMMA: f64 = 1e-6;

#[derive(Clone, Copy)]
pub(super) struct Logloss;
#[derive(Clone, Copy)]
pub(super) struct PoissonNloglik;
#[derive(Clone, Copy)]
pub(super) struct GammaNloglik;
#[derive(Clone, Copy)]
pub(super) struct GammaDeviance;
#[derive(Clone, Copy)]
pub(super) struct TweedieNloglik {
    pub(super) rho: Option<f32>,
}

impl RowMetric for Logloss {
    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        let (y, p) = label_and_mean(row);
        -(times_log(y, p) + times_log(1.0 - y, 1.0 - p))
    }

    #[inline(always)]
    fn sum(self, rows: &Judged<'_>) -> f64 {
        let labels = rows.targets().labels();
        if are_certain(labels) {
            return certain_logloss(rows.predictions(), labels, rows.targets().weights());
        }
        self.sum_row_by_row(rows)
    }
}

impl RowMetric for PoissonNloglik {
    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        let (y, p) = label_and_mean(row);
        let p = p.max(SMALLEST);
        ln_gamma(y + 1.0) + p - y * ln(p)
    }
}

impl RowMetric for GammaNloglik {
    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        let (y, p) = label_and_mean(row);
        let p = p.max(SMALLEST_GAMMA);
        y / p + ln(p)
    }
}

impl RowMetric for GammaDeviance {
    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        let y = f64::from(row.label + SMALLEST_GAMMA as f32);
        let p = f64::from(row.prediction[0] + SMALLEST_GAMMA as f32);
        ln(p / y) + y / p - 1.0
    }

    fn finish(self, mean: f64) -> f64 {
        2.0 * mean
    }
}

impl RowMetric for TweedieNloglik {
    const SUFFIX: &'static str = "[@power in (1, 2)]";

    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        let (y, p) = label_and_mean(row);
        let rho = f64::from(self.rho.unwrap_or(row.objective.tweedie_variance_power));
        let ln_p = ln(p.max(f64::MIN_POSITIVE));
        let of_label = y * libm::exp((1.0 - rho) * ln_p) / (1.0 - rho);
        let of_mean = libm::exp((2.0 - rho) * ln_p) / (2.0 - rho);
        of_mean - of_label
    }

    fn with(self, parameter: f32) -> Option<Self> {
        let rho = (parameter > 1.0 && parameter < 2.0).then_some(parameter);
        rho.map(|rho| Self { rho: Some(rho) })
    }

    fn parameter(self) -> Option<f32> {
        self.rho
    }
}

#[inline(always)]
fn label_and_mean(row: Row<'_>) -> (f64, f64) {
    (row.label.into(), row.prediction[0].into())
}

/// Whether every label is 0 or 1, the numbers that are their own square. Counted and not searched, since labels come in
/// no order that a processor could guess.
#[inline(always)]
fn are_certain(labels: &[f32]) -> bool {
    let certain = labels.iter().filter(|&&label| label * label == label);
    certain.count() == labels.len()
}

/// The sum of the loglosses of rows whose labels are 0 or 1: minus the logarithm of the label's own probability.
#[inline(always)]
fn certain_logloss(predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> f64 {
    let mut losses = [0.0; BLOCK];
    let losses = &mut losses[..labels.len()];
    for ((loss, &p), &label) in losses.iter_mut().zip(predictions).zip(labels) {
        let p = f64::from(p);
        let own = if label == 1.0 { p } else { 1.0 - p };
        *loss = -ln(own.max(SMALLEST));
    }
    weighted_sum(losses, weights)
}

/// `y ln p`, 0 where y is 0.
fn times_log(y: f64, p: f64) -> f64 {
    if y == 0.0 {
        0.0
    } else {
        y * ln(p.max(SMALLEST))
    }
}

/// The logarithm of the gamma function for `x >= 1`, to about 1e-13 relative.
///
/// Recurrence up to 8, then Stirling's series. Source: Abramowitz and Stegun 6.1.15 and 6.1.41.
fn ln_gamma(mut x: f64) -> f64 {
    let mut product = 1.0;
    while x < 8.0 {
        product *= x;
        x += 1.0;
    }
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    let tail =
        1.0 / 1680.0 - square * (1.0 / 1188.0 - square * (691.0 / 360_360.0 - square / 156.0));
    let series =
        inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * tail)));
    let half_log_two_pi = 0.5 * (2.0 * std::f64::consts::PI).ln();
    (x - 0.5) * x.ln() - x + half_log_two_pi + series - f64::ln(product)
}

#[cfg(test)]
mod tests {
    use super::ln_gamma;

    #[test]
    fn ln_gamma_is_the_logarithm_of_the_factorial() {
        let mut log_factorial = 0.0_f64;
        for n in 1..200_u32 {
            log_factorial += f64::from(n).ln();
            let got = ln_gamma(f64::from(n) + 1.0);
            assert!(
                (got - log_factorial).abs() <= 1e-12 * log_factorial.max(1.0),
                "{n}: {got} {log_factorial}"
            );
        }
        assert!((ln_gamma(1.5) - (0.5 * std::f64::consts::PI.sqrt()).ln()).abs() < 1e-13);
    }
}
