//! The `CreateTrainingJob` request, member by member as the API spells it.
//!
//! Texts are plain and numbers wide, so that a request that is wrong can still be read and answered. Members that are not
//! here are ignored on reading; a member that is `None` or empty is not written.
//!
//! Source: SageMaker API, service model of 2017-07-24, `CreateTrainingJobRequest`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metric_line::MetricDefinition;

/// The request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateTrainingJobRequest {
    /// The job's name; required.
    pub training_job_name: String,
    /// Hyperparameters as bare texts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hyper_parameters: BTreeMap<String, String>,
    /// The image, the input mode, the metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm_specification: Option<AlgorithmSpecification>,
    /// The role that SageMaker takes on; required.
    pub role_arn: String,
    /// The channels, 1 to 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub input_data_config: Vec<Channel>,
    /// Where artifacts go; required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_data_config: Option<OutputDataConfig>,
    /// The machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_config: Option<ResourceConfig>,
    /// Subnets and security groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_config: Option<VpcConfig>,
    /// The time limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopping_condition: Option<StoppingCondition>,
    /// Tags, at most 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// No network from the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_network_isolation: Option<bool>,
    /// Encrypts what hosts tell each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_inter_container_traffic_encryption: Option<bool>,
    /// Spot capacity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_managed_spot_training: Option<bool>,
    /// Where checkpoints go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_config: Option<CheckpointConfig>,
    /// Environment variables of the container.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Attempts after an internal server error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<RetryStrategy>,
}

/// What runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AlgorithmSpecification {
    /// The image's address; exclusive with the algorithm's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training_image: Option<String>,
    /// An algorithm resource's name or ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm_name: Option<String>,
    /// The input mode of channels that name none: `File`, `FastFile` or `Pipe`; required.
    pub training_input_mode: String,
    /// Metrics to read from the log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metric_definitions: Vec<MetricDefinition>,
    /// Whether metrics are kept as time series.
    #[serde(
        rename = "EnableSageMakerMetricsTimeSeries",
        skip_serializing_if = "Option::is_none"
    )]
    pub enable_sagemaker_metrics_time_series: Option<bool>,
    /// Replaces the image's entry point.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub container_entrypoint: Vec<String>,
    /// Replaces the argument `train`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub container_arguments: Vec<String>,
}

/// A channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Channel {
    /// The channel's name; required.
    pub channel_name: String,
    /// Where its data are; required.
    pub data_source: DataSource,
    /// The MIME type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `None` or `Gzip`; `Gzip` only in Pipe mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression_type: Option<String>,
    /// `None` or `RecordIO`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_wrapper_type: Option<String>,
    /// Overrides the job's input mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_mode: Option<String>,
    /// Shuffles the objects of a Pipe channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shuffle_config: Option<ShuffleConfig>,
}

/// Where a channel's data are; exactly one member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DataSource {
    /// In S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_data_source: Option<S3DataSource>,
    /// On a file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_system_data_source: Option<FileSystemDataSource>,
}

/// Objects in S3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct S3DataSource {
    /// `S3Prefix`, `ManifestFile` or `AugmentedManifestFile`; required.
    pub s3_data_type: String,
    /// The prefix or the manifest; required.
    pub s3_uri: String,
    /// `FullyReplicated` or `ShardedByS3Key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_data_distribution_type: Option<String>,
    /// Attributes of an augmented manifest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attribute_names: Vec<String>,
    /// Instance groups that get the channel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instance_group_names: Vec<String>,
}

/// A folder of a file system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FileSystemDataSource {
    /// The file system.
    pub file_system_id: String,
    /// `rw` or `ro`.
    pub file_system_access_mode: String,
    /// `EFS` or `FSxLustre`.
    pub file_system_type: String,
    /// The folder.
    pub directory_path: String,
}

/// How a Pipe channel is shuffled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ShuffleConfig {
    /// The seed.
    pub seed: i64,
}

/// Where artifacts go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct OutputDataConfig {
    /// The key that encrypts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// The prefix; required.
    pub s3_output_path: String,
    /// `GZIP` or `NONE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression_type: Option<String>,
}

/// The machines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ResourceConfig {
    /// The instance type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_count: Option<i64>,
    /// The size of `/opt/ml` in GB; required.
    #[serde(rename = "VolumeSizeInGB", skip_serializing_if = "Option::is_none")]
    pub volume_size_in_gb: Option<i64>,
    /// The key that encrypts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_kms_key_id: Option<String>,
    /// How long the machines stay for the next job, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_alive_period_in_seconds: Option<i64>,
    /// Groups of different machines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instance_groups: Vec<InstanceGroup>,
}

/// Machines of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct InstanceGroup {
    /// The instance type.
    pub instance_type: String,
    /// How many.
    pub instance_count: i64,
    /// The group's name.
    pub instance_group_name: String,
}

/// The time limits, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StoppingCondition {
    /// How long the job may train; SageMaker's default is a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_runtime_in_seconds: Option<i64>,
    /// How long a spot job may wait and train.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_wait_time_in_seconds: Option<i64>,
    /// How long the job may be pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pending_time_in_seconds: Option<i64>,
}

/// Attempts after an internal server error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RetryStrategy {
    /// How many, 1 to 30.
    pub maximum_retry_attempts: i64,
}

/// Where checkpoints go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CheckpointConfig {
    /// The prefix in S3; required.
    pub s3_uri: String,
    /// The folder in the container; `/opt/ml/checkpoints` where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_path: Option<String>,
}

/// The job's network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VpcConfig {
    /// Security groups, 1 to 5.
    pub security_group_ids: Vec<String>,
    /// Subnets, 1 to 16.
    pub subnets: Vec<String>,
}

/// A tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Tag {
    /// At most 128 characters.
    pub key: String,
    /// At most 256 characters.
    pub value: String,
}
