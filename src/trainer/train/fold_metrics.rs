//! What the models of folds are worth: means and spreads of their metrics, and the part of the evaluation about them.
//!
//! Invariants: a metric's value is that of the model that is saved, not of the last round that was grown; all models have
//! the same metrics in the same order.

use contract::artifact::{
    CrossValidation, FoldMetric, FoldModel, MetricHistory, MetricSpread, ModelDigest,
};
use contract::hyperparameter::KFold;
use engine::booster::{Evaluation, Trained};

use super::folds::{FoldResult, Folded};
use super::report;

impl Folded {
    /// The part of the evaluation that is about folds.
    pub(super) fn cross_validation(
        &self,
        kfold: KFold,
        digests: Vec<ModelDigest>,
    ) -> CrossValidation {
        let model = |(number, (it, model)): (usize, (&FoldResult, ModelDigest))| FoldModel {
            repeat: number as u32 / kfold.n_folds,
            fold: number as u32 % kfold.n_folds,
            train_rows: it.train_rows as u64,
            held_out_rows: it.held_out_rows as u64,
            rounds: it.trained.booster.n_rounds() as u32,
            metrics: finals(&it.trained)
                .map(|(it, value)| FoldMetric {
                    data: it.data.to_string(),
                    metric: it.metric.to_string(),
                    value,
                })
                .collect(),
            model,
        };
        CrossValidation {
            folds: kfold.n_folds,
            repeats: kfold.n_repeats,
            metrics: spreads(&self.models),
            models: self
                .models
                .iter()
                .zip(digests)
                .enumerate()
                .map(model)
                .collect(),
        }
    }

    /// Means over the models, round by round as far as all of them go.
    pub(super) fn histories(&self) -> Vec<MetricHistory> {
        let n_rounds = self
            .models
            .iter()
            .map(|it| it.trained.history.len())
            .min()
            .unwrap_or(0);
        let spreads = spreads(&self.models);
        let history = |(idx, it): (usize, MetricSpread)| {
            let mean = |round: usize| {
                let values = self
                    .models
                    .iter()
                    .map(|it| it.trained.history[round][idx].value);
                values.sum::<f64>() / self.models.len() as f64
            };
            MetricHistory {
                data: it.data,
                metric: it.metric,
                maximize: it.maximize,
                final_value: it.mean,
                rounds: (0..n_rounds).map(mean).collect(),
            }
        };
        spreads.into_iter().enumerate().map(history).collect()
    }

    /// Rounds of the largest model.
    pub(super) fn n_rounds(&self) -> u32 {
        let rounds = self.models.iter().map(|it| it.trained.booster.n_rounds());
        rounds.max().unwrap_or(0) as u32
    }
}

/// Each metric of a model, with the value of what was saved.
fn finals(trained: &Trained) -> impl Iterator<Item = (&Evaluation, f64)> {
    trained.history.first().into_iter().flatten().map(|it| {
        let value = report::final_value(trained, &it.data, it.metric);
        (it, value.unwrap_or(f64::NAN))
    })
}

/// Mean and spread of each metric over models, in the order of the metric line.
pub(super) fn spreads(models: &[FoldResult]) -> Vec<MetricSpread> {
    let Some(first) = models.first() else {
        return Vec::new();
    };
    let n_models = models.len() as f64;
    let of_metric = |(idx, (it, _)): (usize, (&Evaluation, f64))| {
        let values: Vec<f64> = models
            .iter()
            .filter_map(|model| finals(&model.trained).nth(idx))
            .map(|(_, value)| value)
            .collect();
        let mean = values.iter().sum::<f64>() / n_models;
        let squares: f64 = values.iter().map(|it| (it - mean) * (it - mean)).sum();
        MetricSpread {
            data: it.data.to_string(),
            metric: it.metric.to_string(),
            maximize: it.metric.maximize(),
            mean,
            std: (squares / n_models).sqrt(),
        }
    };
    finals(&first.trained).enumerate().map(of_metric).collect()
}
