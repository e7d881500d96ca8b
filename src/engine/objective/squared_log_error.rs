//! `reg:squaredlogerror`: half the squared difference of the logarithms of one more.
//!
//! XGBoost from 3.0 on writes no parameters for it; up to 2.1 it asks for `reg_loss_param`, so that is written.
//!
//! Source: XGBoost `src/objective/regression_loss.h`.

use crate::metric::{Metric, ln};

use super::loss::{Facts, Loss, MarginLoss};
use super::squared_error::REG_LOSS;
use super::{GradientPair, Objective};

/// Margins count as no less, since the logarithm of one more is asked for.
const LEAST_MARGIN: f32 = -1.0 + 1e-6;

/// The least hessian.
const SMALLEST_HESS: f32 = 1e-6;

pub(super) struct SquaredLogError;

impl Loss for SquaredLogError {
    const FACTS: Facts = Facts {
        document: REG_LOSS,
        ..Facts::NUMBER
    };

    fn default_metric(_: &Objective) -> Metric {
        Metric::Rmsle
    }

    #[inline(always)]
    fn takes(label: f32, _: u32) -> bool {
        label > -1.0 && label.is_finite()
    }

    fn allowed(_: u32) -> String {
        "label must be greater than -1 for rmsle so that log(label + 1) can be valid".to_owned()
    }
}

impl MarginLoss for SquaredLogError {
    #[inline(always)]
    fn pair(_: &Objective, margin: f32, label: f32) -> GradientPair {
        let one_more = 1.0 + f64::from(margin.max(LEAST_MARGIN));
        let difference = ln(one_more) - ln(1.0 + f64::from(label));
        let hess = (1.0 - difference) / (one_more * one_more);
        GradientPair {
            grad: (difference / one_more) as f32,
            hess: (hess as f32).max(SMALLEST_HESS),
        }
    }
}
