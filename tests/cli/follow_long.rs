//! Following for long: how many requests an hour costs, and that a log of millions of lines is told while it is read.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cli::aws::{AwsError, ListFilter, Listing, LogEvent, LogPage, Logs, TrainingJobs};
use cli::follow::{Clock, Ended, Event, Pace, Ports, Wish, tell_log, until_ended};
use contract::job::{CreateTrainingJobRequest, JobName, SecondaryStatus, TrainingJobDescription};

use crate::fake::{FakeClock, description};

/// A job on two hosts that log at a steady rate until it ends, and what it was asked.
struct Steady<'c> {
    clock: &'c FakeClock,
    /// Seconds that it trains.
    trains: u64,
    /// Lines a second of each host; all of them are there at once where the job has ended.
    lines_per_second: u64,
    n_describes: AtomicU64,
    n_streams: AtomicU64,
    n_pages: AtomicU64,
    n_served: AtomicU64,
    n_told: AtomicU64,
    most_held: AtomicU64,
}

/// The most events in an answer of `GetLogEvents`.
const PAGE: u64 = 10_000;
const HOSTS: i64 = 2;

impl<'c> Steady<'c> {
    fn new(clock: &'c FakeClock, trains: u64, lines_per_second: u64) -> Self {
        Self {
            clock,
            trains,
            lines_per_second,
            n_describes: AtomicU64::default(),
            n_streams: AtomicU64::default(),
            n_pages: AtomicU64::default(),
            n_served: AtomicU64::default(),
            n_told: AtomicU64::default(),
            most_held: AtomicU64::default(),
        }
    }

    fn n_calls(&self) -> u64 {
        let all = [&self.n_describes, &self.n_streams, &self.n_pages];
        all.iter().map(|it| it.load(Ordering::Relaxed)).sum()
    }

    fn ports(&self) -> Ports<'_> {
        Ports {
            jobs: self,
            logs: self,
            clock: self.clock,
        }
    }
}

fn unused(operation: &'static str) -> AwsError {
    AwsError::of(
        cli::aws::AwsErrorKind::Unexpected,
        operation,
        "not part of the script",
    )
}

#[async_trait]
impl TrainingJobs for Steady<'_> {
    async fn create(&self, _: &CreateTrainingJobRequest) -> Result<String, AwsError> {
        Err(unused("CreateTrainingJob"))
    }

    async fn describe(&self, job: &JobName) -> Result<TrainingJobDescription, AwsError> {
        self.n_describes.fetch_add(1, Ordering::Relaxed);
        let mut statuses = vec![(0, SecondaryStatus::Training)];
        if self.clock.now().as_secs() >= self.trains {
            statuses.push((self.trains, SecondaryStatus::Completed));
        }
        Ok(description(job.as_str(), &statuses, HOSTS))
    }

    async fn list(&self, _: &ListFilter) -> Result<Listing, AwsError> {
        Err(unused("ListTrainingJobs"))
    }

    async fn stop(&self, _: &JobName) -> Result<(), AwsError> {
        Ok(())
    }

    async fn delete(&self, _: &JobName) -> Result<(), AwsError> {
        Ok(())
    }

    async fn tags(&self, _: &str) -> Result<BTreeMap<String, String>, AwsError> {
        Ok(BTreeMap::new())
    }
}

#[async_trait]
impl Logs for Steady<'_> {
    async fn streams(&self, prefix: &str) -> Result<Vec<String>, AwsError> {
        self.n_streams.fetch_add(1, Ordering::Relaxed);
        Ok((1..=HOSTS)
            .map(|it| format!("{prefix}algo-{it}-17"))
            .collect())
    }

    async fn page(&self, _: &str, token: Option<&str>) -> Result<LogPage, AwsError> {
        self.n_pages.fetch_add(1, Ordering::Relaxed);
        let seconds = self.clock.now().as_secs().min(self.trains);
        let written = seconds * self.lines_per_second;
        let from: u64 = token.map_or(0, |it| it.parse().unwrap());
        let to = written.min(from + PAGE);
        let event = |at: u64| LogEvent {
            timestamp_ms: (at * 1000 / self.lines_per_second) as i64,
            message: format!("[{at}]\ttrain-rmse:12.3456\tvalidation-rmse:13.4567"),
        };
        let served = self.n_served.fetch_add(to - from, Ordering::Relaxed) + (to - from);
        let held = served - self.n_told.load(Ordering::Relaxed);
        self.most_held.fetch_max(held, Ordering::Relaxed);
        Ok(LogPage {
            events: (from..to).map(event).collect(),
            next: Some(to.to_string()),
            back: None,
        })
    }

    async fn newest(&self, _: &str, _: Option<&str>) -> Result<LogPage, AwsError> {
        Err(unused("GetLogEvents"))
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(work)
}

fn job() -> JobName {
    "job".parse().unwrap()
}

/// Follows it to its end, and gives the lines that were told.
fn follow(service: &Steady<'_>, wish: &Wish) -> u64 {
    let mut n_lines = 0;
    let mut last = [i64::MIN; 2];
    let mut on_event = |event: Event| {
        if let Event::Line(line) = event {
            let host = usize::from(line.host == "algo-2");
            assert!(
                last[host] <= line.timestamp_ms,
                "the lines of a host keep their order"
            );
            last[host] = line.timestamp_ms;
            n_lines += 1;
            service.n_told.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (job, pace) = (job(), Pace::aws());
    let work = until_ended(service.ports(), &job, &pace, wish, &mut on_event);
    assert!(matches!(wait(work), Ok(Ended::Terminal(_))));
    n_lines
}

/// What an account's limits have to bear for one job that is watched, whether it says much, little or nothing.
#[test]
fn an_hour_of_a_job_on_two_hosts_costs_at_most_fifteen_hundred_requests() {
    for lines_per_second in [1, 20] {
        let clock = FakeClock::default();
        let service = Steady::new(&clock, 3600, lines_per_second);
        assert_eq!(
            follow(&service, &Wish::everything()),
            2 * 3600 * lines_per_second
        );
        let calls = service.n_calls();
        let of = |it: &AtomicU64| it.load(Ordering::Relaxed);
        println!(
            "{lines_per_second} lines a second: {calls} requests, {} DescribeTrainingJob, {} DescribeLogStreams, {} GetLogEvents",
            of(&service.n_describes),
            of(&service.n_streams),
            of(&service.n_pages)
        );
        assert!(
            calls <= 1500,
            "{calls} requests with {lines_per_second} lines a second"
        );
    }
    let clock = FakeClock::default();
    let service = Steady::new(&clock, 3600, 1);
    let only_status = Wish {
        logs: false,
        ..Wish::everything()
    };
    follow(&service, &only_status);
    assert!(
        service.n_calls() <= 200,
        "{} requests for the status alone",
        service.n_calls()
    );
}

/// Lines of both hosts in a long log; `LINDEN_LOG_LINES` makes it longer, to measure memory.
fn n_lines_of_a_long_log() -> u64 {
    let asked = std::env::var("LINDEN_LOG_LINES").ok();
    asked.map_or(200_000, |it| it.parse().unwrap())
}

/// Lines that are there already: whoever comes late must not need memory for all of them.
#[test]
fn a_long_log_is_told_while_it_is_read() {
    let total = n_lines_of_a_long_log();
    let clock = FakeClock::default();
    // The clock stands at the end of the job, so every line is there.
    wait(clock.sleep(Duration::from_secs(1000)));
    let service = Steady::new(&clock, 1000, total / 2000);
    let mut n_lines = 0_u64;
    let mut last = i64::MIN;
    let mut on_line = |line: cli::follow::Line| {
        assert!(last <= line.timestamp_ms, "lines are merged by time");
        last = line.timestamp_ms;
        n_lines += 1;
        service.n_told.fetch_add(1, Ordering::Relaxed);
    };
    let pace = Pace::aws();
    let wish = Wish::everything();
    wait(tell_log(
        service.ports(),
        &job(),
        &pace,
        &wish,
        &mut on_line,
    ))
    .unwrap();
    assert_eq!(n_lines, total);
    let held = service.most_held.load(Ordering::Relaxed);
    assert!(held <= 5 * PAGE, "{held} lines were held at once");
}

/// The same for a job that is followed while it says that much.
#[test]
fn a_job_that_writes_a_long_log_is_followed_with_few_of_its_lines_in_memory() {
    let total = n_lines_of_a_long_log();
    let clock = FakeClock::default();
    let service = Steady::new(&clock, 1000, total / 2000);
    assert_eq!(follow(&service, &Wish::everything()), total);
    let held = service.most_held.load(Ordering::Relaxed);
    assert!(held <= 5 * PAGE, "{held} lines were held at once");
}
