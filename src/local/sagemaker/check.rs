//! What is refused before a job exists: by SageMaker's rules, and by what this server cannot do.
//!
//! The second kind always says what it would take. A request that passes here trains.

use crate::app::App;
use crate::job::{Asker, Source};
use crate::wire::AwsError;
use contract::job::request::AlgorithmSpecification;
use contract::job::{CreateTrainingJobRequest, ImageUri, JobName, NameError, RoleArn, S3Uri};
use contract::paths::DEFAULT_ROOT;
use std::path::Path;

/// The repository whose images run as processes.
const TRAINER_REPOSITORY: &str = "linden-trainer";
const JOB_NAME_PATTERN: &str = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}";
const ROLE_PATTERN: &str = r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+";
const S3_PATTERN: &str = "(https|s3)://([^/]+)/?(.*)";

/// SageMaker's own rules.
pub(super) fn request(request: &CreateTrainingJobRequest) -> Result<(), AwsError> {
    pattern::<JobName>(
        "trainingJobName",
        &request.training_job_name,
        JOB_NAME_PATTERN,
    )?;
    pattern::<RoleArn>("roleArn", &request.role_arn, ROLE_PATTERN)?;
    let output = request
        .output_data_config
        .as_ref()
        .ok_or_else(|| missing("outputDataConfig"))?;
    pattern::<S3Uri>(
        "outputDataConfig.s3OutputPath",
        &output.s3_output_path,
        S3_PATTERN,
    )?;
    let resource = request
        .resource_config
        .as_ref()
        .ok_or_else(|| missing("resourceConfig"))?;
    let n_hosts = resource.instance_count.unwrap_or(1);
    if resource.instance_groups.is_empty() && n_hosts < 1 {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{n_hosts}' at 'resourceConfig.instanceCount' failed to satisfy constraint: Member must have value greater than or equal to 1"
        )));
    }
    request
        .stopping_condition
        .as_ref()
        .ok_or_else(|| missing("stoppingCondition"))?;
    Ok(())
}

/// What this server cannot run, and data that are not there.
pub(super) fn local(app: &App, request: &CreateTrainingJobRequest) -> Result<(), AwsError> {
    let algorithm = request
        .algorithm_specification
        .as_ref()
        .ok_or_else(|| missing("algorithmSpecification"))?;
    image(algorithm)?;
    let resource = request.resource_config.clone().unwrap_or_default();
    if !resource.instance_groups.is_empty() {
        return Err(AwsError::validation(
            "the local SageMaker runs hosts of one kind: give InstanceType and InstanceCount instead of InstanceGroups",
        ));
    }
    for channel in &request.input_data_config {
        let mode = channel
            .input_mode
            .as_deref()
            .unwrap_or(&algorithm.training_input_mode);
        if mode == "Pipe" {
            let name = &channel.channel_name;
            return Err(AwsError::validation(format!(
                "channel `{name}`: the local SageMaker brings channels as File and FastFile, not as Pipe"
            )));
        }
        let asker = Asker {
            region: &app.config.region,
            role: &request.role_arn,
        };
        Source::find(&app.objects, channel, asker)
            .map_err(|err| AwsError::validation(err.to_string()))?;
    }
    let output = request.output_data_config.clone().unwrap_or_default();
    need_bucket(app, "OutputDataConfig.S3OutputPath", &output.s3_output_path)?;
    if let Some(checkpoint) = &request.checkpoint_config {
        need_bucket(app, "CheckpointConfig.S3Uri", &checkpoint.s3_uri)?;
        if let Some(path) = checkpoint
            .local_path
            .as_deref()
            .filter(|it| !Path::new(it).starts_with(DEFAULT_ROOT))
        {
            return Err(AwsError::validation(format!(
                "CheckpointConfig.LocalPath is `{path}`, the local SageMaker keeps checkpoints below {DEFAULT_ROOT}"
            )));
        }
    }
    Ok(())
}

fn image(algorithm: &AlgorithmSpecification) -> Result<(), AwsError> {
    let Some(image) = &algorithm.training_image else {
        return Err(AwsError::validation(
            "the local SageMaker runs images: give AlgorithmSpecification.TrainingImage",
        ));
    };
    let uri: ImageUri = image
        .parse()
        .map_err(|err: NameError| AwsError::validation(err.to_string()))?;
    if uri.repository_name() != TRAINER_REPOSITORY {
        return Err(AwsError::validation(format!(
            "training image `{image}` needs a container engine, and the local SageMaker runs without one: it runs images of a repository named `{TRAINER_REPOSITORY}` as processes of the trainer on this machine"
        )));
    }
    if !algorithm.container_entrypoint.is_empty() || !algorithm.container_arguments.is_empty() {
        return Err(AwsError::validation(
            "ContainerEntrypoint and ContainerArguments need a container engine: without one the trainer is always run as `linden-trainer train`",
        ));
    }
    Ok(())
}

fn need_bucket(app: &App, member: &str, uri: &str) -> Result<(), AwsError> {
    let uri: S3Uri = uri
        .parse()
        .map_err(|err: NameError| AwsError::validation(format!("{member}: {err}")))?;
    if app.objects.has_bucket(uri.bucket()) {
        return Ok(());
    }
    let bucket = uri.bucket();
    Err(AwsError::validation(format!(
        "{member}: there is no bucket `{bucket}`, create it first"
    )))
}

fn pattern<T: std::str::FromStr>(member: &str, value: &str, pattern: &str) -> Result<(), AwsError> {
    match value.parse::<T>() {
        Ok(_) => Ok(()),
        Err(_) if value.is_empty() => Err(missing(member)),
        Err(_) => Err(AwsError::validation(format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}"
        ))),
    }
}

fn missing(member: &str) -> AwsError {
    AwsError::validation(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}
