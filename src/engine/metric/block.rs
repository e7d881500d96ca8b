//! Means over rows, from sums of blocks.
//!
//! Invariant: partial sums are taken over blocks of [`BLOCK`] rows and added in order, so the value is the same for any
//! number of threads.

use super::Metric;
use super::row::{Counted, Judged};

/// XGBoost's block of rows.
pub(crate) const BLOCK: usize = 2048;

/// What [`BLOCK`] rows, or fewer, add to every metric.
#[derive(Clone, Debug)]
pub(crate) struct BlockSums {
    losses: Vec<f64>,
    weight: f64,
    n_rows: f64,
}

impl BlockSums {
    /// The sums of some rows, at most [`BLOCK`].
    #[inline(always)]
    pub(crate) fn of(metrics: &[Metric], rows: &Judged<'_>) -> Self {
        let mut losses = Vec::with_capacity(metrics.len());
        // Not a chain of iterators: its inner function would not be compiled for the processor at hand.
        for metric in metrics {
            losses.push(metric.sum(rows));
        }
        Self {
            losses,
            weight: rows.targets().total_weight(),
            n_rows: rows.n_rows() as f64,
        }
    }
}

/// The metrics' values from the sums of all blocks, in order; those that need all rows at once are NaN.
pub(crate) fn from_blocks(metrics: &[Metric], blocks: &[BlockSums]) -> Vec<f64> {
    if blocks.is_empty() {
        return vec![f64::NAN; metrics.len()];
    }
    let weight: f64 = blocks.iter().map(|block| block.weight).sum();
    let n_rows: f64 = blocks.iter().map(|block| block.n_rows).sum();
    let value = |(idx, &metric): (usize, &Metric)| {
        let loss: f64 = blocks.iter().map(|block| block.losses[idx]).sum();
        let total = match metric.counted() {
            Counted::ByWeight => weight,
            Counted::Once => n_rows,
        };
        metric.finish(if total == 0.0 { loss } else { loss / total })
    };
    metrics.iter().enumerate().map(value).collect()
}

/// The sum of losses, each times its weight.
#[inline(always)]
pub(super) fn weighted_sum(losses: &mut [f64], weights: Option<&[f32]>) -> f64 {
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
