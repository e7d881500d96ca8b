//! Section by section from the tree to typed values.
//!
//! Invariant: every section is read to its end, whatever was wrong before, so that all problems are found in one go.

use super::channel::channels;
use super::problem::Problems;
use super::rule::Rule;
use super::section::Section;
use super::tree::below;
use super::{
    Checkpoint, Compute, JobFile, MAX_NAME_CHARS, Network, Output, Retry, RetryOn, SCHEMA, Spot,
    across, rules, streamed,
};
use crate::job::limits;
use crate::job::name::{ImageUri, InstanceType, RoleArn, S3Uri, is_job_name};

/// SageMaker's own default, always sent.
const DEFAULT_RUNTIME_SECS: u64 = 86_400;
/// Attempts of this program go on as long as a job may run.
const MAX_WINDOW_SECS: u64 = *limits::RUNTIME_SECS.end();
/// Enough for the image, a few GB of tables and the model.
const DEFAULT_VOLUME_GB: u64 = 30;

/// The whole file; `None` if something that it cannot be without is missing or wrong.
pub(super) fn job(mut root: Section, problems: &mut Problems) -> Option<JobFile> {
    let schema = root.integer("schema", SCHEMA..=SCHEMA, Rule::Schema, problems);
    if schema.is_none() && !problems.places.contains_key("schema") {
        root.missing("schema", problems);
    }
    let name = name(&mut root, problems);
    let image = image(&mut root, problems);
    let mut section = root.section("role", problems);
    let role: Option<RoleArn> = section.required("arn", Rule::Role, problems);
    section.finish(problems);
    let compute = compute(&mut root, problems);
    let spot = spot(&mut root, compute.max_runtime_secs, problems);
    let checkpoint = checkpoint(&mut root, problems);
    let retry = retry(&mut root, problems);
    let channels = channels(&mut root, problems);
    let output = output(&mut root, problems);
    let hyperparameters = root
        .section("hyperparameters", problems)
        .all_scalars(problems);
    let network = network(&mut root, problems);
    let tags = root.section("tags", problems).all_scalars(problems);
    let env = root.section("env", problems).all_scalars(problems);
    root.finish(problems);

    let (image, is_ours) = image;
    let checked = rules::hyperparameters(&hyperparameters, is_ours, problems);
    rules::environment(&env, problems);
    rules::tags(&tags, problems);
    rules::channels(&channels, is_ours, problems);
    across::shards(&channels, compute.instances, problems);
    across::metrics(checked.as_ref(), &channels, problems);
    streamed::check(&channels, &env, &network, is_ours, problems);
    across::hosts(&compute, is_ours, problems);
    across::disks(&compute, problems);
    across::check(
        &compute,
        spot.as_ref(),
        checkpoint.as_ref(),
        &network,
        problems,
    );
    Some(JobFile {
        name: name?,
        image: image?,
        role: role?,
        compute,
        spot,
        checkpoint,
        retry,
        channels: channels
            .into_iter()
            .map(|it| it.channel)
            .collect::<Option<_>>()?,
        output: output?,
        hyperparameters,
        checked,
        network,
        tags,
        env,
        warnings: Vec::new(),
    })
}

fn name(root: &mut Section, problems: &mut Problems) -> Option<String> {
    if !root.has("name") {
        root.missing("name", problems);
    }
    let name = root.text("name", problems)?;
    if is_job_name(&name) && name.len() <= MAX_NAME_CHARS {
        return Some(name);
    }
    problems.add(
        Rule::Name,
        "name",
        format!(
            "`name` is `{name}`, allowed is 1 to {MAX_NAME_CHARS} letters, digits and hyphens, with no hyphen at either \
             end (SageMaker allows 63, and `-<hash>-<attempt>` is put behind it)"
        ),
    );
    None
}

/// The image, and whether the hyperparameters are Linden's.
fn image(root: &mut Section, problems: &mut Problems) -> (Option<ImageUri>, bool) {
    let mut section = root.section("image", problems);
    let uri = section.required("uri", Rule::Image, problems);
    let is_ours = section
        .boolean("check_hyperparameters", problems)
        .unwrap_or(true);
    section.finish(problems);
    (uri, is_ours)
}

fn compute(root: &mut Section, problems: &mut Problems) -> Compute {
    let mut section = root.section("compute", problems);
    if !section.has("instance_types") {
        section.missing("instance_types", problems);
    }
    let given = section.texts("instance_types", problems);
    if given.as_ref().is_some_and(Vec::is_empty) {
        problems.add(
            Rule::InstanceType,
            "compute.instance_types",
            "`compute.instance_types` is empty, expected one type at least",
        );
    }
    let mut instance_types: Vec<InstanceType> = Vec::new();
    for (path, text) in given.unwrap_or_default() {
        match text.parse() {
            Ok(it) if instance_types.contains(&it) => {
                let message = format!("`{path}` is `{it}`, which is there twice");
                problems.add(Rule::InstanceTypeTwice, &path, message);
            }
            Ok(it) => {
                across::instance_type(&path, &it, problems);
                instance_types.push(it);
            }
            Err(err) => problems.add(Rule::InstanceType, &path, format!("`{path}`: {err}")),
        }
    }
    let compute = Compute {
        instance_types,
        instances: section
            .integer("instances", 1..=u64::MAX, Rule::Instances, problems)
            .unwrap_or(1),
        volume_gb: section
            .integer("volume_gb", 1..=u64::MAX, Rule::Volume, problems)
            .unwrap_or(DEFAULT_VOLUME_GB),
        volume_kms_key: kms_key(&mut section, "volume_kms_key", problems),
        max_runtime_secs: section
            .seconds(
                "max_runtime",
                limits::RUNTIME_SECS,
                Rule::MaxRuntime,
                problems,
            )
            .unwrap_or(DEFAULT_RUNTIME_SECS),
        max_pending_secs: section.seconds(
            "max_pending",
            limits::PENDING_SECS,
            Rule::MaxPending,
            problems,
        ),
        keep_alive_secs: section
            .seconds(
                "keep_alive",
                limits::KEEP_ALIVE_SECS,
                Rule::KeepAlive,
                problems,
            )
            .unwrap_or(0),
    };
    section.finish(problems);
    compute
}

fn kms_key(section: &mut Section, key: &'static str, problems: &mut Problems) -> Option<String> {
    let text = section.text(key, problems)?;
    let path = below(&section.path, key);
    let fits = !text.is_empty()
        && text.chars().count() <= limits::MAX_KMS_KEY_CHARS
        && !text.contains(char::is_whitespace);
    if !fits {
        let message = format!(
            "`{path}` is `{text}`, allowed is a key's id, ARN or alias of at most 2048 characters"
        );
        problems.add(Rule::KmsKey, &path, message);
    }
    fits.then_some(text)
}

fn spot(root: &mut Section, max_runtime_secs: u64, problems: &mut Problems) -> Option<Spot> {
    let mut section = root.section("spot", problems);
    let enabled = section.boolean("enabled", problems);
    let has_wait = section.has("max_wait");
    let max_wait_secs = section.seconds(
        "max_wait",
        limits::RUNTIME_SECS,
        Rule::MaxWaitRange,
        problems,
    );
    let restarts_from_zero = section.boolean("restart_from_zero", problems);
    section.finish(problems);
    if enabled != Some(true) {
        if has_wait {
            problems.add(
                Rule::WaitWithoutSpot,
                "spot.max_wait",
                "`spot.max_wait` only goes with `spot.enabled = true`",
            );
        }
        return None;
    }
    if !has_wait {
        section_needs_wait(max_runtime_secs, problems);
    }
    max_wait_secs.map(|max_wait_secs| Spot {
        max_wait_secs,
        restarts_from_zero: restarts_from_zero.unwrap_or(false),
    })
}

fn section_needs_wait(max_runtime_secs: u64, problems: &mut Problems) {
    let least = crate::job::duration::format_secs(max_runtime_secs);
    problems.add(
        Rule::SpotMaxWait,
        "spot.enabled",
        format!("`spot.max_wait` is missing: how long the job may wait and train, `{least}` (`compute.max_runtime`) or more"),
    );
}

fn retry(root: &mut Section, problems: &mut Problems) -> Retry {
    let mut section = root.section("retry", problems);
    let service_attempts = section.integer(
        "service_attempts",
        limits::RETRY_ATTEMPTS,
        Rule::ServiceAttempts,
        problems,
    );
    let given = section.texts("on", problems);
    let window_secs = section.seconds("window", 0..=MAX_WINDOW_SECS, Rule::RetryWindow, problems);
    section.finish(problems);
    let mut on = Vec::new();
    for (path, text) in given.iter().flatten() {
        match RetryOn::parse(text) {
            Some(it) if !on.contains(&it) => on.push(it),
            _ => {
                let message = format!(
                    "`{path}` is `{text}`, allowed is `capacity` and `internal`, each once"
                );
                problems.add_with_hint(
                    Rule::RetryOn,
                    path,
                    message,
                    "an error of the algorithm would only come again, and is never retried",
                );
            }
        }
    }
    Retry {
        service_attempts,
        on: if given.is_some() {
            on
        } else {
            vec![RetryOn::Capacity]
        },
        window_secs: window_secs.unwrap_or(0),
    }
}

fn checkpoint(root: &mut Section, problems: &mut Problems) -> Option<Checkpoint> {
    let mut section = root.section("checkpoint", problems);
    if section.is_empty() {
        return None;
    }
    let s3: Option<S3Uri> = section.required("s3", Rule::S3Address, problems);
    let local_path = section.text("local_path", problems);
    section.finish(problems);
    let fits = |it: &String| it.starts_with('/') && it.chars().count() <= limits::MAX_PATH_CHARS;
    if let Some(path) = local_path.as_ref().filter(|it| !fits(it)) {
        problems.add(
            Rule::CheckpointPath,
            "checkpoint.local_path",
            format!("`checkpoint.local_path` is `{path}`, allowed is an absolute path"),
        );
    }
    let s3 = s3?;
    rules::placeholders("checkpoint.s3", s3.as_str(), problems);
    Some(Checkpoint { s3, local_path })
}

fn output(root: &mut Section, problems: &mut Problems) -> Option<Output> {
    let mut section = root.section("output", problems);
    let s3: Option<S3Uri> = section.required("s3", Rule::S3Address, problems);
    let kms_key = kms_key(&mut section, "kms_key", problems);
    let compression = section
        .choice(
            "compression",
            &[("gzip", "GZIP"), ("none", "NONE")],
            problems,
        )
        .unwrap_or("GZIP");
    section.finish(problems);
    let s3 = s3?;
    rules::placeholders("output.s3", s3.as_str(), problems);
    Some(Output {
        s3,
        kms_key,
        compression,
    })
}

fn network(root: &mut Section, problems: &mut Problems) -> Network {
    let mut section = root.section("network", problems);
    let subnets = vpc_ids(&mut section, "subnets", *limits::SUBNETS.end(), problems);
    let security_groups = vpc_ids(
        &mut section,
        "security_groups",
        *limits::SECURITY_GROUPS.end(),
        problems,
    );
    let isolation = section.boolean("isolation", problems).unwrap_or(false);
    let encrypt_inter_container = section
        .boolean("encrypt_inter_container", problems)
        .unwrap_or(false);
    section.finish(problems);
    Network {
        subnets,
        security_groups,
        isolation,
        encrypt_inter_container,
    }
}

fn vpc_ids(
    section: &mut Section,
    key: &'static str,
    max: usize,
    problems: &mut Problems,
) -> Vec<String> {
    let ids = section.texts(key, problems).unwrap_or_default();
    let path = below(&section.path, key);
    if max < ids.len() {
        let message = format!(
            "`{path}` has {} entries, allowed is {max} at most",
            ids.len()
        );
        problems.add(Rule::VpcCount, &path, message);
    }
    for (path, id) in ids.iter().filter(|(_, id)| !limits::is_vpc_id(id)) {
        problems.add(
            Rule::VpcId,
            path,
            format!("`{path}` is `{id}`, allowed is 1 to 32 letters, digits and hyphens"),
        );
    }
    ids.into_iter().map(|(_, id)| id).collect()
}
