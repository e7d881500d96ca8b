//! `reg:pseudohubererror`: squared near the label, absolute far from it; `huber_slope` says where it turns.
//!
//! Source: XGBoost `src/objective/regression_obj.cu`.

use crate::metric::Metric;

use super::loss::{Facts, Loss, MarginLoss};
use super::{GradientPair, Objective, Setting};

pub(super) struct PseudoHuber;

impl Loss for PseudoHuber {
    const FACTS: Facts = Facts {
        document: &[("pseudo_huber_param", &[Setting::HuberSlope])],
        ..Facts::NUMBER
    };

    fn default_metric(_: &Objective) -> Metric {
        Metric::Mphe
    }
}

impl MarginLoss for PseudoHuber {
    #[inline(always)]
    fn pair(objective: &Objective, margin: f32, label: f32) -> GradientPair {
        let square = objective.huber_slope * objective.huber_slope;
        let z = margin - label;
        let root = (1.0 + z * z / square).sqrt();
        GradientPair {
            grad: z / root,
            hess: square / ((square + z * z) * root),
        }
    }
}
