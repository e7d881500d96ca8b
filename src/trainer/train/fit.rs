//! The three algorithms, with one result.
//!
//! A random forest is boosting with one round of many trees, as in XGBoost, and the contract has set the parameters that
//! way. A decision tree is grown exactly, on the raw values, and is measured once, as round 0.

use std::sync::Arc;
use std::time::Instant;

use contract::artifact::Timing;
use contract::channel::{TRAIN, VALIDATION};
use contract::hyperparameter::{Algorithm, Hyperparameters};
use engine::bin::HistogramCuts;
use engine::booster::{self, NamedData, Trained};
use engine::params::BoosterValidParams;
use engine::threads::Threads;

use super::rounds::Rounds;
use super::tables::Tables;
use super::timing;
use crate::error::TrainerError;

/// A model, and how it came about.
pub(crate) struct Fitted {
    pub(crate) trained: Trained,
    /// How long it took, step by step.
    pub(crate) timings: Vec<Timing>,
}

/// Learns from the tables, which are gone afterwards.
pub(crate) fn fit(
    hyperparameters: &Hyperparameters,
    params: &BoosterValidParams,
    tables: Tables,
    threads: &Threads,
    rounds: &mut Rounds<'_>,
) -> Result<Fitted, TrainerError> {
    match hyperparameters.algorithm {
        Algorithm::GradientBoosting | Algorithm::RandomForest | Algorithm::DecisionTree => {
            boost(params, tables, threads, rounds)
        }
    }
}

fn boost(
    params: &BoosterValidParams,
    tables: Tables,
    threads: &Threads,
    rounds: &mut Rounds<'_>,
) -> Result<Fitted, TrainerError> {
    let start = Instant::now();
    let cuts = Arc::new(HistogramCuts::from_dataset(
        &tables.train,
        params.max_bin(),
        threads,
    )?);
    let train = tables.train.bin(&cuts, threads)?;
    let validation = tables
        .validation
        .map(|it| it.bin(&cuts, threads))
        .transpose()?;
    let mut timings = vec![timing("bin", start)];
    let start = Instant::now();
    let evals: Vec<NamedData<'_>> = validation
        .iter()
        .map(|data| NamedData {
            name: VALIDATION,
            data,
        })
        .collect();
    let trained = booster::train(
        params,
        &NamedData {
            name: TRAIN,
            data: &train,
        },
        &evals,
        None,
        rounds,
    )?;
    timings.push(timing("train", start));
    Ok(Fitted { trained, timings })
}
