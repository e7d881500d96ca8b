//! The ladder of attempts: which instance type is tried next after a capacity error, after which pause, and when it ends.
//!
//! Types are tried in their order; after the last one the first follows, as long as `[retry] window` lasts. A window of
//! nothing is one pass. Invariants: an error of the algorithm or of the data is never tried again; whoever is not in
//! `[retry] on` is not either. Time is an argument, so the tests run hours in no time.

use std::time::Duration;

use contract::job::file::{Retry, RetryOn};
use contract::job::{InstanceType, TrainingJobDescription, TrainingJobStatus};

use crate::style::{WARN, paint};
use crate::units;

/// Further attempts after internal server errors, whatever the window.
pub const MAX_INTERNAL: u32 = 2;
/// The longest pause between two passes, in pauses of the first.
const MAX_PAUSES: u32 = 10;
/// What `FailureReason` begins with where machines were not to be had.
const CAPACITY: &[&str] = &[
    "CapacityError",
    "Unable to provision",
    "InsufficientInstanceCapacity",
    "InsufficientCapacity",
];
/// The same where SageMaker failed.
const INTERNAL: &[&str] = &["InternalServerError", "Internal server error"];

/// Why a job that has ended may be tried again; `None` where that would help nobody.
pub fn trouble(job: &TrainingJobDescription) -> Option<RetryOn> {
    if job.training_job_status != TrainingJobStatus::Failed {
        return None;
    }
    let reason = job
        .failure_reason
        .as_deref()
        .unwrap_or_default()
        .trim_start();
    let begins = |words: &[&str]| words.iter().any(|it| reason.starts_with(it));
    if begins(CAPACITY) {
        Some(RetryOn::Capacity)
    } else if begins(INTERNAL) {
        Some(RetryOn::Internal)
    } else {
        None
    }
}

/// Where on the ladder a run is.
#[derive(Debug)]
pub struct Ladder<'a> {
    types: &'a [InstanceType],
    retry: &'a Retry,
    /// The pause after the first pass.
    pause: Duration,
    started: Duration,
    at: usize,
    passes: u32,
    internal: u32,
}

impl<'a> Ladder<'a> {
    /// The first rung, at the time `now`.
    pub fn new(
        types: &'a [InstanceType],
        retry: &'a Retry,
        pause: Duration,
        now: Duration,
    ) -> Self {
        Self {
            types,
            retry,
            pause,
            started: now,
            at: 0,
            passes: 0,
            internal: 0,
        }
    }

    /// The type to ask for; `None` only without any type.
    pub fn instance_type(&self) -> Option<&'a InstanceType> {
        self.types.get(self.at)
    }

    /// Steps on after `trouble`: the pause before the next attempt, or `None` if there is none.
    pub fn step(&mut self, trouble: RetryOn, now: Duration) -> Option<Duration> {
        if !self.retry.on.contains(&trouble) {
            return None;
        }
        match trouble {
            RetryOn::Capacity => self.next_type(now),
            RetryOn::Internal => {
                self.internal += 1;
                (self.internal <= MAX_INTERNAL).then_some(self.pause)
            }
        }
    }

    fn next_type(&mut self, now: Duration) -> Option<Duration> {
        if self.at + 1 < self.types.len() {
            self.at += 1;
            return Some(Duration::ZERO);
        }
        let pause = self.pause * (1_u32 << self.passes.min(16)).min(MAX_PAUSES);
        let end = self.started + Duration::from_secs(self.retry.window_secs);
        if end < now + pause {
            return None;
        }
        self.at = 0;
        self.passes += 1;
        Some(pause)
    }
}

/// `no capacity for ml.m7i.large; trying ml.m5.large`.
pub fn step_text(
    why: RetryOn,
    (asked, next): (Option<&InstanceType>, Option<&InstanceType>),
    pause: Duration,
) -> String {
    let name = |it: Option<&InstanceType>| it.map(ToString::to_string).unwrap_or_default();
    let why = match why {
        RetryOn::Capacity => format!("no capacity for {}", name(asked)),
        RetryOn::Internal => "SageMaker failed, not the job".to_owned(),
    };
    let when = if pause.is_zero() {
        String::new()
    } else {
        format!(" in {}", units::duration(pause.as_secs_f64()))
    };
    format!(
        "{} {why}; trying {}{when}",
        paint(WARN, "again:"),
        name(next)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn types() -> Vec<InstanceType> {
        ["ml.m7i.large", "ml.m5.large"]
            .map(|it| it.parse().unwrap())
            .into()
    }

    fn retry(on: &[RetryOn], window_secs: u64) -> Retry {
        Retry {
            service_attempts: None,
            on: on.to_vec(),
            window_secs,
        }
    }

    #[test]
    fn without_a_window_each_type_is_tried_once() {
        let (types, retry) = (types(), retry(&[RetryOn::Capacity], 0));
        let mut ladder = Ladder::new(&types, &retry, 30 * SECOND, Duration::ZERO);
        assert_eq!(ladder.instance_type().unwrap().as_str(), "ml.m7i.large");
        assert_eq!(ladder.step(RetryOn::Capacity, SECOND), Some(Duration::ZERO));
        assert_eq!(ladder.instance_type().unwrap().as_str(), "ml.m5.large");
        assert_eq!(ladder.step(RetryOn::Capacity, 2 * SECOND), None);
    }

    #[test]
    fn within_the_window_the_first_type_follows_the_last_after_growing_pauses() {
        let (types, retry) = (types(), retry(&[RetryOn::Capacity], 100));
        let mut ladder = Ladder::new(&types, &retry, 30 * SECOND, Duration::ZERO);
        let mut now = Duration::ZERO;
        let mut pauses = Vec::new();
        while let Some(pause) = ladder.step(RetryOn::Capacity, now) {
            pauses.push(pause.as_secs());
            now += pause;
        }
        assert_eq!(pauses, [0, 30, 0, 60, 0], "120 more would be beyond 100");
    }

    #[test]
    fn what_is_not_named_is_not_tried_again() {
        let types = types();
        let none = retry(&[], 100);
        let mut ladder = Ladder::new(&types, &none, SECOND, Duration::ZERO);
        assert_eq!(ladder.step(RetryOn::Capacity, SECOND), None);
        let internal = retry(&[RetryOn::Internal], 0);
        let mut ladder = Ladder::new(&types, &internal, SECOND, Duration::ZERO);
        assert_eq!(ladder.step(RetryOn::Internal, SECOND), Some(SECOND));
        assert_eq!(ladder.step(RetryOn::Internal, SECOND), Some(SECOND));
        assert_eq!(ladder.step(RetryOn::Internal, SECOND), None);
        assert_eq!(ladder.instance_type().unwrap().as_str(), "ml.m7i.large");
    }
}
