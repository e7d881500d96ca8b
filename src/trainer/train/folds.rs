//! Cross-validation inside a job: a model for each fold, what it is worth on the rows that it has not seen, and what it
//! predicts for them.
//!
//! Files and lines are the built-in algorithm's: models `xgboost-model-0`, `-1` and so on, `predictions.csv` with a line a
//! row of both channels, and after each repetition a line of means. Two things differ, since the original is wrong there:
//! folds follow from `seed`, and `validation` is what is held out of a fold, not a channel whose rows the model has seen.
//!
//! Invariant: bins are cut once, from all rows; labels and weights of held-out rows play no part in their fold's model.
//!
//! Source: sagemaker-xgboost-container, `algorithm_mode/train.py`, `prediction_utils.py`.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use contract::artifact::{
    CrossValidation, FoldMetric, FoldModel, MetricHistory, MetricSpread, ModelDigest,
};
use contract::channel::{TRAIN, VALIDATION};
use contract::hyperparameter::KFold;
use engine::bin::BinnedDataset;
use engine::booster::{self, Evaluation, NamedData, Trained};
use engine::dataset::{Fold, FoldPlan, Strata};
use engine::objective::Task;

use super::artifacts::Artifacts;
use super::rounds::{Rounds, is_stopped};
use super::{Learning, report};
use crate::error::TrainerError;

/// What the folds gave.
pub(super) struct Folded {
    pub(super) models: Vec<FoldResult>,
    /// Whether the job was stopped; then there are fewer models than folds.
    pub(super) stopped: bool,
    pub(super) took: Duration,
    predictions: Predictions,
}

/// A fold's model.
pub(super) struct FoldResult {
    pub(super) trained: Trained,
    train_rows: usize,
    held_out_rows: usize,
}

/// How the folds are trained.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) learning: Learning<'a>,
    pub(super) kfold: KFold,
}

impl Setting<'_> {
    /// Trains a model for each fold.
    pub(super) fn run(
        &self,
        data: &BinnedDataset,
        rounds: &mut Rounds<'_>,
    ) -> Result<Folded, TrainerError> {
        let start = Instant::now();
        let KFold { n_folds, n_repeats } = self.kfold;
        tracing::info!(
            "Run {n_repeats}-round of {n_folds}-fold cross validation with {} rows",
            data.n_rows()
        );
        let folds = self.folds(data)?;
        let mut folded = Folded {
            models: Vec::with_capacity(folds.len()),
            stopped: false,
            took: Duration::ZERO,
            predictions: Predictions::new(data.n_rows(), self.n_numbers()),
        };
        for (number, fold) in folds.iter().enumerate() {
            let number_in_repeat = number % n_folds as usize;
            tracing::info!("Train cross validation fold {}", number_in_repeat + 1);
            rounds.begin_fold(number);
            let held_out = data.select(&fold.held_out, self.learning.threads);
            let trained = self.train(data, fold, &held_out, rounds)?;
            if let Some(err) = rounds.failed.take() {
                return Err(err);
            }
            folded.stopped = is_stopped(&trained, self.learning.params.num_round());
            self.predict(&trained, fold, &held_out, &mut folded.predictions)?;
            folded.models.push(FoldResult {
                train_rows: fold.train.len(),
                held_out_rows: fold.held_out.len(),
                trained,
            });
            if folded.stopped {
                break;
            }
            if number_in_repeat + 1 == n_folds as usize {
                let repeat = number / n_folds as usize + 1;
                tracing::info!("The metrics of round {repeat} cross validation");
                self.print_means(&folded.models[number + 1 - n_folds as usize..], rounds)?;
            }
        }
        if n_repeats > 1 && !folded.stopped {
            tracing::info!("The overall metrics of {n_repeats}-round cross validation");
            self.print_means(&folded.models, rounds)?;
        }
        folded.took = start.elapsed();
        Ok(folded)
    }

    fn folds(&self, data: &BinnedDataset) -> Result<Vec<Fold>, TrainerError> {
        let plan = FoldPlan {
            n_folds: self.kfold.n_folds,
            n_repeats: self.kfold.n_repeats,
            seed: self.learning.params.seed(),
            strata: if self.classifies() {
                Strata::Labels
            } else {
                Strata::None
            },
        };
        Ok(plan.folds(data.labels(), data.group_ptr())?)
    }

    /// Whether labels are classes, as the built-in algorithm tells.
    pub(super) fn classifies(&self) -> bool {
        matches!(
            self.learning.job.hyperparameters.objective.task(),
            Task::Binary | Task::Classes
        )
    }

    /// Numbers that are predicted for a row: one for each level of a quantile.
    fn n_numbers(&self) -> usize {
        let objective = self.learning.params.full_objective();
        if self.classifies() {
            1
        } else {
            objective.n_groups()
        }
    }

    fn train(
        &self,
        data: &BinnedDataset,
        fold: &Fold,
        held_out: &BinnedDataset,
        rounds: &mut Rounds<'_>,
    ) -> Result<Trained, TrainerError> {
        let train = data.select(&fold.train, self.learning.threads);
        let named = |name, data| NamedData { name, data };
        let mut trained = booster::train(
            self.learning.params,
            &named(TRAIN, &train),
            &[named(VALIDATION, held_out)],
            None,
            rounds,
        )?;
        let names = &self.learning.job.hyperparameters.feature_names;
        trained.booster.feature_names.clone_from(names);
        Ok(trained)
    }

    fn predict(
        &self,
        trained: &Trained,
        fold: &Fold,
        held_out: &BinnedDataset,
        predictions: &mut Predictions,
    ) -> Result<(), TrainerError> {
        let booster = &trained.booster;
        let mut of_rows = booster.predict_margin_binned(held_out, self.learning.threads)?;
        booster.objective.transform(&mut of_rows);
        let n_groups = booster.n_groups();
        for (&row, outputs) in fold.held_out.iter().zip(of_rows.chunks_exact(n_groups)) {
            let predicted = &mut predictions.of_rows[row as usize];
            match (self.classifies(), outputs) {
                (false, outputs) => {
                    predicted.extend(outputs.iter().map(|&it| Predicted::number(it)));
                }
                (true, &[value]) => predicted.push(Predicted {
                    value,
                    class: u32::from(booster.objective.is_positive(value)),
                }),
                (true, outputs) => predicted.push(Predicted::likeliest(outputs)),
            }
        }
        Ok(())
    }

    /// Prints the built-in algorithm's line: the number of rounds, and for each metric the means of the saved models.
    fn print_means(
        &self,
        models: &[FoldResult],
        rounds: &mut Rounds<'_>,
    ) -> Result<(), TrainerError> {
        let spreads = spreads(models);
        for it in spreads.iter().filter(|it| it.data == VALIDATION) {
            let n_models = models.len();
            tracing::info!(
                "{}-{} of {n_models} models: mean {:.5}, standard deviation {:.5}",
                it.data,
                it.metric,
                it.mean,
                it.std
            );
        }
        let mut by_metric: Vec<&MetricSpread> = Vec::new();
        for it in spreads.iter().filter(|it| it.data == TRAIN) {
            by_metric.push(it);
            by_metric.extend(
                spreads
                    .iter()
                    .find(|other| other.data == VALIDATION && other.metric == it.metric),
            );
        }
        let values: Vec<_> = by_metric
            .iter()
            .map(|it| (&it.data, &it.metric, it.mean))
            .collect();
        rounds.print_line(self.learning.params.num_round(), &values)
    }
}

impl Folded {
    /// Writes the models, and says what was written.
    pub(super) fn save_models(
        &self,
        artifacts: &Artifacts<'_>,
    ) -> Result<Vec<ModelDigest>, TrainerError> {
        let models = self.models.iter().enumerate();
        models
            .map(|(number, it)| artifacts.of_fold(number).model(&it.trained.booster))
            .collect()
    }

    /// Writes the predictions of the held-out rows, with `labels` before them.
    pub(super) fn save_predictions(
        &self,
        artifacts: &Artifacts<'_>,
        labels: &[f32],
        classifies: bool,
    ) -> Result<(), TrainerError> {
        tracing::info!(
            "Storing predictions on validation set(s) in {}",
            artifacts.root.predictions_file().display()
        );
        artifacts.predictions(&self.predictions.lines(labels, classifies))
    }

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
fn spreads(models: &[FoldResult]) -> Vec<MetricSpread> {
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

/// What a row was predicted to be while it was held out.
#[derive(Clone, Copy, Debug)]
struct Predicted {
    /// The number, or the probability: of class 1 of two, of the likeliest of several.
    value: f32,
    class: u32,
}

impl Predicted {
    fn number(value: f32) -> Self {
        Self { value, class: 0 }
    }

    /// The first of the most probable classes.
    fn likeliest(probabilities: &[f32]) -> Self {
        let first = Self {
            value: f32::NEG_INFINITY,
            class: 0,
        };
        (0..)
            .zip(probabilities)
            .fold(first, |best, (class, &value)| {
                if value > best.value {
                    Self { value, class }
                } else {
                    best
                }
            })
    }
}

/// The predictions of each row, repetition after repetition.
struct Predictions {
    of_rows: Vec<Vec<Predicted>>,
    /// Numbers that each repetition predicts for a row.
    n_numbers: usize,
}

impl Predictions {
    fn new(n_rows: usize, n_numbers: usize) -> Self {
        Self {
            of_rows: vec![Vec::new(); n_rows],
            n_numbers,
        }
    }

    /// A line a row: the label, the mean of each number and, of classes, the one that was predicted most often.
    fn lines(&self, labels: &[f32], classifies: bool) -> String {
        let mut lines = String::new();
        for (label, predicted) in labels.iter().zip(&self.of_rows) {
            let n_repeats = (predicted.len() / self.n_numbers) as f64;
            let mean = |number: usize| {
                let values = predicted.iter().skip(number).step_by(self.n_numbers);
                values.map(|it| f64::from(it.value)).sum::<f64>() / n_repeats
            };
            let means = (0..self.n_numbers).map(|it| format!(",{:.6}", mean(it)));
            let means: String = means.collect();
            let class = if classifies {
                format!(",{:.6}", f64::from(mode(predicted)))
            } else {
                String::new()
            };
            writeln!(lines, "{:.6}{means}{class}", f64::from(*label))
                .expect("writing to a string does not fail");
        }
        lines
    }
}

/// The smallest of the most frequent classes.
fn mode(predicted: &[Predicted]) -> u32 {
    let n_like = |class: u32| predicted.iter().filter(|it| it.class == class).count();
    let best = predicted
        .iter()
        .map(|it| it.class)
        .max_by(|&a, &b| n_like(a).cmp(&n_like(b)).then(b.cmp(&a)));
    best.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_gets_the_mean_and_the_smallest_of_the_most_frequent_classes() {
        let predicted = |value, class| Predicted { value, class };
        let predictions = Predictions {
            of_rows: vec![
                vec![predicted(0.25, 2), predicted(0.5, 1), predicted(0.75, 2)],
                vec![predicted(0.5, 3), predicted(0.5, 1)],
            ],
            n_numbers: 1,
        };
        let lines = predictions.lines(&[2.0, 1.0], true);
        assert_eq!(
            lines,
            "2.000000,0.500000,2.000000\n1.000000,0.500000,1.000000\n"
        );
        assert!(
            predictions
                .lines(&[2.0, 1.0], false)
                .starts_with("2.000000,0.500000\n")
        );
    }

    #[test]
    fn each_level_of_a_quantile_has_its_own_mean() {
        let numbers = [0.25, 4.0, 0.75, 8.0].map(Predicted::number);
        let predictions = Predictions {
            of_rows: vec![numbers.to_vec()],
            n_numbers: 2,
        };
        let lines = predictions.lines(&[2.0], false);
        assert_eq!(lines, "2.000000,0.500000,6.000000\n");
    }

    #[test]
    fn the_likeliest_class_is_the_first_of_equal_ones() {
        let likeliest = Predicted::likeliest(&[0.25, 0.5, 0.5]);
        assert_eq!((likeliest.class, likeliest.value), (1, 0.5));
    }
}
