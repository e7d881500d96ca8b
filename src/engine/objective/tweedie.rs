//! `reg:tweedie`: sums of a random count of positive numbers, such as claims of an insurance; the variance is the mean to
//! the power of `tweedie_variance_power`.
//!
//! Source: XGBoost `src/objective/regression_obj.cu`.

use crate::metric::Metric;

use super::exp::exp;
use super::link::Link;
use super::loss::{Facts, Loss, MarginLoss, Rate, Start};
use super::{GradientPair, Objective, Setting};

pub(super) struct Tweedie;

impl Loss for Tweedie {
    const FACTS: Facts = Facts {
        link: Link::Exponential,
        start: Start::Mean,
        rate: Some(Rate::Tweedie),
        document: &[("tweedie_regression_param", &[Setting::TweedieVariancePower])],
        ..Facts::NUMBER
    };

    fn default_metric(objective: &Objective) -> Metric {
        Metric::TweedieNloglik {
            rho: Some(objective.tweedie_variance_power),
        }
    }

    #[inline(always)]
    fn takes(label: f32, _: u32) -> bool {
        label >= 0.0 && label.is_finite()
    }

    fn allowed(_: u32) -> String {
        "TweedieRegression: label must be nonnegative".to_owned()
    }
}

impl MarginLoss for Tweedie {
    #[inline(always)]
    fn pair(objective: &Objective, margin: f32, label: f32) -> GradientPair {
        let rho = objective.tweedie_variance_power;
        let (one, two) = (1.0 - rho, 2.0 - rho);
        let (of_label, of_mean) = (label * exp(one * margin), exp(two * margin));
        GradientPair {
            grad: of_mean - of_label,
            hess: two * of_mean - one * of_label,
        }
    }
}
