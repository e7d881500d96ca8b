//! Gradients and hessians of the loss with respect to the margin.
//!
//! Invariant: a row's gradient pair depends on that row alone; it is the loss's first and second derivative (an upper
//! bound of the second for `multi:`), times the row's weight, times `scale_pos_weight` where the label is 1.
//!
//! Source: XGBoost 3.0 `src/objective/regression_loss.h`, `multiclass_obj.cu`.

use super::exp::exp;
use super::{Objective, ObjectiveName, sigmoid, softmax};

/// The least hessian, as in XGBoost, so that a certain row still counts.
const SMALLEST_HESS: f32 = 1e-16;

/// The first and second derivative of a row's loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GradientPair {
    /// First derivative.
    pub grad: f32,
    /// Second derivative, not negative.
    pub hess: f32,
}

impl Objective {
    /// Writes the gradient pairs of some rows.
    ///
    /// Shapes: `margins` and `pairs` are `(n_rows, n_groups)` row-major, `labels` and `weights` `(n_rows,)`. Labels have
    /// passed [`ObjectiveName::check_label`].
    ///
    /// # Panics
    /// If the shapes do not agree.
    #[inline(always)]
    pub fn gradients(
        &self,
        margins: &[f32],
        labels: &[f32],
        weights: Option<&[f32]>,
        pairs: &mut [GradientPair],
    ) {
        assert_eq!(margins.len(), pairs.len(), "a margin has one gradient pair");
        assert_eq!(
            margins.len(),
            labels.len() * self.n_groups(),
            "margins must be (n_rows, n_groups)"
        );
        let rows = margins.iter().zip(labels).zip(pairs.iter_mut());
        match self.name {
            ObjectiveName::RegSquaredError => {
                for ((&margin, &label), pair) in rows {
                    *pair = GradientPair {
                        grad: margin - label,
                        hess: 1.0,
                    };
                }
            }
            ObjectiveName::RegLogistic | ObjectiveName::BinaryLogistic => {
                for ((&margin, &label), pair) in rows {
                    let p = sigmoid(margin);
                    *pair = GradientPair {
                        grad: p - label,
                        hess: (p * (1.0 - p)).max(SMALLEST_HESS),
                    };
                }
            }
            ObjectiveName::CountPoisson => {
                for ((&margin, &label), pair) in rows {
                    let hess = exp(margin + self.max_delta_step);
                    *pair = GradientPair {
                        grad: exp(margin) - label,
                        hess,
                    };
                }
            }
            ObjectiveName::MultiSoftmax | ObjectiveName::MultiSoftprob => {
                softmax_gradients(self.n_groups(), margins, labels, pairs);
            }
        }
        self.weigh(labels, weights, pairs);
    }

    #[inline(always)]
    fn weigh(&self, labels: &[f32], weights: Option<&[f32]>, pairs: &mut [GradientPair]) {
        let spw = if self.has_positives() {
            self.scale_pos_weight
        } else {
            1.0
        };
        if weights.is_none() && spw == 1.0 {
            return;
        }
        for (row, (pairs, &label)) in pairs
            .chunks_exact_mut(self.n_groups())
            .zip(labels)
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

    /// Whether `scale_pos_weight` means anything: XGBoost has none for counts and classes.
    pub(crate) fn has_positives(&self) -> bool {
        match self.name {
            ObjectiveName::RegSquaredError
            | ObjectiveName::RegLogistic
            | ObjectiveName::BinaryLogistic => true,
            ObjectiveName::CountPoisson
            | ObjectiveName::MultiSoftmax
            | ObjectiveName::MultiSoftprob => false,
        }
    }
}

#[inline(always)]
fn softmax_gradients(n_groups: usize, margins: &[f32], labels: &[f32], pairs: &mut [GradientPair]) {
    let mut probabilities = vec![0.0; n_groups];
    let rows = margins
        .chunks_exact(n_groups)
        .zip(pairs.chunks_exact_mut(n_groups));
    for ((margins, pairs), &label) in rows.zip(labels) {
        probabilities.copy_from_slice(margins);
        softmax(&mut probabilities);
        for (group, (pair, &p)) in pairs.iter_mut().zip(&probabilities).enumerate() {
            let hit = if group == label as usize { 1.0 } else { 0.0 };
            *pair = GradientPair {
                grad: p - hit,
                hess: (2.0 * p * (1.0 - p)).max(SMALLEST_HESS),
            };
        }
    }
}
