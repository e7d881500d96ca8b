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

use std::time::{Duration, Instant};

use contract::artifact::{MetricSpread, ModelDigest};
use contract::channel::{TRAIN, VALIDATION};
use contract::hyperparameter::KFold;
use engine::bin::BinnedDataset;
use engine::booster::Trained;
use engine::dataset::{Fold, FoldPlan, Strata};
use engine::linear::ColumnTable;
use engine::objective::Task;
use engine::threads::Threads;

use super::Learning;
use super::artifacts::Artifacts;
use super::fit::{Boosted, Origin};
use super::fold_metrics::spreads;
use super::going_on;
use super::held_out::{Predicted, Predictions};
use super::rounds::{Rounds, is_stopped};
use super::tables::{Pair, Table};
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
    pub(super) train_rows: usize,
    pub(super) held_out_rows: usize,
}

/// How the folds are trained.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) learning: Learning<'a>,
    pub(super) kfold: KFold,
}

/// A kind of table whose rows are dealt out.
pub(super) trait Foldable: Boosted + Table {
    /// The table of these rows, in this order.
    fn select(&self, rows: &[u32], threads: &Threads) -> Self;
    /// The first label of each row.
    fn labels(&self) -> &[f32];
    /// Where each query begins, and behind the last one the number of rows.
    fn group_ptr(&self) -> Option<&[usize]>;
}

impl Foldable for BinnedDataset {
    fn select(&self, rows: &[u32], threads: &Threads) -> Self {
        self.select(rows, threads)
    }

    fn labels(&self) -> &[f32] {
        self.labels()
    }

    fn group_ptr(&self) -> Option<&[usize]> {
        self.group_ptr()
    }
}

impl Foldable for ColumnTable {
    fn select(&self, rows: &[u32], _: &Threads) -> Self {
        self.select(rows)
    }

    fn labels(&self) -> &[f32] {
        self.labels()
    }

    fn group_ptr(&self) -> Option<&[usize]> {
        self.group_ptr()
    }
}

impl Setting<'_> {
    /// Trains a model for each fold.
    pub(super) fn run(
        &self,
        data: &impl Foldable,
        rounds: &mut Rounds<'_>,
    ) -> Result<Folded, TrainerError> {
        let start = Instant::now();
        let KFold { n_folds, n_repeats } = self.kfold;
        tracing::info!(
            "Run {n_repeats}-round of {n_folds}-fold cross validation with {} rows",
            data.labels().len()
        );
        let folds = self.folds(data)?;
        let mut folded = Folded {
            models: Vec::new(),
            stopped: false,
            took: Duration::ZERO,
            predictions: Predictions::new(data.labels().len(), self.n_numbers()),
        };
        for (number, fold) in folds.enumerate() {
            let number_in_repeat = number % n_folds as usize;
            tracing::info!("Train cross validation fold {}", number_in_repeat + 1);
            rounds.begin_fold(number);
            let held_out = data.select(&fold.held_out, self.learning.threads);
            let trained = self.train(data, number, (&fold, &held_out), rounds)?;
            if let Some(err) = rounds.failed.take() {
                return Err(err);
            }
            // A stop that comes with a fold's last round stops nothing of it, but those that would follow.
            let is_last = number + 1 == n_folds as usize * n_repeats as usize;
            folded.stopped = is_stopped(&trained, self.learning.params.num_round())
                || (rounds.is_asked_to_stop() && !is_last);
            if trained.history.is_empty() {
                // Stopped in its first round: there is nothing of it.
                break;
            }
            self.predict(&trained, &fold, &held_out, &mut folded.predictions)?;
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

    fn folds(&self, data: &impl Foldable) -> Result<impl Iterator<Item = Fold>, TrainerError> {
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

    /// Whether labels are classes, as the built-in algorithm tells; several labels are numbers.
    pub(super) fn classifies(&self) -> bool {
        let task = self.learning.job.hyperparameters.objective.task();
        self.n_targets() == 1 && matches!(task, Task::Binary | Task::Classes)
    }

    /// Numbers that are predicted for a row: one for each level of a quantile.
    fn n_numbers(&self) -> usize {
        let objective = self.learning.params.full_objective();
        if self.classifies() {
            1
        } else {
            objective.n_groups().max(self.n_targets())
        }
    }

    fn n_targets(&self) -> usize {
        self.learning.job.hyperparameters.columns.n_targets()
    }

    fn train<T: Foldable>(
        &self,
        data: &T,
        number: usize,
        (fold, held_out): (&Fold, &T),
        rounds: &mut Rounds<'_>,
    ) -> Result<Trained, TrainerError> {
        let params = self.learning.params;
        let train = data.select(&fold.train, self.learning.threads);
        let progress = match self.learning.checkpoints {
            Some(checkpoints) => going_on::of_fold(checkpoints, number, params)?,
            None => None,
        };
        let tables = Pair {
            train: &train,
            validation: Some(held_out),
        };
        let origin = Origin {
            start: self.learning.start,
            progress,
        };
        let mut trained = T::train(params, tables, origin, rounds)?;
        let names = &self.learning.job.hyperparameters.feature_names;
        trained.booster.feature_names.clone_from(names);
        Ok(trained)
    }

    fn predict(
        &self,
        trained: &Trained,
        fold: &Fold,
        held_out: &impl Foldable,
        predictions: &mut Predictions,
    ) -> Result<(), TrainerError> {
        let booster = &trained.booster;
        let mut of_rows = held_out.margins(trained, self.learning.threads)?;
        booster.objective.transform(&mut of_rows);
        let n_groups = booster.n_groups();
        for (&row, outputs) in fold.held_out.iter().zip(of_rows.chunks_exact(n_groups)) {
            match (self.classifies(), outputs) {
                (false, outputs) => {
                    predictions.extend(row, outputs.iter().map(|&it| Predicted::number(it)));
                }
                (true, &[value]) => {
                    let class = u32::from(booster.objective.is_positive(value));
                    predictions.extend(row, [Predicted { value, class }]);
                }
                (true, outputs) => predictions.extend(row, [Predicted::likeliest(outputs)]),
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
        labels: &[&[f32]],
        classifies: bool,
    ) -> Result<(), TrainerError> {
        tracing::info!(
            "Storing predictions on validation set(s) in {}",
            artifacts.root.predictions_file().display()
        );
        artifacts.predictions(&self.predictions.lines(labels, classifies))
    }
}
