//! `reg:squarederror`: half the squared difference.
//!
//! Source: XGBoost `src/objective/regression_loss.h`.

use crate::metric::Metric;

use super::loss::{Facts, Loss, MarginLoss, Start};
use super::{GradientPair, Objective, Setting};

/// The group that XGBoost writes for losses with `scale_pos_weight`.
pub(super) const REG_LOSS: &[(&str, &[Setting])] =
    &[("reg_loss_param", &[Setting::ScalePosWeight])];

pub(super) struct SquaredError;

impl Loss for SquaredError {
    const FACTS: Facts = Facts {
        start: Start::Mean,
        weighs_positives: true,
        document: REG_LOSS,
        ..Facts::NUMBER
    };

    fn default_metric(_: &Objective) -> Metric {
        Metric::Rmse
    }
}

impl MarginLoss for SquaredError {
    #[inline(always)]
    fn pair(_: &Objective, margin: f32, label: f32) -> GradientPair {
        GradientPair {
            grad: margin - label,
            hess: 1.0,
        }
    }
}
