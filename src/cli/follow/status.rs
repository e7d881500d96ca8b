//! The status side of following: asks at its own pace, tells each transition once, remembers the last answer.

use std::time::Duration;

use contract::job::{JobName, SecondaryStatusTransition, TrainingJobDescription};

use super::{Event, MAX_FAILURES, Pace, Ports, SETTLED, back_off};
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
        let pause = if now.saturating_sub(self.start) < SETTLED {
            pace.status
        } else {
            pace.status_later
        };
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
