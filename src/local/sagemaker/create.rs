//! `CreateTrainingJob`: everything that can be refused is refused here; then the job runs on its own.

use super::check;
use crate::app::App;
use crate::config::Engine;
use crate::job::{Extractor, JobRecord, Tuned, first_transition, now};
use crate::scenario::check_quota;
use crate::warm_pool;
use crate::wire::{Answer, AwsError, ErrorCode};
use contract::job::request::{OutputDataConfig, StoppingCondition};
use contract::job::{
    CreateTrainingJobRequest, SecondaryStatus, TrainingJobDescription, TrainingJobStatus,
    validation_message,
};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

/// SageMaker's own default: a day.
const DEFAULT_MAX_RUNTIME_SECS: i64 = 24 * 60 * 60;

/// Makes a training job of a request, which may be one of a tuning job's.
pub(crate) fn create(
    app: &Arc<App>,
    request: &CreateTrainingJobRequest,
    tuned: Option<Tuned>,
) -> Answer {
    let problems = request.validate();
    if !problems.is_empty() {
        return Err(AwsError::validation(validation_message(&problems)));
    }
    let arn = app.config.job_arn(&request.training_job_name);
    if app.jobs.get(&request.training_job_name).is_some() {
        return Err(taken(&arn));
    }
    let metrics = check(app, request)?;
    let trainer = match app.config.engine {
        Engine::Process => app.trainer()?,
        Engine::Docker => PathBuf::new(),
    };
    // Until the job is recorded: two at once must not both get the last machine of a quota, or of a pool.
    let _admitted = app.admit();
    let others = app.jobs.all();
    // Machines that the job takes over are not there twice.
    let pool = warm_pool::fitting(&app.jobs, request);
    let others = others
        .iter()
        .map(|it| &it.description)
        .filter(|it| pool.as_ref() != Some(&it.training_job_name));
    check_quota(&app.config.scenario, request, &others)?;
    let tags = request.tags.clone();
    let mut description = describe(request.clone(), &arn);
    warm_pool::begin(&mut description);
    let record = JobRecord {
        description: description.clone(),
        tags,
        processes: Vec::new(),
        tuned,
    };
    // The name may have been taken since.
    if !app.jobs.insert(record).map_err(AwsError::internal)? {
        return Err(taken(&arn));
    }
    // The job is recorded, so it runs: without a pool it has machines of its own.
    if let Err(err) = warm_pool::take(&app.jobs, request) {
        tracing::error!(job = request.training_job_name, %err, "the warm pool could not be taken");
    }
    app.spawn(&description, trainer, metrics);
    Ok(json!({ "TrainingJobArn": arn }))
}

/// Refuses what would not train here; else the job's metrics.
pub(super) fn check(app: &App, request: &CreateTrainingJobRequest) -> Result<Extractor, AwsError> {
    check::check(app, request)?;
    let definitions = request
        .algorithm_specification
        .as_ref()
        .map(|it| it.metric_definitions.as_slice());
    Extractor::new(definitions.unwrap_or_default())
        .map_err(|err| AwsError::validation(err.to_string()))
}

fn taken(arn: &str) -> AwsError {
    let text = "Training job names must be unique within an AWS account and region, and a training job with this name already exists";
    AwsError::new(ErrorCode::ResourceInUse, format!("{text} ({arn})"))
}

/// As it is told afterwards: the service names a key even where there is none, and the Python SDK reads it.
fn described(output: OutputDataConfig) -> OutputDataConfig {
    OutputDataConfig {
        kms_key_id: output.kms_key_id.or_else(|| Some(String::new())),
        ..output
    }
}

fn describe(request: CreateTrainingJobRequest, arn: &str) -> TrainingJobDescription {
    let at = now();
    let asked = request.stopping_condition.unwrap_or_default();
    let max_runtime_in_seconds = asked
        .max_runtime_in_seconds
        .or(Some(DEFAULT_MAX_RUNTIME_SECS));
    TrainingJobDescription {
        training_job_name: request.training_job_name,
        training_job_arn: arn.to_owned(),
        model_artifacts: None,
        training_job_status: TrainingJobStatus::InProgress,
        secondary_status: SecondaryStatus::Starting,
        failure_reason: None,
        hyper_parameters: request.hyper_parameters,
        algorithm_specification: request.algorithm_specification.unwrap_or_default(),
        role_arn: Some(request.role_arn),
        input_data_config: request.input_data_config,
        output_data_config: request.output_data_config.map(described),
        resource_config: request.resource_config.unwrap_or_default(),
        warm_pool_status: None,
        vpc_config: request.vpc_config,
        stopping_condition: StoppingCondition {
            max_runtime_in_seconds,
            ..asked
        },
        creation_time: at,
        training_start_time: None,
        training_end_time: None,
        last_modified_time: Some(at),
        secondary_status_transitions: vec![first_transition(at)],
        final_metric_data_list: Vec::new(),
        enable_network_isolation: request.enable_network_isolation.or(Some(false)),
        enable_inter_container_traffic_encryption: request
            .enable_inter_container_traffic_encryption
            .or(Some(false)),
        enable_managed_spot_training: request.enable_managed_spot_training.or(Some(false)),
        checkpoint_config: request.checkpoint_config,
        training_time_in_seconds: None,
        billable_time_in_seconds: None,
        retry_strategy: request.retry_strategy,
        environment: request.environment,
    }
}
