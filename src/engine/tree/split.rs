//! The best split of a node: every cut of every column, both directions for what is missing.
//!
//! Invariants: gains are XGBoost's (`gain(left) + gain(right) - gain(parent)`, no factor one half); a side's gain is
//! rounded to `f32` as XGBoost does, so that ties fall alike; of equal gains the lowest feature wins, then the lowest
//! bin, then "missing goes right".
//!
//! Source: XGBoost 3.0 `src/tree/hist/evaluate_splits.h`, `src/tree/param.h`; two formulas are those of XGBoost 3.4: a
//! root with less hessian than `min_child_weight` has a weight (0 up to 3.3), and `alpha` counts where `max_delta_step`
//! limits a weight.

use crate::bin::CODES;

use super::cell::Cell;
use super::histogram::{Histogram, Source};
use super::quantise::Scales;

/// A split must gain more than this.
const LEAST_GAIN: f32 = 1e-6;

/// What makes weights smaller and splits rarer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Penalty {
    pub(crate) lambda: f64,
    pub(crate) alpha: f64,
    /// Limit on the weight, 0 for none.
    pub(crate) max_delta_step: f64,
    /// `min_split_loss`.
    pub(crate) gamma: f32,
    pub(crate) min_child_weight: f64,
}

/// A split of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SplitEntry<C> {
    pub(crate) loss_change: f32,
    pub(crate) feature: u32,
    /// The last bin that goes left.
    pub(crate) bin: u16,
    pub(crate) default_left: bool,
    /// The sum of what goes left, missing values included where they do.
    pub(crate) left: C,
}

impl Penalty {
    /// The weight that minimises the node's loss, before the learning rate.
    pub(crate) fn weight(&self, grad: f64, hess: f64) -> f64 {
        if hess <= 0.0 {
            return 0.0;
        }
        let weight = -self.shrink(grad) / (hess + self.lambda);
        let limit = self.max_delta_step;
        if limit == 0.0 {
            weight
        } else {
            weight.clamp(-limit, limit)
        }
    }

    /// Twice the loss that the weight saves.
    fn gain(&self, grad: f64, hess: f64) -> f64 {
        if hess <= 0.0 {
            return 0.0;
        }
        if self.max_delta_step == 0.0 {
            return ratio(self.shrink(grad).powi(2), hess + self.lambda);
        }
        let weight = self.weight(grad, hess);
        let saved = 2.0 * grad * weight
            + (hess + self.lambda) * weight * weight
            + 2.0 * self.alpha * weight.abs();
        f64::from(-saved as f32)
    }

    /// The gradient, `alpha` nearer to 0.
    fn shrink(&self, grad: f64) -> f64 {
        if grad > self.alpha {
            grad - self.alpha
        } else if grad < -self.alpha {
            grad + self.alpha
        } else {
            0.0
        }
    }
}

/// A quotient as XGBoost rounds it, except where `f32` has no such number.
fn ratio(numerator: f64, denominator: f64) -> f64 {
    if numerator < f64::from(f32::MAX) && denominator > 1e-30 {
        f64::from(numerator as f32 / denominator as f32)
    } else {
        numerator / denominator
    }
}

/// Looks for the split of one node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a, C> {
    pub(crate) penalty: &'a Penalty,
    pub(crate) scales: Scales,
    pub(crate) total: C,
    parent_gain: f64,
    least_hess: i64,
}

impl<'a, C: Cell> Search<'a, C> {
    pub(crate) fn new(penalty: &'a Penalty, scales: Scales, total: C) -> Self {
        let parent_gain = penalty.gain(scales.grad(total.grad()), scales.hess(total.hess()));
        Self {
            penalty,
            scales,
            total,
            parent_gain,
            least_hess: scales.hess_units(penalty.min_child_weight),
        }
    }

    /// Whether the node has enough hessian for two children.
    pub(crate) fn is_worthwhile(&self) -> bool {
        self.total.hess() >= self.least_hess.saturating_mul(2)
    }

    /// The best split among the columns `columns` of `histogram`, `None` if none is good enough.
    pub(crate) fn best(
        &self,
        source: &Source<'_, C>,
        histogram: &Histogram<C>,
        columns: std::ops::Range<usize>,
    ) -> Option<SplitEntry<C>> {
        let mut best = None;
        for column in columns {
            let feature = source.columns[column];
            let n_bins = source.cuts.n_bins(feature as usize);
            self.scan(feature, histogram.column(column), n_bins, &mut best);
        }
        best
    }

    fn scan(
        &self,
        feature: u32,
        column: &[C; CODES],
        n_bins: usize,
        best: &mut Option<SplitEntry<C>>,
    ) {
        let bins = &column[..n_bins];
        let missing = column.get(n_bins).copied().unwrap_or_default();
        let mut left = C::default();
        for (bin, &cell) in bins.iter().enumerate() {
            left = left.plus(cell);
            if cell != C::default() {
                self.offer(
                    SplitEntry {
                        loss_change: 0.0,
                        feature,
                        bin: bin as u16,
                        default_left: false,
                        left,
                    },
                    best,
                );
            }
        }
        if missing == C::default() {
            return;
        }
        let mut right = C::default();
        for (bin, &cell) in bins.iter().enumerate().skip(1).rev() {
            right = right.plus(cell);
            if cell != C::default() {
                let bin = bin as u16 - 1;
                let left = self.total.minus(right);
                self.offer(
                    SplitEntry {
                        loss_change: 0.0,
                        feature,
                        bin,
                        default_left: true,
                        left,
                    },
                    best,
                );
            }
        }
    }

    /// Puts `entry` in the place of `best` if it gains more.
    #[inline]
    fn offer(&self, entry: SplitEntry<C>, best: &mut Option<SplitEntry<C>>) {
        let right = self.total.minus(entry.left);
        if entry.left.hess() < self.least_hess || right.hess() < self.least_hess {
            return;
        }
        let side = |sum: C| {
            self.penalty
                .gain(self.scales.grad(sum.grad()), self.scales.hess(sum.hess()))
        };
        let loss_change =
            (side(entry.left) + side(right) - self.parent_gain).min(f64::from(f32::MAX)) as f32;
        let enough = loss_change > LEAST_GAIN && loss_change >= self.penalty.gamma;
        if enough && best.is_none_or(|best| loss_change > best.loss_change) {
            *best = Some(SplitEntry {
                loss_change,
                ..entry
            });
        }
    }
}
