//! The agreement with SageMaker, tested from outside: what a document says, what a user is told, what a request holds.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod artifact;
mod documents;
mod failure;
mod hyperparameter;
mod job_file;
mod metric_line;
mod names;
mod stored_model;
mod validate;
