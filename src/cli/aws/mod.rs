//! The AWS boundary: what this program asks of training jobs, logs and objects, in `contract`'s types.
//!
//! Each port is small enough for a fake; [`connect`](client::connect) gives the real ones, which speak to AWS or to the
//! SageMaker on this machine: same code, other endpoint. Types of the SDK do not leave this folder.

mod account;
pub mod client;
mod description;
mod ecr;
mod error;
mod iam;
mod identity;
mod logs;
mod pricing;
mod quotas;
mod request;
mod sagemaker;
mod store;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use async_trait::async_trait;
use contract::job::{
    CreateTrainingJobRequest, JobName, S3Uri, TrainingJobDescription, TrainingJobSummary,
};

pub use account::{
    Answer, Decision, EcrPlace, Fact, FactValue, Images, ListPrice, Permissions, PriceList,
    Question, Quota, Quotas, RegistryLogin, Role, Simulation, StoredImage,
};
pub(crate) use error::chain as causes;
pub use error::{AwsError, AwsErrorKind};

/// Where SageMaker writes the logs of training jobs; streams are `<job>/<host>-<epoch>`.
pub const LOG_GROUP: &str = "/aws/sagemaker/TrainingJobs";

/// The instance types that the SDK knows for training.
pub fn training_instance_types() -> &'static [&'static str] {
    aws_sdk_sagemaker::types::TrainingInstanceType::values()
}

/// What to list; everything empty lists everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// A part of the job's name.
    pub name_contains: Option<String>,
    /// A `TrainingJobStatus`, in SageMaker's spelling.
    pub status: Option<String>,
    /// What a warm pool does, in SageMaker's spelling: `Available`.
    pub warm_pool: Option<String>,
    /// At most so many jobs; 0 is no limit.
    pub limit: usize,
}

/// Jobs, newest first, and whether there are more.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    /// The jobs.
    pub jobs: Vec<TrainingJobSummary>,
    /// Whether the limit has cut the list.
    pub more: bool,
}

/// Training jobs.
#[async_trait]
pub trait TrainingJobs: Send + Sync {
    /// Starts a job and gives its ARN. SageMaker knows no client token, so it is not idempotent: the same name twice is
    /// [`AwsErrorKind::NameTaken`].
    async fn create(&self, request: &CreateTrainingJobRequest) -> Result<String, AwsError>;
    /// All that is known about a job; [`AwsErrorKind::NotFound`] where there is none.
    async fn describe(&self, job: &JobName) -> Result<TrainingJobDescription, AwsError>;
    /// Jobs, newest first.
    async fn list(&self, filter: &ListFilter) -> Result<Listing, AwsError>;
    /// Asks a running job to end; a job that has ended is left as it is.
    async fn stop(&self, job: &JobName) -> Result<(), AwsError>;
    /// Deletes the record of a job that has ended, so that its name is free; [`AwsErrorKind::NameTaken`] for one that runs.
    async fn delete(&self, job: &JobName) -> Result<(), AwsError>;
    /// A job's tags, by its ARN.
    async fn tags(&self, arn: &str) -> Result<BTreeMap<String, String>, AwsError>;
}

/// One line group of a log, as it was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// Milliseconds since 1970, by the host's clock.
    pub timestamp_ms: i64,
    /// What was written, perhaps of several lines.
    pub message: String,
}

/// A page of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// The events; an empty page is not the end.
    pub events: Vec<LogEvent>,
    /// Where to go on. The token that was sent comes back at the end.
    pub next: Option<String>,
    /// Where to go back. The token that was sent comes back at the beginning.
    pub back: Option<String>,
}

/// Logs of jobs.
#[async_trait]
pub trait Logs: Send + Sync {
    /// All streams of [`LOG_GROUP`] whose names start with `prefix`; [`AwsErrorKind::NotFound`] before the first job of
    /// an account has logged.
    async fn streams(&self, prefix: &str) -> Result<Vec<String>, AwsError>;
    /// A page of `stream` after `token`, from the oldest event on where there is none.
    async fn page(&self, stream: &str, token: Option<&str>) -> Result<LogPage, AwsError>;
    /// The newest page of `stream`, or the one before the page whose [`LogPage::back`] is `before`.
    async fn newest(&self, stream: &str, before: Option<&str>) -> Result<LogPage, AwsError>;
}

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// The whole key.
    pub key: String,
    /// Size in bytes.
    pub bytes: u64,
    /// The entity tag without quotes: the content's MD5 where the object was put in one part and not encrypted by KMS.
    pub etag: String,
}

/// A small object as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// What it holds.
    pub body: Vec<u8>,
    /// Its entity tag without quotes.
    pub etag: String,
}

/// What became of a [`Store::swap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The object is the new one.
    Done,
    /// Somebody else was faster: the object is not the one that was known.
    Changed,
}

/// Called with the number of bytes that moved since the last call.
pub type Progress<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// Objects.
#[async_trait]
pub trait Store: Send + Sync {
    /// Size and tag of an object; `None` where there is none.
    async fn head(&self, uri: &S3Uri) -> Result<Option<ObjectMeta>, AwsError>;
    /// All objects whose keys start with the key of `prefix`, by key.
    async fn list(&self, prefix: &S3Uri) -> Result<Vec<ObjectMeta>, AwsError>;
    /// Writes an object into the new file `target`, and gives its size in bytes.
    async fn get(
        &self,
        uri: &S3Uri,
        target: &Path,
        progress: Progress<'_>,
    ) -> Result<u64, AwsError>;
    /// Puts the file `source`; `md5` is its digest, which S3 compares.
    async fn put(&self, uri: &S3Uri, source: &Path, md5: [u8; 16]) -> Result<(), AwsError>;
    /// Reads a small object and its tag; `None` where there is none, [`AwsErrorKind::Invalid`] above `max_bytes`.
    async fn read(&self, uri: &S3Uri, max_bytes: u64) -> Result<Option<Tagged>, AwsError>;
    /// Puts a small object, if the one that is there still has the tag `known`, or, without a tag, if there is none.
    async fn swap(&self, uri: &S3Uri, body: Vec<u8>, known: Option<&str>)
    -> Result<Swap, AwsError>;
    /// The region that a bucket is in; `None` where it does not say.
    async fn bucket_region(&self, bucket: &str) -> Result<Option<String>, AwsError>;
    /// Makes a bucket, or leaves it as it is. Only the SageMaker on this machine is asked for that.
    async fn make_bucket(&self, bucket: &str) -> Result<(), AwsError>;
}

/// Credentials, without what is secret in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Which of the SDK's providers they are from.
    pub provider: String,
    /// When they end; `None` for those that do not.
    pub expires: Option<SystemTime>,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account's 12 digits.
    pub account: String,
    /// The user's or the role session's ARN.
    pub arn: String,
}

/// Who asks, and with what.
#[async_trait]
pub trait Identity: Send + Sync {
    /// The credentials that calls are signed with; [`AwsErrorKind::Credentials`] where there are none.
    async fn sign_in(&self) -> Result<SignIn, AwsError>;
    /// Whom AWS takes the caller for.
    async fn caller(&self) -> Result<Caller, AwsError>;
}
