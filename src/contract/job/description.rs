//! What SageMaker tells about a job: `DescribeTrainingJob` and `ListTrainingJobs`.
//!
//! Times are seconds since 1970 with fractions, as AWS JSON 1.1 writes them. Members that are not here are ignored.
//!
//! Source: SageMaker API, service model of 2017-07-24.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::request::{
    AlgorithmSpecification, Channel, CheckpointConfig, OutputDataConfig, ResourceConfig,
    RetryStrategy, StoppingCondition, VpcConfig,
};
use super::status::{SecondaryStatus, TrainingJobStatus};

/// The answer to `DescribeTrainingJob`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrainingJobDescription {
    /// The job's name.
    pub training_job_name: String,
    /// Its ARN.
    pub training_job_arn: String,
    /// Where the model is, once it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_artifacts: Option<ModelArtifacts>,
    /// The primary status.
    pub training_job_status: TrainingJobStatus,
    /// The secondary status.
    pub secondary_status: SecondaryStatus,
    /// Why it failed, at most 1,024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// The hyperparameters of the request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hyper_parameters: BTreeMap<String, String>,
    /// The algorithm of the request.
    #[serde(default)]
    pub algorithm_specification: AlgorithmSpecification,
    /// The role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The channels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_data_config: Vec<Channel>,
    /// Where artifacts go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_data_config: Option<OutputDataConfig>,
    /// The machines.
    #[serde(default)]
    pub resource_config: ResourceConfig,
    /// What the warm pool does, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_pool_status: Option<WarmPoolStatus>,
    /// The network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_config: Option<VpcConfig>,
    /// The time limits.
    #[serde(default)]
    pub stopping_condition: StoppingCondition,
    /// When it was created.
    pub creation_time: f64,
    /// When training began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_start_time: Option<f64>,
    /// When training ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_end_time: Option<f64>,
    /// When its status changed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified_time: Option<f64>,
    /// All secondary statuses so far, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondary_status_transitions: Vec<SecondaryStatusTransition>,
    /// The last value of each metric.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub final_metric_data_list: Vec<MetricData>,
    /// No network from the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_network_isolation: Option<bool>,
    /// Encrypted traffic between hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_inter_container_traffic_encryption: Option<bool>,
    /// Spot capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_managed_spot_training: Option<bool>,
    /// Where checkpoints go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_config: Option<CheckpointConfig>,
    /// Seconds of training on each machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_time_in_seconds: Option<i64>,
    /// Seconds that are paid on each machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billable_time_in_seconds: Option<i64>,
    /// Attempts after an internal server error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<RetryStrategy>,
    /// Environment variables of the container.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
}

/// Where the model is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ModelArtifacts {
    /// The address of `model.tar.gz`.
    pub s3_model_artifacts: String,
}

/// What a warm pool does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct WarmPoolStatus {
    /// `Available`, `InUse`, `Reused` or `Terminated`.
    pub status: String,
    /// Seconds that were paid for keeping it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_retained_billable_time_in_seconds: Option<i64>,
    /// The job that took it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reused_by_job: Option<String>,
}

/// A secondary status and how long it lasted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SecondaryStatusTransition {
    /// The status.
    pub status: SecondaryStatus,
    /// When it began.
    pub start_time: f64,
    /// When it ended; the current one has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<f64>,
    /// What SageMaker says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
}

/// The last value of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetricData {
    /// The definition's name: `validation:rmse`.
    pub metric_name: String,
    /// The value.
    pub value: f64,
    /// When it was logged.
    pub timestamp: f64,
}

/// A job in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrainingJobSummary {
    /// The job's name.
    pub training_job_name: String,
    /// Its ARN.
    pub training_job_arn: String,
    /// When it was created.
    pub creation_time: f64,
    /// When training ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_end_time: Option<f64>,
    /// When its status changed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified_time: Option<f64>,
    /// The primary status.
    pub training_job_status: TrainingJobStatus,
    /// The secondary status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secondary_status: Option<SecondaryStatus>,
}

/// The answer to `ListTrainingJobs`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListedTrainingJobs {
    /// One page of jobs.
    pub training_job_summaries: Vec<TrainingJobSummary>,
    /// Where the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}
