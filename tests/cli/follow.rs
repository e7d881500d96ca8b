//! Following against a scripted service: the ways in which logs and statuses of real jobs arrive.

use std::time::Duration;

use cli::aws::AwsErrorKind;
use cli::command::outcome;
use cli::follow::{Clock, Ended, Event, Pace, Ports, Wish, until_ended};
use contract::job::{JobName, SecondaryStatus, TrainingJobDescription};

use crate::fake::{Answer, FakeClock, FakeService, description};

use SecondaryStatus::{
    Completed, Downloading, Failed, Interrupted, MaxRuntimeExceeded, MaxWaitTimeExceeded, Starting,
    Stopped, Training, Uploading,
};

fn at(second: u64, status: SecondaryStatus) -> (u64, Answer) {
    (second, Answer::Status(status))
}

/// Follows "job" and gives the lines (`host text`), the statuses, and the end.
fn follow(
    service: &FakeService<'_>,
) -> (Vec<String>, Vec<String>, Result<Ended, cli::aws::AwsError>) {
    let (mut lines, mut statuses) = (vec![], vec![]);
    let mut on_event = |event: Event| match event {
        Event::Line(it) => lines.push(format!("{} {}", it.host, it.text)),
        Event::Status(it) => statuses.push(it.status.to_string()),
        Event::LogRefused(err) => lines.push(format!("refused: {}", err.message)),
    };
    let ports = Ports {
        jobs: service,
        logs: service,
        clock: service.clock,
    };
    let job: JobName = "job".parse().unwrap();
    let wish = Wish {
        logs: true,
        timeout: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let end = runtime.block_on(until_ended(ports, &job, &Pace::aws(), &wish, &mut on_event));
    (lines, statuses, end)
}

#[test]
fn waits_for_a_log_group_that_comes_late_and_tells_the_statuses_meanwhile() {
    let clock = FakeClock::default();
    let mut service = FakeService::new(
        &clock,
        vec![
            at(0, Starting),
            at(60, Downloading),
            at(90, Training),
            at(200, Completed),
        ],
    );
    service.group_from = 120;
    service.streams = vec![(
        120,
        "job/algo-1-17",
        vec![(120, "1000 first"), (150, "2000 second")],
    )];
    let (lines, statuses, _) = follow(&service);
    assert_eq!(lines, ["algo-1 first", "algo-1 second"]);
    assert_eq!(
        statuses,
        ["Starting", "Downloading", "Training", "Completed"]
    );
}

#[test]
fn reads_the_lines_that_come_after_the_last_status() {
    let clock = FakeClock::default();
    let mut service = FakeService::new(&clock, vec![at(0, Training), at(30, Failed)]);
    service.streams = vec![(
        0,
        "job/algo-1-17",
        vec![(1, "1000 fine"), (33, "2000 UserError: the reason")],
    )];
    let (lines, ..) = follow(&service);
    assert_eq!(lines, ["algo-1 fine", "algo-1 UserError: the reason"]);
}

#[test]
fn finds_the_new_stream_of_a_host_that_was_interrupted() {
    let clock = FakeClock::default();
    let script = vec![
        at(0, Training),
        at(100, Interrupted),
        at(150, Starting),
        at(200, Training),
        at(300, Completed),
    ];
    let mut service = FakeService::new(&clock, script);
    service.streams = vec![
        (0, "job/algo-1-17", vec![(10, "1000 round 0")]),
        (210, "job/algo-1-210", vec![(210, "9000 round 1")]),
    ];
    let (lines, ..) = follow(&service);
    assert_eq!(lines, ["algo-1 round 0", "algo-1 round 1"]);
}

#[test]
fn a_quiet_job_is_followed_for_hours() {
    let clock = FakeClock::default();
    let mut service = FakeService::new(&clock, vec![at(0, Training), at(40_000, Completed)]);
    service.streams = vec![(
        0,
        "job/algo-1-17",
        vec![(1, "1000 begin"), (39_000, "2000 end")],
    )];
    let (lines, _, end) = follow(&service);
    assert_eq!(lines, ["algo-1 begin", "algo-1 end"]);
    assert!(matches!(end, Ok(Ended::Terminal(_))));
}

#[test]
fn merges_the_lines_of_hosts_by_their_time() {
    let clock = FakeClock::default();
    let mut service = FakeService::new(&clock, vec![at(0, Training), at(60, Completed)]);
    service.hosts = 2;
    service.streams = vec![
        (0, "job/algo-1-17", vec![(10, "1000 a"), (10, "3000 c")]),
        (0, "job/algo-2-17", vec![(10, "2000 b"), (10, "4000 d")]),
    ];
    let (lines, ..) = follow(&service);
    assert_eq!(lines, ["algo-1 a", "algo-2 b", "algo-1 c", "algo-2 d"]);
}

#[test]
fn throttling_is_waited_out() {
    let clock = FakeClock::default();
    let script = vec![
        at(0, Training),
        (20, Answer::Fails(AwsErrorKind::Throttled)),
        at(400, Training),
        at(600, Completed),
    ];
    let mut service = FakeService::new(&clock, script);
    service.streams = vec![(0, "job/algo-1-17", vec![(10, "1000 a"), (500, "2000 b")])];
    service
        .log_errors
        .lock()
        .unwrap()
        .extend([AwsErrorKind::Throttled; 3]);
    let (lines, _, end) = follow(&service);
    assert_eq!(lines, ["algo-1 a", "algo-1 b"]);
    assert!(matches!(end, Ok(Ended::Terminal(_))), "{end:?}");
}

#[test]
fn a_network_that_stays_away_ends_the_following() {
    let clock = FakeClock::default();
    let service = FakeService::new(
        &clock,
        vec![at(0, Training), (20, Answer::Fails(AwsErrorKind::Network))],
    );
    let (_, _, end) = follow(&service);
    assert_eq!(end.unwrap_err().kind, AwsErrorKind::Network);
}

#[test]
fn a_log_that_may_not_be_read_does_not_end_the_following() {
    let clock = FakeClock::default();
    let service = FakeService::new(&clock, vec![at(0, Training), at(100, Completed)]);
    service
        .log_errors
        .lock()
        .unwrap()
        .push_back(AwsErrorKind::Denied);
    let (lines, _, end) = follow(&service);
    assert_eq!(lines, ["refused: as scripted"]);
    assert!(matches!(end, Ok(Ended::Terminal(_))));
}

#[test]
fn a_timeout_leaves_the_job_running() {
    let clock = FakeClock::default();
    let service = FakeService::new(&clock, vec![at(0, Training)]);
    let ports = Ports {
        jobs: &service,
        logs: &service,
        clock: &clock,
    };
    let wish = Wish {
        logs: false,
        timeout: Some(Duration::from_secs(100)),
    };
    let job: JobName = "job".parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let end = runtime.block_on(until_ended(ports, &job, &Pace::aws(), &wish, &mut |_| {}));
    assert!(matches!(end, Ok(Ended::TimedOut(_))), "{end:?}");
    assert_eq!(clock.now(), Duration::from_secs(100));
}

/// The fewest calls that still follow: what an account's limits have to bear for a job of an hour.
#[test]
fn an_hour_of_following_stays_below_fifteen_hundred_log_calls() {
    let clock = FakeClock::default();
    let mut service = FakeService::new(&clock, vec![at(0, Training), at(3600, Completed)]);
    service.streams = vec![(0, "job/algo-1-17", vec![(10, "1000 a")])];
    let (_, _, end) = follow(&service);
    assert!(matches!(end, Ok(Ended::Terminal(_))));
    let calls = service.n_pages.load(std::sync::atomic::Ordering::Relaxed);
    assert!(calls < 1500, "{calls} calls");
}

fn ended(statuses: &[SecondaryStatus], reason: Option<&str>) -> TrainingJobDescription {
    let statuses: Vec<(u64, SecondaryStatus)> =
        statuses.iter().cloned().map(|it| (0, it)).collect();
    let mut job = description("job", &statuses, 1);
    job.failure_reason = reason.map(ToOwned::to_owned);
    job
}

#[test]
fn every_end_has_its_exit_code() {
    let table: [(&[SecondaryStatus], Option<&str>, u8); 10] = [
        (&[Uploading, Completed], None, 0),
        (
            &[Failed],
            Some("AlgorithmError: UserError: no train channel"),
            1,
        ),
        (&[Failed], Some("ClientError: Data download failed"), 1),
        (&[Failed], Some("AlgorithmError: exit code: 137"), 1),
        (&[Failed], None, 1),
        (&[Stopped], None, 3),
        (&[Training, MaxRuntimeExceeded], None, 6),
        (&[MaxWaitTimeExceeded, Stopped], None, 6),
        (
            &[Failed],
            Some("CapacityError: Unable to provision requested ML compute capacity"),
            7,
        ),
        (
            &[Failed],
            Some("InternalServerError: We encountered an internal error"),
            8,
        ),
    ];
    for (statuses, reason, code) in table {
        assert_eq!(
            outcome::exit_code(&ended(statuses, reason)),
            code,
            "{statuses:?} {reason:?}"
        );
    }
}
