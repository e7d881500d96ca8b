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

/// What the three have, but for what is said below.
const FACTS: Facts = Facts {
    task: Task::Binary,
    link: Link::Logistic,
    start: Start::Mean,
    weighs_positives: true,
    document: REG_LOSS,
    ..Facts::NUMBER
};

macro_rules! logistic_losses {
    ($($name:ident, $metric:ident, $facts:expr;)*) => {$(
        pub(super) struct $name;

        impl Loss for $name {
            const FACTS: Facts = $facts;

            fn default_metric(_: &Objective) -> Metric {
                Metric::$metric
            }

            #[inline(always)]
            fn takes(label: f32, _: u32) -> bool {
                (0.0..=1.0).contains(&label)
            }

            fn allowed(_: u32) -> String {
                "label must be in [0,1] for logistic regression".to_owned()
            }
        }

        impl MarginLoss for $name {
            #[inline(always)]
            fn pair(_: &Objective, margin: f32, label: f32) -> GradientPair {
                let p = sigmoid(margin);
                GradientPair {
                    grad: p - label,
                    hess: (p * (1.0 - p)).max(SMALLEST_HESS),
                }
            }
        }
    )*};
}

logistic_losses! {
    RegLogistic, Rmse, Facts { task: Task::Number, ..FACTS };
    BinaryLogistic, Logloss, FACTS;
    Logitraw, Logloss, Facts { link: Link::Identity, ..FACTS };
}
