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
use engine::booster::{self, Booster, Evaluation, NamedData, Progress, TrainEnd, Trained};
use engine::dataset::Dataset;
use engine::estimator::{DecisionTreeParams, TreeSearch, fit_decision_tree};
use engine::metric::{Judged, Metric};
use engine::objective::Objective;
use engine::params::BoosterValidParams;
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
        Rows::Binned(tables) => boost(params, &tables, origin, rounds),
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

fn boost(
    params: &BoosterValidParams,
    tables: &Pair<BinnedDataset>,
    origin: Origin<'_>,
    rounds: &mut Rounds<'_>,
) -> Result<Fitted, TrainerError> {
    let start = Instant::now();
    let evals: Vec<NamedData<'_>> = tables
        .validation
        .iter()
        .map(|data| NamedData {
            name: VALIDATION,
            data,
        })
        .collect();
    let train = NamedData {
        name: TRAIN,
        data: &tables.train,
    };
    let trained = if let Some(progress) = origin.progress {
        booster::resume(params, &train, &evals, progress, rounds)?
    } else {
        let start = origin.start.map(|it| &it.booster);
        booster::train(params, &train, &evals, start, rounds)?
    };
    Ok(Fitted {
        trained,
        timings: vec![timing("train", start.elapsed())],
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
