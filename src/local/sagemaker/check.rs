//! What this server refuses before a job exists: what it cannot run, and data and buckets that are not there.
//!
//! Every refusal says what it would take. A request that passes here trains.

use crate::app::App;
use crate::config::Engine;
use crate::container::has_image;
use crate::job::{Asker, Source, streamed_channel};
use crate::wire::AwsError;
use contract::job::request::{AlgorithmSpecification, Channel};
use contract::job::{CreateTrainingJobRequest, ImageUri, NameError, S3Uri};
use contract::paths::DEFAULT_ROOT;
use std::path::{Component, Path};

/// The repository whose images run as processes.
const TRAINER_REPOSITORY: &str = "linden-trainer";

/// Refuses what would not train here.
pub(super) fn check(app: &App, request: &CreateTrainingJobRequest) -> Result<(), AwsError> {
    let algorithm = request.algorithm_specification.clone().unwrap_or_default();
    image(app, &algorithm)?;
    if let Some(name) = streamed_channel(&request.environment)
        && request.enable_network_isolation == Some(true)
    {
        return Err(AwsError::validation(format!(
            "`{name}` lets the trainer read a channel from S3 by itself, and EnableNetworkIsolation leaves no way to S3: give the channel in InputDataConfig, or do without isolation"
        )));
    }
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
        piped(channel, mode)?;
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
            .filter(|it| !is_below_root(it))
        {
            return Err(AwsError::validation(format!(
                "CheckpointConfig.LocalPath is `{path}`, the local SageMaker keeps checkpoints below {DEFAULT_ROOT}"
            )));
        }
    }
    Ok(())
}

/// Whether a path is below the contract's root; one with a `..` could lead out of its host's tree.
fn is_below_root(path: &str) -> bool {
    let path = Path::new(path);
    path.starts_with(DEFAULT_ROOT) && !path.components().any(|it| it == Component::ParentDir)
}

/// Refuses what only a pipe brings, where the channel is none.
fn piped(channel: &Channel, mode: &str) -> Result<(), AwsError> {
    if mode == "Pipe" {
        return Ok(());
    }
    let source = channel.data_source.s3_data_source.as_ref();
    let refused = if source.is_some_and(|it| it.s3_data_type == "AugmentedManifestFile") {
        "S3DataType AugmentedManifestFile"
    } else if channel.record_wrapper_type.as_deref() == Some("RecordIO") {
        "RecordWrapperType RecordIO"
    } else if channel.compression_type.as_deref() == Some("Gzip") {
        "CompressionType Gzip"
    } else if channel.shuffle_config.is_some() {
        "ShuffleConfig"
    } else {
        return Ok(());
    };
    let name = &channel.channel_name;
    Err(AwsError::validation(format!(
        "channel `{name}`: {refused} goes with input mode Pipe alone, and the mode is `{mode}`"
    )))
}

fn image(app: &App, algorithm: &AlgorithmSpecification) -> Result<(), AwsError> {
    let Some(image) = &algorithm.training_image else {
        return Err(AwsError::validation(
            "the local SageMaker runs images: give AlgorithmSpecification.TrainingImage",
        ));
    };
    check_image(app, "AlgorithmSpecification.TrainingImage", image)?;
    let is_plain =
        algorithm.container_entrypoint.is_empty() && algorithm.container_arguments.is_empty();
    match app.config.engine {
        Engine::Process if !is_plain => Err(AwsError::validation(
            "ContainerEntrypoint and ContainerArguments need a container engine (`--engine docker`): without one the trainer is always run as `linden-trainer train`",
        )),
        Engine::Process | Engine::Docker => Ok(()),
    }
}

/// Refuses an image that this server's engine cannot run.
pub(crate) fn check_image(app: &App, member: &str, image: &str) -> Result<(), AwsError> {
    match app.config.engine {
        Engine::Process => is_the_trainers(image),
        Engine::Docker => is_here(member, image),
    }
}

/// Refuses an image that no container of this machine's can run.
fn is_here(member: &str, image: &str) -> Result<(), AwsError> {
    // Docker would take it for one of its options.
    if image.starts_with('-') {
        return Err(AwsError::validation(format!(
            "{member} is `{image}`, and no image begins with `-`"
        )));
    }
    match has_image(image) {
        Ok(true) => Ok(()),
        Ok(false) => Err(AwsError::validation(format!(
            "image `{image}` is not on this machine: build it (`container/build.sh --tag {image}`), pull it, or name one that is there so (`docker tag`)"
        ))),
        Err(err) => Err(AwsError::internal(format!("Docker does not answer: {err}"))),
    }
}

fn is_the_trainers(image: &str) -> Result<(), AwsError> {
    let uri: ImageUri = image
        .parse()
        .map_err(|err: NameError| AwsError::validation(err.to_string()))?;
    if uri.repository_name() == TRAINER_REPOSITORY {
        return Ok(());
    }
    Err(AwsError::validation(format!(
        "image `{image}` needs a container engine, and the local SageMaker runs without one (`--engine docker` is one): it runs images of a repository named `{TRAINER_REPOSITORY}` as processes of the trainer on this machine"
    )))
}

/// Refuses an address whose bucket is not there.
pub(crate) fn need_bucket(app: &App, member: &str, uri: &str) -> Result<(), AwsError> {
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
