//! How a job ended: its exit code, and what its failure reason means.
//!
//! Invariant: Stopped is never success, a pipeline must not promote what ran out of time; and a failure's class, exit code
//! and advice come from one reading of the reason.
//!
//! Source: SageMaker API, `DescribeTrainingJob`, `FailureReason`; exit codes of processes as container engines report them.

use contract::exit;
use contract::failure::{Failure, FailureClass};
use contract::job::{SecondaryStatus, TrainingJobDescription, TrainingJobStatus};
use serde::Serialize;

/// Who can do something about a failed job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// No machines, or no quota for them.
    Capacity,
    /// AWS failed.
    Service,
    /// Data, image or permissions that SageMaker could not use.
    Input,
    /// Hyperparameters, channels or data that the trainer could not use.
    User,
    /// A bug, or numbers that ran away.
    Algorithm,
    /// The machine: disk, network, the contract tree.
    Platform,
    /// The container's process was ended from outside.
    Killed,
    /// The reason does not say.
    Unknown,
}

/// What a failure reason says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decoded {
    /// Who can do something about it.
    pub cause: Cause,
    /// The exit code of the container, where the reason has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What that exit code means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<&'static str>,
}

impl Decoded {
    /// Reads a failure reason.
    pub fn of(reason: &str) -> Self {
        let exit_code = container_exit_code(reason);
        Self {
            cause: cause(reason.trim_start(), exit_code),
            exit_code,
            meaning: exit_code.and_then(meaning),
        }
    }

    /// `user error, exit code 1`.
    pub fn line(&self) -> String {
        let cause = match self.cause {
            Cause::Capacity => "no capacity or no quota",
            Cause::Service => "AWS failed, not the job",
            Cause::Input => "data, image or permissions that SageMaker could not use",
            Cause::User => "an error of the job's parameters or data",
            Cause::Algorithm => "an error of the algorithm",
            Cause::Platform => "an error of the machine",
            Cause::Killed => "the training process was ended from outside",
            Cause::Unknown => "not told by the reason",
        };
        match (self.exit_code, self.meaning) {
            (Some(code), Some(meaning)) => format!("{cause} (exit code {code}: {meaning})"),
            (Some(code), None) => format!("{cause} (exit code {code})"),
            (None, _) => cause.to_owned(),
        }
    }

    fn advice(&self, reason: &str) -> Option<&'static str> {
        Some(match self.cause {
            Cause::Capacity => "try again later, or take another instance type",
            Cause::Service => "AWS failed, not the job: run it again",
            Cause::Killed if self.exit_code == Some(137) => {
                "137 is out of memory, or killed: take a larger instance type or a smaller max_bin"
            }
            Cause::Killed => "run it again; if it ends the same way, its log has the last words",
            Cause::User => "fix what the reason names, then run it again",
            Cause::Input if reason.contains("image") => {
                "check that the image is there, and that the job's role may pull it"
            }
            Cause::Input => "check the channels' addresses, and that the job's role may read them",
            Cause::Platform => "run it again; if it stays, take a larger volume_gb",
            Cause::Algorithm | Cause::Unknown => return None,
        })
    }
}

/// The number behind the last `exit code:` (or `ExitCode`, as other containers have it).
fn container_exit_code(reason: &str) -> Option<i32> {
    let lower = reason.to_ascii_lowercase();
    let at = ["exit code", "exitcode"]
        .iter()
        .filter_map(|it| lower.rfind(it).map(|at| at + it.len()))
        .max()?;
    let rest = lower[at..].trim_start_matches([':', ' ', '=']);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn meaning(exit_code: i32) -> Option<&'static str> {
    Some(match exit_code {
        126 => "the program may not be run",
        127 => "there is no such program in the image",
        132 => "SIGILL, built for another processor",
        134 => "SIGABRT, it gave up",
        137 => "out of memory, or killed",
        139 => "SIGSEGV, it crashed",
        143 => "SIGTERM, asked to end",
        _ => return None,
    })
}

fn cause(reason: &str, exit_code: Option<i32>) -> Cause {
    let starts = |words: &[&str]| words.iter().any(|it| reason.starts_with(it));
    if starts(&[
        "CapacityError",
        "Unable to provision",
        "InsufficientInstanceCapacity",
        "ResourceLimitExceeded",
    ]) {
        return Cause::Capacity;
    }
    if starts(&["InternalServerError", "Internal server error"]) {
        return Cause::Service;
    }
    if starts(&["ClientError", "AccessDenied"]) {
        return Cause::Input;
    }
    // 128 and the number of a signal: whoever sent it has left no words.
    if exit_code.is_some_and(|it| matches!(it, 137 | 143)) || reason.contains("OutOfMemory") {
        return Cause::Killed;
    }
    match Failure::parse(reason).map(|it| it.class) {
        Some(FailureClass::UserError) => Cause::User,
        Some(FailureClass::AlgorithmError) => Cause::Algorithm,
        Some(FailureClass::PlatformError) => Cause::Platform,
        None => Cause::Unknown,
    }
}

/// The exit code of a job that has ended; [`exit::SUCCESS`] for one that still runs.
pub fn exit_code(job: &TrainingJobDescription) -> u8 {
    match &job.training_job_status {
        TrainingJobStatus::Completed
        | TrainingJobStatus::InProgress
        | TrainingJobStatus::Stopping
        | TrainingJobStatus::Deleting
        | TrainingJobStatus::Other(_) => exit::SUCCESS,
        TrainingJobStatus::Failed => {
            match Decoded::of(job.failure_reason.as_deref().unwrap_or_default()).cause {
                Cause::Capacity => exit::CAPACITY,
                Cause::Service => exit::SERVICE,
                Cause::Input
                | Cause::User
                | Cause::Algorithm
                | Cause::Platform
                | Cause::Killed
                | Cause::Unknown => exit::JOB_FAILED,
            }
        }
        TrainingJobStatus::Stopped if met_a_time_limit(job) => exit::TIME_LIMIT,
        TrainingJobStatus::Stopped => exit::JOB_STOPPED,
    }
}

/// What the reason of a failed job says; `None` for one that has not failed.
pub fn failure(job: &TrainingJobDescription) -> Option<Decoded> {
    let failed = job.training_job_status == TrainingJobStatus::Failed;
    failed.then(|| Decoded::of(job.failure_reason.as_deref().unwrap_or_default()))
}

/// Whether a time limit ended the job. The last status may say only "Stopped"; the transitions remember.
pub fn met_a_time_limit(job: &TrainingJobDescription) -> bool {
    limit(job).is_some()
}

/// The time limit that ended the job.
fn limit(job: &TrainingJobDescription) -> Option<&SecondaryStatus> {
    let transitions = job.secondary_status_transitions.iter().rev();
    std::iter::once(&job.secondary_status)
        .chain(transitions.map(|it| &it.status))
        .find(|it| it.is_time_limit())
}

/// One sentence on what to do after `job`, where there is one.
pub fn advice(job: &TrainingJobDescription) -> Option<String> {
    match job.training_job_status {
        TrainingJobStatus::Stopped => limit(job).map(|it| {
            let limit = match it {
                SecondaryStatus::MaxWaitTimeExceeded => "[spot] max_wait",
                _ => "[compute] max_runtime",
            };
            format!("raise {limit} in the job file, or train fewer rounds")
        }),
        TrainingJobStatus::Failed => {
            let reason = job.failure_reason.as_deref().unwrap_or_default();
            Decoded::of(reason).advice(reason).map(ToOwned::to_owned)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_the_documented_table_has_its_cause() {
        for (reason, cause, exit_code) in [
            (
                "AlgorithmError: UserError: no train channel, exit code: 1",
                Cause::User,
                Some(1),
            ),
            ("AlgorithmError: , exit code: 137", Cause::Killed, Some(137)),
            (
                "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage \"\"",
                Cause::Algorithm,
                Some(1),
            ),
            (
                "AlgorithmError: PlatformError: disk full, exit code: 1",
                Cause::Platform,
                Some(1),
            ),
            (
                "AlgorithmError: UserError: row 137 is bad, exit code: 1",
                Cause::User,
                Some(1),
            ),
            (
                "ClientError: Data download failed:NoSuchKey",
                Cause::Input,
                None,
            ),
            (
                "CapacityError: Unable to provision requested ML compute capacity",
                Cause::Capacity,
                None,
            ),
            (
                "InternalServerError: We encountered an internal error",
                Cause::Service,
                None,
            ),
            ("", Cause::Unknown, None),
        ] {
            let decoded = Decoded::of(reason);
            assert_eq!(
                (decoded.cause, decoded.exit_code),
                (cause, exit_code),
                "{reason}"
            );
        }
    }

    #[test]
    fn the_exit_code_of_a_killed_process_is_explained() {
        let decoded = Decoded::of("AlgorithmError: , exit code: 137");
        assert_eq!(
            decoded.line(),
            "the training process was ended from outside (exit code 137: out of memory, or killed)"
        );
    }
}
