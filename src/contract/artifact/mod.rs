//! What a job leaves: names inside `model.tar.gz` and `output.tar.gz`, and the evaluation document.
//!
//! Invariant: [`MODEL_FILE`], or with cross-validation a model for each fold, is all there is at the top of the model's
//! archive. Readers of the built-in algorithm's artifacts load every plain file there, so whatever else we write lies in
//! [`SIDE_DIR`].

mod evaluation;
mod stored_model;

use std::fmt::Write as _;

use engine::dataset::SideColumn;

pub use evaluation::{
    Baseline, BaselineMetric, BestRound, CrossValidation, DataSet, Evaluation, EvaluationError,
    FoldMetric, FoldModel, MetricHistory, MetricSpread, ModelDigest, Timing,
};
pub use stored_model::{MAX_MODEL_BYTES, StoredModel, StoredModelError, side_path};

/// The model, at the top of `model.tar.gz`.
pub const MODEL_FILE: &str = "xgboost-model";
/// The folder of side files in `model.tar.gz`.
pub const SIDE_DIR: &str = "linden";
/// The side file with feature names and hyperparameters, in [`SIDE_DIR`].
pub const SIDE_FILE: &str = "training.json";
/// The evaluation, in `output.tar.gz`.
pub const EVALUATION_FILE: &str = "evaluation.json";
/// Predictions of held-out rows, in `output.tar.gz`.
pub const PREDICTIONS_FILE: &str = "predictions.csv";
/// SageMaker's archive of the model folder.
pub const MODEL_ARCHIVE: &str = "model.tar.gz";
/// SageMaker's archive of `output/data`.
pub const OUTPUT_ARCHIVE: &str = "output.tar.gz";

/// The columns without which a prediction means something else, and what side files call them.
pub const REQUIRED_INPUTS: &[(SideColumn, &str)] = &[
    (SideColumn::BaseMargin, "base_margin"),
    (SideColumn::Exposure, "exposure"),
];

/// Bytes in hexadecimal, as digests are written.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string does not fail");
        hex
    })
}

/// The S3 key of an archive below the job's output path: `<job>/output/model.tar.gz`.
pub fn archive_key(prefix: &str, job_name: &str, archive: &str) -> String {
    let prefix = prefix.trim_end_matches('/');
    let separator = if prefix.is_empty() { "" } else { "/" };
    format!("{prefix}{separator}{job_name}/output/{archive}")
}
