//! A job file from the description of a job: what a job was asked to do, as its owner would have written it.
//!
//! Invariant: whatever a job file can say is said; whatever it cannot is in [`JobText::lost`], so that nobody takes a copy
//! for the whole. The parser decides whether the text is a job file, this module does not.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use contract::job::request::Channel;
use contract::job::{TrainingJobDescription, duration};
use contract::{environment, streamed};

/// Tags that AWS sets itself begin with this, and nobody else may set them.
const AWS_TAGS: &str = "aws:";

/// The text of a job file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobText {
    /// The file, in TOML.
    pub text: String,
    /// What the job has and a job file cannot say.
    pub lost: Vec<String>,
}

/// Sections and keys, line by line.
#[derive(Default)]
struct Writer {
    text: String,
    /// A heading that waits for its first key.
    heading: Option<String>,
}

impl Writer {
    fn section(&mut self, heading: &str) {
        self.heading = Some(format!("\n{heading}\n"));
    }

    fn raw(&mut self, key: &str, value: impl Display) {
        if let Some(heading) = self.heading.take() {
            self.text.push_str(&heading);
        }
        let bare = !key.is_empty()
            && key
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-'));
        let key = if bare { key.to_owned() } else { quoted(key) };
        // A string takes every write.
        let _ = writeln!(self.text, "{key} = {value}");
    }

    fn string(&mut self, key: &str, value: &str) {
        self.raw(key, quoted(value));
    }

    fn maybe(&mut self, key: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.string(key, value);
        }
    }

    fn list(&mut self, key: &str, values: &[String]) {
        if !values.is_empty() {
            let values: Vec<String> = values.iter().map(|it| quoted(it)).collect();
            self.raw(key, format_args!("[{}]", values.join(", ")));
        }
    }

    fn seconds(&mut self, key: &str, seconds: Option<i64>) {
        if let Some(seconds) = seconds.and_then(|it| u64::try_from(it).ok()) {
            self.string(key, &duration::format_secs(seconds));
        }
    }
}

/// A text in quotation marks.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// Numbers and booleans stand without quotation marks where they come back as the same text.
fn scalar(text: &str) -> String {
    let digits = |it: &str| !it.is_empty() && it.chars().all(|it| it.is_ascii_digit());
    let whole = |it: &str| digits(it) && (it == "0" || !it.starts_with('0'));
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let is_integer = whole(text) && text.parse::<i64>().is_ok();
    let is_float = unsigned
        .split_once('.')
        .is_some_and(|(before, after)| whole(before) && digits(after));
    if is_integer || is_float || matches!(text, "true" | "false") {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// The job file of `job`, whose tags its description does not have. `check` is whether its hyperparameters are Linden's.
pub fn of(job: &TrainingJobDescription, tags: &BTreeMap<String, String>, check: bool) -> JobText {
    let mut to = Writer {
        text: format!("# what {} was asked to do\n", job.training_job_arn),
        heading: None,
    };
    to.raw("schema", 1);
    to.string("name", stem(&job.training_job_name));
    let algorithm = &job.algorithm_specification;
    to.section("[image]");
    to.maybe("uri", algorithm.training_image.as_ref());
    if !check {
        to.raw("check_hyperparameters", false);
    }
    to.section("[role]");
    to.maybe("arn", job.role_arn.as_ref());
    compute(job, &mut to);
    for channel in &job.input_data_config {
        brought(channel, &algorithm.training_input_mode, &mut to);
    }
    let env = streamed_channels(job, &mut to);
    if let Some(output) = &job.output_data_config {
        to.section("[output]");
        to.string("s3", &output.s3_output_path);
        to.maybe(
            "kms_key",
            output.kms_key_id.as_ref().filter(|it| !it.is_empty()),
        );
        if output.compression_type.as_deref() == Some("NONE") {
            to.string("compression", "none");
        }
    }
    to.section("[hyperparameters]");
    for (key, value) in &job.hyper_parameters {
        to.raw(key, scalar(value));
    }
    network(job, &mut to);
    to.section("[tags]");
    for (key, value) in tags.iter().filter(|it| !it.0.starts_with(AWS_TAGS)) {
        to.string(key, value);
    }
    to.section("[env]");
    for (key, value) in &env {
        to.string(key, value);
    }
    JobText {
        text: to.text,
        lost: lost(job),
    }
}

/// The name that `<name>-<8 hexadecimal digits>-<attempt>` was made from.
fn stem(name: &str) -> &str {
    let is_attempt = |it: &str| !it.is_empty() && it.chars().all(|it| it.is_ascii_digit());
    let is_hash = |it: &str| it.len() == 8 && it.chars().all(|it| it.is_ascii_hexdigit());
    match name.rsplitn(3, '-').collect::<Vec<_>>()[..] {
        [attempt, hash, stem] if is_attempt(attempt) && is_hash(hash) && !stem.is_empty() => stem,
        _ => name,
    }
}

fn compute(job: &TrainingJobDescription, to: &mut Writer) {
    let (machines, limits) = (&job.resource_config, &job.stopping_condition);
    to.section("[compute]");
    let types: Vec<String> = machines.instance_type.iter().cloned().collect();
    to.list("instance_types", &types);
    if let Some(instances) = machines.instance_count.filter(|it| *it != 1) {
        to.raw("instances", instances);
    }
    if let Some(volume) = machines.volume_size_in_gb {
        to.raw("volume_gb", volume);
    }
    to.maybe("volume_kms_key", machines.volume_kms_key_id.as_ref());
    to.seconds("max_runtime", limits.max_runtime_in_seconds);
    to.seconds("max_pending", limits.max_pending_time_in_seconds);
    to.seconds(
        "keep_alive",
        machines.keep_alive_period_in_seconds.filter(|it| *it > 0),
    );
    if job.enable_managed_spot_training == Some(true) {
        to.section("[spot]");
        to.raw("enabled", true);
        to.seconds("max_wait", limits.max_wait_time_in_seconds);
    }
    if let Some(checkpoint) = &job.checkpoint_config {
        to.section("[checkpoint]");
        to.string("s3", &checkpoint.s3_uri);
        to.maybe("local_path", checkpoint.local_path.as_ref());
    }
    if let Some(retry) = &job.retry_strategy {
        to.section("[retry]");
        to.raw("service_attempts", retry.maximum_retry_attempts);
    }
}

/// A channel that SageMaker brings.
fn brought(channel: &Channel, default_mode: &str, to: &mut Writer) {
    to.section("[[channel]]");
    to.string("name", &channel.channel_name);
    let Some(source) = &channel.data_source.s3_data_source else {
        return;
    };
    to.string("s3", &source.s3_uri);
    // Without a content type the built-in algorithm and the trainer read libsvm.
    to.string(
        "format",
        channel.content_type.as_deref().unwrap_or("libsvm"),
    );
    if source.s3_data_distribution_type.as_deref() == Some("ShardedByS3Key") {
        to.string("distribution", "sharded");
    }
    let mode = channel.input_mode.as_deref().unwrap_or(default_mode);
    if !mode.is_empty() && mode != "File" {
        to.string("input_mode", &mode.to_lowercase());
    }
    if channel.record_wrapper_type.as_deref() == Some("RecordIO") {
        to.string("record_wrapper", "recordio");
    }
    if channel.compression_type.as_deref() == Some("Gzip") {
        to.string("compression", "gzip");
    }
    match source.s3_data_type.as_str() {
        "ManifestFile" => to.string("data_type", "manifest"),
        "AugmentedManifestFile" => to.string("data_type", "augmented_manifest"),
        _ => {}
    }
    to.list("attributes", &source.attribute_names);
}

/// The channels that the trainer reads from S3 by itself, and the variables that do not name one.
fn streamed_channels(job: &TrainingJobDescription, to: &mut Writer) -> BTreeMap<String, String> {
    let mut env = job.environment.clone();
    // What `run` marked that one job with.
    for mark in [
        environment::LINDEN_SUBMISSION,
        environment::LINDEN_DATA_DIGEST,
    ] {
        env.remove(mark.name);
    }
    let Ok(channels) = streamed::read(|name| job.environment.get(name).cloned()) else {
        return env;
    };
    for (name, channel) in channels {
        let of_type = match name {
            contract::channel::TRAIN => Some(environment::LINDEN_CONTENT_TYPE_TRAIN.name),
            contract::channel::VALIDATION => Some(environment::LINDEN_CONTENT_TYPE_VALIDATION.name),
            _ => None,
        };
        let format = of_type.and_then(|it| job.environment.get(it));
        to.section("[[channel]]");
        to.string("name", name);
        to.string("s3", channel.s3.as_str());
        to.maybe("format", format);
        to.raw("stream", true);
        let format = format.map_or("", String::as_str);
        for (variable, _) in streamed::variables(name, &channel.s3, format) {
            env.remove(&variable);
        }
    }
    env
}

fn network(job: &TrainingJobDescription, to: &mut Writer) {
    to.section("[network]");
    if let Some(vpc) = &job.vpc_config {
        to.list("subnets", &vpc.subnets);
        to.list("security_groups", &vpc.security_group_ids);
    }
    if job.enable_network_isolation == Some(true) {
        to.raw("isolation", true);
    }
    if job.enable_inter_container_traffic_encryption == Some(true) {
        to.raw("encrypt_inter_container", true);
    }
}

fn lost(job: &TrainingJobDescription) -> Vec<String> {
    let algorithm = &job.algorithm_specification;
    let mut lost = Vec::new();
    if let Some(name) = &algorithm.algorithm_name {
        lost.push(format!(
            "the algorithm resource `{name}`: a job file names an image"
        ));
    }
    if !algorithm.container_entrypoint.is_empty() || !algorithm.container_arguments.is_empty() {
        lost.push("the container's entry point and arguments".to_owned());
    }
    if !job.resource_config.instance_groups.is_empty() {
        lost.push("the instance groups: a job file has machines of one type".to_owned());
    }
    for channel in &job.input_data_config {
        let name = &channel.channel_name;
        if channel.data_source.file_system_data_source.is_some() {
            lost.push(format!("the file system of channel `{name}`"));
        }
        if channel.shuffle_config.is_some() {
            lost.push(format!("the shuffling of channel `{name}`"));
        }
    }
    lost
}

#[cfg(test)]
mod tests {
    use contract::job::JobFile;

    use super::*;

    /// The description that SageMaker gives of the job of a file.
    fn described(file: &JobFile) -> TrainingJobDescription {
        let request = file.request(&file.job_name(3).unwrap());
        let mut json = serde_json::to_value(&request).unwrap();
        json["TrainingJobArn"] = "arn:of:it".into();
        json["TrainingJobStatus"] = "Completed".into();
        json["SecondaryStatus"] = "Completed".into();
        json["CreationTime"] = 1.0.into();
        serde_json::from_value(json).unwrap()
    }

    const FILE: &str = r#"
schema = 1
name = "usage-forecast"
[image]
uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0"
[role]
arn = "arn:aws:iam::123456789012:role/linden-training"
[compute]
instance_types = ["ml.m5.large"]
volume_gb = 50
volume_kms_key = "alias/volume"
max_runtime = "45m"
max_pending = "3h"
[spot]
enabled = true
max_wait = "3h"
[checkpoint]
s3 = "s3://acme-ml/ckpt/{name}/"
[retry]
service_attempts = 2
[[channel]]
name = "train"
s3 = "s3://acme-ml/train/"
format = "recordio-protobuf"
input_mode = "pipe"
record_wrapper = "recordio"
compression = "gzip"
[[channel]]
name = "validation"
s3 = "s3://acme-ml/validation/"
format = "csv"
stream = true
[output]
s3 = "s3://acme-ml/out/"
kms_key = "alias/out"
compression = "none"
[hyperparameters]
num_round = 400
eta = 0.10
objective = "reg:squarederror"
eval_metric = ["rmse", "mae"]
[network]
subnets = ["subnet-1"]
security_groups = ["sg-1"]
[tags]
owner = "planning@example.com"
"cost center" = "wfd"
[env]
MODE = "ci"
"#;

    #[test]
    fn a_copy_asks_for_the_same_job() {
        let file = JobFile::parse(FILE, &[]).unwrap();
        let text = of(&described(&file), &file.tags, true);
        assert_eq!(text.lost, [""; 0]);
        let copy =
            JobFile::parse(&text.text, &[]).unwrap_or_else(|it| panic!("{it:?}: {}", text.text));
        let name = "copy".parse().unwrap();
        assert_eq!(copy.request(&name), file.request(&name), "{}", text.text);
        assert_eq!(copy.name, "usage-forecast");
    }

    #[test]
    fn what_a_job_file_cannot_say_is_told() {
        let file = JobFile::parse(FILE, &[]).unwrap();
        let mut job = described(&file);
        job.algorithm_specification.container_entrypoint = vec!["/run".to_owned()];
        let lost = of(&job, &BTreeMap::new(), true).lost;
        assert_eq!(lost, ["the container's entry point and arguments"]);
    }

    #[test]
    fn only_what_comes_back_as_the_same_text_has_no_quotation_marks() {
        for text in ["1", "0", "0.10", "-0.5", "true"] {
            assert_eq!(scalar(text), text);
        }
        for text in ["01", "1e3", ".5", "5.", "-1", "rmse", "", "a\"b"] {
            assert!(scalar(text).starts_with(['"', '\'']), "{text}");
        }
        let awkward = "a\"b\\c\nd\u{7}";
        let table: toml::Table = format!("x = {}", quoted(awkward)).parse().unwrap();
        assert_eq!(table["x"].as_str(), Some(awkward));
    }

    #[test]
    fn the_name_is_what_comes_before_hash_and_attempt() {
        for (name, of) in [
            ("usage-forecast-3fa91c02-12", "usage-forecast"),
            ("usage-forecast", "usage-forecast"),
            ("a-b-1", "a-b-1"),
            ("3fa91c02-1", "3fa91c02-1"),
        ] {
            assert_eq!(stem(name), of);
        }
    }
}
