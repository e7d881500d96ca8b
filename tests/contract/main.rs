//! The agreement with SageMaker, tested from outside: what a document says, what a user is told, what a request holds.

mod job_file;
