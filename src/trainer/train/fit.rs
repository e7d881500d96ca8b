//! The three algorithms, with one result.
//!
//! A random forest is boosting with one round of many trees, as in XGBoost, and the contract has set the parameters that
//! way. A decision tree is grown on the raw values, exactly where that can be done, and is measured once, as round 0.

use std::sync::Arc;
use std::time::Instant;

use contract::artifact::Timing;
use contract::channel::{TRAIN, VALIDATION};
use contract::hyperparameter::Hyperparameters;
use engine::bin::BinnedDataset;
use engine::booster::{
    self, Booster, Evaluation, NamedColumns, NamedData, NamedValues, PredictError, Progress,
    TrainEnd, TrainError, Trained,
};
use engine::dataset::Dataset;
use engine::estimator::{DecisionTreeParams, TreeSearch, fit_decision_tree};
use engine::linear::ColumnTable;
use engine::metric::{Judged, Metric};
use engine::objective::Objective;
use engine::params::{BoosterValidParams, ProcessType};
use engine::threads::Threads;

use super::categories;
use super::rounds::Rounds;
use super::start::Start;
use super::tables::{Pair, Rows};
use super::timing;
use crate::error::TrainerError;

/// A model, and how it came about.
pub(crate) struct Fitted {
    pub(crate) trained: Trained,
    /// How long it took, step by step.
    pub(crate) timings: Vec<Timing>,
}

/// What boosting begins with.
pub(crate) struct Origin<'a> {
    /// The model that rows start from.
    pub(crate) start: Option<&'a Start>,
    /// How far the job was when it was interrupted.
    pub(crate) progress: Option<Progress>,
}

/// Learns from the tables, which are gone afterwards.
pub(crate) fn fit(
    (hyperparameters, params): (&Hyperparameters, &BoosterValidParams),
    tables: Rows,
    origin: Origin<'_>,
    threads: &Threads,
    rounds: &mut Rounds<'_>,
) -> Result<Fitted, TrainerError> {
    match tables {
        Rows::Binned(tables) => boost(params, tables.each(), origin, rounds),
        Rows::Columns(tables) => boost(params, tables.each(), origin, rounds),
        Rows::Raw(tables) if hyperparameters.process_type == ProcessType::Update => {
            update(params, &tables, origin, rounds)
        }
        Rows::Raw(tables) => {
            let judges = Judges {
                metrics: &hyperparameters.eval_metrics,
                objective: &params.objective_for_metrics(),
                threads,
                feature_names: &hyperparameters.feature_names,
            };
            let params = DecisionTreeParams::new(hyperparameters.params.clone());
            grow_one(
                &params.exact_only(hyperparameters.exact),
                &tables,
                judges,
                rounds,
            )
        }
    }
}

/// A kind of table that boosters are trained on.
pub(super) trait Boosted: Sized {
    /// Trains on a table, beside another.
    fn train(
        params: &BoosterValidParams,
        tables: Pair<&Self>,
        origin: Origin<'_>,
        rounds: &mut Rounds<'_>,
    ) -> Result<Trained, TrainError>;

    /// The margins of the table's rows by a booster that was trained on others of their kind.
    fn margins(&self, trained: &Trained, threads: &Threads) -> Result<Vec<f32>, PredictError>;
}

impl Boosted for BinnedDataset {
    fn train(
        params: &BoosterValidParams,
        tables: Pair<&Self>,
        origin: Origin<'_>,
        rounds: &mut Rounds<'_>,
    ) -> Result<Trained, TrainError> {
        let (train, evals) = named(&tables, |name, data| NamedData { name, data });
        if let Some(progress) = origin.progress {
            return booster::resume(params, &train, &evals, progress, rounds);
        }
        let start = origin.start.map(|it| &it.booster);
        booster::train(params, &train, &evals, start, rounds)
    }

    fn margins(&self, trained: &Trained, threads: &Threads) -> Result<Vec<f32>, PredictError> {
        // Rows begin with the margins of the model that the training continued from, if it did.
        let own = trained.booster.rounds_from(trained.first_round);
        own.predict_margin_binned(self, threads)
    }
}

impl Boosted for ColumnTable {
    fn train(
        params: &BoosterValidParams,
        tables: Pair<&Self>,
        origin: Origin<'_>,
        rounds: &mut Rounds<'_>,
    ) -> Result<Trained, TrainError> {
        let (train, evals) = named(&tables, |name, data| NamedColumns { name, data });
        if let Some(progress) = origin.progress {
            return booster::resume_linear(params, &train, &evals, progress, rounds);
        }
        let start = origin.start.map(|it| &it.booster);
        booster::train_linear(params, &train, &evals, start, rounds)
    }

    fn margins(&self, trained: &Trained, threads: &Threads) -> Result<Vec<f32>, PredictError> {
        trained.booster.predict_margin_columns(self, threads)
    }
}

/// The training table and those that are evaluated beside it, with the names that reports have for them.
fn named<'a, T, N>(tables: &Pair<&'a T>, name: impl Fn(&'static str, &'a T) -> N) -> (N, Vec<N>) {
    let evals = tables.validation.into_iter();
    let evals = evals.map(|data| name(VALIDATION, data)).collect();
    (name(TRAIN, tables.train), evals)
}

fn boost<T: Boosted>(
    params: &BoosterValidParams,
    tables: Pair<&T>,
    origin: Origin<'_>,
    rounds: &mut Rounds<'_>,
) -> Result<Fitted, TrainerError> {
    let start = Instant::now();
    let trained = T::train(params, tables, origin, rounds)?;
    Ok(Fitted {
        trained,
        timings: vec![timing("train", start.elapsed())],
    })
}

/// Updates the trees of a model.
fn update(
    params: &BoosterValidParams,
    tables: &Pair<Dataset>,
    origin: Origin<'_>,
    rounds: &mut Rounds<'_>,
) -> Result<Fitted, TrainerError> {
    let start = Instant::now();
    let model = &origin.start.ok_or(TrainerError::Update)?.booster;
    let (train, evals) = named(&tables.each(), |name, data| NamedValues { name, data });
    let trained = match origin.progress {
        Some(progress) => {
            booster::resume_update(params, (&train, &evals), model, progress, rounds)?
        }
        None => booster::update(params, &train, &evals, model, rounds)?,
    };
    Ok(Fitted {
        trained,
        timings: vec![timing("update", start.elapsed())],
    })
}

/// How a model that was not boosted is measured.
#[derive(Clone, Copy)]
struct Judges<'a> {
    metrics: &'a [Metric],
    objective: &'a Objective,
    threads: &'a Threads,
    /// What messages call the features.
    feature_names: &'a [String],
}

fn grow_one(
    params: &DecisionTreeParams,
    tables: &Pair<Dataset>,
    judges: Judges<'_>,
    rounds: &mut Rounds<'_>,
) -> Result<Fitted, TrainerError> {
    let start = Instant::now();
    let tree = fit_decision_tree(params, &tables.train)?;
    categories::warn_of_many(judges.feature_names, &tree.grouped);
    match &tree.search {
        TreeSearch::Exact => {
            tracing::info!("The decision tree's splits were searched among all values");
        }
        TreeSearch::Binned(obstacle) => {
            tracing::info!("The decision tree's splits were searched among bins: {obstacle}");
        }
    }
    let booster = tree.booster;
    let mut evaluations = judges.measure(&booster, TRAIN, &tables.train)?;
    if let Some(validation) = &tables.validation {
        evaluations.extend(judges.measure(&booster, VALIDATION, validation)?);
    }
    rounds.print(0, &evaluations)?;
    let trained = Trained {
        booster,
        first_round: 0,
        history: vec![evaluations],
        best: None,
        end: TrainEnd::AllRounds,
    };
    Ok(Fitted {
        trained,
        timings: vec![timing("train", start.elapsed())],
    })
}

impl Judges<'_> {
    fn measure(
        self,
        booster: &Booster,
        name: &str,
        data: &Dataset,
    ) -> Result<Vec<Evaluation>, TrainerError> {
        // Metrics read probabilities, where `multi:softmax` would predict classes.
        let mut predictions = booster.predict_margin(data, self.threads)?;
        self.objective.transform_for_metrics(&mut predictions);
        let judged = Judged::new(&predictions, data.targets(), self.objective);
        let name: Arc<str> = Arc::from(name);
        let value = |metric: &Metric| Evaluation {
            data: Arc::clone(&name),
            metric: *metric,
            value: metric.evaluate_on(&judged, self.threads),
        };
        Ok(self.metrics.iter().map(value).collect())
    }
}
