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
pub(crate) const BLOCK: usize = 2048;

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
        if labels.is_empty() {
            return f64::NAN;
        }
        assert_eq!(
            predictions.len() % labels.len(),
            0,
            "predictions must be (n_rows, n_groups)"
        );
        let n_groups = predictions.len() / labels.len();
        if matches!(self, Self::Auc) {
            return auc::auc(predictions, labels, weights, n_groups, &Threads::single());
        }
        let blocks = labels
            .chunks(BLOCK)
            .zip(predictions.chunks(BLOCK * n_groups))
            .enumerate();
        let sums = blocks.map(|(block, (labels, predictions))| {
            let weights = weights.map(|weights| &weights[block * BLOCK..][..labels.len()]);
            BlockSums::of(&[self], predictions, labels, weights)
        });
        from_blocks(&[self], &sums.collect::<Vec<_>>())[0]
    }

    /// The weighted sum of the losses of some rows, at most [`BLOCK`].
    #[inline(always)]
    fn sum(self, predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> f64 {
        let n_groups = predictions.len() / labels.len();
        if matches!(self, Self::Logloss) && are_certain(labels) {
            return certain_logloss(predictions, labels, weights);
        }
        let mut losses = [0.0; BLOCK];
        let losses = &mut losses[..labels.len()];
        for (row, (loss, &label)) in losses.iter_mut().zip(labels).enumerate() {
            *loss = self.row_loss(&predictions[row * n_groups..][..n_groups], label);
        }
        weighted_sum(losses, weights)
    }

    /// The loss of one row; `prediction` is `(n_groups,)`.
    #[inline(always)]
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

/// What [`BLOCK`] rows, or fewer, add to every metric.
#[derive(Clone, Debug)]
pub(crate) struct BlockSums {
    losses: Vec<f64>,
    weight: f64,
}

impl BlockSums {
    /// The sums of some rows, at most [`BLOCK`]; `predictions` is `(n_rows, n_groups)`, after the transform.
    #[inline(always)]
    pub(crate) fn of(
        metrics: &[Metric],
        predictions: &[f32],
        labels: &[f32],
        weights: Option<&[f32]>,
    ) -> Self {
        let mut losses = Vec::with_capacity(metrics.len());
        // Not a chain of iterators: its inner function would not be compiled for the processor at hand.
        for metric in metrics {
            losses.push(metric.sum(predictions, labels, weights));
        }
        let weight = weights.map_or(labels.len() as f64, |weights| {
            weights.iter().map(|&w| f64::from(w)).sum()
        });
        Self { losses, weight }
    }
}

/// The metrics' values from the sums of all blocks, in order. AUC has no such sums and stays NaN.
pub(crate) fn from_blocks(metrics: &[Metric], blocks: &[BlockSums]) -> Vec<f64> {
    if blocks.is_empty() {
        return vec![f64::NAN; metrics.len()];
    }
    let weight: f64 = blocks.iter().map(|block| block.weight).sum();
    let value = |(idx, &metric): (usize, &Metric)| {
        let loss: f64 = blocks.iter().map(|block| block.losses[idx]).sum();
        let mean = if weight == 0.0 { loss } else { loss / weight };
        match metric {
            Metric::Auc => f64::NAN,
            Metric::Rmse => mean.sqrt(),
            Metric::Mae
            | Metric::Logloss
            | Metric::Error { .. }
            | Metric::Merror
            | Metric::Mlogloss
            | Metric::PoissonNloglik => mean,
        }
    };
    metrics.iter().enumerate().map(value).collect()
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

/// The sum of losses, each times its weight.
#[inline(always)]
fn weighted_sum(losses: &mut [f64], weights: Option<&[f32]>) -> f64 {
    if let Some(weights) = weights {
        for (loss, &weight) in losses.iter_mut().zip(weights) {
            *loss *= f64::from(weight);
        }
    }
    sum_in_lanes(losses)
}

/// A sum in several lanes, which is a fixed order too, and one that a processor need not wait for.
#[inline(always)]
fn sum_in_lanes(values: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut lanes = [0.0; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for values in whole {
        for (lane, value) in lanes.iter_mut().zip(values) {
            *lane += value;
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += value;
    }
    let mut sum = 0.0;
    for lane in lanes {
        sum += lane;
    }
    sum
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
