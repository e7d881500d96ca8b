//! Where a tuning, transform or processing job is: what the kinds have in common.
//!
//! Invariants: a status that is an end stays; somebody's stop goes before an end that came by itself.

use crate::documents::Document;
use crate::job::now;
use crate::list::Facts;
use crate::wire::AwsError;
use contract::job::request::Tag;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;

/// A status, in the API's spelling (`HyperParameterTuningJobStatus`, `TransformJobStatus`, `ProcessingJobStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WorkStatus {
    InProgress,
    Completed,
    Failed,
    Stopping,
    Stopped,
}

impl WorkStatus {
    /// Whether it has ended.
    pub(crate) fn is_terminal(self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Stopped => true,
            Self::InProgress | Self::Stopping => false,
        }
    }
}

impl fmt::Display for WorkStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How a job ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WorkEnd {
    Completed,
    Stopped,
    Failed(String),
}

/// A transform or processing job as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WorkRecord {
    pub(crate) name: String,
    pub(crate) arn: String,
    /// The request, as it came.
    pub(crate) request: Value,
    pub(crate) tags: Vec<Tag>,
    #[serde(flatten)]
    pub(crate) progress: Progress,
}

impl WorkRecord {
    /// Of a job that has just been created.
    pub(crate) fn begin(name: &str, arn: &str, request: Value, tags: Vec<Tag>) -> Self {
        Self {
            name: name.to_owned(),
            arn: arn.to_owned(),
            request,
            tags,
            progress: Progress::begin(),
        }
    }
}

impl Document for WorkRecord {
    fn name(&self) -> &str {
        &self.name
    }
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Progress {
    pub(crate) status: WorkStatus,
    pub(crate) creation_time: f64,
    pub(crate) last_modified_time: f64,
    pub(crate) start_time: Option<f64>,
    pub(crate) end_time: Option<f64>,
    pub(crate) failure_reason: Option<String>,
    /// What its hosts had to say, where somebody asks them.
    pub(crate) exit_message: Option<String>,
    /// What runs for it.
    #[serde(default)]
    pub(crate) processes: Vec<u32>,
}

impl Progress {
    /// Of a job that has just been created.
    pub(crate) fn begin() -> Self {
        let at = now();
        Self {
            status: WorkStatus::InProgress,
            creation_time: at,
            last_modified_time: at,
            start_time: None,
            end_time: None,
            failure_reason: None,
            exit_message: None,
            processes: Vec::new(),
        }
    }

    /// Goes to another status; one that has ended stays as it is.
    fn enter(&mut self, status: WorkStatus) {
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

    /// Its processes run from now on.
    pub(crate) fn start(&mut self, processes: Vec<u32>) {
        self.processes = processes;
        self.start_time = Some(now());
    }

    pub(crate) fn close(&mut self, end: WorkEnd) {
        match end {
            WorkEnd::Completed if self.status != WorkStatus::Stopping => {
                self.enter(WorkStatus::Completed);
            }
            WorkEnd::Completed | WorkEnd::Stopped => self.enter(WorkStatus::Stopped),
            // What a program says while it is being stopped is not why it ended.
            WorkEnd::Failed(reason)
                if self.status == WorkStatus::Stopping && reason.starts_with("AlgorithmError") =>
            {
                self.enter(WorkStatus::Stopped);
            }
            WorkEnd::Failed(reason) => {
                if !self.status.is_terminal() {
                    self.failure_reason = Some(reason);
                }
                self.enter(WorkStatus::Failed);
            }
        }
    }

    /// Asks the job, whose `kind` is told where it cannot, to stop.
    pub(crate) fn stop(&mut self, kind: &str) -> Result<(), AwsError> {
        if self.status != WorkStatus::InProgress {
            return Err(AwsError::validation(format!(
                "The request was rejected because the {kind} job is in status {}.",
                self.status
            )));
        }
        self.enter(WorkStatus::Stopping);
        Ok(())
    }

    /// What a list of such jobs is filtered and sorted by.
    pub(crate) fn facts(&self, name: &str) -> Facts {
        Facts {
            name: name.to_owned(),
            status: self.status.to_string(),
            created: self.creation_time,
            modified: self.last_modified_time,
            objective: None,
        }
    }

    /// Adds what a description and a summary share, of a `kind` such as `Transform`.
    pub(crate) fn describe(&self, kind: &str, answer: &mut Value) {
        answer[format!("{kind}JobStatus")] = json!(self.status);
        answer["CreationTime"] = json!(self.creation_time);
        if let Some(end) = self.end_time {
            answer[format!("{kind}EndTime")] = json!(end);
        }
        if let Some(reason) = &self.failure_reason {
            answer["FailureReason"] = json!(reason);
        }
        if let Some(message) = &self.exit_message {
            answer["ExitMessage"] = json!(message);
        }
    }
}

/// Why a job of a `kind` has failed whose server has gone or `was shut down`.
pub(crate) fn abandoned(kind: &str, how: &str) -> WorkEnd {
    WorkEnd::Failed(format!(
        "InternalServerError: the local SageMaker {how} while the {kind} job was running; submit it again"
    ))
}
