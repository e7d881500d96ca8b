//! A SageMaker and its logs that follow a script, and a clock that only moves when somebody sleeps.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cli::aws::{
    AwsError, AwsErrorKind, ListFilter, Listing, LogEvent, LogPage, Logs, TrainingJobs,
};
use cli::follow::Clock;
use contract::job::{
    CreateTrainingJobRequest, JobName, SecondaryStatus, SecondaryStatusTransition,
    TrainingJobDescription,
};

/// Time that passes by sleeping.
#[derive(Default)]
pub(crate) struct FakeClock(Mutex<Duration>);

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
    }
}

/// What the service does from a moment on.
pub(crate) enum Answer {
    Status(SecondaryStatus),
    Fails(AwsErrorKind),
}

/// (second from which it is served, `<milliseconds> <text>`).
type Lines = Vec<(u64, &'static str)>;

/// A service that changes with the clock.
pub(crate) struct FakeService<'a> {
    pub clock: &'a FakeClock,
    /// (second from which it holds, what holds)
    pub script: Vec<(u64, Answer)>,
    /// (second from which the stream is listed, its name, [(second from which it is served, line)])
    pub streams: Vec<(u64, &'static str, Lines)>,
    /// The group is there from this second on.
    pub group_from: u64,
    /// Errors that the log service gives first.
    pub log_errors: Mutex<VecDeque<AwsErrorKind>>,
    pub hosts: i64,
    pub failure_reason: Option<&'static str>,
    /// Calls for a page so far.
    pub n_pages: AtomicU64,
}

impl<'a> FakeService<'a> {
    pub(crate) fn new(clock: &'a FakeClock, script: Vec<(u64, Answer)>) -> Self {
        Self {
            clock,
            script,
            streams: vec![],
            group_from: 0,
            log_errors: Mutex::default(),
            hosts: 1,
            failure_reason: None,
            n_pages: AtomicU64::new(0),
        }
    }

    fn second(&self) -> u64 {
        self.clock.now().as_secs()
    }
}

/// A description with these transitions; the last one is the status.
pub(crate) fn description(
    job: &str,
    statuses: &[(u64, SecondaryStatus)],
    hosts: i64,
) -> TrainingJobDescription {
    let transitions: Vec<SecondaryStatusTransition> = statuses
        .iter()
        .map(|(second, status)| SecondaryStatusTransition {
            status: status.clone(),
            start_time: *second as f64,
            end_time: None,
            status_message: None,
        })
        .collect();
    let last = &transitions.last().unwrap().status;
    let json = serde_json::json!({
        "TrainingJobName": job,
        "TrainingJobArn": format!("arn:aws:sagemaker:eu-west-1:123456789012:training-job/{job}"),
        "TrainingJobStatus": last.primary().unwrap(),
        "SecondaryStatus": last,
        "SecondaryStatusTransitions": transitions,
        "ResourceConfig": { "InstanceCount": hosts },
        "CreationTime": 0.0,
    });
    serde_json::from_value(json).unwrap()
}

#[async_trait]
impl TrainingJobs for FakeService<'_> {
    async fn create(&self, _: &CreateTrainingJobRequest) -> Result<String, AwsError> {
        Err(AwsError::of(
            AwsErrorKind::Unexpected,
            "CreateTrainingJob",
            "not part of the script",
        ))
    }

    async fn describe(&self, job: &JobName) -> Result<TrainingJobDescription, AwsError> {
        let now = self.second();
        let past: Vec<&(u64, Answer)> = self
            .script
            .iter()
            .filter(|(from, _)| *from <= now)
            .collect();
        if let Some((_, Answer::Fails(kind))) = past.last() {
            return Err(AwsError::of(*kind, "DescribeTrainingJob", "as scripted"));
        }
        let statuses: Vec<(u64, SecondaryStatus)> = past
            .iter()
            .filter_map(|(from, it)| match it {
                Answer::Status(status) => Some((*from, status.clone())),
                Answer::Fails(_) => None,
            })
            .collect();
        let mut description = description(job.as_str(), &statuses, self.hosts);
        description.failure_reason = self.failure_reason.map(ToOwned::to_owned);
        Ok(description)
    }

    async fn list(&self, _: &ListFilter) -> Result<Listing, AwsError> {
        Ok(Listing {
            jobs: vec![],
            more: false,
        })
    }

    async fn stop(&self, _: &JobName) -> Result<(), AwsError> {
        Ok(())
    }
}

#[async_trait]
impl Logs for FakeService<'_> {
    async fn streams(&self, prefix: &str) -> Result<Vec<String>, AwsError> {
        if let Some(kind) = self.log_errors.lock().unwrap().pop_front() {
            return Err(AwsError::of(kind, "DescribeLogStreams", "as scripted"));
        }
        if self.second() < self.group_from {
            return Err(AwsError::of(
                AwsErrorKind::NotFound,
                "DescribeLogStreams",
                "no such group",
            ));
        }
        let listed = self
            .streams
            .iter()
            .filter(|(from, ..)| *from <= self.second());
        Ok(listed
            .map(|(_, name, _)| (*name).to_owned())
            .filter(|it| it.starts_with(prefix))
            .collect())
    }

    /// One line a page; after the last one the same token comes back, and a page without a line may come between.
    async fn page(&self, stream: &str, token: Option<&str>) -> Result<LogPage, AwsError> {
        self.n_pages.fetch_add(1, Ordering::Relaxed);
        let (_, _, lines) = self.streams.iter().find(|it| it.1 == stream).unwrap();
        let at: usize = token.map_or(0, |it| it.parse().unwrap());
        // Odd tokens are the empty pages between.
        let Some((from, line)) = lines.get(at / 2) else {
            return Ok(LogPage {
                events: vec![],
                next: Some(at.to_string()),
            });
        };
        if at % 2 == 1 {
            return Ok(LogPage {
                events: vec![],
                next: Some((at + 1).to_string()),
            });
        }
        if self.second() < *from {
            return Ok(LogPage {
                events: vec![],
                next: Some(at.to_string()),
            });
        }
        let (time, message) = line.split_once(' ').unwrap();
        let event = LogEvent {
            timestamp_ms: time.parse().unwrap(),
            message: message.to_owned(),
        };
        Ok(LogPage {
            events: vec![event],
            next: Some((at + 1).to_string()),
        })
    }
}
