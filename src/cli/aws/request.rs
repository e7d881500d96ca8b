//! `contract`'s `CreateTrainingJob` request in the SDK's builders, member by member.
//!
//! Invariant: what goes over the wire equals contract's own JSON; `tests/cli/request.rs` holds a request with every member
//! against the body that a server receives. A new member of the contract does not compile into silence: the structs are
//! taken apart without `..`.

use aws_sdk_sagemaker::types as sdk;
use contract::job::CreateTrainingJobRequest;
use contract::job::request as ours;
use contract::metric_line::MetricDefinition;

/// The request as the SDK's input.
pub(super) fn to_sdk(
    request: &CreateTrainingJobRequest,
) -> aws_sdk_sagemaker::operation::create_training_job::builders::CreateTrainingJobInputBuilder {
    let CreateTrainingJobRequest {
        training_job_name,
        hyper_parameters,
        algorithm_specification: algorithm,
        role_arn,
        input_data_config,
        output_data_config,
        resource_config,
        vpc_config,
        stopping_condition,
        tags,
        enable_network_isolation,
        enable_inter_container_traffic_encryption,
        enable_managed_spot_training,
        checkpoint_config,
        environment,
        retry_strategy,
    } = request;
    aws_sdk_sagemaker::operation::create_training_job::CreateTrainingJobInput::builder()
        .training_job_name(training_job_name)
        .set_hyper_parameters(map(hyper_parameters))
        .set_algorithm_specification(algorithm.as_ref().map(algorithm_specification))
        .role_arn(role_arn)
        .set_input_data_config(list(input_data_config, channel))
        .set_output_data_config(output_data_config.as_ref().map(output))
        .set_resource_config(resource_config.as_ref().map(resources))
        .set_vpc_config(vpc_config.as_ref().map(vpc))
        .set_stopping_condition(stopping_condition.as_ref().map(stopping))
        .set_tags(list(tags, tag))
        .set_enable_network_isolation(*enable_network_isolation)
        .set_enable_inter_container_traffic_encryption(*enable_inter_container_traffic_encryption)
        .set_enable_managed_spot_training(*enable_managed_spot_training)
        .set_checkpoint_config(checkpoint_config.as_ref().map(checkpoint))
        .set_environment(map(environment))
        .set_retry_strategy(retry_strategy.as_ref().map(retry))
}

fn map(
    entries: &std::collections::BTreeMap<String, String>,
) -> Option<std::collections::HashMap<String, String>> {
    (!entries.is_empty()).then(|| {
        entries
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    })
}

fn list<T, U>(items: &[T], convert: impl Fn(&T) -> U) -> Option<Vec<U>> {
    (!items.is_empty()).then(|| items.iter().map(convert).collect())
}

fn texts(items: &[String]) -> Option<Vec<String>> {
    list(items, String::clone)
}

/// The API's integers have 32 bits. A larger one is far beyond every limit, so the service refuses the largest as well.
fn int(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
}

fn algorithm_specification(it: &ours::AlgorithmSpecification) -> sdk::AlgorithmSpecification {
    let ours::AlgorithmSpecification {
        training_image,
        algorithm_name,
        training_input_mode,
        metric_definitions,
        enable_sagemaker_metrics_time_series,
        container_entrypoint,
        container_arguments,
    } = it;
    sdk::AlgorithmSpecification::builder()
        .set_training_image(training_image.clone())
        .set_algorithm_name(algorithm_name.clone())
        .training_input_mode(training_input_mode.as_str().into())
        .set_metric_definitions(list(metric_definitions, metric_definition))
        .set_enable_sage_maker_metrics_time_series(*enable_sagemaker_metrics_time_series)
        .set_container_entrypoint(texts(container_entrypoint))
        .set_container_arguments(texts(container_arguments))
        .build()
}

fn metric_definition(it: &MetricDefinition) -> sdk::MetricDefinition {
    let MetricDefinition { name, regex } = it;
    sdk::MetricDefinition::builder()
        .name(name)
        .regex(regex)
        .build()
}

fn channel(it: &ours::Channel) -> sdk::Channel {
    let ours::Channel {
        channel_name,
        data_source,
        content_type,
        compression_type,
        record_wrapper_type,
        input_mode,
        shuffle_config,
    } = it;
    let ours::DataSource {
        s3_data_source,
        file_system_data_source,
    } = data_source;
    let source = sdk::DataSource::builder()
        .set_s3_data_source(s3_data_source.as_ref().map(s3_source))
        .set_file_system_data_source(file_system_data_source.as_ref().map(file_system))
        .build();
    sdk::Channel::builder()
        .channel_name(channel_name)
        .data_source(source)
        .set_content_type(content_type.clone())
        .set_compression_type(compression_type.as_deref().map(Into::into))
        .set_record_wrapper_type(record_wrapper_type.as_deref().map(Into::into))
        .set_input_mode(input_mode.as_deref().map(Into::into))
        .set_shuffle_config(
            shuffle_config
                .as_ref()
                .map(|it| sdk::ShuffleConfig::builder().seed(it.seed).build()),
        )
        .build()
}

fn s3_source(it: &ours::S3DataSource) -> sdk::S3DataSource {
    let ours::S3DataSource {
        s3_data_type,
        s3_uri,
        s3_data_distribution_type,
        attribute_names,
        instance_group_names,
    } = it;
    sdk::S3DataSource::builder()
        .s3_data_type(s3_data_type.as_str().into())
        .s3_uri(s3_uri)
        .set_s3_data_distribution_type(s3_data_distribution_type.as_deref().map(Into::into))
        .set_attribute_names(texts(attribute_names))
        .set_instance_group_names(texts(instance_group_names))
        .build()
}

fn file_system(it: &ours::FileSystemDataSource) -> sdk::FileSystemDataSource {
    let ours::FileSystemDataSource {
        file_system_id,
        file_system_access_mode,
        file_system_type,
        directory_path,
    } = it;
    sdk::FileSystemDataSource::builder()
        .file_system_id(file_system_id)
        .file_system_access_mode(file_system_access_mode.as_str().into())
        .file_system_type(file_system_type.as_str().into())
        .directory_path(directory_path)
        .build()
}

fn output(it: &ours::OutputDataConfig) -> sdk::OutputDataConfig {
    let ours::OutputDataConfig {
        kms_key_id,
        s3_output_path,
        compression_type,
    } = it;
    sdk::OutputDataConfig::builder()
        .set_kms_key_id(kms_key_id.clone())
        .s3_output_path(s3_output_path)
        .set_compression_type(compression_type.as_deref().map(Into::into))
        .build()
}

fn resources(it: &ours::ResourceConfig) -> sdk::ResourceConfig {
    let ours::ResourceConfig {
        instance_type,
        instance_count,
        volume_size_in_gb,
        volume_kms_key_id,
        keep_alive_period_in_seconds,
        instance_groups,
    } = it;
    sdk::ResourceConfig::builder()
        .set_instance_type(instance_type.as_deref().map(Into::into))
        .set_instance_count(instance_count.map(int))
        .set_volume_size_in_gb(volume_size_in_gb.map(int))
        .set_volume_kms_key_id(volume_kms_key_id.clone())
        .set_keep_alive_period_in_seconds(keep_alive_period_in_seconds.map(int))
        .set_instance_groups(list(instance_groups, instance_group))
        .build()
}

fn instance_group(it: &ours::InstanceGroup) -> sdk::InstanceGroup {
    let ours::InstanceGroup {
        instance_type,
        instance_count,
        instance_group_name,
    } = it;
    sdk::InstanceGroup::builder()
        .instance_type(instance_type.as_str().into())
        .instance_count(int(*instance_count))
        .instance_group_name(instance_group_name)
        .build()
}

fn stopping(it: &ours::StoppingCondition) -> sdk::StoppingCondition {
    let ours::StoppingCondition {
        max_runtime_in_seconds,
        max_wait_time_in_seconds,
        max_pending_time_in_seconds,
    } = it;
    sdk::StoppingCondition::builder()
        .set_max_runtime_in_seconds(max_runtime_in_seconds.map(int))
        .set_max_wait_time_in_seconds(max_wait_time_in_seconds.map(int))
        .set_max_pending_time_in_seconds(max_pending_time_in_seconds.map(int))
        .build()
}

fn checkpoint(it: &ours::CheckpointConfig) -> sdk::CheckpointConfig {
    let ours::CheckpointConfig { s3_uri, local_path } = it;
    sdk::CheckpointConfig::builder()
        .s3_uri(s3_uri)
        .set_local_path(local_path.clone())
        .build()
}

fn retry(it: &ours::RetryStrategy) -> sdk::RetryStrategy {
    let ours::RetryStrategy {
        maximum_retry_attempts,
    } = it;
    sdk::RetryStrategy::builder()
        .maximum_retry_attempts(int(*maximum_retry_attempts))
        .build()
}

fn vpc(it: &ours::VpcConfig) -> sdk::VpcConfig {
    let ours::VpcConfig {
        security_group_ids,
        subnets,
    } = it;
    // Both are required members, so an empty list is sent as such.
    sdk::VpcConfig::builder()
        .set_security_group_ids(Some(security_group_ids.clone()))
        .set_subnets(Some(subnets.clone()))
        .build()
}

fn tag(it: &ours::Tag) -> sdk::Tag {
    let ours::Tag { key, value } = it;
    sdk::Tag::builder().key(key).value(value).build()
}
