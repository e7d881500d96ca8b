//! `evaluation.json`: what a job measured, for people, for gates in CI and for reports.
//!
//! Invariants: each history has one value a round; numbers that are not finite are written as the texts `nan`, `inf` and
//! `-inf`, so that the document stays JSON and comes back as it was; a reader takes documents with keys that it does not
//! know, and refuses another schema version.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The version of the document that this crate writes.
const SCHEMA: u32 = 1;

/// What a job measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Version of this document, 1.
    #[serde(default = "schema")]
    pub schema: u32,
    /// The training job's name, where the environment told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_name: Option<String>,
    /// `gradient_boosting`, `random_forest` or `decision_tree`.
    pub algorithm: String,
    /// The objective in XGBoost's spelling.
    pub objective: String,
    /// The data sets, `train` first.
    pub data: Vec<DataSet>,
    /// Rounds in the model that was saved.
    pub rounds: u32,
    /// The best round, where early stopping looked for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_round: Option<BestRound>,
    /// Why training ended: `all_rounds`, `early_stopping` or `stopped`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Each metric of each data set, round by round, in the order in which the lines print.
    pub metrics: Vec<MetricHistory>,
    /// The comparison with a naive prediction, where `baseline_columns` asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The folds, where the job cross-validates; the metrics above are then means over them, and `model` is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_validation: Option<CrossValidation>,
    /// Wall-clock times of the steps, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timings: Vec<Timing>,
    /// The hyperparameters as they were given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hyperparameters: BTreeMap<String, String>,
    /// The model file.
    pub model: ModelDigest,
}

/// A data set that was evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSet {
    /// The channel's name.
    pub name: String,
    /// Rows.
    pub rows: u64,
    /// Feature columns, without label and weight.
    pub columns: u64,
    /// Rows that were left out since they do not fit, where `on_bad_row` is `skip`; not among `rows`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped_rows: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands on a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The round that early stopping kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestRound {
    /// The round, from 0.
    pub round: u32,
    /// The metric that decided.
    pub metric: String,
    /// Its value there.
    #[serde(with = "number")]
    pub value: f64,
}

/// One metric on one data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricHistory {
    /// The data set's name.
    pub data: String,
    /// The metric's printed name.
    pub metric: String,
    /// Whether larger is better.
    pub maximize: bool,
    /// The value of the saved model: of the best round where early stopping cut, else of the last.
    #[serde(rename = "final", with = "number")]
    pub final_value: f64,
    /// The value after each round, `(n_rounds_run,)`.
    #[serde(with = "number::list")]
    pub rounds: Vec<f64>,
}

/// The model against the mean label of the training rows that share the values of some columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The data set on which both were measured.
    pub data: String,
    /// The columns whose values make a group, as the hyperparameter names them.
    pub columns: Vec<String>,
    /// How many groups the training data has.
    pub groups: u64,
    /// Rows whose group was not seen in training, predicted by the overall mean.
    pub unseen_rows: u64,
    /// Each metric, for both.
    pub metrics: Vec<BaselineMetric>,
}

/// A metric of the naive prediction and of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaselineMetric {
    /// The metric's printed name.
    pub metric: String,
    /// Whether larger is better.
    pub maximize: bool,
    /// The naive prediction's value.
    #[serde(with = "number")]
    pub baseline: f64,
    /// The model's value.
    #[serde(with = "number")]
    pub model: f64,
}

impl BaselineMetric {
    /// Whether the model is strictly better than the naive prediction.
    pub fn model_is_better(&self) -> bool {
        if self.maximize {
            self.baseline < self.model
        } else {
            self.model < self.baseline
        }
    }

    /// How much better the model is, as a share of the naive value: 0.25 is a quarter better, negative is worse.
    pub fn improvement(&self) -> f64 {
        let gain = if self.maximize {
            self.model - self.baseline
        } else {
            self.baseline - self.model
        };
        gain / self.baseline.abs()
    }
}

/// Models of folds, and what they are worth on the rows that each has not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// Folds of a repetition.
    pub folds: u32,
    /// Repetitions.
    pub repeats: u32,
    /// Mean and spread of each metric over all models.
    pub metrics: Vec<MetricSpread>,
    /// The models, repetition after repetition.
    pub models: Vec<FoldModel>,
}

/// A metric over the models of all folds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricSpread {
    /// `train` for the rows that a model learned from, `validation` for those held out.
    pub data: String,
    /// The metric's printed name.
    pub metric: String,
    /// Whether larger is better.
    pub maximize: bool,
    /// The mean.
    #[serde(with = "number")]
    pub mean: f64,
    /// The standard deviation of these values, not an estimate of another's: the divisor is their number.
    #[serde(with = "number")]
    pub std: f64,
}

/// The model of one fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldModel {
    /// Its repetition, from 0.
    pub repeat: u32,
    /// Its fold in the repetition, from 0.
    pub fold: u32,
    /// Rows that it learned from.
    pub train_rows: u64,
    /// Rows that were held out.
    pub held_out_rows: u64,
    /// Rounds in the model.
    pub rounds: u32,
    /// What it is worth.
    pub metrics: Vec<FoldMetric>,
    /// The file.
    pub model: ModelDigest,
}

/// A metric of one fold's model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldMetric {
    /// `train` or `validation`.
    pub data: String,
    /// The metric's printed name.
    pub metric: String,
    /// Its value.
    #[serde(with = "number")]
    pub value: f64,
}

/// How long a step took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// The step: `read`, `bin`, `train`, `save`.
    pub step: String,
    /// Seconds.
    pub seconds: f64,
}

/// The model file, so that a fetched artifact can be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelDigest {
    /// Its name inside `model.tar.gz`.
    pub file: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// A text that is no evaluation document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// Not JSON, or a key is missing or has another type.
    #[error("evaluation.json: {0}")]
    Json(String),
    /// Written by another version.
    #[error("evaluation.json: `schema` is `{0}`, allowed is `{SCHEMA}`")]
    Schema(u32),
}

impl Evaluation {
    /// The version that [`Evaluation::write`] writes.
    pub const SCHEMA: u32 = SCHEMA;

    /// Reads a document.
    ///
    /// # Errors
    /// [`EvaluationError::Schema`] for another version, [`EvaluationError::Json`] for everything else that does not fit.
    pub fn read(bytes: &[u8]) -> Result<Self, EvaluationError> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let json = |err: serde_json::Error| EvaluationError::Json(err.to_string());
        let version: Version = serde_json::from_slice(bytes).map_err(json)?;
        if version.schema != SCHEMA {
            return Err(EvaluationError::Schema(version.schema));
        }
        serde_json::from_slice(bytes).map_err(json)
    }

    /// The document's text.
    pub fn write(&self) -> String {
        crate::document::write(self)
    }

    /// The value of the saved model.
    pub fn final_value(&self, data: &str, metric: &str) -> Option<f64> {
        self.metrics
            .iter()
            .find(|it| it.data == data && it.metric == metric)
            .map(|it| it.final_value)
    }
}

fn schema() -> u32 {
    SCHEMA
}

/// A number that may not be finite: JSON has none of those.
mod number {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    pub(super) enum Number {
        Finite(f64),
        Text(String),
    }

    impl From<f64> for Number {
        fn from(value: f64) -> Self {
            let text = |it: &str| Self::Text(it.to_owned());
            match value {
                it if it.is_finite() => Self::Finite(it),
                it if it.is_nan() => text("nan"),
                it if it.is_sign_positive() => text("inf"),
                _ => text("-inf"),
            }
        }
    }

    impl Number {
        pub(super) fn value<E: serde::de::Error>(self) -> Result<f64, E> {
            match self {
                Self::Finite(value) => Ok(value),
                Self::Text(text) => match text.as_str() {
                    "nan" => Ok(f64::NAN),
                    "inf" => Ok(f64::INFINITY),
                    "-inf" => Ok(f64::NEG_INFINITY),
                    _ => Err(E::custom(format!(
                        "`{text}`, allowed is a number, `nan`, `inf` or `-inf`"
                    ))),
                },
            }
        }
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde's `with` gives a reference"
    )]
    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        Number::from(*value).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Number::deserialize(deserializer)?.value()
    }

    pub(super) mod list {
        use super::{Deserialize, Deserializer, Number, Serializer};

        pub(in super::super) fn serialize<S: Serializer>(
            values: &[f64],
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(values.iter().map(|it| Number::from(*it)))
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Vec<f64>, D::Error> {
            Vec::<Number>::deserialize(deserializer)?
                .into_iter()
                .map(Number::value)
                .collect()
        }
    }
}
