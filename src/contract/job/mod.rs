//! A training job as its owner sees it: names, the request that starts it, and the answers that describe it.
//!
//! Invariant: request and description are wire types. They hold what was sent, plain texts and numbers, so that a server
//! can answer for what is wrong with them; whoever builds one starts from the typed names in [`name`].

pub mod description;
pub mod duration;
pub mod file;
pub mod instance;
pub mod limits;
pub mod name;
pub mod request;
pub mod status;
pub mod validate;

pub use description::{
    ListedTrainingJobs, MetricData, SecondaryStatusTransition, TrainingJobDescription,
    TrainingJobSummary,
};
pub use file::{JobFile, JobProblems, Problem};
pub use name::{ImageUri, InstanceType, JobName, NameError, RoleArn, S3Uri};
pub use request::CreateTrainingJobRequest;
pub use status::{SecondaryStatus, TrainingJobStatus};
pub use validate::{ValidationProblem, validation_message};
