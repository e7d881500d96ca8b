//! Hyperparameters: one table of rows, and what a job's texts mean by it.
//!
//! [`Hyperparameters::parse`] reports every problem at once, in the words of the built-in algorithm where it has some.
//! The same table makes the documentation, the `CreateAlgorithm` document and the ranges of a tuning job.
//!
//! Invariants: a value that this version cannot honour is refused with the reason, never ignored in silence; a value that
//! is accepted without effect is in [`Hyperparameters::ignored`].
//!
//! ```
//! use std::collections::BTreeMap;
//! use contract::hyperparameter::Hyperparameters;
//!
//! let given = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
//!     pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
//! };
//! let hyperparameters = Hyperparameters::parse(&given(&[("num_round", "100"), ("eta", "0.1")]))?;
//! assert_eq!(hyperparameters.num_round, 100);
//!
//! let problems = Hyperparameters::parse(&given(&[("etta", "0.1"), ("max_depth", "-1")])).unwrap_err();
//! assert_eq!(problems.problems().len(), 3);
//! assert_eq!(problems.to_string(), "Missing required hyperparameter: num_round (and 2 more problems)");
//! # Ok::<(), contract::hyperparameter::HyperparameterErrors>(())
//! ```

mod columns;
mod document;
mod draft;
mod error;
mod features;
mod json;
mod literal;
mod metrics;
mod read;
mod rules;
mod rules_boosters;
mod rules_columns;
mod rules_features;
mod spec;
mod table;
mod value;

use std::collections::BTreeMap;

use engine::metric::Metric;
use engine::objective::ObjectiveName;
use engine::params::{BoosterParams, ProcessType};

use crate::checkpoint::{Cadence, OnMismatch};

pub use columns::{DeclaredColumn, DeclaredColumns, hyperparameter};
pub use document::{create_algorithm_json, markdown, tuning_ranges_json};
pub use draft::Draft;
pub use error::{HyperparameterError, HyperparameterErrors, Refusal};
pub use features::{FeatureOptions, FeatureRef, PerFeature, TableFeatures};
pub use json::{read_hyperparameters_json, write_hyperparameters_json};
pub use spec::{Bound, Interval, Kind, Spec, Support, Tunable};
pub use table::{BOOSTERS, CHECKPOINTS, FEATURES, IMPLEMENTED, INHERITED, RANKING, row, table};

closed_spelling! {
    /// What is trained.
    #[derive(Default)]
    Algorithm {
        /// Boosted trees, XGBoost's way.
        #[default]
        GradientBoosting = "gradient_boosting",
        /// One round of many sampled trees, averaged.
        RandomForest = "random_forest",
        /// One tree.
        DecisionTree = "decision_tree",
    }
}

closed_spelling! {
    /// The encoding of the model file.
    #[derive(Default)]
    ModelFormat {
        /// UBJSON, as XGBoost writes it today.
        #[default]
        Ubj = "ubj",
        /// JSON, which every XGBoost from 1.3 on reads.
        Json = "json",
    }
}

closed_spelling! {
    /// What becomes of a row that cannot be read.
    #[derive(Default)]
    OnBadRow {
        /// The job fails, and says where the row is.
        #[default]
        Error = "error",
        /// The row is left out and counted.
        Skip = "skip",
    }
}

/// Cross-validation inside a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KFold {
    /// `_kfold`: folds of a repetition.
    pub n_folds: u32,
    /// `_num_cv_round`: repetitions.
    pub n_repeats: u32,
}

/// A hyperparameter that was accepted and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Why it changes nothing.
    pub why: String,
}

/// What a job's hyperparameters mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperparameters {
    /// What is trained.
    pub algorithm: Algorithm,
    /// What is minimised.
    pub objective: ObjectiveName,
    /// Whether trees are grown, or those of a model updated.
    pub process_type: ProcessType,
    /// Classes of a `multi:` objective, 0 for the others.
    pub num_class: u32,
    /// Boosting rounds; 1 for a forest and for a single tree.
    pub num_round: u32,
    /// The booster's parameters with everything above and below in them but for [`Self::features`]; they pass
    /// `linfa::ParamGuard::check`.
    pub params: BoosterParams,
    /// The metrics to print each round, never empty; the metric of a tuning job is the last.
    pub eval_metrics: Vec<Metric>,
    /// Rounds without improvement on `validation` after which training stops.
    pub early_stopping_rounds: Option<u32>,
    /// The metric that a tuning job looks at; one of `eval_metrics`.
    pub tuning_objective_metric: Option<Metric>,
    /// Whether the second column of a CSV is the row's weight.
    pub csv_weights: bool,
    /// Columns of the files that are neither label nor weight nor features.
    pub columns: DeclaredColumns,
    /// Folds and repetitions of cross-validation, where the job asks for it.
    pub kfold: Option<KFold>,
    /// Whether splits must be searched among all values.
    pub exact: bool,
    /// Whether a job that is stopped leaves the model of its last round.
    pub save_model_on_termination: bool,
    /// When checkpoints are written, and how many stay.
    pub checkpoints: Cadence,
    /// What to do about a checkpoint that another job has left.
    pub on_mismatch: OnMismatch,
    /// The encoding of the model file.
    pub model_format: ModelFormat,
    /// What becomes of a row that cannot be read.
    pub on_bad_row: OnBadRow,
    /// Names of the feature columns; empty where none are given.
    pub feature_names: Vec<String>,
    /// What is said about single features, to be resolved when the table is known.
    pub features: FeatureOptions,
    /// Feature names or feature numbers from 0 that make the groups of the naive comparison.
    pub baseline_columns: Vec<String>,
    /// Feature names or feature numbers from 0 whose values are codes of categories.
    pub categorical_features: Vec<String>,
    /// 0 silent to 3 everything.
    pub verbosity: u8,
    /// What was accepted without effect; one line of log each.
    pub ignored: Vec<Ignored>,
    /// What the user should know although it was accepted; one line of log each.
    pub warnings: Vec<String>,
}

impl Hyperparameters {
    /// Reads a job's hyperparameters.
    ///
    /// # Errors
    /// Every problem: what is missing, unknown, not a number, out of its range, not supported, or does not go together.
    pub fn parse(values: &BTreeMap<String, String>) -> Result<Self, HyperparameterErrors> {
        let mut reading = read::Reading::default();
        for (name, value) in values {
            reading.take(name, value);
        }
        rules::apply(&mut reading);
        let read::Reading {
            draft,
            ignored,
            errors,
            ..
        } = reading;
        if !errors.is_empty() {
            return Err(HyperparameterErrors(errors));
        }
        Ok(Self {
            algorithm: draft.algorithm,
            objective: draft.objective(),
            process_type: draft.process_type,
            num_class: draft.num_class,
            num_round: draft.num_round.unwrap_or(1),
            params: draft.params,
            eval_metrics: draft.eval_metrics,
            early_stopping_rounds: draft.early_stopping_rounds,
            tuning_objective_metric: draft.tuning_objective_metric,
            csv_weights: draft.csv_weights,
            columns: draft.columns,
            kfold: draft.kfold.map(|n_folds| KFold {
                n_folds,
                n_repeats: draft.num_cv_round.unwrap_or(1),
            }),
            exact: draft.exact,
            save_model_on_termination: draft.save_model_on_termination,
            checkpoints: draft.checkpoints,
            on_mismatch: draft.on_mismatch,
            model_format: draft.model_format,
            on_bad_row: draft.on_bad_row,
            feature_names: draft.feature_names,
            features: draft.features,
            baseline_columns: draft.baseline_columns,
            categorical_features: draft.categorical_features,
            verbosity: draft.verbosity.unwrap_or(1),
            ignored,
            warnings: draft.warnings,
        })
    }
}
