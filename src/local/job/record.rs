//! A job as it is kept: what a client is told, and what it is not.

use crate::documents::{Document, Documents};
use contract::job::TrainingJobDescription;
use contract::job::request::Tag;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A job as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct JobRecord {
    /// What a client is told.
    pub(crate) description: TrainingJobDescription,
    /// The job's tags, which its description does not show.
    #[serde(default)]
    pub(crate) tags: Vec<Tag>,
    /// The trainers' process ids while the job runs, so that a next server can end what a crash has left.
    #[serde(default)]
    pub(crate) processes: Vec<u32>,
    /// The tuning job that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tuned: Option<Tuned>,
}

/// A training job's place in a tuning job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tuned {
    /// The tuning job's name.
    pub(crate) job: String,
    /// Its ARN.
    pub(crate) arn: String,
    /// The hyperparameters that were chosen for this training job.
    pub(crate) hyper_parameters: BTreeMap<String, String>,
}

/// Every job, by name.
pub(crate) type Jobs = Documents<JobRecord>;

impl Document for JobRecord {
    fn name(&self) -> &str {
        &self.description.training_job_name
    }
}
