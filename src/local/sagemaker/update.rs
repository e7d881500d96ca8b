//! `UpdateTrainingJob`: how long the job's machines stay. What else AWS changes there (profiler and remote debugging) is not
//! here, and is refused.
//!
//! Source: SageMaker API, `UpdateTrainingJob`, `ResourceConfigForUpdate`.

use super::not_found;
use crate::app::App;
use crate::job::JobRecord;
use crate::warm_pool;
use crate::wire::{Answer, AwsError};
use contract::job::limits::KEEP_ALIVE_SECS;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    training_job_name: String,
    resource_config: Option<Kept>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kept {
    keep_alive_period_in_seconds: i64,
}

pub(super) fn update(app: &App, request: &Update) -> Answer {
    if let Some(member) = request.others.keys().next() {
        return Err(AwsError::validation(format!(
            "the local SageMaker changes ResourceConfig.KeepAlivePeriodInSeconds of a training job, not {member}"
        )));
    }
    let Some(kept) = &request.resource_config else {
        return Err(AwsError::validation(
            "At least one of ResourceConfig, ProfilerConfig, ProfilerRuleConfigurations and RemoteDebugConfig must be given.",
        ));
    };
    let seconds = kept.keep_alive_period_in_seconds;
    if !u64::try_from(seconds).is_ok_and(|it| KEEP_ALIVE_SECS.contains(&it)) {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{seconds}' at 'resourceConfig.keepAlivePeriodInSeconds' failed to satisfy constraint: Member must have value between {} and {}",
            KEEP_ALIVE_SECS.start(),
            KEEP_ALIVE_SECS.end()
        )));
    }
    let change = |record: &mut JobRecord| {
        let job = &mut record.description;
        if warm_pool::keep(job, seconds) {
            return Ok(json!({ "TrainingJobArn": job.training_job_arn }));
        }
        let name = &job.training_job_name;
        Err(AwsError::validation(match &job.warm_pool_status {
            None => format!("The training job {name} has no warm pool."),
            Some(pool) => format!(
                "The request was rejected because the warm pool of the training job {name} is in status {}.",
                pool.status
            ),
        }))
    };
    app.jobs
        .update(&request.training_job_name, change)
        .map_err(AwsError::internal)?
        .ok_or_else(not_found)?
}
