//! How a job ended: its exit code, and what its failure reason means.

use contract::exit;
use contract::job::{SecondaryStatus, TrainingJobDescription, TrainingJobStatus};

/// The exit code of a job that has ended; [`exit::SUCCESS`] for one that still runs.
///
/// Stopped is never success: a pipeline must not promote what ran out of time.
pub fn exit_code(job: &TrainingJobDescription) -> u8 {
    match &job.training_job_status {
        TrainingJobStatus::Completed
        | TrainingJobStatus::InProgress
        | TrainingJobStatus::Stopping
        | TrainingJobStatus::Deleting
        | TrainingJobStatus::Other(_) => exit::SUCCESS,
        TrainingJobStatus::Failed => of_failure(job.failure_reason.as_deref().unwrap_or_default()),
        TrainingJobStatus::Stopped if met_a_time_limit(job) => exit::TIME_LIMIT,
        TrainingJobStatus::Stopped => exit::JOB_STOPPED,
    }
}

fn of_failure(reason: &str) -> u8 {
    let starts = |words: &[&str]| words.iter().any(|it| reason.trim_start().starts_with(it));
    if starts(&[
        "CapacityError",
        "Unable to provision",
        "InsufficientInstanceCapacity",
        "ResourceLimitExceeded",
    ]) {
        exit::CAPACITY
    } else if starts(&["InternalServerError", "Internal server error"]) {
        exit::SERVICE
    } else {
        exit::JOB_FAILED
    }
}

/// Whether a time limit ended the job. The last status may say only "Stopped"; the transitions remember.
pub fn met_a_time_limit(job: &TrainingJobDescription) -> bool {
    job.secondary_status.is_time_limit()
        || job
            .secondary_status_transitions
            .iter()
            .any(|it| it.status.is_time_limit())
}

/// One sentence on what to do after `job`, where there is one.
pub fn advice(job: &TrainingJobDescription) -> Option<String> {
    match job.training_job_status {
        TrainingJobStatus::Stopped if met_a_time_limit(job) => {
            let limit = match job.secondary_status {
                SecondaryStatus::MaxWaitTimeExceeded => "[spot] max_wait",
                _ => "[compute] max_runtime",
            };
            Some(format!(
                "raise {limit} in the job file, or train fewer rounds"
            ))
        }
        TrainingJobStatus::Failed => {
            let reason = job.failure_reason.as_deref().unwrap_or_default();
            let text = match of_failure(reason) {
                exit::CAPACITY => "try again later, or take another instance type",
                exit::SERVICE => "AWS failed, not the job: run it again",
                _ if reason.contains("137") || reason.contains("OutOfMemory") => {
                    "137 is out of memory, or killed: take a larger instance type or a smaller max_bin"
                }
                _ if reason.contains("UserError") => "fix what the reason names, then run it again",
                _ => return None,
            };
            Some(text.to_owned())
        }
        _ => None,
    }
}
