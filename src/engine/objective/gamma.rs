//! `reg:gamma`: positive numbers of a gamma distribution, with a logarithmic link.
//!
//! Source: XGBoost `src/objective/regression_loss.h`.

use crate::metric::Metric;

use super::exp::exp;
use super::link::Link;
use super::loss::{Facts, Loss, MarginLoss, Rate, Start};
use super::squared_error::REG_LOSS;
use super::{GradientPair, Objective};

pub(super) struct Gamma;

impl Loss for Gamma {
    const FACTS: Facts = Facts {
        link: Link::Exponential,
        start: Start::Mean,
        rate: Some(Rate::Gamma),
        weighs_positives: true,
        document: REG_LOSS,
        ..Facts::NUMBER
    };

    fn default_metric(_: &Objective) -> Metric {
        Metric::GammaDeviance
    }

    #[inline(always)]
    fn takes(label: f32, _: u32) -> bool {
        label > 0.0 && label.is_finite()
    }

    fn allowed(_: u32) -> String {
        "label must be positive for gamma regression".to_owned()
    }
}

impl MarginLoss for Gamma {
    #[inline(always)]
    fn pair(_: &Objective, margin: f32, label: f32) -> GradientPair {
        let share = label / exp(margin);
        GradientPair {
            grad: 1.0 - share,
            hess: share,
        }
    }
}
