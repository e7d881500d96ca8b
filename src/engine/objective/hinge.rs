//! `binary:hinge`: two classes by the margin's sign. Rows on the right side of 1 or -1 have no gradient.
//!
//! Source: XGBoost `src/objective/hinge.cu`, which checks no labels either.

use crate::metric::Metric;

use super::link::Link;
use super::loss::{Facts, Loss, MarginLoss, Task};
use super::{GradientPair, Objective};

pub(super) struct Hinge;

impl Loss for Hinge {
    const FACTS: Facts = Facts {
        task: Task::Binary,
        link: Link::Step,
        ..Facts::NUMBER
    };

    fn default_metric(_: &Objective) -> Metric {
        Metric::Error { threshold: None }
    }
}

impl MarginLoss for Hinge {
    #[inline(always)]
    fn pair(_: &Objective, margin: f32, label: f32) -> GradientPair {
        let side = label * 2.0 - 1.0;
        let is_short = margin * side < 1.0;
        GradientPair {
            grad: if is_short { -side } else { 0.0 },
            hess: if is_short { 1.0 } else { f32::MIN_POSITIVE },
        }
    }
}
