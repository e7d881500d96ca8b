//! The names of the features where the job gives none, and which of them are text: Parquet files say it.
//!
//! Invariant: after [`complete`] the job's `feature_names` are what the model is to carry, and are such as a user could
//! have given. Two channels of Parquet have the same names in the same order: a column that changed its place would be
//! evaluated as another one.

use std::collections::HashSet;

use contract::channel::{Channel, InputMode, TRAIN, VALIDATION};
use contract::content_type::ContentType;

use super::job::Job;
use crate::data::csv::CsvOptions;
use crate::data::parquet;
use crate::error::TrainerError;

/// Takes the names of the training channel's columns, unless the job gave names.
pub(super) fn complete(job: &mut Job) -> Result<(), TrainerError> {
    let options = super::reading::options(job);
    let features = of_channel(job, TRAIN, &job.train, &options)?;
    job.text = (0..)
        .zip(&features)
        .filter(|(_, it)| it.is_text)
        .map(|(at, _)| at)
        .collect();
    let in_train: Vec<String> = features.into_iter().map(|it| it.name).collect();
    if let Some(channel) = &job.validation {
        let in_validation = of_channel(job, VALIDATION, channel, &options)?;
        let in_validation: Vec<String> = in_validation.into_iter().map(|it| it.name).collect();
        check_same(&in_train, &in_validation)?;
    }
    if !job.hyperparameters.feature_names.is_empty() || in_train.is_empty() {
        return Ok(());
    }
    match unusable(&in_train) {
        None => job.hyperparameters.feature_names = in_train,
        Some(name) => tracing::warn!(
            "the model names no feature, since column `{name}` of channel `{TRAIN}` has a name that is empty, \
             is there twice, or holds one of `,<[]`"
        ),
    }
    Ok(())
}

/// The features of a channel's first file; none where it names none.
fn of_channel(
    job: &Job,
    name: &'static str,
    channel: &Channel,
    options: &CsvOptions,
) -> Result<Vec<parquet::Feature>, TrainerError> {
    // What a pipe brings must not be looked at before it is read.
    if channel.content_type != Some(ContentType::Parquet) || channel.input_mode == InputMode::Pipe {
        return Ok(Vec::new());
    }
    let found = job.whereabouts.files(name)?;
    Ok(parquet::features(&found.files, options)?)
}

/// Refuses other names; another number of columns is refused where the rows are read.
fn check_same(in_train: &[String], in_validation: &[String]) -> Result<(), TrainerError> {
    if in_train.len() != in_validation.len() {
        return Ok(());
    }
    let mut pairs = in_train.iter().zip(in_validation);
    match pairs.position(|(a, b)| a != b) {
        None => Ok(()),
        Some(at) => Err(TrainerError::Names {
            number: at + 1,
            in_train: in_train[at].clone(),
            in_validation: in_validation[at].clone(),
        }),
    }
}

/// The first name that XGBoost refuses, or that `feature_names` could not hold.
fn unusable(names: &[String]) -> Option<&str> {
    let mut seen = HashSet::new();
    let found = names.iter().find(|name| {
        let name = name.as_str();
        name.trim().is_empty() || name.contains([',', '<', '[', ']']) || !seen.insert(name)
    });
    found.map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_model_cannot_carry_are_found() {
        let unusable_of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
            unusable(&names).map(str::to_owned)
        };
        assert_eq!(unusable_of(&["hour", "day of week", "größe"]), None);
        for name in ["", " ", "a,b", "x<3", "x[0]", "hour"] {
            assert_eq!(unusable_of(&["hour", name]), Some(name.to_owned()));
        }
    }
}
