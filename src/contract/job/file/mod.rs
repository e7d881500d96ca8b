//! The job file: a training job as its owner writes it, in TOML.
//!
//! ```toml
//! schema = 1
//! name = "usage-forecast"          # jobs are named usage-forecast-<hash>-<attempt>
//!
//! [image]
//! uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0"
//! [role]
//! arn = "arn:aws:iam::123456789012:role/linden-training"
//! [compute]
//! instance_types = ["ml.m7i.large", "ml.m5.large"]   # the first is asked for
//! max_runtime = "45m"
//! [[channel]]
//! name = "train"
//! s3 = "s3://acme-ml/usage/train/"
//! format = "csv"
//! [output]
//! s3 = "s3://acme-ml/out/"
//! [hyperparameters]
//! num_round = 200
//! ```
//!
//! ```
//! use contract::job::JobFile;
//!
//! let problems = JobFile::parse("schema = 1\nname = \"usage_forecast\"\n", &[]).unwrap_err();
//! let first = &problems.0[0];
//! assert_eq!((first.line, first.column, first.key.as_str()), (Some(2), Some(1), "name"));
//! ```
//!
//! [`JobFile::parse`] checks everything that needs no network and reports every problem at once, with line and column;
//! [`Layers::resolve`] does the same for a job file with settings below it and overlays, variables and `--set` above it.
//! [`keys::KEYS`] has every key, [`schema`] writes them as JSON Schema, and [`Rule`] names what is checked.
//! Invariant: a `JobFile` becomes a request that breaks none of SageMaker's documented limits.

mod across;
mod build;
mod channel;
pub mod keys;
pub mod layer;
mod problem;
mod read;
pub mod rule;
mod rules;
pub mod schema;
mod secret;
mod section;
mod streamed;
mod tree;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::name::{ImageUri, InstanceType, JobName, NameError, RoleArn, S3Uri};
use crate::channel::{Distribution, InputMode, RecordWrapper, S3DataType};
use crate::hyperparameter::Hyperparameters;

pub use layer::{Effective, Layer, Layers, Resolved, Setting};
pub use problem::{JobProblems, Origin, Problem};
pub use rule::Rule;

/// The version of the file that this crate reads.
pub const SCHEMA: u64 = 1;
/// The longest name in a job file: `-<8 digits>-<2 digits>` must fit behind it.
pub const MAX_NAME_CHARS: usize = super::name::MAX_JOB_NAME_CHARS - 12;

/// A job file.
#[derive(Clone, Debug, PartialEq)]
pub struct JobFile {
    /// What generated job names begin with.
    pub name: String,
    /// The training image.
    pub image: ImageUri,
    /// The role that SageMaker takes on.
    pub role: RoleArn,
    /// The machines and their time.
    pub compute: Compute,
    /// Spot capacity; `None` is on demand.
    pub spot: Option<Spot>,
    /// Where checkpoints go.
    pub checkpoint: Option<Checkpoint>,
    /// What is tried again, and how long.
    pub retry: Retry,
    /// The channels, in the order of the file.
    pub channels: Vec<JobChannel>,
    /// Where artifacts go.
    pub output: Output,
    /// Hyperparameters as bare texts.
    pub hyperparameters: BTreeMap<String, String>,
    /// What they mean; `None` where `[image] check_hyperparameters = false` says that the image is another algorithm's.
    pub checked: Option<Hyperparameters>,
    /// Network and encryption.
    pub network: Network,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Environment variables of the container.
    pub env: BTreeMap<String, String>,
    /// What is allowed and probably not meant.
    pub warnings: Vec<Problem>,
}

/// `[compute]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compute {
    /// Instance types in the order in which they are tried; the first is in the request.
    pub instance_types: Vec<InstanceType>,
    /// Machines.
    pub instances: u64,
    /// Size of `/opt/ml` in GB.
    pub volume_gb: u64,
    /// The key that encrypts it.
    pub volume_kms_key: Option<String>,
    /// Seconds that the job may train.
    pub max_runtime_secs: u64,
    /// Seconds that the job may be pending.
    pub max_pending_secs: Option<u64>,
    /// Seconds that the machines stay for the next job; 0 gives them back.
    pub keep_alive_secs: u64,
}

/// `[spot]` with `enabled = true`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Seconds that the job may wait and train.
    pub max_wait_secs: u64,
    /// Whether an interrupted job may start from nothing again.
    pub restarts_from_zero: bool,
}

/// `[retry]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The service's own attempts after an internal server error; `None` leaves it to the service.
    pub service_attempts: Option<u64>,
    /// What another job is submitted after. An error of the algorithm is never in it.
    pub on: Vec<RetryOn>,
    /// Seconds in which jobs are submitted; 0 is one pass over the instance types.
    pub window_secs: u64,
}

/// What another job is submitted after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryOn {
    /// The machines were not to be had.
    Capacity,
    /// SageMaker failed.
    Internal,
}

impl RetryOn {
    /// The words of `retry.on`.
    pub const WORDS: &'static [&'static str] = &["capacity", "internal"];

    fn parse(text: &str) -> Option<Self> {
        match text {
            "capacity" => Some(Self::Capacity),
            "internal" => Some(Self::Internal),
            _ => None,
        }
    }
}

/// `[checkpoint]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The prefix; may hold `{name}` and `{spec_hash}`.
    pub s3: S3Uri,
    /// The folder in the container, where it is not `/opt/ml/checkpoints`.
    pub local_path: Option<String>,
}

/// `[[channel]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobChannel {
    /// `train` or `validation`.
    pub name: String,
    /// The prefix with its objects.
    pub s3: S3Uri,
    /// A local file or folder, relative to the job file, that is uploaded to `s3` before the job is submitted.
    pub source: Option<PathBuf>,
    /// The content type of the request.
    pub content_type: String,
    /// Which part of it each machine gets.
    pub distribution: Distribution,
    /// How its objects arrive.
    pub input_mode: InputMode,
    /// Whether the trainer reads it straight from S3, so that SageMaker is not asked to bring it.
    pub is_streamed: bool,
    /// Whether each object comes in a record of its own; with a pipe alone.
    pub record_wrapper: RecordWrapper,
    /// Whether SageMaker decompresses the objects on their way into the pipe.
    pub is_gzip: bool,
    /// What `s3` names: objects, or a manifest of them.
    pub data_type: S3DataType,
    /// The attributes of an augmented manifest that come; each is a record.
    pub attributes: Vec<String>,
    /// Objects that must be there before the job is submitted.
    pub min_objects: Option<u64>,
}

/// `[output]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The prefix; may hold `{name}` and `{spec_hash}`.
    pub s3: S3Uri,
    /// The key that encrypts artifacts.
    pub kms_key: Option<String>,
    /// `GZIP` or `NONE`.
    pub compression: &'static str,
}

/// `[network]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Subnets; none is no VPC.
    pub subnets: Vec<String>,
    /// Security groups.
    pub security_groups: Vec<String>,
    /// No network from the container.
    pub isolation: bool,
    /// Encrypts what machines tell each other.
    pub encrypt_inter_container: bool,
}

impl JobFile {
    /// Reads a job file, with `--set` overrides (key path and value) laid over it.
    ///
    /// # Errors
    /// Every problem, in the order of the file. After a problem with TOML's syntax nothing else is looked at.
    pub fn parse(text: &str, overrides: &[(String, String)]) -> Result<Self, JobProblems> {
        let file = Layer {
            name: String::new(),
            text: text.to_owned(),
        };
        let layers = Layers {
            files: &[file],
            overrides,
            ..Layers::default()
        };
        layers.resolve().job
    }

    /// The name of the attempt with that number (from 1): `<name>-<hash>-<attempt>`.
    ///
    /// # Errors
    /// If the attempt has more than two digits and the name is as long as it may be.
    pub fn job_name(&self, attempt: u32) -> Result<JobName, NameError> {
        JobName::generate(&self.name, &self.hash8(), attempt)
    }
}
