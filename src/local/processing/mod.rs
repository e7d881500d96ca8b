//! Processing jobs: a program of one's own over inputs from S3, and what it leaves put back there.
//!
//! ```text
//! ProcessingInputs ─> /opt/ml/processing/... ─> the entrypoint on each host ─> /opt/ml/processing/... ─> ProcessingOutputConfig
//!                     /opt/ml/config/*.json                                    /opt/ml/output/message ─> ExitMessage
//! ```
//! Hosts are those of training jobs. With containers a host runs the image as the request says. Without, it runs a program that
//! an image of the trainer's has, and `/opt/ml` in its words and variables becomes the host's tree ([`program`]); whatever
//! needs more is refused and told what it takes.
//!
//! Invariants: outputs are uploaded once the hosts have ended, unless one has failed, and `Continuous` ones whenever a file has
//! changed by then; where two hosts have the same name, the host of lower rank is taken. What is not here (pipes, data sets of
//! Athena and Redshift, feature stores) is refused at the start.
//!
//! Source: SageMaker API, `CreateProcessingJob`; developer guide, "How to Build Your Own Processing Container".

mod layout;
mod program;
mod request;
mod run;
mod submit;

pub(crate) use submit::{create, describe, list, stop};
