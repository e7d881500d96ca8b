//! `DescribeTrainingJob`.

use super::not_found;
use crate::app::App;
use crate::wire::{Answer, document};
use serde::Deserialize;
use serde_json::json;

/// A job by its name, as several operations take it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ByName {
    pub(super) training_job_name: String,
}

pub(super) fn describe(app: &App, request: &ByName) -> Answer {
    let record = app
        .jobs
        .get(&request.training_job_name)
        .ok_or_else(not_found)?;
    let mut answer = document(&record.description)?;
    if let Some(tuned) = &record.tuned {
        answer["TuningJobArn"] = json!(tuned.arn);
    }
    Ok(answer)
}
