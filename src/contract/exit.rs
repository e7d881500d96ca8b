//! The exit codes of `linden`. They are a promise to CI: never renumbered, never reused.
//!
//! The trainer's own codes are in [`crate::failure`].

/// The command did what it was asked; for a followed job: Completed, and every gate passed.
pub const SUCCESS: u8 = 0;
/// The job Failed: an error of the algorithm or of the user's data. Do not retry; read the report.
pub const JOB_FAILED: u8 = 1;
/// The command line or the job file is wrong. Do not retry.
pub const USAGE: u8 = 2;
/// The job was Stopped by a person or through the API.
pub const JOB_STOPPED: u8 = 3;
/// Credentials are missing or expired, or access is denied.
pub const AUTH: u8 = 4;
/// A job, image, bucket, file or model was not found.
pub const NOT_FOUND: u8 = 5;
/// A time limit of the job: `MaxRuntimeExceeded`, `MaxWaitTimeExceeded`, pending limit. Raise the limit.
pub const TIME_LIMIT: u8 = 6;
/// No capacity or no quota within the window. Retry later.
pub const CAPACITY: u8 = 7;
/// The service, throttling or the network, after all retries. Retry.
pub const SERVICE: u8 = 8;
/// A gate failed: metric, drift, cost ceiling, digest of the artifact.
pub const GATE: u8 = 9;
/// The client's `--timeout`; the job still runs, and its name was printed. Re-attach.
pub const TIMEOUT: u8 = 10;
/// A job of that name or specification is there already.
pub const CONFLICT: u8 = 11;
/// The local engine is missing or did not start.
pub const LOCAL_ENGINE: u8 = 12;
/// A bug in linden. Report it.
pub const BUG: u8 = 70;
/// Interrupted from the keyboard; the job keeps running.
pub const INTERRUPTED: u8 = 130;
/// Terminated; the job keeps running.
pub const TERMINATED: u8 = 143;

/// Each code with its meaning, for `linden help exit-codes` and the documentation.
pub const ALL: &[(u8, &str)] = &[
    (
        SUCCESS,
        "success; for a followed job: Completed, and every gate passed",
    ),
    (JOB_FAILED, "the job Failed: algorithm or user data error"),
    (USAGE, "usage or job file error"),
    (JOB_STOPPED, "the job was Stopped by a person or the API"),
    (AUTH, "credentials missing or expired, or access denied"),
    (NOT_FOUND, "not found: job, image, bucket, file or model"),
    (
        TIME_LIMIT,
        "time limit: MaxRuntimeExceeded, MaxWaitTimeExceeded or pending limit",
    ),
    (CAPACITY, "no capacity or quota within the allowed window"),
    (SERVICE, "service, throttling or network, after all retries"),
    (GATE, "a gate failed: metric, drift, cost ceiling or digest"),
    (TIMEOUT, "the client's own timeout; the job still runs"),
    (
        CONFLICT,
        "a job of that name or specification is there already",
    ),
    (LOCAL_ENGINE, "the local engine is missing or did not start"),
    (BUG, "a bug in linden"),
    (INTERRUPTED, "interrupted; the job keeps running"),
    (TERMINATED, "terminated; the job keeps running"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_what_was_published_and_each_is_listed_once() {
        let codes: Vec<u8> = ALL.iter().map(|(code, _)| *code).collect();
        assert_eq!(
            codes,
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 70, 130, 143]
        );
    }
}
