//! SageMaker's operations: those on training jobs, and the way to all others.
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
use crate::{endpoint, model, processing, transform};
use contract::job::CreateTrainingJobRequest;
use std::sync::Arc;

pub(crate) use check::{check_image, need_bucket};
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
    "CreateModel",
    "DescribeModel",
    "ListModels",
    "DeleteModel",
    "CreateTransformJob",
    "DescribeTransformJob",
    "ListTransformJobs",
    "StopTransformJob",
    "CreateProcessingJob",
    "DescribeProcessingJob",
    "ListProcessingJobs",
    "StopProcessingJob",
    "CreateEndpointConfig",
    "DescribeEndpointConfig",
    "ListEndpointConfigs",
    "DeleteEndpointConfig",
    "CreateEndpoint",
    "DescribeEndpoint",
    "ListEndpoints",
    "DeleteEndpoint",
    "Search",
    "ListTags",
    "AddTags",
];

/// Answers `SageMaker.<operation>`.
pub(crate) fn dispatch(app: &Arc<App>, operation: &str, body: &[u8]) -> Answer {
    warm_pool::settle(&app.jobs).map_err(AwsError::internal)?;
    match operation {
        "CreateTrainingJob" => create::create(app, &parse(body)?, None),
        "DeleteTrainingJob" => delete::delete(app, &parse(body)?),
        "DescribeTrainingJob" => describe::describe(app, &parse(body)?),
        "ListTrainingJobs" => list::list(app, &parse(body)?),
        "StopTrainingJob" => stop::stop(app, &parse(body)?),
        "UpdateTrainingJob" => update::update(app, &parse(body)?),
        "Search" => search::search(app, &parse(body)?),
        "ListTags" => tags::list(app, &parse(body)?),
        "AddTags" => tags::add(app, parse(body)?),
        _ => of_tuning(app, operation, body),
    }
}

/// The operations of tuning jobs.
fn of_tuning(app: &Arc<App>, operation: &str, body: &[u8]) -> Answer {
    match operation {
        "CreateHyperParameterTuningJob" => tuning::create(app, parse(body)?),
        "DescribeHyperParameterTuningJob" => tuning::describe(app, &parse(body)?),
        "ListHyperParameterTuningJobs" => tuning::list(app, &parse(body)?),
        "ListTrainingJobsForHyperParameterTuningJob" => {
            tuning::list_training_jobs(app, &parse(body)?)
        }
        "StopHyperParameterTuningJob" => tuning::stop(app, &parse(body)?),
        "DeleteHyperParameterTuningJob" => tuning::delete(app, &parse(body)?),
        _ => of_models(app, operation, body),
    }
}

/// The operations of models, of what they answer in, and of processing jobs.
fn of_models(app: &Arc<App>, operation: &str, body: &[u8]) -> Answer {
    match operation {
        "CreateModel" => model::create(app, parse(body)?),
        "DescribeModel" => model::describe(app, &parse(body)?),
        "ListModels" => model::list(app, &parse(body)?),
        "DeleteModel" => model::delete(app, &parse(body)?),
        "CreateTransformJob" => transform::create(app, parse(body)?),
        "DescribeTransformJob" => transform::describe(app, &parse(body)?),
        "ListTransformJobs" => transform::list(app, &parse(body)?),
        "StopTransformJob" => transform::stop(app, &parse(body)?),
        "CreateProcessingJob" => processing::create(app, parse(body)?),
        "DescribeProcessingJob" => processing::describe(app, &parse(body)?),
        "ListProcessingJobs" => processing::list(app, &parse(body)?),
        "StopProcessingJob" => processing::stop(app, &parse(body)?),
        "CreateEndpointConfig" => endpoint::create_config(app, parse(body)?),
        "DescribeEndpointConfig" => endpoint::describe_config(app, &parse(body)?),
        "ListEndpointConfigs" => endpoint::list_configs(app, &parse(body)?),
        "DeleteEndpointConfig" => endpoint::delete_config(app, &parse(body)?),
        "CreateEndpoint" => endpoint::create(app, parse(body)?),
        "DescribeEndpoint" => endpoint::describe(app, &parse(body)?),
        "ListEndpoints" => endpoint::list(app, &parse(body)?),
        "DeleteEndpoint" => endpoint::delete(app, &parse(body)?),
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
