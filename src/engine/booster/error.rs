//! Why training did not start, or could not go on.

use crate::objective::{LabelError, ObjectiveName};
use crate::threads::ThreadsError;

use super::PredictError;

/// Why training gave no booster.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// No threads.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// A label that the objective cannot learn from.
    #[error("`{data}` row {row}: {source}")]
    Label {
        /// The set's name.
        data: String,
        /// The row in the set, from 0; `Dataset::origin` tells which object it came from.
        row: usize,
        /// What is allowed.
        source: LabelError,
    },
    /// Every row of the training set has weight 0.
    #[error("`{data}`: every row has weight 0")]
    NoWeight {
        /// The set's name.
        data: String,
    },
    /// A linear booster, and sets in bins.
    #[error("booster `gblinear` is trained on values, and bins have none")]
    Values,
    /// A set was binned with other cuts than the training set.
    #[error("`{data}` was not binned with the cuts of the training set")]
    Cuts {
        /// The set's name.
        data: String,
    },
    /// The training set misses values in a feature whose cuts leave no code for that.
    #[error(
        "`{data}` misses values of a feature with 256 bins, make the cuts from this table or set max_bin to 255"
    )]
    MissingWithoutCode {
        /// The set's name.
        data: String,
    },
    /// A parameter about single columns asks for more of them than there are, or for fewer.
    #[error("`{parameter}` asks for {n_columns} columns, the table has {n_features}")]
    Columns {
        /// The parameter.
        parameter: &'static str,
        /// Columns asked for.
        n_columns: usize,
        /// Columns of the table.
        n_features: usize,
    },
    /// A base margin that is not `(n_rows, n_groups)`.
    #[error("`{data}`: base margin has {found} entries, expected {expected}")]
    BaseMargin {
        /// The set's name.
        data: String,
        /// Entries found.
        found: usize,
        /// Rows times groups.
        expected: usize,
    },
    /// Sets with different numbers of labels a row.
    #[error("`{data}` has {found} labels a row, expected {expected} as in the training set")]
    Targets {
        /// The set's name.
        data: String,
        /// Labels of a row.
        found: usize,
        /// Labels of a row of the training set.
        expected: usize,
    },
    /// Several labels a row, and an objective that learns from one.
    #[error(
        "`{data}` has {found} labels a row, which do not go with `{objective}`, allowed are {}",
        with_targets()
    )]
    OneTarget {
        /// The set's name.
        data: String,
        /// Labels of a row.
        found: usize,
        /// The objective.
        objective: ObjectiveName,
    },
    /// Training continues from a booster, and a set does not bring that booster's margins.
    #[error(
        "`{data}`: training continues from a booster, so the set needs that booster's margins as base margin"
    )]
    NoBaseMargin {
        /// The set's name.
        data: String,
    },
    /// Training of a `dart` continues from a booster, and a set does not bring the leaves that its rows reach there.
    #[error(
        "`{data}`: training of `dart` continues from a booster, so the set needs a leaf of each of its trees for each row"
    )]
    StartLeaves {
        /// The set's name.
        data: String,
    },
    /// The booster to continue from was trained otherwise.
    #[error(
        "the booster to continue from has {what} `{found}`, the parameters ask for `{expected}`"
    )]
    Start {
        /// What differs.
        what: &'static str,
        /// The booster's.
        found: String,
        /// The parameters' or the data's.
        expected: String,
    },
    /// A direction for a feature of categories.
    #[error(
        "`monotone_constraints` gives feature `{feature}` a direction, but it holds categories, which have no order"
    )]
    CategoricalDirection {
        /// The feature, from 0.
        feature: u32,
    },
    /// The booster to continue from has other names of categories than the training set.
    #[error("the categories have other names than in the booster to continue from")]
    CategoryNames,
    /// What groups start from is in trees that would be changed.
    #[error(
        "the booster to continue from may hold what its groups start from in their first trees, which {by} would change; \
         it needs one base score, other than 0"
    )]
    StartsApart {
        /// What would change them.
        by: &'static str,
    },
    /// Exposures, and an objective whose margin is not the logarithm of a mean.
    #[error(
        "`{data}` has exposures, which do not go with `{objective}`, allowed are {}",
        with_rates()
    )]
    Exposure {
        /// The set's name.
        data: String,
        /// The objective.
        objective: ObjectiveName,
    },
    /// Rows of a query with different weights.
    #[error(
        "`{data}` row {row}: weight `{found}`, but the query's first row has `{expected}`; a query has one weight"
    )]
    QueryWeight {
        /// The set's name.
        data: String,
        /// The row in the set, from 0.
        row: usize,
        /// Its weight.
        found: f32,
        /// The weight of the query's first row.
        expected: f32,
    },
    /// Some sets have exposures and others have none.
    #[error("`{data}`: exposures must be there for all sets or for none")]
    MixedExposure {
        /// The set's name.
        data: String,
    },
    /// Early stopping, or the choice of a best round, without a set to look at.
    #[error("early stopping and save_best need an evaluation set")]
    NothingToStopOn,
    /// A model is to be updated for more rounds than it has.
    #[error(
        "num_round is `{found}`, the model that is updated has {expected} rounds, and no more can be updated"
    )]
    Rounds {
        /// Rounds asked for.
        found: u32,
        /// Rounds of the model.
        expected: usize,
    },
    /// A set does not have the columns of the model that is updated.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// The margins ran away.
    #[error("round {round}: gradients are not finite; labels or weights are too large, or eta is")]
    NotFinite {
        /// The round, from 0.
        round: u32,
    },
}

/// The objectives that may have several targets.
fn with_targets() -> String {
    let with_targets = ObjectiveName::ALL.iter().filter(|it| it.has_targets());
    let names: Vec<_> = with_targets.map(|it| it.as_str()).collect();
    names.join(", ")
}

/// The objectives that exposures go with.
fn with_rates() -> String {
    let with_rates = ObjectiveName::ALL
        .iter()
        .filter(|it| it.facts().rate.is_some());
    let names: Vec<_> = with_rates.map(|it| it.as_str()).collect();
    names.join(", ")
}
