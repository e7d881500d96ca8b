//! CloudWatch Logs: the group `/aws/sagemaker/TrainingJobs` with a stream for each host of each job, those of transform
//! and processing jobs, and one for each endpoint.

mod event;
mod filter;
mod groups;
mod handlers;
mod search;
mod store;

pub(crate) use groups::LogGroups;
pub(crate) use handlers::{OPERATIONS, dispatch, dispatch_without_group};
pub(crate) use store::LogStore;
