//! `[[channel]]`: what a job reads, and how it comes.
//!
//! Invariant: as in `read.rs`, every section is read to its end. What channels must be together is in `rules.rs`.

use std::path::PathBuf;

use super::JobChannel;
use super::problem::Problems;
use super::rule::Rule;
use super::section::Section;
use super::tree::below;
use crate::channel::{Distribution, InputMode, RecordWrapper, S3DataType};
use crate::content_type::ContentType;
use crate::job::limits;
use crate::job::name::S3Uri;

const DISTRIBUTIONS: &[(&str, Distribution)] = &[
    ("replicated", Distribution::FullyReplicated),
    ("sharded", Distribution::ShardedByS3Key),
    ("FullyReplicated", Distribution::FullyReplicated),
    ("ShardedByS3Key", Distribution::ShardedByS3Key),
];
const INPUT_MODES: &[(&str, InputMode)] = &[
    ("file", InputMode::File),
    ("fastfile", InputMode::FastFile),
    ("pipe", InputMode::Pipe),
];
const RECORD_WRAPPERS: &[(&str, RecordWrapper)] = &[
    ("none", RecordWrapper::None),
    ("recordio", RecordWrapper::RecordIo),
];
const DATA_TYPES: &[(&str, S3DataType)] = &[
    ("prefix", S3DataType::S3Prefix),
    ("manifest", S3DataType::ManifestFile),
    ("augmented_manifest", S3DataType::AugmentedManifestFile),
];

/// A channel and where it stands, so that rules about several can name one.
pub(super) struct ReadChannel {
    pub(super) path: String,
    pub(super) name: Option<String>,
    pub(super) channel: Option<JobChannel>,
}

pub(super) fn channels(root: &mut Section, problems: &mut Problems) -> Vec<ReadChannel> {
    let sections = root.sections("channel", problems);
    let train_format = sections
        .iter()
        .find(|it| it.peek_text("name") == Some("train"));
    let default_format = train_format
        .and_then(|it| it.peek_text("format"))
        .unwrap_or("csv")
        .to_owned();
    sections
        .into_iter()
        .map(|it| channel(it, &default_format, problems))
        .collect()
}

fn channel(mut section: Section, default_format: &str, problems: &mut Problems) -> ReadChannel {
    let path = section.path.clone();
    if !section.has("name") {
        section.missing("name", problems);
    }
    let name = section.text("name", problems).filter(|name| {
        let fits = limits::is_channel_name(name);
        if !fits {
            let path = below(&path, "name");
            problems.add(
                Rule::ChannelName,
                &path,
                format!(
                    "`{path}` is `{name}`, allowed is 1 to 64 letters, digits, `.`, `-` and `_`"
                ),
            );
        }
        fits
    });
    let s3: Option<S3Uri> = section.required("s3", Rule::S3Address, problems);
    let source = section.text("source", problems).map(PathBuf::from);
    let format = section
        .text("format", problems)
        .unwrap_or_else(|| default_format.to_owned());
    let content_type = content_type(&below(&path, "format"), &format, problems);
    let distribution = section
        .choice("distribution", DISTRIBUTIONS, problems)
        .unwrap_or(Distribution::FullyReplicated);
    let input_mode = section
        .choice("input_mode", INPUT_MODES, problems)
        .unwrap_or(InputMode::File);
    let is_streamed = section.boolean("stream", problems).unwrap_or(false);
    let record_wrapper = section
        .choice("record_wrapper", RECORD_WRAPPERS, problems)
        .unwrap_or(RecordWrapper::None);
    let is_gzip = section
        .choice("compression", &[("none", false), ("gzip", true)], problems)
        .unwrap_or(false);
    let data_type = section
        .choice("data_type", DATA_TYPES, problems)
        .unwrap_or(S3DataType::S3Prefix);
    let attributes = section.texts("attributes", problems).unwrap_or_default();
    let min_objects = section.integer("min_objects", 1..=u64::MAX, Rule::MinObjects, problems);
    section.finish(problems);
    let channel = match (&name, s3, content_type) {
        (Some(name), Some(s3), Some(content_type)) => Some(JobChannel {
            name: name.clone(),
            s3,
            source,
            content_type,
            distribution,
            input_mode,
            is_streamed,
            record_wrapper,
            is_gzip,
            data_type,
            attributes: attributes.into_iter().map(|(_, name)| name).collect(),
            min_objects,
        }),
        _ => None,
    };
    ReadChannel {
        path,
        name,
        channel,
    }
}

/// Short names become media types; a media type is sent as it was written.
fn content_type(path: &str, format: &str, problems: &mut Problems) -> Option<String> {
    match format.parse::<ContentType>() {
        Ok(_)
            if format.contains('/') && format.chars().count() <= limits::MAX_CONTENT_TYPE_CHARS =>
        {
            Some(format.to_owned())
        }
        Ok(it) => Some(it.media_type().to_owned()),
        Err(err) => {
            problems.add(Rule::ContentType, path, format!("`{path}`: {err}"));
            None
        }
    }
}
