//! The status side of following: asks at its own pace, tells each transition once, remembers the last answer.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use contract::job::{JobName, SecondaryStatus, SecondaryStatusTransition, TrainingJobDescription};

use super::{Ended, Event, MAX_FAILURES, Pace, Ports, SETTLED, back_off};
use crate::aws::{AwsError, AwsErrorKind};
use crate::follow::Clock;

/// The status side.
pub(super) struct StatusWatch {
    start: Duration,
    pub(super) due: Duration,
    seen: usize,
    last_message: Option<String>,
    pub(super) hosts: usize,
    failures: u32,
    pub(super) last: Option<Box<TrainingJobDescription>>,
    terminal: bool,
    /// Where the pauses' chance comes from, and how many there were.
    chance: (RandomState, u64),
    /// The last status, which is told after the last line.
    pub(super) ending: Vec<SecondaryStatusTransition>,
}

impl StatusWatch {
    pub(super) fn new(clock: &dyn Clock) -> Self {
        let start = clock.now();
        Self {
            start,
            due: start,
            seen: 0,
            last_message: None,
            hosts: 1,
            failures: 0,
            last: None,
            terminal: false,
            chance: (RandomState::new(), 0),
            ending: Vec::new(),
        }
    }

    /// Asks if it is time to, and says whether the status has changed.
    pub(super) async fn look(
        &mut self,
        ports: Ports<'_>,
        job: &JobName,
        pace: &Pace,
        on_event: &mut (dyn FnMut(Event) + Send),
    ) -> Result<bool, AwsError> {
        let now = ports.clock.now();
        if now < self.due {
            return Ok(false);
        }
        let pause = self.pause(now, pace);
        match ports.jobs.describe(job).await {
            Ok(description) => {
                self.failures = 0;
                self.due = now + pause;
                Ok(self.take_in(description, on_event))
            }
            Err(err) => {
                self.failures += 1;
                let passes = match err.kind {
                    AwsErrorKind::Throttled => true,
                    AwsErrorKind::Service | AwsErrorKind::Network => self.failures < MAX_FAILURES,
                    _ => false,
                };
                self.due = now + back_off(pause, self.failures);
                if passes { Ok(false) } else { Err(err) }
            }
        }
    }

    /// A fifth more or less than the pace says, so that many watchers of one account do not ask at the same moment.
    fn pause(&mut self, now: Duration, pace: &Pace) -> Duration {
        let pause = if now.saturating_sub(self.start) >= SETTLED {
            pace.status_later
        } else if self.is_training() {
            pace.status_training
        } else {
            pace.status
        };
        self.chance.1 += 1;
        let share = self.chance.0.hash_one(self.chance.1) % 401;
        pause * (800 + share as u32) / 1000
    }

    fn is_training(&self) -> bool {
        let last = self.last.as_ref();
        last.is_some_and(|it| it.secondary_status == SecondaryStatus::Training)
    }

    fn take_in(
        &mut self,
        description: TrainingJobDescription,
        on_event: &mut (dyn FnMut(Event) + Send),
    ) -> bool {
        let transitions = &description.secondary_status_transitions;
        let mut changed = false;
        // The last one that was seen may have got another message since: "Starting" tells its steps that way.
        for (idx, transition) in transitions
            .iter()
            .enumerate()
            .skip(self.seen.saturating_sub(1))
        {
            let known = idx < self.seen && self.last_message == transition.status_message;
            if !known {
                changed = true;
                if transition.status.is_terminal() {
                    self.ending.push(transition.clone());
                } else {
                    on_event(Event::Status(transition.clone()));
                }
            }
        }
        self.seen = transitions.len();
        self.last_message = transitions.last().and_then(|it| it.status_message.clone());
        self.hosts = hosts_of(&description);
        self.terminal = description.training_job_status.is_terminal();
        self.last = Some(Box::new(description));
        changed
    }

    /// How the job ended, or that it runs; `None` if it was never seen.
    pub(super) fn end(self) -> Option<Ended> {
        let terminal = self.terminal;
        self.last.map(|it| {
            if terminal {
                Ended::Terminal(it)
            } else {
                Ended::TimedOut(it)
            }
        })
    }

    pub(super) fn has_ended(&self) -> bool {
        self.terminal
    }

    pub(super) fn take_terminal(&mut self) -> Option<Box<TrainingJobDescription>> {
        if self.terminal {
            self.last.take()
        } else {
            None
        }
    }
}

fn hosts_of(description: &TrainingJobDescription) -> usize {
    description
        .resource_config
        .instance_count
        .and_then(|it| usize::try_from(it).ok())
        .unwrap_or(1)
        .max(1)
}
