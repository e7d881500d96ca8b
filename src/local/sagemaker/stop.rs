//! `StopTrainingJob`: the record says `Stopping` before the trainer hears of it, so a stop is never lost.

use super::describe::ByName;
use super::not_found;
use crate::app::App;
use crate::job::{JobRecord, Order, enter, now};
use crate::wire::{Answer, AwsError};
use contract::job::{SecondaryStatus, TrainingJobStatus};
use serde_json::Value;

pub(super) fn stop(app: &App, request: &ByName) -> Answer {
    stop_job(app, &request.training_job_name)
}

/// Stops the training job of that name.
pub(crate) fn stop_job(app: &App, name: &str) -> Answer {
    let change = |record: &mut JobRecord| {
        let job = &mut record.description;
        let status = job.training_job_status.clone();
        if status != TrainingJobStatus::InProgress {
            return Err(status);
        }
        enter(job, SecondaryStatus::Stopping, now()).map_err(|_| status)
    };
    match app.jobs.update(name, change).map_err(AwsError::internal)? {
        None => Err(not_found()),
        Some(Err(status)) => Err(AwsError::validation(format!(
            "The request was rejected because the training job is in status {status}."
        ))),
        Some(Ok(())) => {
            app.order(name, Order::Stop);
            Ok(Value::Null)
        }
    }
}
