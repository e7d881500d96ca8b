//! Why a document of SageMaker's was refused: which document, which key, what was expected.
//!
//! Invariant: a message names the place and what is allowed, so that it can be the first line of a failure file.

use crate::content_type::ContentTypeError;
use crate::job::NameError;

/// A document under `input/config` does not say what SageMaker would write.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ContractError {
    /// Not JSON, or a value of another type than expected.
    #[error("{document}: {reason}{}", at(key))]
    Json {
        /// The file's name, without its folder.
        document: &'static str,
        /// The path of the key that does not fit; empty at the top.
        key: String,
        /// What serde says, with line and column.
        reason: String,
    },
    /// A key has a value that is not one of those allowed.
    #[error("{document}: `{key}` is {source}")]
    Value {
        /// The file's name, without its folder.
        document: &'static str,
        /// The path of the key.
        key: String,
        /// The value, and what is allowed.
        #[source]
        source: SpellingError,
    },
    /// A channel's content type is not one that is read.
    #[error("channel `{channel}`: {source}")]
    ContentType {
        /// The channel's name.
        channel: String,
        /// What is wrong with it.
        #[source]
        source: ContentTypeError,
    },
    /// The environment names no address where a channel could be read from.
    #[error("environment variable `{variable}`: {source}")]
    Streamed {
        /// The variable.
        variable: &'static str,
        /// What is wrong with its value.
        #[source]
        source: NameError,
    },
    /// No `train` channel.
    #[error("Missing required channel: {0}")]
    MissingChannel(&'static str),
    /// A channel that no algorithm here reads.
    #[error("Extraneous channel found: {name}; allowed are `train`, `validation` and `model`")]
    ExtraneousChannel {
        /// The channel's name.
        name: String,
    },
    /// `resourceconfig.json` lists no host.
    #[error("Number of hosts should be an int greater than or equal to 1")]
    NoHosts,
    /// `resourceconfig.json` does not list the host that reads it.
    #[error(
        "resourceconfig.json: `current_host` is `{host}`, which is not among `hosts` ({hosts})"
    )]
    UnknownHost {
        /// The value of `current_host`.
        host: String,
        /// The listed hosts, separated by commas.
        hosts: String,
    },
}

/// A text that is not one of the spellings that are allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{value}`, allowed is {}", list(allowed))]
pub struct SpellingError {
    /// The text.
    pub value: String,
    /// What it may be.
    pub allowed: &'static [&'static str],
}

fn at(key: &str) -> String {
    if key.is_empty() {
        String::new()
    } else {
        format!(" (key `{key}`)")
    }
}

/// `a`, `b` or `c`.
fn list(values: &[&str]) -> String {
    let quoted: Vec<String> = values.iter().map(|it| format!("`{it}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
