//! `DeleteTrainingJob`: forgets a job that has ended. Its log and its objects stay, as in AWS; its name is free again.

use super::describe::ByName;
use super::not_found;
use crate::app::App;
use crate::warm_pool;
use crate::wire::{Answer, AwsError, ErrorCode};
use serde_json::Value;

pub(super) fn delete(app: &App, request: &ByName) -> Answer {
    let removed = app
        .jobs
        .remove(&request.training_job_name, |job| {
            let status = &job.description.training_job_status;
            if warm_pool::is_available(&job.description) {
                Err(AwsError::new(
                    ErrorCode::ResourceInUse,
                    "The training job has a warm pool that is Available; end it first, by UpdateTrainingJob with KeepAlivePeriodInSeconds 0.",
                ))
            } else if status.is_terminal() {
                Ok(())
            } else {
                Err(AwsError::new(
                    ErrorCode::ResourceInUse,
                    format!(
                        "The training job is in status {status}; only a job that is Completed, Failed or Stopped can be deleted."
                    ),
                ))
            }
        })
        .map_err(AwsError::internal)?;
    removed.ok_or_else(not_found)?.map(|()| Value::Null)
}
