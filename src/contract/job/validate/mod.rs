//! A request as the service checks it: the limits of its members, in the words of AWS's own answers.
//!
//! All problems of a request come in one message, as AWS counts them: `2 validation errors detected: Value ...; Value ...`.
//! Invariant: what a [`crate::job::JobFile`] makes has none. Whether buckets, roles and images exist is not looked at here.
//!
//! Source: SageMaker API, service model of 2017-07-24; answers of the service to requests that break it.

mod channel;
mod check;

use std::fmt;

use crate::job::limits;
use crate::job::name::{is_job_name, is_role_arn};
use crate::job::request::{
    AlgorithmSpecification, CreateTrainingJobRequest, ResourceConfig, StoppingCondition,
};
use crate::metric_line;

use check::Check;

/// One member that breaks its constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationProblem {
    /// The member's path, as AWS writes it: `resourceConfig.instanceCount`.
    pub member: String,
    /// The value as text; `None` where it is missing.
    pub value: Option<String>,
    /// What it must be, as AWS says it.
    pub constraint: String,
}

impl fmt::Display for ValidationProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "Value '{value}'")?,
            None => f.write_str("Value null")?,
        }
        write!(
            f,
            " at '{}' failed to satisfy constraint: {}",
            self.member, self.constraint
        )
    }
}

/// The message of a `ValidationException` for these problems; empty for none.
pub fn validation_message(problems: &[ValidationProblem]) -> String {
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let errors = if texts.len() == 1 { "error" } else { "errors" };
    if texts.is_empty() {
        String::new()
    } else {
        format!(
            "{} validation {errors} detected: {}",
            texts.len(),
            texts.join("; ")
        )
    }
}

const JOB_NAME_PATTERN: &str = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}";
const ROLE_PATTERN: &str = r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+";
const S3_URI_PATTERN: &str = "(https|s3)://([^/]+)/?(.*)";
const ENVIRONMENT_PATTERN: &str = "[a-zA-Z_][a-zA-Z0-9_]*";
const TAG_PATTERN: &str = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)";
const INPUT_MODES: &[&str] = &["Pipe", "File", "FastFile"];

impl CreateTrainingJobRequest {
    /// Everything that breaks a limit of the API, member by member; empty if the service would take the request.
    pub fn validate(&self) -> Vec<ValidationProblem> {
        let mut check = Check::default();
        check.required("trainingJobName", &self.training_job_name);
        check.pattern(
            "trainingJobName",
            &self.training_job_name,
            JOB_NAME_PATTERN,
            is_job_name,
        );
        check.required("roleArn", &self.role_arn);
        check.pattern("roleArn", &self.role_arn, ROLE_PATTERN, is_role_arn);
        match &self.algorithm_specification {
            None => check.null("algorithmSpecification"),
            Some(algorithm) => algorithm_specification(&mut check, algorithm),
        }
        match &self.output_data_config {
            None => check.null("outputDataConfig"),
            Some(output) => {
                let member = "outputDataConfig.s3OutputPath";
                check.required(member, &output.s3_output_path);
                check.pattern(member, &output.s3_output_path, S3_URI_PATTERN, is_uri);
                check.one_of(
                    "outputDataConfig.compressionType",
                    output.compression_type.as_deref(),
                    &["GZIP", "NONE"],
                );
            }
        }
        match &self.resource_config {
            None => check.null("resourceConfig"),
            Some(resource) => resource_config(&mut check, resource),
        }
        // Without one the service lets a job run for a day.
        if let Some(stopping) = &self.stopping_condition {
            stopping_condition(
                &mut check,
                stopping,
                self.enable_managed_spot_training == Some(true),
            );
        }
        channel::all(&mut check, &self.input_data_config);
        self.maps(&mut check);
        self.options(&mut check);
        check.0
    }

    fn maps(&self, check: &mut Check) {
        check.at_most(
            "hyperParameters",
            self.hyper_parameters.len(),
            limits::MAX_HYPERPARAMETERS,
        );
        for (key, value) in &self.hyper_parameters {
            check.length("hyperParameters", key, limits::MAX_HYPERPARAMETER_KEY_CHARS);
            check.length(
                "hyperParameters",
                value,
                limits::MAX_HYPERPARAMETER_VALUE_CHARS,
            );
        }
        check.at_most(
            "environment",
            self.environment.len(),
            limits::MAX_ENVIRONMENT,
        );
        for (key, value) in &self.environment {
            check.pattern(
                "environment",
                key,
                ENVIRONMENT_PATTERN,
                limits::is_environment_name,
            );
            check.length("environment", value, limits::MAX_ENVIRONMENT_CHARS);
        }
        check.at_most("tags", self.tags.len(), limits::MAX_TAGS);
        for (at, tag) in self.tags.iter().enumerate() {
            let member = |name: &str| format!("tags.{}.member.{name}", at + 1);
            check.required(&member("key"), &tag.key);
            check.length(&member("key"), &tag.key, limits::MAX_TAG_KEY_CHARS);
            check.pattern(&member("key"), &tag.key, TAG_PATTERN, limits::is_tag_text);
            check.length(&member("value"), &tag.value, limits::MAX_TAG_VALUE_CHARS);
            check.pattern(
                &member("value"),
                &tag.value,
                TAG_PATTERN,
                limits::is_tag_text,
            );
        }
    }

    fn options(&self, check: &mut Check) {
        if let Some(retry) = &self.retry_strategy {
            let attempts = Some(retry.maximum_retry_attempts);
            check.range(
                "retryStrategy.maximumRetryAttempts",
                attempts,
                &limits::RETRY_ATTEMPTS,
            );
        }
        if let Some(checkpoint) = &self.checkpoint_config {
            check.required("checkpointConfig.s3Uri", &checkpoint.s3_uri);
            check.pattern(
                "checkpointConfig.s3Uri",
                &checkpoint.s3_uri,
                S3_URI_PATTERN,
                is_uri,
            );
            let path = checkpoint.local_path.as_deref().unwrap_or_default();
            check.length("checkpointConfig.localPath", path, limits::MAX_PATH_CHARS);
        }
        if let Some(vpc) = &self.vpc_config {
            check.count(
                "vpcConfig.securityGroupIds",
                vpc.security_group_ids.len(),
                *limits::SECURITY_GROUPS.end(),
            );
            check.count(
                "vpcConfig.subnets",
                vpc.subnets.len(),
                *limits::SUBNETS.end(),
            );
            for id in vpc.security_group_ids.iter().chain(&vpc.subnets) {
                check.pattern("vpcConfig", id, "[-0-9a-zA-Z]+", limits::is_vpc_id);
            }
        }
        let kept = self
            .resource_config
            .as_ref()
            .and_then(|it| it.keep_alive_period_in_seconds)
            .unwrap_or(0);
        if self.enable_managed_spot_training == Some(true) && kept > 0 {
            let constraint = "Member must be 0 or absent when managed spot training is enabled";
            check.add(
                "resourceConfig.keepAlivePeriodInSeconds",
                Some(kept.to_string()),
                constraint,
            );
        }
    }
}

fn algorithm_specification(check: &mut Check, algorithm: &AlgorithmSpecification) {
    let member = "algorithmSpecification.trainingInputMode";
    check.required(member, &algorithm.training_input_mode);
    check.one_of(
        member,
        Some(&algorithm.training_input_mode)
            .filter(|it| !it.is_empty())
            .map(String::as_str),
        INPUT_MODES,
    );
    let n_given = usize::from(algorithm.training_image.is_some())
        + usize::from(algorithm.algorithm_name.is_some());
    if n_given != 1 {
        let constraint = "Member must have exactly one of trainingImage and algorithmName";
        check.add("algorithmSpecification", None, constraint);
    }
    let image = algorithm.training_image.as_deref().unwrap_or_default();
    check.length("algorithmSpecification.trainingImage", image, 255);
    let metrics = &algorithm.metric_definitions;
    check.at_most(
        "algorithmSpecification.metricDefinitions",
        metrics.len(),
        metric_line::MAX_DEFINITIONS,
    );
    for (at, metric) in metrics.iter().enumerate() {
        let member = |name: &str| {
            format!(
                "algorithmSpecification.metricDefinitions.{}.member.{name}",
                at + 1
            )
        };
        check.required(&member("name"), &metric.name);
        check.length(&member("name"), &metric.name, metric_line::MAX_NAME_CHARS);
        check.required(&member("regex"), &metric.regex);
        check.length(
            &member("regex"),
            &metric.regex,
            metric_line::MAX_REGEX_CHARS,
        );
    }
    let texts = [
        (
            "algorithmSpecification.containerEntrypoint",
            &algorithm.container_entrypoint,
        ),
        (
            "algorithmSpecification.containerArguments",
            &algorithm.container_arguments,
        ),
    ];
    for (member, texts) in texts {
        check.at_most(member, texts.len(), limits::MAX_ENTRYPOINT);
        for text in texts {
            check.length(member, text, 256);
        }
    }
}

fn resource_config(check: &mut Check, resource: &ResourceConfig) {
    if resource.instance_groups.is_empty() {
        if resource.instance_type.is_none() {
            check.null("resourceConfig.instanceType");
        }
        let n_instances = resource.instance_count;
        check.range(
            "resourceConfig.instanceCount",
            n_instances.or(Some(1)),
            &(1..=u64::MAX),
        );
    } else if resource.instance_type.is_some() || resource.instance_count.is_some() {
        let constraint = "Member must not be given together with instanceType or instanceCount";
        check.add("resourceConfig.instanceGroups", None, constraint);
    }
    check.at_most(
        "resourceConfig.instanceGroups",
        resource.instance_groups.len(),
        5,
    );
    if resource.volume_size_in_gb.is_none() {
        check.null("resourceConfig.volumeSizeInGB");
    }
    check.range(
        "resourceConfig.volumeSizeInGB",
        resource.volume_size_in_gb,
        &(1..=u64::MAX),
    );
    check.range(
        "resourceConfig.keepAlivePeriodInSeconds",
        resource.keep_alive_period_in_seconds,
        &limits::KEEP_ALIVE_SECS,
    );
}

fn stopping_condition(check: &mut Check, stopping: &StoppingCondition, is_spot: bool) {
    let (runtime, wait) = (
        stopping.max_runtime_in_seconds,
        stopping.max_wait_time_in_seconds,
    );
    check.range(
        "stoppingCondition.maxRuntimeInSeconds",
        runtime,
        &limits::RUNTIME_SECS,
    );
    check.range(
        "stoppingCondition.maxWaitTimeInSeconds",
        wait,
        &(1..=u64::MAX),
    );
    let pending = stopping.max_pending_time_in_seconds;
    check.range(
        "stoppingCondition.maxPendingTimeInSeconds",
        pending,
        &limits::PENDING_SECS,
    );
    let member = "stoppingCondition.maxWaitTimeInSeconds";
    match (wait, is_spot) {
        (Some(wait), true) if wait < runtime.unwrap_or(i64::MIN) => {
            let constraint = "Member must be greater than or equal to maxRuntimeInSeconds";
            check.add(member, Some(wait.to_string()), constraint);
        }
        (None, true) => {
            check.add(
                member,
                None,
                "Member must not be null when managed spot training is enabled",
            );
        }
        (Some(wait), false) => {
            let constraint = "Member must be absent when managed spot training is not enabled";
            check.add(member, Some(wait.to_string()), constraint);
        }
        (Some(_), true) | (None, false) => {}
    }
}

fn is_uri(text: &str) -> bool {
    let rest = text
        .strip_prefix("s3://")
        .or_else(|| text.strip_prefix("https://"));
    let fits = text.chars().count() <= limits::MAX_S3_URI_CHARS;
    fits && rest.is_some_and(|it| !it.is_empty() && !it.starts_with('/'))
}
