//! `reg:logistic`, `binary:logistic` and `binary:logitraw`: one loss under three names, which differ in what they predict
//! and in what judges them.
//!
//! `binary:logitraw` predicts margins, and so XGBoost takes `base_score` as a margin; the mean of the labels is a poor one,
//! but it is XGBoost's, and the first trees make up for it.
//!
//! Source: XGBoost `src/objective/regression_loss.h`.

use crate::metric::Metric;

use super::link::{Link, sigmoid};
use super::loss::{Facts, Loss, MarginLoss, Start, Task};
use super::squared_error::REG_LOSS;
use super::{GradientPair, Objective};

/// The least hessian, as in XGBoost, so that a certain row still counts.
pub(super) const SMALLEST_HESS: f32 = 1e-16;

pub(super) struct RegLogistic;
pub(super) struct BinaryLogistic;
pub(super) struct Logitraw;

const FACTS: Facts = Facts {
    task: Task::Binary,
    link: Link::Logistic,
    start: Start::Mean,
    weighs_positives: true,
    document: REG_LOSS,
    ..Facts::NUMBER
};

impl Loss for RegLogistic {
    const FACTS: Facts = Facts {
        task: Task::Number,
        ..FACTS
    };

    fn default_metric(_: &Objective) -> Metric {
        Metric::Rmse
    }

    #[inline(always)]
    fn takes(label: f32, _: u32) -> bool {
        (0.0..=1.0).contains(&label)
    }

    fn allowed(_: u32) -> String {
        "label must be in [0,1] for logistic regression".to_owned()
    }
}

impl Loss for BinaryLogistic {
    const FACTS: Facts = FACTS;

    fn default_metric(_: &Objective) -> Metric {
        Metric::Logloss
    }

    #[inline(always)]
    fn takes(label: f32, num_class: u32) -> bool {
        RegLogistic::takes(label, num_class)
    }

    fn allowed(num_class: u32) -> String {
        RegLogistic::allowed(num_class)
    }
}

impl Loss for Logitraw {
    const FACTS: Facts = Facts {
        link: Link::Identity,
        ..FACTS
    };

    fn default_metric(_: &Objective) -> Metric {
        Metric::Logloss
    }

    #[inline(always)]
    fn takes(label: f32, num_class: u32) -> bool {
        RegLogistic::takes(label, num_class)
    }

    fn allowed(num_class: u32) -> String {
        RegLogistic::allowed(num_class)
    }
}

impl MarginLoss for RegLogistic {
    #[inline(always)]
    fn pair(_: &Objective, margin: f32, label: f32) -> GradientPair {
        let p = sigmoid(margin);
        GradientPair {
            grad: p - label,
            hess: (p * (1.0 - p)).max(SMALLEST_HESS),
        }
    }
}

impl MarginLoss for BinaryLogistic {
    #[inline(always)]
    fn pair(objective: &Objective, margin: f32, label: f32) -> GradientPair {
        RegLogistic::pair(objective, margin, label)
    }
}

impl MarginLoss for Logitraw {
    #[inline(always)]
    fn pair(objective: &Objective, margin: f32, label: f32) -> GradientPair {
        RegLogistic::pair(objective, margin, label)
    }
}
