//! The features that the job declares to be categories.
//!
//! Invariant: after [`find`] the job's `categorical` and its booster's parameters hold the same numbers; whether rows have
//! such features is known, and told by [`check`], once they have been read.

use engine::bin::MOST_CATEGORIES;

use super::baseline::{allowed, feature};
use super::job::Job;
use crate::error::TrainerError;

/// Finds the numbers of the features that the job names.
pub(super) fn find(job: &mut Job) -> Result<(), TrainerError> {
    let own = &job.hyperparameters;
    let number = |name: &String| {
        let found = feature(name, &own.feature_names).and_then(|it| u32::try_from(it).ok());
        found.ok_or_else(|| TrainerError::CategoricalFeature {
            name: name.clone(),
            allowed: if own.feature_names.is_empty() {
                "numbers from 0, since the features have no names".to_owned()
            } else {
                allowed(&own.feature_names, own.feature_names.len())
            },
        })
    };
    let mut categorical: Vec<u32> = own
        .categorical_features
        .iter()
        .map(number)
        .collect::<Result<_, _>>()?;
    categorical.extend(&job.text);
    categorical.sort_unstable();
    categorical.dedup();
    if !job.text.is_empty() {
        tracing::info!(
            "Features that hold text are read as categories: {}",
            listed(&job.text, &own.feature_names)
        );
    }
    let params = own.params.clone();
    job.hyperparameters.params = params.categorical_features(categorical.clone());
    job.categorical = categorical;
    Ok(())
}

/// Features by name, or by number where they have none.
fn listed(features: &[u32], names: &[String]) -> String {
    let text = |&feature: &u32| match names.get(feature as usize) {
        Some(name) => format!("`{name}`"),
        None => feature.to_string(),
    };
    features.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// Refuses a feature that rows of so many features do not have.
pub(super) fn check(job: &Job, n_features: usize) -> Result<(), TrainerError> {
    let own = &job.hyperparameters;
    let is_beyond = |name: &&String| {
        let found = feature(name, &own.feature_names);
        found.is_none_or(|it| it >= n_features)
    };
    match own.categorical_features.iter().find(is_beyond) {
        None => Ok(()),
        Some(name) => Err(TrainerError::CategoricalFeature {
            name: name.clone(),
            allowed: allowed(&own.feature_names, n_features),
        }),
    }
}

/// Says which features have more categories than have a bin each: `grouped` has how many have none.
pub(super) fn warn_of_many(feature_names: &[String], grouped: &[(u32, usize)]) {
    for &(feature, n_grouped) in grouped {
        let name = feature_names.get(feature as usize);
        let name = name.map(|it| format!(" (`{it}`)")).unwrap_or_default();
        tracing::warn!(
            "feature {feature}{name} has {} categories: the {MOST_CATEGORIES} most frequent are told apart, the {n_grouped} \
             others are taken for one; group them by what they have in common, or give their means as a number, to learn more",
            n_grouped + MOST_CATEGORIES
        );
    }
}
