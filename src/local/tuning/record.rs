//! A tuning job as it is kept.

use crate::documents::Document;
use crate::work_status::Progress;
use contract::job::request::Tag;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A tuning job as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TuningRecord {
    pub(crate) name: String,
    pub(crate) arn: String,
    /// `HyperParameterTuningJobConfig`, as it came.
    pub(crate) config: Value,
    /// `TrainingJobDefinition`, as it came.
    pub(crate) definition: Value,
    pub(crate) tags: Vec<Tag>,
    #[serde(flatten)]
    pub(crate) progress: Progress,
}

impl Document for TuningRecord {
    fn name(&self) -> &str {
        &self.name
    }
}
