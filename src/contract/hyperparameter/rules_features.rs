//! Rules about what hyperparameters say of single features and rows: what has no effect, and what cannot be heeded.
//!
//! Invariant: where a job names its features, what it says of them is checked here; else where the table is known.

use engine::params::SamplingMethod;

use super::error::HyperparameterError;
use super::features::TableFeatures;
use super::read::Reading;
use super::{Algorithm, Ignored};

pub(super) fn apply(reading: &mut Reading) {
    names(reading);
    exact(reading);
    sampling(reading);
    weights(reading);
}

fn names(reading: &mut Reading) {
    let draft = &reading.draft;
    let features = TableFeatures {
        names: &draft.feature_names,
        n_features: draft.feature_names.len(),
    };
    if features.n_features == 0 {
        return;
    }
    let Err(problems) = draft.features.resolve(draft.params.clone(), features) else {
        return;
    };
    for problem in problems.0 {
        if let HyperparameterError::Rule { name, message } = problem {
            reading.rule(name, &["feature_names"], message);
        }
    }
}

/// linfa's search looks at one split at a time and at nothing else.
fn exact(reading: &mut Reading) {
    let draft = &reading.draft;
    if !draft.exact || draft.algorithm != Algorithm::DecisionTree {
        return;
    }
    let (monotone, groups) = (&draft.features.monotone, &draft.features.interactions);
    for (name, is_there) in [
        ("monotone_constraints", monotone.is_some()),
        ("interaction_constraints", !groups.is_empty()),
    ] {
        if is_there {
            let message = format!(
                "Hyperparameter {name}: does not go with `tree_method` = `exact`, which searches without constraints; use `hist`, \
                 which finds the same splits where a feature has at most `max_bin` values"
            );
            reading.rule(name, &["tree_method", "algorithm"], message);
        }
    }
}

/// Where a tree sees all rows, there is nothing to choose.
fn sampling(reading: &mut Reading) {
    let draft = &reading.draft;
    let share = match draft.algorithm {
        Algorithm::GradientBoosting | Algorithm::DecisionTree => 1.0,
        // A forest samples where it is not told how.
        Algorithm::RandomForest => 0.0,
    };
    let chooses = draft.sampling_method == SamplingMethod::GradientBased;
    if chooses && draft.number("subsample").unwrap_or(share) == 1.0 {
        ignore(
            reading,
            "sampling_method",
            "`subsample` is 1, so every tree sees all rows",
        );
    }
}

fn weights(reading: &mut Reading) {
    let draft = &reading.draft;
    let shares = ["colsample_bytree", "colsample_bylevel", "colsample_bynode"];
    let samples = |name: &&str| match draft.number(name) {
        Some(share) => share < 1.0,
        None => *name == "colsample_bytree" && draft.algorithm == Algorithm::RandomForest,
    };
    if draft.features.weights.is_some() && !shares.iter().any(samples) {
        let why = "`colsample_bytree`, `colsample_bylevel` and `colsample_bynode` are 1, so every split sees all columns";
        ignore(reading, "feature_weights", why);
    }
}

fn ignore(reading: &mut Reading, name: &'static str, why: &str) {
    let value = reading.draft.given.get(name).cloned().unwrap_or_default();
    reading.ignored.push(Ignored {
        name: name.to_owned(),
        value,
        why: why.to_owned(),
    });
}
