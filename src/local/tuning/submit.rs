//! Tuning jobs begin, are stopped and are forgotten.

use super::ByName;
use super::record::TuningRecord;
use super::request::{Create, Plan};
use super::run::Tuning;
use crate::app::App;
use crate::chance::next_number;
use crate::job::{Order, now};
use crate::sagemaker;
use crate::wire::{Answer, AwsError, ErrorCode};
use crate::work_status::Progress;
use contract::job::validation_message;
use serde_json::{Value, json};
use std::sync::Arc;

/// `CreateHyperParameterTuningJob`.
pub(crate) fn create(app: &Arc<App>, request: Create) -> Answer {
    // Milliseconds are chance enough where nobody asks for a seed.
    let mut chance = (now() * 1000.0) as u64;
    let plan = request.plan(next_number(&mut chance))?;
    let name = request.hyper_parameter_tuning_job_name.clone();
    let arn = app.config.arn("hyper-parameter-tuning-job", &name);
    check_training_job(app, &plan, &name)?;
    let progress = Progress::begin();
    let created = progress.creation_time;
    let record = TuningRecord {
        name: name.clone(),
        arn: arn.clone(),
        config: request.hyper_parameter_tuning_job_config,
        definition: request.training_job_definition,
        tags: request.tags,
        progress,
    };
    if !app
        .records
        .tunings
        .insert(record)
        .map_err(AwsError::internal)?
    {
        return Err(AwsError::new(
            ErrorCode::ResourceInUse,
            format!(
                "Tuning Job names must be unique within an AWS account and region, and a tuning job with this name already exists ({arn})"
            ),
        ));
    }
    let tuning = Tuning {
        app: Arc::clone(app),
        name: name.clone(),
        arn: arn.clone(),
        created,
        plan,
    };
    app.start(key(&name), |orders| tuning.run(orders));
    Ok(json!({ "HyperParameterTuningJobArn": arn }))
}

/// What every training job would be refused for is told at once.
fn check_training_job(app: &App, plan: &Plan, name: &str) -> Result<(), AwsError> {
    let Some(first) = plan.strategy.clone().propose(&[]) else {
        return Err(AwsError::validation("there is nothing to try"));
    };
    let request = plan.request(&format!("{name}-001-00000000"), &first)?;
    let problems = request.validate();
    if !problems.is_empty() {
        return Err(AwsError::validation(validation_message(&problems)));
    }
    sagemaker::check_training_job(app, &request)
}

/// `StopHyperParameterTuningJob`: its training jobs are stopped too.
pub(crate) fn stop(app: &App, request: &ByName) -> Answer {
    let name = &request.hyper_parameter_tuning_job_name;
    let change = |record: &mut TuningRecord| record.progress.stop("tuning");
    let changed = app.records.tunings.update(name, change);
    changed
        .map_err(AwsError::internal)?
        .ok_or_else(not_found)??;
    app.order(&key(name), Order::Stop);
    Ok(Value::Null)
}

/// `DeleteHyperParameterTuningJob`: its training jobs stay.
pub(crate) fn delete(app: &App, request: &ByName) -> Answer {
    let allow = |record: &TuningRecord| {
        if record.progress.status.is_terminal() {
            return Ok(());
        }
        Err(AwsError::validation(format!(
            "The tuning job is in status {}; only one that is Completed, Failed or Stopped can be deleted.",
            record.progress.status
        )))
    };
    let removed = app
        .records
        .tunings
        .remove(&request.hyper_parameter_tuning_job_name, allow);
    // AWS deletes what is not there without a word.
    removed
        .map_err(AwsError::internal)?
        .unwrap_or(Ok(()))
        .map(|()| Value::Null)
}

/// What a tuning job's task is known by.
fn key(name: &str) -> String {
    format!("tuning/{name}")
}

/// What the service says of a tuning job that does not exist.
pub(super) fn not_found() -> AwsError {
    AwsError::new(
        ErrorCode::SageMakerResourceNotFound,
        "Amazon SageMaker can't find a tuning job with this name.",
    )
}
