//! CloudWatch Logs: one group, `/aws/sagemaker/TrainingJobs`, with a stream for each host of each job.

mod event;
mod filter;
mod handlers;
mod search;
mod store;

pub(crate) use handlers::{OPERATIONS, dispatch, dispatch_without_group};
pub(crate) use store::LogStore;

/// The only log group: SageMaker's own for training jobs.
pub(crate) const GROUP: &str = "/aws/sagemaker/TrainingJobs";
