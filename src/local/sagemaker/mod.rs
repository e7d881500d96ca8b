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
use crate::warm_pool;
use crate::wire::{Answer, AwsError, ErrorCode, parse};
use std::sync::Arc;

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
    "ListTags",
    "AddTags",
];

/// Answers `SageMaker.<operation>`.
pub(crate) fn dispatch(app: &Arc<App>, operation: &str, body: &[u8]) -> Answer {
    warm_pool::settle(&app.jobs).map_err(AwsError::internal)?;
    match operation {
        "CreateTrainingJob" => create::create(app, parse(body)?),
        "DeleteTrainingJob" => delete::delete(app, &parse(body)?),
        "DescribeTrainingJob" => describe::describe(app, &parse(body)?),
        "ListTrainingJobs" => list::list(app, &parse(body)?),
        "StopTrainingJob" => stop::stop(app, &parse(body)?),
        "UpdateTrainingJob" => update::update(app, &parse(body)?),
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
