//! `reg:absoluteerror`: the absolute difference. Its second derivative is 0, so a Newton step says nothing: trees split by
//! the gradients' signs, and leaves hold the medians of what is left of the labels.
//!
//! Source: XGBoost 3.2 `src/objective/regression_obj.cu`, `adaptive.cc`.

use crate::metric::Metric;

use super::loss::{Facts, Leaves, Loss, MarginLoss, Start};
use super::{GradientPair, Objective};

pub(super) struct AbsoluteError;

impl Loss for AbsoluteError {
    const FACTS: Facts = Facts {
        start: Start::Quantile,
        leaves: Leaves::Median,
        ..Facts::NUMBER
    };

    fn default_metric(_: &Objective) -> Metric {
        Metric::Mae
    }
}

impl MarginLoss for AbsoluteError {
    #[inline(always)]
    fn pair(_: &Objective, margin: f32, label: f32) -> GradientPair {
        let above = if margin > label { 1.0 } else { 0.0 };
        let below = if margin < label { 1.0 } else { 0.0 };
        GradientPair {
            grad: above - below,
            hess: 1.0,
        }
    }
}
