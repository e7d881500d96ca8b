//! A processing job as it is kept.

use crate::documents::Document;
use crate::work_status::Progress;
use contract::job::request::Tag;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A processing job as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ProcessingRecord {
    pub(crate) name: String,
    pub(crate) arn: String,
    /// The request, as it came.
    pub(crate) request: Value,
    pub(crate) tags: Vec<Tag>,
    #[serde(flatten)]
    pub(crate) progress: Progress,
    /// What the hosts have left in their message files.
    #[serde(default)]
    pub(crate) exit_message: Option<String>,
}

impl Document for ProcessingRecord {
    fn name(&self) -> &str {
        &self.name
    }
}
