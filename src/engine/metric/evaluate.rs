//! The metrics that are a weighted mean of a loss per row.
//!
//! Invariant: partial sums are taken over blocks of [`BLOCK`] rows and added in order, so the value is the same for any
//! number of threads.

use crate::threads::Threads;

use super::ln::ln;
use super::{Metric, auc};

/// Predictions above this are positive where `error` has no threshold of its own.
pub(super) const ERROR_THRESHOLD: f32 = 0.5;

/// XGBoost's block of rows.
const BLOCK: usize = 2048;

/// Below this a probability or mean counts as this, since its logarithm is asked for.
const SMALLEST: f64 = 1e-16;

impl Metric {
    /// The metric's value.
    ///
    /// Shapes: `predictions` is `(n_rows, n_groups)` row-major, after the objective's transform; `labels` and `weights`
    /// are `(n_rows,)`. No weights means that each row counts once. Where all weights are 0 the bare sum is returned,
    /// which is 0, as XGBoost does; AUC is NaN where a class is absent.
    ///
    /// # Panics
    /// If the shapes do not agree.
    pub fn evaluate(self, predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> f64 {
        let outputs = Outputs {
            values: predictions,
            transform: |_: &mut [f32]| {},
        };
        outputs.evaluate(&[self], labels, weights, &Threads::single())[0]
    }

    /// The weighted sum of the losses of some rows, fewer than [`BLOCK`].
    fn sum(self, predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> f64 {
        let n_groups = predictions.len() / labels.len();
        if matches!(self, Self::Logloss) && are_certain(labels) {
            return certain_logloss(predictions, labels, weights);
        }
        let rows = predictions.chunks_exact(n_groups).zip(labels);
        let losses = rows.map(|(prediction, &label)| self.row_loss(prediction, label));
        match weights {
            None => losses.sum(),
            Some(weights) => {
                let weighted = losses.zip(weights).map(|(loss, &w)| f64::from(w) * loss);
                weighted.sum()
            }
        }
    }

    /// The loss of one row; `prediction` is `(n_groups,)`.
    fn row_loss(self, prediction: &[f32], label: f32) -> f64 {
        let p = f64::from(prediction[0]);
        let y = f64::from(label);
        match self {
            Self::Rmse => (y - p) * (y - p),
            Self::Mae => (y - p).abs(),
            Self::Logloss => -(times_log(y, p) + times_log(1.0 - y, 1.0 - p)),
            Self::Error { threshold } => {
                let positive = prediction[0] > threshold.unwrap_or(ERROR_THRESHOLD);
                if positive { 1.0 - y } else { y }
            }
            Self::Merror => f64::from(argmax(prediction) != label as usize),
            Self::Mlogloss => -ln(f64::from(prediction[label as usize]).max(SMALLEST)),
            Self::PoissonNloglik => {
                let p = p.max(SMALLEST);
                ln_gamma(y + 1.0) + p - y * ln(p)
            }
            Self::Auc => f64::NAN,
        }
    }
}

/// What metrics read: numbers that `transform`, which takes whole rows, makes predictions of.
pub(crate) struct Outputs<'a, F> {
    /// `(n_rows, n_groups)` row-major.
    pub(crate) values: &'a [f32],
    pub(crate) transform: F,
}

impl<F: Fn(&mut [f32]) + Sync + Send> Outputs<'_, F> {
    /// The value of each metric. All of them read a block of rows while it is in the cache.
    pub(crate) fn evaluate(
        &self,
        metrics: &[Metric],
        labels: &[f32],
        weights: Option<&[f32]>,
        threads: &Threads,
    ) -> Vec<f64> {
        if labels.is_empty() {
            return vec![f64::NAN; metrics.len()];
        }
        assert_eq!(
            self.values.len() % labels.len(),
            0,
            "predictions must be (n_rows, n_groups)"
        );
        let n_groups = self.values.len() / labels.len();
        let firsts = (0..labels.len()).step_by(BLOCK).collect();
        let blocks = threads.map(firsts, |first| {
            let rows = first..labels.len().min(first + BLOCK);
            let mut predictions = self.values[rows.start * n_groups..rows.end * n_groups].to_vec();
            (self.transform)(&mut predictions);
            let labels = &labels[rows.clone()];
            let weights = weights.map(|weights| &weights[rows]);
            let sum = |metric: &Metric| metric.sum(&predictions, labels, weights);
            let sums: Vec<f64> = metrics.iter().map(sum).collect();
            let weight = weights.map_or(labels.len() as f64, |weights| {
                weights.iter().map(|&w| f64::from(w)).sum()
            });
            (sums, weight)
        });
        let weight: f64 = blocks.iter().map(|(_, weight)| weight).sum();
        let value = |(idx, &metric): (usize, &Metric)| {
            if matches!(metric, Metric::Auc) {
                let mut predictions = self.values.to_vec();
                let parts = predictions.chunks_mut(BLOCK * n_groups).collect();
                threads.for_each(parts, |part: &mut [f32]| (self.transform)(part));
                return auc::auc(&predictions, labels, weights, n_groups);
            }
            let loss: f64 = blocks.iter().map(|(sums, _)| sums[idx]).sum();
            let mean = if weight == 0.0 { loss } else { loss / weight };
            if matches!(metric, Metric::Rmse) {
                mean.sqrt()
            } else {
                mean
            }
        };
        metrics.iter().enumerate().map(value).collect()
    }
}

/// Whether every label is 0 or 1, the numbers that are their own square. Counted and not searched, since labels come in
/// no order that a processor could guess.
fn are_certain(labels: &[f32]) -> bool {
    let certain = labels.iter().filter(|&&label| label * label == label);
    certain.count() == labels.len()
}

/// The sum of the loglosses of rows whose labels are 0 or 1: minus the logarithm of the label's own probability.
fn certain_logloss(predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> f64 {
    let mut losses = [0.0; BLOCK];
    let losses = &mut losses[..labels.len()];
    for ((loss, &p), &label) in losses.iter_mut().zip(predictions).zip(labels) {
        let p = f64::from(p);
        let own = if label == 1.0 { p } else { 1.0 - p };
        *loss = -ln(own.max(SMALLEST));
    }
    match weights {
        None => losses.iter().sum(),
        Some(weights) => {
            let weighted = losses.iter().zip(weights).map(|(l, &w)| f64::from(w) * l);
            weighted.sum()
        }
    }
}

/// The index of the largest value, the first of equal ones.
pub(crate) fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (idx, &value) in values.iter().enumerate() {
        if value > values[best] {
            best = idx;
        }
    }
    best
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
