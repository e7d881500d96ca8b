//! Follows a job: its status and its log, merged into one row of events, until the job has ended.
//!
//! The rules, each learned from a tool that got it wrong:
//! - Streams are looked for as long as the job lives, since a restarted host opens a new one.
//! - An empty page is not the end of a stream; the same token twice is.
//! - Lines of several hosts are merged by time, within [`Pace::hold_back`].
//! - After the last status the log is drained: its last lines are the ones that say why.
//! - No log group before the first line means "waiting", and silence means nothing at all.
//! - Throttling is waited out, not printed.
//! - A token of the log lives for a day; a stream that says nothing for longer is found again.
//! - Whoever asks for the last lines gets them from the end, not by reading all that was before.
//! - A log of millions of lines is told while it is read: what no stream can bring an older line for is not held back.
//! - A stream whose end was seen costs one call a look, and after ten minutes the looks are further apart.
//!
//! Time is a port ([`Clock`]), so the tests run hours in no time.

mod filter;
mod line;
mod place;
mod several;
mod status;
mod tail;

use std::time::Duration;

use async_trait::async_trait;
use contract::job::{JobName, SecondaryStatusTransition, TrainingJobDescription};

use crate::aws::{AwsError, AwsErrorKind, Logs, TrainingJobs};

pub use filter::LineFilter;
pub use several::{Patience, Until, until_several};

use status::StatusWatch;
use tail::{Reach, Tail};

/// Time, as far as following needs it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Time since some fixed moment.
    fn now(&self) -> Duration;
    /// Lets time pass.
    async fn sleep(&self, duration: Duration);
}

/// The real clock.
#[derive(Debug)]
pub struct SystemClock(std::time::Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(std::time::Instant::now())
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// How often things are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Between two looks at the status in the first ten minutes; each pause is up to a fifth longer or shorter.
    pub status: Duration,
    /// The same while the job trains.
    pub status_training: Duration,
    /// The same, later.
    pub status_later: Duration,
    /// Between two rounds through the streams in the first ten minutes.
    pub logs: Duration,
    /// The same, later.
    pub logs_later: Duration,
    /// Between two looks for new streams once every host has one.
    pub discover: Duration,
    /// Between two calls to the log service: account-wide limits are low (10 a second).
    pub call_gap: Duration,
    /// How long a line waits for an older one of another host.
    pub hold_back: Duration,
    /// Between two rounds while draining.
    pub drain_gap: Duration,
    /// The longest time that draining takes.
    pub drain_cap: Duration,
}

impl Pace {
    /// What AWS's limits allow.
    pub fn aws() -> Self {
        Self {
            status: Duration::from_secs(5),
            status_training: Duration::from_secs(10),
            status_later: Duration::from_secs(30),
            logs: Duration::from_secs(5),
            logs_later: Duration::from_secs(10),
            discover: Duration::from_mins(1),
            call_gap: Duration::from_millis(250),
            hold_back: Duration::from_secs(2),
            drain_gap: Duration::from_secs(5),
            drain_cap: Duration::from_mins(1),
        }
    }

    /// For the SageMaker on this machine, which has no limits and no lag.
    pub fn local() -> Self {
        Self {
            status: Duration::from_millis(150),
            status_training: Duration::from_millis(150),
            status_later: Duration::from_millis(500),
            logs: Duration::from_millis(150),
            logs_later: Duration::from_millis(500),
            discover: Duration::from_secs(2),
            call_gap: Duration::ZERO,
            hold_back: Duration::from_millis(100),
            drain_gap: Duration::from_millis(120),
            drain_cap: Duration::from_secs(5),
        }
    }
}

/// After this time status is asked less often.
const SETTLED: Duration = Duration::from_mins(10);
/// So many failures of service or network one after the other end the following; each has its own retries inside.
const MAX_FAILURES: u32 = 5;
/// The longest pause after throttling.
const MAX_BACK_OFF: Duration = Duration::from_mins(1);

/// A line of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Milliseconds since 1970, by the host's clock.
    pub timestamp_ms: i64,
    /// `algo-1`.
    pub host: String,
    /// The line without its end, control characters made visible; a tab is a tab.
    pub text: String,
}

/// What happens while a job is followed.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The job has reached a new secondary status, or its message has changed.
    Status(SecondaryStatusTransition),
    /// A line of the log.
    Line(Line),
    /// The log may not be read; following goes on without it.
    LogRefused(AwsError),
}

/// What to follow.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Whether lines are wanted.
    pub logs: bool,
    /// Give up after this time; the job goes on.
    pub timeout: Option<Duration>,
    /// Of the lines that are there already, only so many of the last.
    pub tail: Option<usize>,
    /// Which lines are wanted.
    pub filter: LineFilter,
}

impl Wish {
    /// The status and every line.
    pub fn everything() -> Self {
        Self {
            logs: true,
            ..Self::default()
        }
    }

    /// Whether what is wanted lies near the ends of the streams.
    fn begins_near_the_end(&self) -> bool {
        self.tail.is_some() || self.filter.since_ms.is_some()
    }
}

/// How following ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// The job has ended.
    Terminal(Box<TrainingJobDescription>),
    /// The wish's timeout is over; the job goes on.
    TimedOut(Box<TrainingJobDescription>),
}

/// The ports that following needs.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// For the status.
    pub jobs: &'a dyn TrainingJobs,
    /// For the lines.
    pub logs: &'a dyn Logs,
    /// For the pauses.
    pub clock: &'a dyn Clock,
}

impl std::fmt::Debug for Ports<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ports")
    }
}

/// Follows `job` until it has ended, and tells `on_event` what happens.
///
/// # Errors
/// If the job is not known, access is denied, or service and network fail `MAX_FAILURES` times in a row.
pub async fn until_ended(
    ports: Ports<'_>,
    job: &JobName,
    pace: &Pace,
    wish: &Wish,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Ended, AwsError> {
    let mut status = StatusWatch::new(ports.clock);
    let mut tail = Tail::new(ports, job, pace, wish);
    let start = ports.clock.now();
    loop {
        let changed = status.look(ports, job, pace, on_event).await?;
        tail.expect_hosts(status.hosts);
        if wish.logs {
            tail.round(changed, on_event).await;
        }
        if let Some(last) = status.take_terminal() {
            if wish.logs {
                tail.drain(on_event).await;
            }
            status
                .ending
                .into_iter()
                .for_each(|it| on_event(Event::Status(it)));
            return Ok(Ended::Terminal(last));
        }
        let now = ports.clock.now();
        if wish
            .timeout
            .is_some_and(|it| now.saturating_sub(start) >= it)
            && let Some(seen) = status.last.take()
        {
            return Ok(Ended::TimedOut(seen));
        }
        let next = if wish.logs {
            status.due.min(tail.due)
        } else {
            status.due
        };
        let end = wish.timeout.map_or(Duration::MAX, |it| start + it);
        ports
            .clock
            .sleep(
                next.min(end)
                    .saturating_sub(now)
                    .max(Duration::from_millis(1)),
            )
            .await;
    }
}

/// Reads what a job has logged up to now and `wish` wants, merged by time.
///
/// # Errors
/// If the log may not be read, or service and network fail. A job without a log has no lines.
pub async fn read_log(
    ports: Ports<'_>,
    job: &JobName,
    pace: &Pace,
    wish: &Wish,
) -> Result<Vec<Line>, AwsError> {
    let mut lines = Vec::new();
    tell_log(ports, job, pace, wish, &mut |line| lines.push(line)).await?;
    Ok(lines)
}

/// The same, line by line while it is read.
///
/// # Errors
/// As [`read_log`].
pub async fn tell_log(
    ports: Ports<'_>,
    job: &JobName,
    pace: &Pace,
    wish: &Wish,
    on_line: &mut (dyn FnMut(Line) + Send),
) -> Result<(), AwsError> {
    let mut on_event = |event| {
        if let Event::Line(line) = event {
            on_line(line);
        }
    };
    let mut tail = Tail::new(ports, job, pace, wish);
    match tail.discover().await {
        Err(err) if err.kind != AwsErrorKind::NotFound => return Err(err),
        _ => {}
    }
    tail.read_all(Reach::End, &mut on_event).await?;
    // What came while the log was read is newer than the last lines that were asked for.
    tail.keep_newest();
    tail.emit(Duration::MAX, &mut on_event);
    Ok(())
}

/// The pause after `failures` in a row.
fn back_off(pause: Duration, failures: u32) -> Duration {
    pause
        .saturating_mul(1 << failures.min(6))
        .min(MAX_BACK_OFF.max(pause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_after_throttling_up_to_a_minute() {
        let pause = Duration::from_secs(5);
        assert_eq!(back_off(pause, 1), Duration::from_secs(10));
        assert_eq!(back_off(pause, 9), MAX_BACK_OFF);
    }
}
