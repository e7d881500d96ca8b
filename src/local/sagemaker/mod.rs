//! SageMaker's operations on training jobs.
//!
//! Source: SageMaker API, service model of 2017-07-24; refusals as the service words them in users' reports.

mod check;
mod create;
mod delete;
mod describe;
mod list;
mod stop;
mod tags;
mod update;

use crate::app::App;
use crate::search;
use crate::tuning;
use crate::warm_pool;
use crate::wire::{Answer, AwsError, ErrorCode, parse};
use contract::job::CreateTrainingJobRequest;
use std::sync::Arc;

pub(crate) use create::create as create_training_job;
pub(crate) use stop::stop_job as stop_training_job;

/// What the service says of a job that does not exist.
const NOT_FOUND: &str = "Requested resource not found.";

/// What [`dispatch`] answers.
pub(crate) const OPERATIONS: &[&str] = &[
    "CreateTrainingJob",
    "DescribeTrainingJob",
    "ListTrainingJobs",
    "StopTrainingJob",
    "DeleteTrainingJob",
    "UpdateTrainingJob",
    "CreateHyperParameterTuningJob",
    "DescribeHyperParameterTuningJob",
    "ListHyperParameterTuningJobs",
    "ListTrainingJobsForHyperParameterTuningJob",
    "StopHyperParameterTuningJob",
    "DeleteHyperParameterTuningJob",
    "Search",
    "ListTags",
    "AddTags",
];

/// Answers `SageMaker.<operation>`.
pub(crate) fn dispatch(app: &Arc<App>, operation: &str, body: &[u8]) -> Answer {
    warm_pool::settle(&app.jobs).map_err(AwsError::internal)?;
    match operation {
        "CreateTrainingJob" => create::create(app, parse(body)?, None),
        "DeleteTrainingJob" => delete::delete(app, &parse(body)?),
        "DescribeTrainingJob" => describe::describe(app, &parse(body)?),
        "ListTrainingJobs" => list::list(app, &parse(body)?),
        "StopTrainingJob" => stop::stop(app, &parse(body)?),
        "UpdateTrainingJob" => update::update(app, &parse(body)?),
        "CreateHyperParameterTuningJob" => tuning::create(app, parse(body)?),
        "DescribeHyperParameterTuningJob" => tuning::describe(app, &parse(body)?),
        "ListHyperParameterTuningJobs" => tuning::list(app, &parse(body)?),
        "ListTrainingJobsForHyperParameterTuningJob" => {
            tuning::list_training_jobs(app, &parse(body)?)
        }
        "StopHyperParameterTuningJob" => tuning::stop(app, &parse(body)?),
        "DeleteHyperParameterTuningJob" => tuning::delete(app, &parse(body)?),
        "Search" => search::search(app, &parse(body)?),
        "ListTags" => tags::list(app, &parse(body)?),
        "AddTags" => tags::add(app, parse(body)?),
        _ => Err(AwsError::new(
            ErrorCode::UnknownOperation,
            format!(
                "the local SageMaker has no operation `{operation}`, it has {}",
                OPERATIONS.join(", ")
            ),
        )),
    }
}

fn not_found() -> AwsError {
    AwsError::validation(NOT_FOUND)
}

/// Refuses a training job that would not train here.
pub(crate) fn check_training_job(
    app: &App,
    request: &CreateTrainingJobRequest,
) -> Result<(), AwsError> {
    create::check(app, request).map(drop)
}
