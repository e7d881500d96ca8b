//! `count:poisson`: counts, with a logarithmic link. The hessian is that of a margin larger by `max_delta_step`, which
//! keeps steps small.
//!
//! Source: XGBoost `src/objective/regression_obj.cu`.

use crate::metric::Metric;

use super::exp::exp;
use super::link::Link;
use super::loss::{Facts, Loss, MarginLoss, Rate, Start};
use super::{GradientPair, Objective, Setting};

pub(super) struct Poisson;

impl Loss for Poisson {
    const FACTS: Facts = Facts {
        link: Link::Exponential,
        start: Start::Mean,
        rate: Some(Rate::Poisson),
        document: &[("poisson_regression_param", &[Setting::MaxDeltaStep])],
        ..Facts::NUMBER
    };

    fn default_metric(_: &Objective) -> Metric {
        Metric::PoissonNloglik
    }

    #[inline(always)]
    fn takes(label: f32, _: u32) -> bool {
        label >= 0.0 && label.is_finite()
    }

    fn allowed(_: u32) -> String {
        "PoissonRegression: label must be nonnegative".to_owned()
    }
}

impl MarginLoss for Poisson {
    #[inline(always)]
    fn pair(objective: &Objective, margin: f32, label: f32) -> GradientPair {
        GradientPair {
            grad: exp(margin) - label,
            hess: exp(margin + objective.max_delta_step),
        }
    }
}
