//! Limits on collections, and what channels must be.
//!
//! Source: SageMaker API, `CreateTrainingJob`. Rules across sections are in `across.rs`.

use std::collections::BTreeMap;

use super::JobChannel;
use super::channel::ReadChannel;
use super::problem::Problems;
use super::rule::Rule;
use super::secret::looks_secret;
use crate::channel::{InputMode, MODEL, RecordWrapper, S3DataType, TRAIN, VALIDATION};
use crate::content_type::ContentType;
use crate::hyperparameter::{Hyperparameters, row};
use crate::job::limits;

type Texts = BTreeMap<String, String>;

/// The hyperparameters' limits, and what they mean to the trainer if the image is ours.
pub(super) fn hyperparameters(
    values: &Texts,
    is_ours: bool,
    problems: &mut Problems,
) -> Option<Hyperparameters> {
    too_many(
        Rule::HyperparameterCount,
        "hyperparameters",
        values.len(),
        limits::MAX_HYPERPARAMETERS,
        problems,
    );
    for (key, value) in values {
        let path = format!("hyperparameters.{key}");
        let n_chars = value.chars().count();
        if limits::MAX_HYPERPARAMETER_KEY_CHARS < key.chars().count() {
            let message = "a hyperparameter's name has at most 256 characters";
            problems.add(Rule::HyperparameterName, &path, message);
        }
        if limits::MAX_HYPERPARAMETER_VALUE_CHARS < n_chars {
            problems.add(
                Rule::HyperparameterValue,
                &path,
                format!("`{path}` has {n_chars} characters, allowed is 2500 at most"),
            );
        } else if limits::SAFE_HYPERPARAMETER_VALUE_CHARS < n_chars {
            problems.warn(
                Rule::HyperparameterLong,
                &path,
                format!(
                    "`{path}` has {n_chars} characters; older parts of SageMaker take 256 at most"
                ),
            );
        }
        secret(&path, key, value, problems);
    }
    if !is_ours {
        return None;
    }
    match Hyperparameters::parse(values) {
        Ok(hyperparameters) => Some(hyperparameters),
        Err(errors) => {
            for error in errors.problems() {
                // The user may have written an alias.
                let spelled = values
                    .keys()
                    .find(|it| row(it).is_some_and(|row| row.name == error.name()));
                let key = spelled.map_or(error.name(), String::as_str);
                let path = format!("hyperparameters.{key}");
                problems.add(Rule::Hyperparameter, &path, error.to_string());
            }
            None
        }
    }
}

pub(super) fn environment(values: &Texts, problems: &mut Problems) {
    too_many(
        Rule::EnvironmentCount,
        "env",
        values.len(),
        limits::MAX_ENVIRONMENT,
        problems,
    );
    for (key, value) in values {
        let path = format!("env.{key}");
        if !limits::is_environment_name(key) {
            let message = format!(
                "`{path}`: allowed is a letter or `_`, then letters, digits and `_`, 512 at most"
            );
            problems.add(Rule::EnvironmentName, &path, message);
        }
        let n_chars = value.chars().count();
        if limits::MAX_ENVIRONMENT_CHARS < n_chars {
            problems.add(
                Rule::EnvironmentValue,
                &path,
                format!("`{path}` has {n_chars} characters, allowed is 512 at most"),
            );
        }
        secret(&path, key, value, problems);
    }
}

pub(super) fn tags(values: &Texts, problems: &mut Problems) {
    too_many(
        Rule::TagCount,
        "tags",
        values.len(),
        limits::MAX_TAGS,
        problems,
    );
    for (key, value) in values {
        let path = format!("tags.{key}");
        let key_fits = !key.is_empty()
            && key.chars().count() <= limits::MAX_TAG_KEY_CHARS
            && limits::is_tag_text(key);
        if !key_fits {
            let message = format!(
                "`{path}`: a tag's key has 1 to 128 letters, digits, blanks and `_.:/=+-@`"
            );
            problems.add(Rule::TagKey, &path, message);
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            problems.add(
                Rule::TagReserved,
                &path,
                format!("`{path}`: tags that begin with `aws:` are AWS's own"),
            );
        }
        if limits::MAX_TAG_VALUE_CHARS < value.chars().count() || !limits::is_tag_text(value) {
            let message = format!(
                "`{path}` is `{value}`, allowed is at most 256 letters, digits, blanks and `_.:/=+-@`"
            );
            problems.add(Rule::TagValue, &path, message);
        }
    }
}

pub(super) fn channels(channels: &[ReadChannel], is_ours: bool, problems: &mut Problems) {
    if channels.is_empty() {
        problems.add(
            Rule::ChannelCount,
            "channel",
            "`[[channel]]` is missing, expected one with `name = \"train\"` at least",
        );
        return;
    }
    too_many(
        Rule::ChannelCount,
        "channel",
        channels.len(),
        *limits::CHANNELS.end(),
        problems,
    );
    for (at, read) in channels.iter().enumerate() {
        let Some(name) = &read.name else { continue };
        let path = format!("{}.name", read.path);
        if channels[..at].iter().any(|it| it.name == read.name) {
            problems.add(
                Rule::ChannelTwice,
                &path,
                format!("`{path}` is `{name}`, which another channel is called already"),
            );
        }
        if is_ours && ![TRAIN, VALIDATION, MODEL].contains(&name.as_str()) {
            problems.add(
                Rule::ChannelRole,
                &path,
                format!("Extraneous channel found: {name}; allowed are `train`, `validation` and `model`"),
            );
        }
        if let Some(channel) = read.channel.as_ref().filter(|_| is_ours) {
            piped(&read.path, channel, problems);
            listed(&read.path, channel, problems);
        }
    }
    let has_train = channels.iter().any(|it| it.name.as_deref() == Some(TRAIN));
    if is_ours && !has_train && channels.iter().all(|it| it.name.is_some()) {
        let message = "Missing required channel: train";
        problems.add(Rule::ChannelRole, &channels[0].path, message);
    }
}

/// What cannot come through a pipe, and what goes with one alone.
fn piped(path: &str, channel: &JobChannel, problems: &mut Problems) {
    if channel.input_mode != InputMode::Pipe {
        let wraps = channel.record_wrapper != RecordWrapper::None;
        for (key, is_set) in [("record_wrapper", wraps), ("compression", channel.is_gzip)] {
            if is_set {
                let path = format!("{path}.{key}");
                let why = "files come as they are, and compressed ones are read";
                problems.add(
                    Rule::PipeOnly,
                    &path,
                    format!("`{path}` goes with `input_mode` = `pipe` alone: {why}"),
                );
            }
        }
        return;
    }
    let path = format!("{path}.input_mode");
    if channel.name == MODEL {
        problems.add(
            Rule::PipeContent,
            &path,
            format!("`{path}`: a model does not come through a `pipe`; use `file`"),
        );
    } else if channel.content_type.parse() == Ok(ContentType::Parquet) {
        problems.add(
            Rule::PipeContent,
            &path,
            format!(
                "`{path}`: `pipe` does not go with `parquet`, whose columns are told at the end of a file; use `fastfile`, which streams as well"
            ),
        );
    }
}

/// What goes with manifests. Each attribute of an augmented one comes as a record of its own, and a row must be in one.
fn listed(path: &str, channel: &JobChannel, problems: &mut Problems) {
    if channel.data_type != S3DataType::S3Prefix && channel.source.is_some() {
        let path = format!("{path}.source");
        let why = "a manifest names objects that are in S3, and nothing is uploaded for it";
        problems.add(
            Rule::Manifest,
            &path,
            format!("`{path}` does not go with `data_type`: {why}"),
        );
    }
    if channel.data_type != S3DataType::S3Prefix && channel.is_streamed {
        let path = format!("{path}.stream");
        let why = "a manifest is read by SageMaker, and streamed channels are read without it";
        problems.add(
            Rule::Manifest,
            &path,
            format!("`{path}` does not go with `data_type`: {why}"),
        );
    }
    let path = format!("{path}.attributes");
    if channel.data_type != S3DataType::AugmentedManifestFile {
        if !channel.attributes.is_empty() {
            let message = format!("`{path}` goes with `data_type` = `augmented_manifest` alone");
            problems.add(Rule::Attributes, &path, message);
        }
        return;
    }
    if channel.attributes.len() != 1 {
        problems.add_with_hint(
            Rule::Attributes,
            &path,
            format!(
                "`{path}` has {} names, allowed is one: each attribute comes as a record of its own, and a row must be in one record",
                channel.attributes.len()
            ),
            "let one attribute hold the row in the channel's format, or let one that ends with `-ref` name an object with rows",
        );
    }
    if channel.input_mode != InputMode::Pipe || channel.record_wrapper != RecordWrapper::RecordIo {
        let message = format!(
            "`{path}`: an augmented manifest comes with `input_mode` = `pipe` and `record_wrapper` = `recordio`, which tells its rows apart"
        );
        problems.add(Rule::Attributes, &path, message);
    }
}

/// `{name}` and `{spec_hash}` are filled in when the request is made; nothing else is.
pub(super) fn placeholders(path: &str, text: &str, problems: &mut Problems) {
    let rest = text.replace("{name}", "").replace("{spec_hash}", "");
    if rest.contains(['{', '}']) {
        problems.add(
            Rule::Placeholder,
            path,
            format!(
                "`{path}` is `{text}`, allowed between braces are `{{name}}` and `{{spec_hash}}`"
            ),
        );
    }
}

fn too_many(rule: Rule, path: &str, n: usize, max: usize, problems: &mut Problems) {
    if max < n {
        problems.add(
            rule,
            path,
            format!("`{path}` has {n} entries, allowed is {max} at most"),
        );
    }
}

/// The value itself is left out of the message: it may end in a log.
fn secret(path: &str, key: &str, value: &str, problems: &mut Problems) {
    if let Some(what) = looks_secret(key, value) {
        problems.add_with_hint(
            Rule::Secret,
            path,
            format!("`{path}` looks like {what}; everybody who may describe the job would read it"),
            "give the role access to the secret instead, and read it there",
        );
    }
}
