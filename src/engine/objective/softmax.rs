//! `multi:softmax` and `multi:softprob`: several classes, a group each. The hessian is twice the second derivative, which
//! bounds what a step in one class does to the others.
//!
//! Source: XGBoost `src/objective/multiclass_obj.cu`.

use crate::dataset::Targets;
use crate::metric::Metric;

use super::link::{Link, softmax};
use super::logistic::SMALLEST_HESS;
use super::loss::{Facts, Loss, RowLoss, Scores, Start, Task};
use super::{GradientPair, Objective, Setting};

pub(super) struct Softmax;

impl Loss for Softmax {
    const FACTS: Facts = Facts {
        task: Task::Classes,
        link: Link::Softmax,
        start: Start::Half,
        document: &[("softmax_multiclass_param", &[Setting::NumClass])],
        ..Facts::NUMBER
    };

    fn default_metric(_: &Objective) -> Metric {
        Metric::Mlogloss
    }

    #[inline(always)]
    fn takes(label: f32, num_class: u32) -> bool {
        label >= 0.0 && label < num_class as f32 && label.fract() == 0.0
    }

    fn allowed(num_class: u32) -> String {
        format!(
            "SoftmaxMultiClassObj: label must be in [0, num_class), a whole number below {num_class}"
        )
    }
}

impl RowLoss for Softmax {
    #[inline(always)]
    fn gradients(
        objective: &Objective,
        scores: Scores<'_>,
        targets: &Targets<'_>,
        pairs: &mut [GradientPair],
    ) {
        let n_groups = objective.n_groups();
        let mut own = Vec::new();
        let probabilities = if let Some(probabilities) = scores.predictions {
            probabilities
        } else {
            own.extend_from_slice(scores.margins);
            softmax(&mut own, n_groups);
            &own
        };
        for (pair, &p) in pairs.iter_mut().zip(probabilities) {
            *pair = GradientPair {
                grad: p,
                hess: (2.0 * p * (1.0 - p)).max(SMALLEST_HESS),
            };
        }
        for (pairs, &label) in pairs.chunks_exact_mut(n_groups).zip(targets.labels()) {
            pairs[label as usize].grad -= 1.0;
        }
    }
}
