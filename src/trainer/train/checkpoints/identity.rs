//! What makes two jobs the same to a checkpoint: the hyperparameters that decide the model, and the data.
//!
//! Invariant: a hyperparameter that is not known to be without a say has one, so a new one is never forgotten here.

use std::collections::BTreeMap;

use contract::artifact::hex;
use contract::hyperparameter::row;
use engine::bin::BinnedDataset;
use engine::booster::Booster;
use engine::dataset::Dataset;
use engine::linear::ColumnTable;
use engine::model::{self, ModelFormat};
use engine::params::BoosterValidParams;
use sha2::{Digest, Sha256};

use super::error::Difference;
use crate::train::job::Job;
use crate::train::report;
use crate::train::tables::{Pair, Rows};

/// Hyperparameters, as they are in effect.
pub(super) type Settings = BTreeMap<String, String>;

/// Hyperparameters that may be others when a job goes on: they decide how many rounds there are, how fast and loud they
/// are, what is done with the model, and what is compared with it.
const WITHOUT_A_SAY: &[&str] = &[
    "num_round",
    "nthread",
    "max_cached_hist_node",
    "verbosity",
    "save_model_on_termination",
    "model_format",
    "feature_names",
    "baseline_columns",
    "tree_method",
    "_tuning_objective_metric",
];

/// What checkpoints themselves are told.
const OF_CHECKPOINTS: &str = "checkpoint_";

/// The settings of a job.
pub(super) fn settings(job: &Job, params: &BoosterValidParams) -> Settings {
    let own = &job.hyperparameters;
    // By the first of its names; what no row has is for SageMaker's own toolkits.
    let given = job.given.iter();
    let given = given.filter_map(|(name, value)| Some((row(name)?.name, value)));
    let mut settings: Settings = given
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    settings.extend(report::effective(job, params));
    for it in &own.ignored {
        settings.remove(&it.name);
    }
    settings.retain(|name, _| {
        !WITHOUT_A_SAY.contains(&name.as_str()) && !name.starts_with(OF_CHECKPOINTS)
    });
    let has_model = if job.continues { "given" } else { "not given" };
    settings.insert("channel model".to_owned(), has_model.to_owned());
    settings
}

/// What differs between the settings of a checkpoint and those of the job.
pub(super) fn differences(was: &Settings, is: &Settings) -> Vec<Difference> {
    let names = was
        .keys()
        .chain(is.keys().filter(|it| !was.contains_key(*it)));
    let differing = names.filter(|it| was.get(*it) != is.get(*it));
    let difference = |name: &String| Difference {
        name: name.clone(),
        was: was.get(name).cloned(),
        is: is.get(name).cloned(),
    };
    differing.map(difference).collect()
}

/// The digest of all that training reads of the tables, and of the model that it asks itself, where it does.
pub(in crate::train) fn digest(rows: &Rows, model: Option<&Booster>) -> String {
    let mut sha256 = Sha256::new();
    match rows {
        Rows::Binned(pair) => add(&mut sha256, pair, BinnedDataset::for_each_piece),
        Rows::Columns(pair) => add(&mut sha256, pair, ColumnTable::for_each_piece),
        Rows::Raw(pair) => add(&mut sha256, pair, Dataset::for_each_piece),
    }
    if let Some(model) = model {
        sha256.update("model");
        sha256.update(model::save(model, ModelFormat::Ubj));
    }
    hex(&sha256.finalize())
}

fn add<T>(
    sha256: &mut Sha256,
    tables: &Pair<T>,
    for_each_piece: impl Fn(&T, &mut dyn FnMut(&[u8])),
) {
    for (name, table) in [
        ("train", Some(&tables.train)),
        ("validation", tables.validation.as_ref()),
    ] {
        sha256.update(name);
        if let Some(table) = table {
            for_each_piece(table, &mut |piece| sha256.update(piece));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_and_what_is_are_named_side_by_side() {
        let settings = |pairs: &[(&str, &str)]| -> Settings {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let was = settings(&[("alpha", "0"), ("eta", "0.3"), ("max_depth", "6")]);
        let is = settings(&[("eta", "0.1"), ("gamma", "1"), ("max_depth", "6")]);
        let said: Vec<String> = differences(&was, &is)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            said,
            [
                "`alpha` was `0` and is not given",
                "`eta` was `0.3` and is `0.1`",
                "`gamma` was not given and is `1`",
            ]
        );
        assert!(differences(&was, &was).is_empty());
    }
}
