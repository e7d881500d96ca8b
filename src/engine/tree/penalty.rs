//! What a node's sums are worth: its weight, and the loss that the weight saves.
//!
//! Invariant: a gain is rounded to `f32` as XGBoost does, so that ties fall alike.
//!
//! Source: XGBoost 3.0 `src/tree/param.h`; two formulas are those of XGBoost 3.4: a root with less hessian than
//! `min_child_weight` has a weight (0 up to 3.3), and `alpha` counts where `max_delta_step` limits a weight.

use super::split_categories::CategoryLimits;

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
    pub(crate) categories: CategoryLimits,
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
    pub(crate) fn gain(&self, grad: f64, hess: f64) -> f64 {
        if hess <= 0.0 {
            return 0.0;
        }
        if self.max_delta_step == 0.0 {
            return ratio(self.shrink(grad).powi(2), hess + self.lambda);
        }
        f64::from(self.saved(grad, hess, self.weight(grad, hess)))
    }

    /// Twice the loss that this weight saves, be it the best or not.
    pub(super) fn saved(&self, grad: f64, hess: f64, weight: f64) -> f32 {
        let lost = 2.0 * grad * weight
            + (hess + self.lambda) * weight * weight
            + 2.0 * self.alpha * weight.abs();
        -lost as f32
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
