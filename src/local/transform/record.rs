//! A transform job as it is kept.

use crate::documents::Document;
use crate::job::now;
use crate::work_status::WorkStatus;
use contract::job::request::Tag;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A transform job as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TransformRecord {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) status: WorkStatus,
    /// The request, as it came.
    pub(crate) request: Value,
    pub(crate) tags: Vec<Tag>,
    pub(crate) creation_time: f64,
    pub(crate) last_modified_time: f64,
    pub(crate) start_time: Option<f64>,
    pub(crate) end_time: Option<f64>,
    pub(crate) failure_reason: Option<String>,
    /// The model's process while the job runs.
    #[serde(default)]
    pub(crate) processes: Vec<u32>,
}

impl Document for TransformRecord {
    fn name(&self) -> &str {
        &self.name
    }
}

impl TransformRecord {
    /// Goes to another status; one that has ended stays as it is.
    pub(super) fn enter(&mut self, status: WorkStatus) {
        if self.status.is_terminal() {
            return;
        }
        self.status = status;
        self.last_modified_time = now();
        if status.is_terminal() {
            self.end_time = Some(self.last_modified_time);
            self.processes.clear();
        }
    }

    pub(super) fn fail(&mut self, reason: impl Into<String>) {
        if !self.status.is_terminal() {
            self.failure_reason = Some(reason.into());
        }
        self.enter(WorkStatus::Failed);
    }
}

/// Ends a transform job whose server has gone, as the next server finds it.
pub(crate) fn fail_orphan(record: &mut TransformRecord) {
    record.fail(
        "InternalServerError: the local SageMaker ended while the transform job was running; submit it again",
    );
}
