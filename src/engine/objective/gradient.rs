//! Gradients and hessians of the loss with respect to the margin.
//!
//! Invariant: a row's gradient pair is the loss's first and second derivative (an upper bound of the second for `multi:`),
//! times the row's weight, times `scale_pos_weight` where the label is 1. But for losses that need all rows it depends on
//! that row alone.

use crate::dataset::Targets;
use crate::threads::Threads;

use super::Objective;
use super::loss::{MarginLoss, Scores};

/// The first and second derivative of a row's loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GradientPair {
    /// First derivative.
    pub grad: f32,
    /// Second derivative, not negative.
    pub hess: f32,
}

impl Objective {
    /// Writes the gradient pairs of some rows; of all rows of a table where the objective compares rows.
    ///
    /// Shapes: `margins` and `pairs` are `(n_rows, n_groups)` row-major. Labels have passed [`Objective::check_target`].
    ///
    /// # Panics
    /// If the shapes do not agree.
    #[inline(always)]
    pub fn gradients(&self, margins: &[f32], targets: &Targets<'_>, pairs: &mut [GradientPair]) {
        let scores = Scores::of_margins(margins);
        self.gradients_on(scores, targets, pairs, &Threads::single());
    }

    /// As [`Objective::gradients`], from predictions where they are there, and on several threads where rows are compared.
    #[inline(always)]
    pub(crate) fn gradients_on(
        &self,
        scores: Scores<'_>,
        targets: &Targets<'_>,
        pairs: &mut [GradientPair],
        threads: &Threads,
    ) {
        let margins = scores.margins;
        assert_eq!(margins.len(), pairs.len(), "a margin has one gradient pair");
        assert_eq!(
            margins.len(),
            targets.labels().len() * self.n_groups(),
            "margins must be (n_rows, n_groups)"
        );
        self.fill(scores, targets, pairs, threads);
        self.weigh(targets, pairs);
    }

    #[inline(always)]
    pub(super) fn weigh(&self, targets: &Targets<'_>, pairs: &mut [GradientPair]) {
        let weights = targets.weights();
        let spw = self.positive_weight();
        if weights.is_none() && spw == 1.0 {
            return;
        }
        for (row, (pairs, &label)) in pairs
            .chunks_exact_mut(self.n_groups())
            .zip(targets.labels())
            .enumerate()
        {
            let factor = if label == 1.0 { spw } else { 1.0 };
            let weight = factor * weights.map_or(1.0, |weights| weights[row]);
            for pair in pairs {
                pair.grad *= weight;
                pair.hess *= weight;
            }
        }
    }

    /// The factor on the weight of rows with label 1.
    #[inline(always)]
    pub(crate) fn positive_weight(&self) -> f32 {
        if self.weighs_positives() {
            self.scale_pos_weight
        } else {
            1.0
        }
    }

    /// Whether `scale_pos_weight` means anything: XGBoost has none for counts and classes.
    pub(crate) fn weighs_positives(&self) -> bool {
        self.name.facts().weighs_positives
    }
}

/// The gradients of rows that have one margin each.
#[inline(always)]
pub(super) fn each<L: MarginLoss>(
    objective: &Objective,
    margins: &[f32],
    labels: &[f32],
    pairs: &mut [GradientPair],
) {
    let rows = margins.iter().zip(labels).zip(pairs.iter_mut());
    for ((&margin, &label), pair) in rows {
        *pair = L::pair(objective, margin, label);
    }
}
