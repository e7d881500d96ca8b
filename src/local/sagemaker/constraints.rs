//! The members of a request against SageMaker's limits, all violations in one message as the service gives them.
//!
//! Source: SageMaker API, service model of 2017-07-24; the limits are the contract's.

use crate::wire::AwsError;
use contract::channel::{Distribution, InputMode, RecordWrapper};
use contract::job::limits;
use contract::job::request::{AlgorithmSpecification, Channel};
use contract::job::{CreateTrainingJobRequest, JobName, RoleArn, S3Uri};
use contract::metric_line;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

const JOB_NAME_PATTERN: &str = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}";
const ROLE_PATTERN: &str = r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+";
const S3_PATTERN: &str = "(https|s3)://([^/]+)/?(.*)";
const CHANNEL_PATTERN: &str = r"[A-Za-z0-9\.\-_]+";
const ENVIRONMENT_PATTERN: &str = "[a-zA-Z_][a-zA-Z0-9_]*";
const DATA_TYPES: [&str; 3] = ["ManifestFile", "S3Prefix", "AugmentedManifestFile"];
const DATA_COMPRESSIONS: [&str; 2] = ["None", "Gzip"];
const OUTPUT_COMPRESSIONS: [&str; 2] = ["GZIP", "NONE"];

/// Refuses a request that SageMaker would not read any further.
pub(super) fn check(request: &CreateTrainingJobRequest) -> Result<(), AwsError> {
    let mut found = Violations::default();
    found.parses::<JobName>(
        "trainingJobName",
        &request.training_job_name,
        JOB_NAME_PATTERN,
    );
    found.parses::<RoleArn>("roleArn", &request.role_arn, ROLE_PATTERN);
    match &request.algorithm_specification {
        None => found.null("algorithmSpecification"),
        Some(algorithm) => found.algorithm(algorithm),
    }
    found.at_most(
        "inputDataConfig",
        request.input_data_config.len(),
        *limits::CHANNELS.end(),
    );
    for (index, channel) in request.input_data_config.iter().enumerate() {
        found.channel(&format!("inputDataConfig.{}.member", index + 1), channel);
    }
    match &request.output_data_config {
        None => found.null("outputDataConfig"),
        Some(output) => {
            found.parses::<S3Uri>(
                "outputDataConfig.s3OutputPath",
                &output.s3_output_path,
                S3_PATTERN,
            );
            let compression = output.compression_type.as_deref();
            found.one_of(
                "outputDataConfig.compressionType",
                compression,
                &OUTPUT_COMPRESSIONS,
            );
        }
    }
    found.texts(request);
    found.numbers(request);
    found.end()?;
    repeated_channel(&request.input_data_config)
}

fn repeated_channel(channels: &[Channel]) -> Result<(), AwsError> {
    let is_repeated = |(index, it): &(usize, &Channel)| {
        channels[..*index]
            .iter()
            .any(|before| before.channel_name == it.channel_name)
    };
    match channels.iter().enumerate().find(is_repeated) {
        None => Ok(()),
        Some((_, it)) => Err(AwsError::validation(format!(
            "Channel name `{}` is given more than once",
            it.channel_name
        ))),
    }
}

/// What has been found so far.
#[derive(Debug, Default)]
struct Violations(Vec<String>);

impl Violations {
    fn algorithm(&mut self, algorithm: &AlgorithmSpecification) {
        let mode = Some(algorithm.training_input_mode.as_str());
        let modes: Vec<&str> = InputMode::ALL.iter().map(|it| it.as_str()).collect();
        self.one_of("algorithmSpecification.trainingInputMode", mode, &modes);
        let definitions = &algorithm.metric_definitions;
        let member = "algorithmSpecification.metricDefinitions";
        self.at_most(member, definitions.len(), metric_line::MAX_DEFINITIONS);
        for (index, it) in definitions.iter().enumerate() {
            let member = format!("{member}.{}.member", index + 1);
            self.at_most(
                &format!("{member}.name"),
                it.name.chars().count(),
                metric_line::MAX_NAME_CHARS,
            );
            self.at_most(
                &format!("{member}.regex"),
                it.regex.chars().count(),
                metric_line::MAX_REGEX_CHARS,
            );
        }
    }

    fn channel(&mut self, member: &str, channel: &Channel) {
        let name = &channel.channel_name;
        self.matches(
            limits::is_channel_name(name),
            &format!("{member}.channelName"),
            name,
            CHANNEL_PATTERN,
        );
        let modes: Vec<&str> = InputMode::ALL.iter().map(|it| it.as_str()).collect();
        self.one_of(
            &format!("{member}.inputMode"),
            channel.input_mode.as_deref(),
            &modes,
        );
        let wrappers: Vec<&str> = RecordWrapper::ALL.iter().map(|it| it.as_str()).collect();
        self.one_of(
            &format!("{member}.recordWrapperType"),
            channel.record_wrapper_type.as_deref(),
            &wrappers,
        );
        let compression = channel.compression_type.as_deref();
        self.one_of(
            &format!("{member}.compressionType"),
            compression,
            &DATA_COMPRESSIONS,
        );
        if let Some(source) = &channel.data_source.s3_data_source {
            let member = format!("{member}.dataSource.s3DataSource");
            self.one_of(
                &format!("{member}.s3DataType"),
                Some(&source.s3_data_type),
                &DATA_TYPES,
            );
            self.parses::<S3Uri>(&format!("{member}.s3Uri"), &source.s3_uri, S3_PATTERN);
            let distributions: Vec<&str> = Distribution::ALL.iter().map(|it| it.as_str()).collect();
            let distribution = source.s3_data_distribution_type.as_deref();
            self.one_of(
                &format!("{member}.s3DataDistributionType"),
                distribution,
                &distributions,
            );
        }
    }

    fn texts(&mut self, request: &CreateTrainingJobRequest) {
        let values = &request.hyper_parameters;
        self.at_most("hyperParameters", values.len(), limits::MAX_HYPERPARAMETERS);
        for (key, value) in values {
            self.at_most(
                "hyperParameters.key",
                key.chars().count(),
                limits::MAX_HYPERPARAMETER_KEY_CHARS,
            );
            let member = format!("hyperParameters.{key}.member");
            self.at_most(
                &member,
                value.chars().count(),
                limits::MAX_HYPERPARAMETER_VALUE_CHARS,
            );
        }
        self.at_most(
            "environment",
            request.environment.len(),
            limits::MAX_ENVIRONMENT,
        );
        for (key, value) in &request.environment {
            self.matches(
                limits::is_environment_name(key),
                "environment.key",
                key,
                ENVIRONMENT_PATTERN,
            );
            let member = format!("environment.{key}.member");
            self.at_most(
                &member,
                value.chars().count(),
                limits::MAX_ENVIRONMENT_CHARS,
            );
        }
        self.at_most("tags", request.tags.len(), limits::MAX_TAGS);
        for (index, tag) in request.tags.iter().enumerate() {
            let member = format!("tags.{}.member", index + 1);
            self.at_most(
                &format!("{member}.key"),
                tag.key.chars().count(),
                limits::MAX_TAG_KEY_CHARS,
            );
            self.at_most(
                &format!("{member}.value"),
                tag.value.chars().count(),
                limits::MAX_TAG_VALUE_CHARS,
            );
        }
    }

    fn numbers(&mut self, request: &CreateTrainingJobRequest) {
        match &request.resource_config {
            None => self.null("resourceConfig"),
            Some(resource) => {
                self.within(
                    "resourceConfig.instanceCount",
                    resource.instance_count,
                    &(1..=i64::MAX),
                );
                self.within(
                    "resourceConfig.volumeSizeInGB",
                    resource.volume_size_in_gb,
                    &(1..=i64::MAX),
                );
                let keep_alive = signed(&limits::KEEP_ALIVE_SECS);
                let member = "resourceConfig.keepAlivePeriodInSeconds";
                self.within(member, resource.keep_alive_period_in_seconds, &keep_alive);
            }
        }
        let stopping = request.stopping_condition.clone().unwrap_or_default();
        let runtime = signed(&limits::RUNTIME_SECS);
        self.within(
            "stoppingCondition.maxRuntimeInSeconds",
            stopping.max_runtime_in_seconds,
            &runtime,
        );
        if request.enable_managed_spot_training == Some(true)
            && stopping.max_wait_time_in_seconds < stopping.max_runtime_in_seconds
        {
            self.0.push("Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds".to_owned());
        }
    }

    fn parses<T: FromStr>(&mut self, member: &str, value: &str, pattern: &str) {
        if value.is_empty() {
            self.null(member);
        } else {
            self.matches(value.parse::<T>().is_ok(), member, value, pattern);
        }
    }

    fn matches(&mut self, fits: bool, member: &str, value: &str, pattern: &str) {
        self.unless(
            fits,
            value,
            member,
            &format!("satisfy regular expression pattern: {pattern}"),
        );
    }

    fn one_of(&mut self, member: &str, value: Option<&str>, set: &[&str]) {
        let Some(value) = value else { return };
        let constraint = format!("satisfy enum value set: [{}]", set.join(", "));
        self.unless(set.contains(&value), value, member, &constraint);
    }

    fn at_most(&mut self, member: &str, length: usize, most: usize) {
        self.unless(
            length <= most,
            length,
            member,
            &format!("have length less than or equal to {most}"),
        );
    }

    fn within(&mut self, member: &str, value: Option<i64>, range: &RangeInclusive<i64>) {
        let Some(value) = value else { return };
        let (least, most) = (range.start(), range.end());
        self.unless(
            *least <= value,
            value,
            member,
            &format!("have value greater than or equal to {least}"),
        );
        self.unless(
            value <= *most,
            value,
            member,
            &format!("have value less than or equal to {most}"),
        );
    }

    fn null(&mut self, member: &str) {
        self.0.push(format!(
            "Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ));
    }

    fn unless(&mut self, fits: bool, value: impl Display, member: &str, constraint: &str) {
        if !fits {
            self.0.push(format!(
                "Value '{value}' at '{member}' failed to satisfy constraint: Member must {constraint}"
            ));
        }
    }

    fn end(self) -> Result<(), AwsError> {
        let plural = match self.0.len() {
            0 => return Ok(()),
            1 => "error",
            _ => "errors",
        };
        let n_found = self.0.len();
        Err(AwsError::validation(format!(
            "{n_found} validation {plural} detected: {}",
            self.0.join("; ")
        )))
    }
}

fn signed(range: &RangeInclusive<u64>) -> RangeInclusive<i64> {
    range.start().cast_signed()..=range.end().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(members: &serde_json::Value) -> String {
        let mut document = json!({
            "TrainingJobName": "j", "RoleArn": "arn:aws:iam::123456789012:role/r",
            "AlgorithmSpecification": { "TrainingImage": "linden-trainer", "TrainingInputMode": "File" },
            "OutputDataConfig": { "S3OutputPath": "s3://bkt/out" },
            "ResourceConfig": { "InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1 },
        });
        for (name, value) in members.as_object().unwrap() {
            document[name] = value.clone();
        }
        let request = serde_json::from_value(document).unwrap();
        check(&request).map_or_else(|err| err.message, |()| String::new())
    }

    #[test]
    fn a_request_with_only_what_is_required_passes() {
        assert_eq!(refusal(&json!({})), "");
    }

    #[test]
    fn all_violations_come_at_once() {
        let message = refusal(&json!({
            "TrainingJobName": "a_b",
            "StoppingCondition": { "MaxRuntimeInSeconds": 0 },
            "Environment": { "1A": "x" },
            "Tags": [{ "Key": "k".repeat(129), "Value": "" }],
        }));
        assert!(
            message.starts_with(
                "4 validation errors detected: Value 'a_b' at 'trainingJobName' failed"
            ),
            "{message}"
        );
        for member in [
            "environment.key",
            "tags.1.member.key",
            "stoppingCondition.maxRuntimeInSeconds",
        ] {
            assert!(message.contains(member), "{member}: {message}");
        }
    }

    #[test]
    fn a_spot_job_must_wait_as_long_as_it_may_run() {
        let spot = |wait: i64| {
            refusal(&json!({
                "EnableManagedSpotTraining": true,
                "StoppingCondition": { "MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": wait },
            }))
        };
        assert_eq!(spot(60), "");
        assert!(spot(59).contains("MaxWaitTimeInSeconds"));
    }

    #[test]
    fn a_channel_has_one_name_and_known_words() {
        let channel = |name: &str, mode: &str| {
            let source = json!({ "S3DataType": "S3Prefix", "S3Uri": "s3://bkt/a" });
            json!({ "ChannelName": name, "InputMode": mode, "DataSource": { "S3DataSource": source } })
        };
        assert_eq!(
            refusal(&json!({ "InputDataConfig": [channel("a", "File"), channel("b", "Pipe")] })),
            ""
        );
        assert!(
            refusal(&json!({ "InputDataConfig": [channel("a", "File"), channel("a", "File")] }))
                .contains("`a`")
        );
        let message = refusal(&json!({ "InputDataConfig": [channel("a", "Files")] }));
        assert!(
            message.contains("'inputDataConfig.1.member.inputMode'")
                && message.contains("[File, FastFile, Pipe]"),
            "{message}"
        );
    }
}
