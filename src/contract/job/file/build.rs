//! From the job file to the one request, and the hash that names it.
//!
//! Invariants: time limits are always sent, since tools and service do not agree on the defaults; two files that ask for
//! the same training have the same hash, whatever their name and tags, and two that do not have not.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::{JobChannel, JobFile};
use crate::channel::{InputMode, RecordWrapper, TRAIN, VALIDATION};
use crate::job::name::{JobName, S3Uri};
use crate::job::request::{
    AlgorithmSpecification, Channel, CheckpointConfig, CreateTrainingJobRequest, DataSource,
    OutputDataConfig, ResourceConfig, RetryStrategy, S3DataSource, StoppingCondition, Tag,
    VpcConfig,
};
use crate::metric_line::{self, MetricDefinition};
use crate::streamed;

/// The hash's first digits, which go into the job's name.
const SHORT_HASH_DIGITS: usize = 8;

impl JobFile {
    /// The request, under that name.
    pub fn request(&self, job_name: &JobName) -> CreateTrainingJobRequest {
        let hash = self.spec_hash();
        let fill = |uri: &S3Uri| {
            uri.as_str()
                .replace("{name}", &self.name)
                .replace("{spec_hash}", short(&hash))
        };
        let mut request = self.unnamed_request();
        request.training_job_name = job_name.to_string();
        request.tags = self
            .tags
            .iter()
            .map(|(key, value)| Tag {
                key: key.clone(),
                value: value.clone(),
            })
            .collect();
        if let Some(output) = &mut request.output_data_config {
            output.s3_output_path = fill(&self.output.s3);
        }
        if let (Some(config), Some(checkpoint)) = (&mut request.checkpoint_config, &self.checkpoint)
        {
            config.s3_uri = fill(&checkpoint.s3);
        }
        request
    }

    /// SHA-256 of the request without its name and tags, in hexadecimal digits.
    #[expect(
        clippy::missing_panics_doc,
        reason = "texts and integers always serialize, and strings take every write"
    )]
    pub fn spec_hash(&self) -> String {
        // Maps are sorted and members have a fixed order, so equal requests are equal bytes.
        let canonical = serde_json::to_vec(&self.unnamed_request());
        let canonical = canonical.expect("a request of texts and integers always serializes");
        Sha256::digest(&canonical)
            .iter()
            .fold(String::new(), |mut digits, byte| {
                write!(digits, "{byte:02x}").expect("writing to a string does not fail");
                digits
            })
    }

    /// The first eight digits of [`JobFile::spec_hash`].
    pub fn hash8(&self) -> String {
        short(&self.spec_hash()).to_owned()
    }

    /// Everything but name and tags, placeholders as they were written.
    fn unnamed_request(&self) -> CreateTrainingJobRequest {
        let network = &self.network;
        CreateTrainingJobRequest {
            training_job_name: String::new(),
            hyper_parameters: self.hyperparameters.clone(),
            algorithm_specification: Some(AlgorithmSpecification {
                training_image: Some(self.image.to_string()),
                training_input_mode: InputMode::File.to_string(),
                metric_definitions: self.metric_definitions(),
                ..AlgorithmSpecification::default()
            }),
            role_arn: self.role.to_string(),
            input_data_config: self.brought().map(JobChannel::request).collect(),
            output_data_config: Some(OutputDataConfig {
                kms_key_id: self.output.kms_key.clone(),
                s3_output_path: self.output.s3.to_string(),
                compression_type: Some(self.output.compression.to_owned()),
            }),
            resource_config: Some(self.resource_config()),
            vpc_config: (!network.subnets.is_empty()).then(|| VpcConfig {
                security_group_ids: network.security_groups.clone(),
                subnets: network.subnets.clone(),
            }),
            stopping_condition: Some(StoppingCondition {
                max_runtime_in_seconds: Some(self.compute.max_runtime_secs as i64),
                max_wait_time_in_seconds: self.spot.as_ref().map(|it| it.max_wait_secs as i64),
                max_pending_time_in_seconds: self.compute.max_pending_secs.map(|it| it as i64),
            }),
            tags: Vec::new(),
            enable_network_isolation: network.isolation.then_some(true),
            enable_inter_container_traffic_encryption: network
                .encrypt_inter_container
                .then_some(true),
            enable_managed_spot_training: self.spot.as_ref().map(|_| true),
            checkpoint_config: self.checkpoint.as_ref().map(|it| CheckpointConfig {
                s3_uri: it.s3.to_string(),
                local_path: it.local_path.clone(),
            }),
            environment: self.environment(),
            retry_strategy: self.retry.service_attempts.map(|it| RetryStrategy {
                maximum_retry_attempts: it as i64,
            }),
        }
    }

    /// The channels that SageMaker brings.
    fn brought(&self) -> impl Iterator<Item = &JobChannel> {
        self.channels.iter().filter(|it| !it.is_streamed)
    }

    /// The container's variables, with those that name the channels that the trainer reads from S3.
    fn environment(&self) -> BTreeMap<String, String> {
        let streamed = self.channels.iter().filter(|it| it.is_streamed);
        let variables =
            streamed.flat_map(|it| streamed::variables(&it.name, &it.s3, &it.content_type));
        self.env.clone().into_iter().chain(variables).collect()
    }

    fn resource_config(&self) -> ResourceConfig {
        let compute = &self.compute;
        ResourceConfig {
            instance_type: compute.instance_types.first().map(ToString::to_string),
            instance_count: Some(compute.instances as i64),
            volume_size_in_gb: Some(compute.volume_gb as i64),
            volume_kms_key_id: compute.volume_kms_key.clone(),
            keep_alive_period_in_seconds: (compute.keep_alive_secs > 0)
                .then_some(compute.keep_alive_secs as i64),
            instance_groups: Vec::new(),
        }
    }

    /// `train:<metric>` and, with such a channel or with folds, `validation:<metric>`, for every metric that the trainer will print.
    fn metric_definitions(&self) -> Vec<MetricDefinition> {
        let Some(hyperparameters) = &self.checked else {
            return Vec::new();
        };
        let has_channel = self.channels.iter().any(|it| it.name == VALIDATION);
        let has_validation = has_channel || hyperparameters.kfold.is_some();
        let data_sets: &[&str] = if has_validation {
            &[TRAIN, VALIDATION]
        } else {
            &[TRAIN]
        };
        metric_line::definitions(data_sets, &hyperparameters.eval_metrics)
    }
}

impl JobChannel {
    fn request(&self) -> Channel {
        Channel {
            channel_name: self.name.clone(),
            data_source: DataSource {
                s3_data_source: Some(S3DataSource {
                    s3_data_type: self.data_type.to_string(),
                    s3_uri: self.s3.to_string(),
                    s3_data_distribution_type: Some(self.distribution.to_string()),
                    attribute_names: self.attributes.clone(),
                    ..S3DataSource::default()
                }),
                file_system_data_source: None,
            },
            content_type: Some(self.content_type.clone()),
            input_mode: (self.input_mode != InputMode::File).then(|| self.input_mode.to_string()),
            record_wrapper_type: (self.record_wrapper != RecordWrapper::None)
                .then(|| self.record_wrapper.to_string()),
            compression_type: self.is_gzip.then(|| "Gzip".to_owned()),
            ..Channel::default()
        }
    }
}

fn short(hash: &str) -> &str {
    &hash[..SHORT_HASH_DIGITS]
}
