//! Every key of a job file: what it takes, what holds where it is not there, and what it is for.
//!
//! Invariants, held by tests: the reader asks for exactly these keys; a file that spells out every default here reads as
//! one that leaves them away. JSON Schema and `config show` are made from this table.

use std::collections::BTreeSet;

use super::problem::Problems;
use super::section::Section;
use super::tree::{Node, Table};
use super::{RetryOn, SCHEMA, layer, read};
use crate::job::limits;

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An integer from the first to the second.
    Integer(u64, u64),
    /// `true` or `false`.
    Boolean,
    /// A text that the regular expression fits; an empty expression fits any.
    Text(&'static str),
    /// A duration such as `45m`.
    Duration,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A list of texts that the regular expression fits.
    Texts(&'static str),
    /// A list of these texts, each once.
    Choices(&'static [&'static str]),
    /// Keys of the owner's own, with texts, numbers, booleans, or lists of them.
    Scalars,
}

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its path: `compute.instances`, `channel[].s3`, `tags.*`.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether a job cannot be without it.
    pub required: bool,
    /// What holds where it is not there, as TOML writes it.
    pub default: Option<&'static str>,
    /// What it is for.
    pub about: &'static str,
}

const NAME: &str = "^[A-Za-z0-9]([A-Za-z0-9-]{0,49}[A-Za-z0-9])?$";
const ROLE: &str = "^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$";
const S3: &str = "^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$";
const INSTANCE: &str = "^ml\\.[a-z0-9-]+\\.[a-z0-9-]+$";
const CHANNEL: &str = "^[A-Za-z0-9._-]{1,64}$";
const NO_BLANKS: &str = "^\\S+$";
const PATH: &str = "^/";
const VPC_ID: &str = "^[A-Za-z0-9-]{1,32}$";
const ANY: &str = "";

const fn required(path: &'static str, kind: Kind, about: &'static str) -> Key {
    Key {
        path,
        kind,
        required: true,
        default: None,
        about,
    }
}

const fn optional(path: &'static str, kind: Kind, about: &'static str) -> Key {
    Key {
        path,
        kind,
        required: false,
        default: None,
        about,
    }
}

const fn default(path: &'static str, kind: Kind, value: &'static str, about: &'static str) -> Key {
    Key {
        path,
        kind,
        required: false,
        default: Some(value),
        about,
    }
}

use Kind::{Boolean, Choice, Choices, Duration, Integer, Scalars, Text, Texts};

/// Every key, section by section in the order in which people write them.
pub const KEYS: &[Key] = &[
    required(
        "schema",
        Integer(SCHEMA, SCHEMA),
        "The version of the job file.",
    ),
    required(
        "name",
        Text(NAME),
        "What job names begin with; `-<hash>-<attempt>` is put behind it.",
    ),
    required("image.uri", Text(NO_BLANKS), "The training image."),
    default(
        "image.check_hyperparameters",
        Boolean,
        "true",
        "Whether the hyperparameters are those of linden-trainer, and checked as such.",
    ),
    required("role.arn", Text(ROLE), "The role that SageMaker takes on."),
    required(
        "compute.instance_types",
        Texts(INSTANCE),
        "Instance types in the order in which they are tried.",
    ),
    default("compute.instances", Integer(1, u64::MAX), "1", "Machines."),
    default(
        "compute.volume_gb",
        Integer(1, u64::MAX),
        "30",
        "Size of `/opt/ml` in GB.",
    ),
    optional(
        "compute.volume_kms_key",
        Text(NO_BLANKS),
        "The key of KMS that encrypts the volume.",
    ),
    default(
        "compute.max_runtime",
        Duration,
        "\"1d\"",
        "How long the job may train.",
    ),
    optional(
        "compute.max_pending",
        Duration,
        "How long the job may be pending, 2h at least.",
    ),
    default(
        "compute.keep_alive",
        Duration,
        "\"0s\"",
        "How long the machines stay for the next job (a warm pool), 6h at most.",
    ),
    default(
        "spot.enabled",
        Boolean,
        "false",
        "Whether the job runs on spot capacity.",
    ),
    optional(
        "spot.max_wait",
        Duration,
        "How long a spot job may wait and train, `compute.max_runtime` at least.",
    ),
    default(
        "spot.restart_from_zero",
        Boolean,
        "false",
        "Whether a spot job may be without checkpoints, and so start from nothing after an interruption.",
    ),
    required(
        "checkpoint.s3",
        Text(S3),
        "Where checkpoints go; `{name}` and `{spec_hash}` are filled in.",
    ),
    optional(
        "checkpoint.local_path",
        Text(PATH),
        "The folder in the container, where it is not `/opt/ml/checkpoints`.",
    ),
    default(
        "retry.on",
        Choices(RetryOn::WORDS),
        "[\"capacity\"]",
        "What another job is submitted after; never after an error of the algorithm.",
    ),
    default(
        "retry.window",
        Duration,
        "\"0s\"",
        "How long jobs are submitted; `0s` is one pass over the instance types.",
    ),
    optional(
        "retry.service_attempts",
        Integer(
            *limits::RETRY_ATTEMPTS.start(),
            *limits::RETRY_ATTEMPTS.end(),
        ),
        "SageMaker's own attempts after an internal server error.",
    ),
    required(
        "channel[].name",
        Text(CHANNEL),
        "`train`, `validation` or `model`; any name for another algorithm's image.",
    ),
    required(
        "channel[].s3",
        Text(S3),
        "The prefix with the channel's objects, or their manifest.",
    ),
    optional(
        "channel[].source",
        Text(ANY),
        "A file or folder beside the job file that is put to `s3` first.",
    ),
    optional(
        "channel[].format",
        Text(ANY),
        "`csv`, `libsvm`, `parquet`, `recordio-protobuf`, `jsonlines`, or a media type; without it that of `train`, else `csv`.",
    ),
    default(
        "channel[].distribution",
        Choice(&["replicated", "sharded", "FullyReplicated", "ShardedByS3Key"]),
        "\"replicated\"",
        "Whether each machine gets all objects or a part of them.",
    ),
    optional(
        "channel[].min_objects",
        Integer(1, u64::MAX),
        "Objects that must be there before the job is submitted.",
    ),
    default(
        "channel[].input_mode",
        Choice(&["file", "fastfile", "pipe"]),
        "\"file\"",
        "How the objects arrive.",
    ),
    default(
        "channel[].stream",
        Boolean,
        "false",
        "Whether the trainer reads the channel straight from S3.",
    ),
    default(
        "channel[].record_wrapper",
        Choice(&["none", "recordio"]),
        "\"none\"",
        "Whether each object comes in a record of its own; with a pipe alone.",
    ),
    default(
        "channel[].compression",
        Choice(&["none", "gzip"]),
        "\"none\"",
        "Whether SageMaker decompresses the objects; with a pipe alone.",
    ),
    default(
        "channel[].data_type",
        Choice(&["prefix", "manifest", "augmented_manifest"]),
        "\"prefix\"",
        "What `s3` names.",
    ),
    default(
        "channel[].attributes",
        Texts(ANY),
        "[]",
        "The attribute of an augmented manifest that holds a row.",
    ),
    required(
        "output.s3",
        Text(S3),
        "Where artifacts go; `{name}` and `{spec_hash}` are filled in.",
    ),
    optional(
        "output.kms_key",
        Text(NO_BLANKS),
        "The key of KMS that encrypts artifacts.",
    ),
    default(
        "output.compression",
        Choice(&["gzip", "none"]),
        "\"gzip\"",
        "Whether artifacts are one archive or objects.",
    ),
    optional(
        "hyperparameters.*",
        Scalars,
        "Hyperparameters; `linden help` and HYPERPARAMETERS.md have those of linden-trainer.",
    ),
    default(
        "network.subnets",
        Texts(VPC_ID),
        "[]",
        "Subnets; none is no VPC.",
    ),
    default(
        "network.security_groups",
        Texts(VPC_ID),
        "[]",
        "Security groups, with subnets alone.",
    ),
    default(
        "network.isolation",
        Boolean,
        "false",
        "No network from the container.",
    ),
    default(
        "network.encrypt_inter_container",
        Boolean,
        "false",
        "Encrypts what machines tell each other.",
    ),
    optional("tags.*", Scalars, "Tags."),
    optional(
        "env.*",
        Scalars,
        "Environment variables of the container; no secrets.",
    ),
];

/// Every key that the reader asks for, spelled as in [`KEYS`].
pub fn known_keys() -> BTreeSet<String> {
    // A section that may be missing is only read where it is there.
    let table = |key: &str| Node::Table(Table::from([(key.to_owned(), Node::Boolean(true))]));
    let root = Table::from([
        ("checkpoint".to_owned(), table("s3")),
        ("channel".to_owned(), Node::List(vec![table("name")])),
    ]);
    let mut problems = Problems::default();
    let _ = read::job(Section::new("", root), &mut problems);
    let sections: BTreeSet<String> = problems.asked.iter().map(|it| section_of(it)).collect();
    let keys = problems.asked.into_iter();
    keys.filter(|it| !sections.contains(it) && !sections.contains(&format!("{it}[]")))
        .collect()
}

fn section_of(path: &str) -> String {
    path.rfind('.').map_or("", |at| &path[..at]).to_owned()
}

/// Where the default of `key` holds in a file: once, or in each channel.
pub(super) fn paths(key: &Key, root: &Table) -> Vec<String> {
    let Some((list, rest)) = key.path.split_once("[]") else {
        return vec![key.path.to_owned()];
    };
    let n = match root.get(list) {
        Some(Node::List(items)) => items.len(),
        _ => 0,
    };
    (0..n).map(|at| format!("{list}[{at}]{rest}")).collect()
}

/// Where a key's section stands among the others, and which of several sections it is in.
pub(super) fn section_order(path: &str) -> (usize, usize) {
    let top = |it: &str| it.split(['.', '[']).next().unwrap_or_default().to_owned();
    let wanted = top(path);
    let section = KEYS.iter().position(|it| top(it.path) == wanted);
    let number = path.split_once('[').and_then(|(_, it)| it.split_once(']'));
    let number = number.and_then(|(it, _)| it.parse().ok());
    (section.unwrap_or(KEYS.len()), number.unwrap_or(0))
}

/// The name of the section with overlays.
pub(super) const OVERLAY: &str = layer::OVERLAY;
