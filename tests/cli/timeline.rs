//! Whole commands against a service with a timeline: each ends with its documented exit code and says why.

use std::fs;

use serde_json::Value;

use crate::program::transcript;
use crate::scripted::Script;

const STARTING: (u64, &str, &str) = (0, "Starting", "Preparing the instances for training");

fn training(from: u64) -> (u64, &'static str, &'static str) {
    (
        from,
        "Training",
        "Training image download completed. Training in progress.",
    )
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// The events of `--jsonl`.
fn events(stdout: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(stdout)
        .lines()
        .map(|it| serde_json::from_str(it).unwrap_or_else(|err| panic!("{err}: {it}")))
        .collect()
}

#[test]
fn an_interrupted_job_is_followed_into_its_new_streams() {
    let service = Script {
        statuses: vec![
            STARTING,
            training(300),
            (800, "Interrupted", "Training job interrupted"),
            (1200, "Starting", "Preparing the instances for training"),
            training(1600),
            (2400, "Completed", "Training job completed"),
        ],
        streams: vec![
            (
                300,
                "algo-1-17",
                vec![(300, "[0]\ttrain-rmse:3"), (700, "[1]\ttrain-rmse:2.5")],
            ),
            (
                1600,
                "algo-1-1600",
                vec![(1700, "[1]\ttrain-rmse:2.5"), (2300, "[2]\ttrain-rmse:2")],
            ),
        ],
        is_spot: true,
        ..Script::default()
    }
    .serve();
    let home = home();
    let text = transcript(service.linden(home.path()).args(["logs", "-f", "usage"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 0
    ----- stdout -----
    [0]	train-rmse:3
    [1]	train-rmse:2.5
    [1]	train-rmse:2.5
    [2]	train-rmse:2
    ----- stderr -----
    22:13:20 Starting     Preparing the instances for training
    22:13:20 Training     Training image download completed. Training in progress.
    22:13:20 Interrupted  Training job interrupted
    22:13:21 Starting     Preparing the instances for training
    22:13:21 Training     Training image download completed. Training in progress.
    22:13:22 Completed    Training job completed
    "#);
}

#[test]
fn a_host_that_stays_silent_and_a_log_group_that_comes_late_hold_nobody_up() {
    let service = Script {
        statuses: vec![
            STARTING,
            training(200),
            (2000, "Completed", "Training job completed"),
        ],
        streams: vec![(800, "algo-2-17", vec![(900, "ready"), (1800, "done")])],
        group_from: 700,
        hosts: 2,
        ..Script::default()
    }
    .serve();
    let home = home();
    let text = transcript(service.linden(home.path()).args(["logs", "-f", "usage"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 0
    ----- stdout -----
    algo-2 │ ready
    algo-2 │ done
    ----- stderr -----
    22:13:20 Starting     Preparing the instances for training
    22:13:20 Training     Training image download completed. Training in progress.
    22:13:22 Completed    Training job completed
    "#);
}

#[test]
fn a_job_that_ran_out_of_time_ends_with_6_and_says_which_limit() {
    let service = Script {
        statuses: vec![
            STARTING,
            training(100),
            (
                400,
                "MaxRuntimeExceeded",
                "Training job runtime exceeded MaxRuntimeInSeconds provided",
            ),
        ],
        ..Script::default()
    }
    .serve();
    let home = home();
    let text = transcript(service.linden(home.path()).args(["wait", "usage"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 6
    ----- stdout -----
    usage  Stopped (MaxRuntimeExceeded)
      fix      raise [compute] max_runtime in the job file, or train fewer rounds
      created  2023-11-14 22:13:20, took 0.4s
      compute  1 × ml.m5.large · trained 8m 20s · billable 8m 20s
    ----- stderr -----
    22:13:20 Starting     Preparing the instances for training
    22:13:20 Training     Training image download completed. Training in progress.
    22:13:20 MaxRuntimeExceeded Training job runtime exceeded MaxRuntimeInSeconds provided
    "#);
}

#[test]
fn a_job_that_somebody_stopped_ends_with_3_unless_that_is_allowed() {
    let script = Script {
        statuses: vec![
            training(0),
            (200, "Stopping", "Stopping the training job"),
            (400, "Stopped", "Training job stopped"),
        ],
        metrics: vec![("validation:rmse", 12.25)],
        ..Script::default()
    };
    let home = home();
    let service = script.serve();
    let text = transcript(service.linden(home.path()).args(["wait", "usage"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 3
    ----- stdout -----
    usage  Stopped
      created  2023-11-14 22:13:20, took 0.4s
      compute  1 × ml.m5.large · trained 8m 20s · billable 8m 20s

      metric  validation
      rmse        12.250
    ----- stderr -----
    22:13:20 Training     Training image download completed. Training in progress.
    22:13:20 Stopping     Stopping the training job
    22:13:20 Stopped      Training job stopped
    "#);
    let wait = |more: &[&str]| {
        let mut command = service.linden(home.path());
        let output = command.args(["wait", "usage"]).args(more).output();
        output.unwrap().status.code()
    };
    assert_eq!(wait(&["--allow-stopped"]), Some(0));
    let gate = "validation:rmse<12";
    assert_eq!(wait(&["--allow-stopped", "--gate", gate]), Some(9));
    assert_eq!(
        wait(&["--gate", gate]),
        Some(3),
        "a gate hides no worse end"
    );
}

#[test]
fn credentials_that_expire_while_waiting_end_with_4_and_the_way_back() {
    let script = Script {
        statuses: vec![STARTING, training(100)],
        fails: Some((
            600,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        )),
        ..Script::default()
    };
    let home = home();
    for command in [&["wait", "usage"][..], &["logs", "-f", "usage"]] {
        let service = script.clone().serve();
        let text = transcript(service.linden(home.path()).args(command));
        assert!(text.starts_with("exit code: 4\n"), "{text}");
        let again = format!("linden {}", command.join(" "));
        assert!(text.contains(&again), "{text}");
    }
    let service = script.serve();
    let text = transcript(service.linden(home.path()).args(["wait", "usage"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    22:13:20 Starting     Preparing the instances for training
    22:13:20 Training     Training image download completed. Training in progress.
    error[E0301]: DescribeTrainingJob failed: The security token included in the request is expired
      code     ExpiredTokenException
      fix      give --profile NAME, sign in (`aws sso login`), or try without AWS: --local
      job      it does not notice, and runs on if it ran
      go on    linden wait usage
    "#);
}

#[test]
fn the_clients_own_timeout_ends_with_10_and_names_the_job() {
    let service = Script {
        statuses: vec![STARTING, training(100)],
        ..Script::default()
    }
    .serve();
    let home = home();
    let command = ["wait", "usage", "--timeout", "1s"];
    let text = transcript(service.linden(home.path()).args(command));
    assert!(text.starts_with("exit code: 10\n"), "{text}");
    assert!(
        text.contains("usage still runs. Wait on with: linden wait usage"),
        "{text}"
    );
}

fn completed() -> Script {
    Script {
        statuses: vec![training(0), (200, "Completed", "Training job completed")],
        streams: vec![(
            0,
            "algo-1-17",
            vec![
                (0, "[0]\ttrain-rmse:3\tvalidation-rmse:12.25"),
                (100, "::error::forged"),
            ],
        )],
        metrics: vec![("train:rmse", 3.0), ("validation:rmse", 12.25)],
        ..Script::default()
    }
}

#[test]
fn a_gate_that_fails_ends_with_9_and_shows_the_value() {
    let home = home();
    let service = completed().serve();
    let gates = [
        "--gate",
        "validation:rmse<=12",
        "--gate",
        "train:rmse in 2..4",
    ];
    let text = transcript(
        service
            .linden(home.path())
            .args(["wait", "usage"])
            .args(gates),
    );
    insta::assert_snapshot!(text, @r#"
    exit code: 9
    ----- stdout -----
    usage  Completed
      created  2023-11-14 22:13:20, took 0.2s
      compute  1 × ml.m5.large · trained 8m 20s · billable 8m 20s

      metric   train  validation
      rmse    3.0000      12.250

      gates  validation:rmse = 12.250, <= 12 failed
             train:rmse = 3.0000, in 2..4 passed
    ----- stderr -----
    22:13:20 Training     Training image download completed. Training in progress.
    22:13:20 Completed    Training job completed
    "#);
    let unknown = ["wait", "usage", "--gate", "validation:auc>0.5"];
    let text = transcript(service.linden(home.path()).args(unknown));
    assert!(text.starts_with("exit code: 9\n"), "{text}");
    assert!(
        text.contains("validation:auc = not measured, > 0.5 failed"),
        "{text}"
    );
    let wrong = ["wait", "usage", "--gate", "rmse<1"];
    let text = transcript(service.linden(home.path()).args(wrong));
    assert!(text.starts_with("exit code: 2\n"), "{text}");
}

#[test]
fn every_event_is_an_object_a_line() {
    let home = home();
    let service = completed().serve();
    let output = service
        .linden(home.path())
        .args(["logs", "-f", "usage", "--jsonl"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let events = events(&output.stdout);
    let kinds: Vec<&str> = events
        .iter()
        .map(|it| it["event"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["status", "line", "line", "status", "ended"]);
    assert!(events.iter().all(|it| it["job"] == "usage"));
    assert_eq!(events[1]["round"], 0);
    assert_eq!(events[1]["values"]["validation:rmse"], 12.25);
    assert_eq!(events[4]["status"], "Completed");
    assert_eq!(events[4]["exit_code"], 0);
    let waited = service
        .linden(home.path())
        .args(["wait", "usage", "--jsonl"])
        .output()
        .unwrap();
    let last = self::events(&waited.stdout).pop().unwrap();
    assert_eq!(last["event"], "ended");
}

#[test]
fn github_gets_annotations_and_a_summary_and_no_forged_ones() {
    let home = home();
    let service = completed().serve();
    let summary = home.path().join("summary.md");
    let command = |args: &[&str]| {
        let mut command = service.linden(home.path());
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_STEP_SUMMARY", &summary);
        transcript(command.args(args))
    };
    let text = command(&["wait", "usage", "--gate", "validation:rmse<=12"]);
    assert!(text.starts_with("exit code: 9\n"), "{text}");
    let gate = "::error title=usage gate failed::validation:rmse is 12.250, must be <= 12";
    assert!(text.lines().any(|it| it == gate), "{text}");
    let written = fs::read_to_string(&summary).unwrap();
    insta::assert_snapshot!(written.trim_end(), @r#"
    ### ❌ usage Completed

    1 × ml.m5.large · took 0.2s · billable 8m 20s

    | metric | value |
    |---|---:|
    | train:rmse | 3.0000 |
    | validation:rmse | 12.250 |

    - ❌ validation:rmse is 12.250, must be &lt;= 12
    "#);
    let text = command(&["logs", "-f", "usage"]);
    assert!(text.contains("\n: :error::forged\n"), "{text}");
    let notice = "::notice title=usage Completed::train:rmse 3.0000, validation:rmse 12.250";
    assert!(text.lines().any(|it| it == notice), "{text}");
}

#[test]
fn a_failure_that_is_waited_for_shows_the_last_lines() {
    let service = Script {
        statuses: vec![training(0), (200, "Failed", "Training job failed")],
        streams: vec![(
            0,
            "algo-1-17",
            vec![(0, "reading rows"), (100, "[0]\ttrain-rmse:3")],
        )],
        failure_reason: Some("AlgorithmError: , exit code: 137"),
        ..Script::default()
    }
    .serve();
    let home = home();
    let text = transcript(service.linden(home.path()).args(["wait", "usage"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 1
    ----- stdout -----
    usage  Failed
      reason   AlgorithmError: , exit code: 137
      cause    the training process was ended from outside (exit code 137: out of memory, or killed)
      fix      137 is out of memory, or killed: take a larger instance type or a smaller max_bin
      created  2023-11-14 22:13:20, took 0.2s
      compute  1 × ml.m5.large · trained 8m 20s · billable 8m 20s
    ----- stderr -----
    22:13:20 Training     Training image download completed. Training in progress.
    22:13:20 Failed       Training job failed
    the last lines of usage:
      reading rows
      [0]	train-rmse:3
    "#);
}

#[test]
fn the_last_lines_come_from_one_page() {
    let service = completed().serve();
    let home = home();
    let text = transcript(service.linden(home.path()).args(["wait", "usage"]));
    assert!(text.starts_with("exit code: 0\n"), "{text}");
    let output = service
        .linden(home.path())
        .args(["logs", "usage", "--tail", "1"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "::error::forged\n");
    assert!(service.n_calls("logs_20140328.getlogevents") <= 3);
}
