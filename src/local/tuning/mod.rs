//! Hyperparameter tuning jobs: training jobs that are proposed one after the other, and the best of them.
//!
//! ```text
//! create ──> record ──> run: propose ─> CreateTrainingJob ─> objective ─> ... ─> best
//! ```
//! A tuning job's training jobs go the way of every other; what tells them is `tuned` in their record and the hyperparameter
//! `_tuning_objective_metric`. Counters and the best job are counted from those records whenever somebody asks, so that there
//! is nothing that could disagree. Strategies here are Random, Bayesian (by Parzen's estimator, where AWS has a Gaussian process)
//! and Grid; what is not here (Hyperband, early stopping, warm starts, several definitions) is refused with what is.
//!
//! Source: SageMaker API, `CreateHyperParameterTuningJob` and what refers to it; developer guide, "How Hyperparameter Tuning
//! Works".

mod children;
mod describe;
mod list;
mod parzen;
mod ranges;
mod record;
mod request;
mod run;
mod strategy;
mod submit;

pub(crate) use describe::describe;
pub(crate) use list::{list, list_training_jobs};
pub(crate) use record::TuningRecord;
pub(crate) use submit::{create, delete, stop};

use serde::Deserialize;

/// The hyperparameter by which the algorithm learns what is looked at.
const OBJECTIVE_METRIC: &str = "_tuning_objective_metric";

/// A tuning job by its name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ByName {
    hyper_parameter_tuning_job_name: String,
}
