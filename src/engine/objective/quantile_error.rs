//! `reg:quantileerror`: quantiles of the label, one group for each level of `quantile_alpha`. As with the absolute error,
//! leaves hold quantiles of what is left of the labels.
//!
//! Source: XGBoost 3.2 `src/objective/quantile_obj.cu`, `adaptive.cc`.

use crate::dataset::Targets;
use crate::metric::Metric;

use super::loss::{Facts, Leaves, Loss, RowLoss, Scores, Start};
use super::{GradientPair, Objective, Setting};

pub(super) struct QuantileError;

impl Loss for QuantileError {
    const FACTS: Facts = Facts {
        start: Start::Quantile,
        leaves: Leaves::Quantile,
        document: &[("quantile_loss_param", &[Setting::QuantileAlpha])],
        ..Facts::NUMBER
    };

    fn default_metric(_: &Objective) -> Metric {
        Metric::Quantile
    }
}

impl RowLoss for QuantileError {
    #[inline(always)]
    fn gradients(
        objective: &Objective,
        scores: Scores<'_>,
        targets: &Targets<'_>,
        pairs: &mut [GradientPair],
    ) {
        let levels = &*objective.quantile_alpha;
        let rows = scores
            .margins
            .chunks_exact(levels.len())
            .zip(pairs.chunks_exact_mut(levels.len()));
        for ((margins, pairs), &label) in rows.zip(targets.labels()) {
            for ((&margin, pair), &level) in margins.iter().zip(pairs).zip(levels) {
                let grad = if margin >= label { 1.0 - level } else { -level };
                *pair = GradientPair { grad, hess: 1.0 };
            }
        }
    }
}
