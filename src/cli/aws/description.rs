//! The SDK's answers in `contract`'s types. Statuses go over as text, so one that is newer than this program still prints.

use aws_sdk_sagemaker::operation::describe_training_job::DescribeTrainingJobOutput;
use aws_sdk_sagemaker::types as sdk;
use aws_smithy_types::DateTime;
use contract::job::description::{ModelArtifacts, WarmPoolStatus};
use contract::job::request as ours;
use contract::job::{
    MetricData, SecondaryStatus, SecondaryStatusTransition, TrainingJobDescription,
    TrainingJobStatus, TrainingJobSummary,
};
use contract::metric_line::MetricDefinition;

/// A description; a member that a failed start has left out is empty.
pub(super) fn from_sdk(it: DescribeTrainingJobOutput) -> TrainingJobDescription {
    TrainingJobDescription {
        training_job_name: it.training_job_name.unwrap_or_default(),
        training_job_arn: it.training_job_arn.unwrap_or_default(),
        model_artifacts: it
            .model_artifacts
            .and_then(|it| it.s3_model_artifacts)
            .map(|s3_model_artifacts| ModelArtifacts { s3_model_artifacts }),
        training_job_status: primary(it.training_job_status.as_ref()),
        secondary_status: secondary(it.secondary_status.as_ref()),
        failure_reason: it.failure_reason,
        hyper_parameters: it
            .hyper_parameters
            .unwrap_or_default()
            .into_iter()
            .collect(),
        algorithm_specification: it
            .algorithm_specification
            .map(algorithm)
            .unwrap_or_default(),
        role_arn: it.role_arn,
        input_data_config: it
            .input_data_config
            .unwrap_or_default()
            .into_iter()
            .map(channel)
            .collect(),
        output_data_config: it.output_data_config.map(output),
        resource_config: it.resource_config.map(resources).unwrap_or_default(),
        warm_pool_status: it.warm_pool_status.map(warm_pool),
        vpc_config: it.vpc_config.map(|it| ours::VpcConfig {
            security_group_ids: it.security_group_ids.unwrap_or_default(),
            subnets: it.subnets.unwrap_or_default(),
        }),
        stopping_condition: it
            .stopping_condition
            .as_ref()
            .map(stopping)
            .unwrap_or_default(),
        creation_time: seconds(it.creation_time.as_ref()).unwrap_or_default(),
        training_start_time: seconds(it.training_start_time.as_ref()),
        training_end_time: seconds(it.training_end_time.as_ref()),
        last_modified_time: seconds(it.last_modified_time.as_ref()),
        secondary_status_transitions: list(it.secondary_status_transitions, transition),
        final_metric_data_list: list(it.final_metric_data_list, metric),
        enable_network_isolation: it.enable_network_isolation,
        enable_inter_container_traffic_encryption: it.enable_inter_container_traffic_encryption,
        enable_managed_spot_training: it.enable_managed_spot_training,
        checkpoint_config: it.checkpoint_config.map(|it| ours::CheckpointConfig {
            s3_uri: it.s3_uri.unwrap_or_default(),
            local_path: it.local_path,
        }),
        training_time_in_seconds: it.training_time_in_seconds.map(i64::from),
        billable_time_in_seconds: it.billable_time_in_seconds.map(i64::from),
        retry_strategy: it
            .retry_strategy
            .and_then(|it| it.maximum_retry_attempts)
            .map(|attempts| ours::RetryStrategy {
                maximum_retry_attempts: attempts.into(),
            }),
        environment: it.environment.unwrap_or_default().into_iter().collect(),
    }
}

/// A job of a list.
pub(super) fn summary(it: sdk::TrainingJobSummary) -> TrainingJobSummary {
    TrainingJobSummary {
        training_job_status: primary(it.training_job_status.as_ref()),
        secondary_status: it.secondary_status.as_ref().map(|it| secondary(Some(it))),
        creation_time: seconds(it.creation_time.as_ref()).unwrap_or_default(),
        training_end_time: seconds(it.training_end_time.as_ref()),
        last_modified_time: seconds(it.last_modified_time.as_ref()),
        training_job_name: it.training_job_name.unwrap_or_default(),
        training_job_arn: it.training_job_arn.unwrap_or_default(),
    }
}

fn list<T, U>(items: Option<Vec<T>>, convert: impl Fn(T) -> U) -> Vec<U> {
    items.unwrap_or_default().into_iter().map(convert).collect()
}

fn seconds(time: Option<&DateTime>) -> Option<f64> {
    time.map(DateTime::as_secs_f64)
}

fn primary(it: Option<&sdk::TrainingJobStatus>) -> TrainingJobStatus {
    TrainingJobStatus::from(it.map_or("", sdk::TrainingJobStatus::as_str))
}

fn secondary(it: Option<&sdk::SecondaryStatus>) -> SecondaryStatus {
    SecondaryStatus::from(it.map_or("", sdk::SecondaryStatus::as_str))
}

fn transition(it: sdk::SecondaryStatusTransition) -> SecondaryStatusTransition {
    SecondaryStatusTransition {
        status: secondary(it.status.as_ref()),
        start_time: seconds(it.start_time.as_ref()).unwrap_or_default(),
        end_time: seconds(it.end_time.as_ref()),
        status_message: it.status_message,
    }
}

fn metric(it: sdk::MetricData) -> MetricData {
    // The API sends 32-bit floats. Through text, since 38.4 widened directly is 38.400001525878906.
    let value = it.value.map_or(f64::NAN, |it| {
        it.to_string().parse().unwrap_or_else(|_| f64::from(it))
    });
    MetricData {
        metric_name: it.metric_name.unwrap_or_default(),
        value,
        timestamp: seconds(it.timestamp.as_ref()).unwrap_or_default(),
    }
}

fn warm_pool(it: sdk::WarmPoolStatus) -> WarmPoolStatus {
    WarmPoolStatus {
        status: it
            .status
            .map(|it| it.as_str().to_owned())
            .unwrap_or_default(),
        resource_retained_billable_time_in_seconds: it
            .resource_retained_billable_time_in_seconds
            .map(i64::from),
        reused_by_job: it.reused_by_job,
    }
}

fn algorithm(it: sdk::AlgorithmSpecification) -> ours::AlgorithmSpecification {
    ours::AlgorithmSpecification {
        training_image: it.training_image,
        algorithm_name: it.algorithm_name,
        training_input_mode: it
            .training_input_mode
            .map(|it| it.as_str().to_owned())
            .unwrap_or_default(),
        metric_definitions: list(it.metric_definitions, |it| MetricDefinition {
            name: it.name.unwrap_or_default(),
            regex: it.regex.unwrap_or_default(),
        }),
        enable_sagemaker_metrics_time_series: it.enable_sage_maker_metrics_time_series,
        container_entrypoint: it.container_entrypoint.unwrap_or_default(),
        container_arguments: it.container_arguments.unwrap_or_default(),
    }
}

fn channel(it: sdk::Channel) -> ours::Channel {
    let source = it.data_source;
    let file_system = source
        .as_ref()
        .and_then(|it| it.file_system_data_source.clone());
    ours::Channel {
        channel_name: it.channel_name.unwrap_or_default(),
        data_source: ours::DataSource {
            s3_data_source: source.and_then(|it| it.s3_data_source).map(s3_source),
            file_system_data_source: file_system.map(|it| ours::FileSystemDataSource {
                file_system_id: it.file_system_id.unwrap_or_default(),
                file_system_access_mode: it
                    .file_system_access_mode
                    .map(|it| it.as_str().to_owned())
                    .unwrap_or_default(),
                file_system_type: it
                    .file_system_type
                    .map(|it| it.as_str().to_owned())
                    .unwrap_or_default(),
                directory_path: it.directory_path.unwrap_or_default(),
            }),
        },
        content_type: it.content_type,
        compression_type: it.compression_type.map(|it| it.as_str().to_owned()),
        record_wrapper_type: it.record_wrapper_type.map(|it| it.as_str().to_owned()),
        input_mode: it.input_mode.map(|it| it.as_str().to_owned()),
        shuffle_config: it
            .shuffle_config
            .and_then(|it| it.seed)
            .map(|seed| ours::ShuffleConfig { seed }),
    }
}

fn s3_source(it: sdk::S3DataSource) -> ours::S3DataSource {
    ours::S3DataSource {
        s3_data_type: it
            .s3_data_type
            .map(|it| it.as_str().to_owned())
            .unwrap_or_default(),
        s3_uri: it.s3_uri.unwrap_or_default(),
        s3_data_distribution_type: it
            .s3_data_distribution_type
            .map(|it| it.as_str().to_owned()),
        attribute_names: it.attribute_names.unwrap_or_default(),
        instance_group_names: it.instance_group_names.unwrap_or_default(),
    }
}

fn output(it: sdk::OutputDataConfig) -> ours::OutputDataConfig {
    ours::OutputDataConfig {
        kms_key_id: it.kms_key_id,
        s3_output_path: it.s3_output_path.unwrap_or_default(),
        compression_type: it.compression_type.map(|it| it.as_str().to_owned()),
    }
}

fn resources(it: sdk::ResourceConfig) -> ours::ResourceConfig {
    ours::ResourceConfig {
        instance_type: it.instance_type.map(|it| it.as_str().to_owned()),
        instance_count: it.instance_count.map(i64::from),
        volume_size_in_gb: it.volume_size_in_gb.map(i64::from),
        volume_kms_key_id: it.volume_kms_key_id,
        keep_alive_period_in_seconds: it.keep_alive_period_in_seconds.map(i64::from),
        instance_groups: list(it.instance_groups, |it| ours::InstanceGroup {
            instance_type: it
                .instance_type
                .map(|it| it.as_str().to_owned())
                .unwrap_or_default(),
            instance_count: it.instance_count.map(i64::from).unwrap_or_default(),
            instance_group_name: it.instance_group_name.unwrap_or_default(),
        }),
    }
}

fn stopping(it: &sdk::StoppingCondition) -> ours::StoppingCondition {
    ours::StoppingCondition {
        max_runtime_in_seconds: it.max_runtime_in_seconds.map(i64::from),
        max_wait_time_in_seconds: it.max_wait_time_in_seconds.map(i64::from),
        max_pending_time_in_seconds: it.max_pending_time_in_seconds.map(i64::from),
    }
}
