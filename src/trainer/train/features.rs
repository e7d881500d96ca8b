//! What a job says about single features, put into the booster's parameters when the features are known.
//!
//! Invariant: where features have names before the rows are read, which may take long, what is wrong is told before that.

use contract::hyperparameter::TableFeatures;
use engine::params::{BoosterParams, BoosterValidParams};
use linfa::ParamGuard;

use super::job::Job;
use crate::error::TrainerError;

/// Refuses what is said about features that are not there, if their names are known.
pub(super) fn check_named(job: &Job) -> Result<(), TrainerError> {
    let own = &job.hyperparameters;
    match own.feature_names.len() {
        0 => Ok(()),
        n_names => resolved(job, own.params.clone(), n_names).map(|_| ()),
    }
}

/// Completes the job's parameters, and those that its rounds are grown with, for a table of so many features.
pub(super) fn settle(
    job: &mut Job,
    params: &mut BoosterValidParams,
    n_features: usize,
) -> Result<(), TrainerError> {
    *params = resolved(job, params.clone().into(), n_features)?.check()?;
    let own = job.hyperparameters.params.clone();
    job.hyperparameters.params = resolved(job, own, n_features)?;
    Ok(())
}

fn resolved(
    job: &Job,
    params: BoosterParams,
    n_features: usize,
) -> Result<BoosterParams, TrainerError> {
    let own = &job.hyperparameters;
    let names = &own.feature_names;
    let features = TableFeatures { names, n_features };
    Ok(own.features.resolve(params, features)?)
}
