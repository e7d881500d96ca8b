//! Waits for several jobs at once, by their statuses alone.
//!
//! Invariant: each job is asked at its own pace, and no more once it has ended; calls keep apart as those for logs do.

use std::time::Duration;

use contract::job::JobName;

use super::status::StatusWatch;
use super::{Ended, Event, Pace, Ports};
use crate::aws::AwsError;

/// When waiting for several jobs is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// When the last one has ended.
    #[default]
    All,
    /// When one has ended.
    First,
}

/// How long to wait for several jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// Which of them.
    pub until: Until,
    /// Give up after this time; the jobs go on.
    pub timeout: Option<Duration>,
}

/// Waits for `jobs`, tells what happens to which, and gives how each ended, in their order; [`Ended::TimedOut`] is a job
/// that still runs.
///
/// # Errors
/// As [`until_ended`](super::until_ended), for the first job that has an error.
pub async fn until_several(
    ports: Ports<'_>,
    jobs: &[JobName],
    pace: &Pace,
    patience: Patience,
    on_event: &mut (dyn FnMut(&JobName, Event) + Send),
) -> Result<Vec<Ended>, AwsError> {
    let start = ports.clock.now();
    let mut watches: Vec<StatusWatch> =
        jobs.iter().map(|_| StatusWatch::new(ports.clock)).collect();
    loop {
        for (job, watch) in jobs.iter().zip(&mut watches) {
            if watch.has_ended() || ports.clock.now() < watch.due {
                continue;
            }
            watch
                .look(ports, job, pace, &mut |event| on_event(job, event))
                .await?;
            for it in std::mem::take(&mut watch.ending) {
                on_event(job, Event::Status(it));
            }
            if jobs.len() > 1 && !pace.call_gap.is_zero() {
                ports.clock.sleep(pace.call_gap).await;
            }
        }
        let n_ended = watches.iter().filter(|it| it.has_ended()).count();
        let is_over = match patience.until {
            Until::All => n_ended == watches.len(),
            Until::First => n_ended > 0,
        };
        let now = ports.clock.now();
        let is_late = patience
            .timeout
            .is_some_and(|it| now.saturating_sub(start) >= it);
        if (is_over || is_late) && watches.iter().all(|it| it.last.is_some()) {
            return Ok(watches.into_iter().filter_map(StatusWatch::end).collect());
        }
        let running = watches.iter().filter(|it| !it.has_ended());
        let next = running.map(|it| it.due).min().unwrap_or(now);
        let end = patience.timeout.map_or(Duration::MAX, |it| start + it);
        let pause = next.min(end.max(now)).saturating_sub(now);
        ports.clock.sleep(pause.max(Duration::from_millis(1))).await;
    }
}
