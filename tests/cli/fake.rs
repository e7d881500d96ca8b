//! A SageMaker and its logs that follow a script, and a clock that only moves when somebody sleeps.

use std::collections::{BTreeMap, VecDeque};
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
    /// From this second on the tokens that were given out are not known any more, once.
    pub tokens_die_at: Mutex<Option<u64>>,
    /// Calls for a page so far.
    pub n_pages: AtomicU64,
    /// Calls for the status so far.
    pub n_describes: AtomicU64,
}

/// Lines in a page that is read from the end.
const BACKWARD_PAGE: usize = 2;

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
            tokens_die_at: Mutex::default(),
            n_pages: AtomicU64::new(0),
            n_describes: AtomicU64::new(0),
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
        self.n_describes.fetch_add(1, Ordering::Relaxed);
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

    async fn delete(&self, _: &JobName) -> Result<(), AwsError> {
        Ok(())
    }

    async fn tags(&self, _: &str) -> Result<BTreeMap<String, String>, AwsError> {
        Ok(BTreeMap::new())
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
        if token.is_some() {
            let mut dies = self.tokens_die_at.lock().unwrap();
            if dies.is_some_and(|it| it <= self.second()) {
                *dies = None;
                let message = "The specified nextToken is invalid.";
                return Err(AwsError::of(AwsErrorKind::Invalid, "GetLogEvents", message));
            }
        }
        let lines = self.lines(stream);
        let at: usize = token.map_or(0, |it| it.parse().unwrap());
        let page = |events, next: usize| {
            Ok(LogPage {
                events,
                next: Some(next.to_string()),
                back: None,
            })
        };
        // Odd tokens are the empty pages between.
        let Some((from, line)) = lines.get(at / 2) else {
            return page(vec![], at);
        };
        if at % 2 == 1 {
            return page(vec![], at + 1);
        }
        if self.second() < *from {
            return page(vec![], at);
        }
        page(vec![event(line)], at + 1)
    }

    /// The token of a page is the place of its first line.
    async fn newest(&self, stream: &str, before: Option<&str>) -> Result<LogPage, AwsError> {
        self.n_pages.fetch_add(1, Ordering::Relaxed);
        let lines = self.lines(stream);
        let served = lines.partition_point(|(from, _)| *from <= self.second());
        let end = before.map_or(served, |it| it.parse().unwrap());
        let start = end.saturating_sub(BACKWARD_PAGE);
        Ok(LogPage {
            events: lines[start..end].iter().map(|it| event(it.1)).collect(),
            next: Some((2 * served).to_string()),
            back: Some(start.to_string()),
        })
    }
}

impl FakeService<'_> {
    fn lines(&self, stream: &str) -> &[(u64, &'static str)] {
        &self.streams.iter().find(|it| it.1 == stream).unwrap().2
    }
}

fn event(line: &str) -> LogEvent {
    let (time, message) = line.split_once(' ').unwrap();
    LogEvent {
        timestamp_ms: time.parse().unwrap(),
        message: message.to_owned(),
    }
}

/// Two jobs: the one called `job` is the first service's, any other the second's.
pub(crate) struct Two<'a, 'c>(pub &'a FakeService<'c>, pub &'a FakeService<'c>);

#[async_trait]
impl TrainingJobs for Two<'_, '_> {
    async fn create(&self, request: &CreateTrainingJobRequest) -> Result<String, AwsError> {
        self.0.create(request).await
    }

    async fn describe(&self, job: &JobName) -> Result<TrainingJobDescription, AwsError> {
        let of = if job.as_str() == "job" {
            self.0
        } else {
            self.1
        };
        of.describe(job).await
    }

    async fn list(&self, filter: &ListFilter) -> Result<Listing, AwsError> {
        self.0.list(filter).await
    }

    async fn stop(&self, job: &JobName) -> Result<(), AwsError> {
        self.0.stop(job).await
    }

    async fn delete(&self, job: &JobName) -> Result<(), AwsError> {
        self.0.delete(job).await
    }

    async fn tags(&self, arn: &str) -> Result<BTreeMap<String, String>, AwsError> {
        self.0.tags(arn).await
    }
}
