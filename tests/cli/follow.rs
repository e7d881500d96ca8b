//! Following against a scripted service: the ways in which logs and statuses of real jobs arrive.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cli::aws::AwsErrorKind;
use cli::command::outcome;
use cli::follow::{
    Clock, Ended, Event, LineFilter, Pace, Patience, Ports, Until, Wish, read_log, until_ended,
    until_several,
};
use contract::job::{JobName, SecondaryStatus, TrainingJobDescription};

use crate::fake::{Answer, FakeClock, FakeService, Two, description};

use SecondaryStatus::{
    Completed, Downloading, Failed, Interrupted, MaxRuntimeExceeded, MaxWaitTimeExceeded, Starting,
    Stopped, Training, Uploading,
};

fn at(second: u64, status: SecondaryStatus) -> (u64, Answer) {
    (second, Answer::Status(status))
}

type Followed = (Vec<String>, Vec<String>, Result<Ended, cli::aws::AwsError>);

/// Follows "job" and gives the lines (`host text`), the statuses, and the end.
fn follow(service: &FakeService<'_>) -> Followed {
    follow_with(service, &Wish::everything())
}

fn follow_with(service: &FakeService<'_>, wish: &Wish) -> Followed {
    let (mut lines, mut statuses) = (vec![], vec![]);
    let mut on_event = |event: Event| match event {
        Event::Line(it) => lines.push(format!("{} {}", it.host, it.text)),
        Event::Status(it) => statuses.push(it.status.to_string()),
        Event::LogRefused(err) => lines.push(format!("refused: {}", err.message)),
    };
    let job: JobName = "job".parse().unwrap();
    let end = wait(until_ended(
        ports(service),
        &job,
        &Pace::aws(),
        wish,
        &mut on_event,
    ));
    (lines, statuses, end)
}

fn ports<'a>(service: &'a FakeService<'_>) -> Ports<'a> {
    Ports {
        jobs: service,
        logs: service,
        clock: service.clock,
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(work)
}

/// What there is to read now (`host text`).
fn read(service: &FakeService<'_>, wish: &Wish) -> Vec<String> {
    let job: JobName = "job".parse().unwrap();
    let lines = wait(read_log(ports(service), &job, &Pace::aws(), wish)).unwrap();
    lines
        .into_iter()
        .map(|it| format!("{} {}", it.host, it.text))
        .collect()
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
    let wish = Wish {
        timeout: Some(Duration::from_secs(100)),
        ..Wish::default()
    };
    let (.., end) = follow_with(&service, &wish);
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
    let calls = service.n_pages.load(Ordering::Relaxed);
    assert!(calls < 1500, "{calls} calls");
}

/// A host that says nothing must not keep back the lines of the others.
#[test]
fn a_host_that_never_logs_holds_nobody_up() {
    let clock = FakeClock::default();
    let mut service = FakeService::new(&clock, vec![at(0, Training), at(600, Completed)]);
    service.hosts = 2;
    service.streams = vec![(0, "job/algo-1-17", vec![(10, "1000 a"), (500, "2000 b")])];
    let (lines, _, end) = follow(&service);
    assert_eq!(lines, ["algo-1 a", "algo-1 b"]);
    assert!(matches!(end, Ok(Ended::Terminal(_))));
}

#[test]
fn a_stream_whose_token_has_died_is_found_again_and_nothing_is_told_twice() {
    let clock = FakeClock::default();
    let mut service = FakeService::new(&clock, vec![at(0, Training), at(90_600, Completed)]);
    service.streams = vec![(
        0,
        "job/algo-1-17",
        vec![(1, "1000 a"), (1, "1000 b"), (90_000, "1000 c")],
    )];
    *service.tokens_die_at.lock().unwrap() = Some(86_400);
    let (lines, ..) = follow(&service);
    assert_eq!(lines, ["algo-1 a", "algo-1 b", "algo-1 c"]);
}

/// A log of a day on two hosts.
fn long_log(service: &mut FakeService<'_>) {
    service.hosts = 2;
    let algo_1 = (0..500).map(|_| (0, "1000 [0]\ttrain-rmse:1")).chain([
        (0, "5000 late"),
        (0, "7000 later"),
        (0, "8000 [9]\ttrain-rmse:0.5"),
    ]);
    service.streams = vec![
        (0, "job/algo-1-17", algo_1.collect()),
        (
            0,
            "job/algo-2-17",
            vec![(0, "2000 early"), (0, "6000 between")],
        ),
    ];
}

#[test]
fn the_last_lines_are_those_by_time_and_are_read_from_the_end() {
    let clock = FakeClock::default();
    let mut service = FakeService::new(&clock, vec![at(0, Completed)]);
    long_log(&mut service);
    let wish = Wish {
        tail: Some(3),
        ..Wish::everything()
    };
    assert_eq!(
        read(&service, &wish),
        [
            "algo-2 between",
            "algo-1 later",
            "algo-1 [9]\ttrain-rmse:0.5"
        ]
    );
    let calls = service.n_pages.load(Ordering::Relaxed);
    assert!(calls < 10, "{calls} calls for three lines");
}

#[test]
fn following_may_begin_with_the_last_lines_and_misses_none_that_come() {
    let clock = FakeClock::default();
    let mut service = FakeService::new(&clock, vec![at(0, Training), at(300, Completed)]);
    service.streams = vec![
        (
            0,
            "job/algo-1-17",
            vec![(0, "1000 a"), (0, "2000 b"), (0, "3000 c"), (100, "4000 d")],
        ),
        (
            200,
            "job/algo-1-200",
            vec![(200, "5000 e"), (200, "6000 f")],
        ),
    ];
    let wish = Wish {
        tail: Some(1),
        ..Wish::everything()
    };
    let (lines, ..) = follow_with(&service, &wish);
    assert_eq!(lines, ["algo-1 c", "algo-1 d", "algo-1 e", "algo-1 f"]);
}

#[test]
fn lines_are_chosen_by_age_host_and_content() {
    let clock = FakeClock::default();
    let mut service = FakeService::new(&clock, vec![at(0, Completed)]);
    long_log(&mut service);
    let with = |filter: LineFilter| Wish {
        filter,
        ..Wish::everything()
    };
    let young = with(LineFilter {
        since_ms: Some(6000),
        ..LineFilter::default()
    });
    assert_eq!(
        read(&service, &young),
        [
            "algo-2 between",
            "algo-1 later",
            "algo-1 [9]\ttrain-rmse:0.5"
        ]
    );
    let of_host = with(LineFilter {
        hosts: vec!["algo-2".to_owned()],
        ..LineFilter::default()
    });
    let before = service.n_pages.load(Ordering::Relaxed);
    assert_eq!(read(&service, &of_host), ["algo-2 early", "algo-2 between"]);
    let calls = service.n_pages.load(Ordering::Relaxed) - before;
    assert!(
        calls < 10,
        "{calls} calls: the other host's stream was read"
    );
    let found = Wish {
        tail: Some(1),
        ..with(LineFilter {
            grep: Some("^la".parse().unwrap()),
            ..LineFilter::default()
        })
    };
    assert_eq!(read(&service, &found), ["algo-1 later"]);
}

/// Waits for `job`, which ends at second 100, and for `slow`, which does at second 1000.
fn wait_for_two(patience: Patience) -> (Vec<String>, Vec<bool>, u64) {
    let clock = FakeClock::default();
    let service = FakeService::new(&clock, vec![at(0, Training), at(100, Completed)]);
    let slow = FakeService::new(&clock, vec![at(0, Training), at(1000, Completed)]);
    let two = Two(&service, &slow);
    let ports = Ports {
        jobs: &two,
        logs: &service,
        clock: &clock,
    };
    let jobs: [JobName; 2] = ["slow".parse().unwrap(), "job".parse().unwrap()];
    let mut told = vec![];
    let mut on_event = |job: &JobName, event: Event| {
        if let Event::Status(it) = event {
            told.push(format!("{job} {}", it.status));
        }
    };
    let ends = wait(until_several(
        ports,
        &jobs,
        &Pace::aws(),
        patience,
        &mut on_event,
    ))
    .unwrap();
    let ended = ends.iter().map(|it| matches!(it, Ended::Terminal(_)));
    (told, ended.collect(), clock.now().as_secs())
}

#[test]
fn several_jobs_are_waited_for_at_once() {
    let (told, ended, _) = wait_for_two(Patience::default());
    assert_eq!(ended, [true, true]);
    let last: Vec<&String> = told.iter().rev().take(2).collect();
    assert_eq!(last, ["slow Completed", "job Completed"]);
}

#[test]
fn waiting_for_any_ends_with_the_first() {
    let (_, ended, second) = wait_for_two(Patience {
        until: Until::First,
        timeout: None,
    });
    assert_eq!(ended, [false, true]);
    assert!((100..200).contains(&second), "at second {second}");
}

#[test]
fn waiting_for_several_has_one_timeout_for_all() {
    let (_, ended, second) = wait_for_two(Patience {
        until: Until::All,
        timeout: Some(Duration::from_secs(500)),
    });
    assert_eq!(ended, [false, true]);
    assert!((500..505).contains(&second), "at second {second}");
}

#[test]
fn the_status_of_a_job_of_a_day_is_asked_every_half_minute() {
    let clock = FakeClock::default();
    let service = FakeService::new(&clock, vec![at(0, Training), at(86_400, Completed)]);
    let (.., end) = follow_with(&service, &Wish::default());
    assert!(matches!(end, Ok(Ended::Terminal(_))));
    let calls = service.n_describes.load(Ordering::Relaxed);
    assert!((2500..3300).contains(&calls), "{calls} calls");
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
