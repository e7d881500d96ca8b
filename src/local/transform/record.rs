//! A transform job as it is kept.

use crate::documents::Document;
use crate::work_status::Progress;
use contract::job::request::Tag;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A transform job as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TransformRecord {
    pub(crate) name: String,
    pub(crate) arn: String,
    /// The request, as it came.
    pub(crate) request: Value,
    pub(crate) tags: Vec<Tag>,
    #[serde(flatten)]
    pub(crate) progress: Progress,
}

impl Document for TransformRecord {
    fn name(&self) -> &str {
        &self.name
    }
}
