//! Faults on request: who meets them, in which words, and how often.

use crate::client::{Local, ask, refusal, request, spot};
use crate::spot::streams;
use crate::statuses::walked;
use local::Scenario;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

fn playing(text: &str) -> Local {
    let scenario = Scenario::parse(text).unwrap();
    Local::changed(move |config| config.scenario = scenario.clone())
}

#[test]
fn the_example_is_read_and_has_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/local/faults.toml");
    let text = fs::read_to_string(path).unwrap();
    Scenario::parse(&text).unwrap();
    for key in [
        "operation",
        "error",
        "per_second",
        "times",
        "skip",
        "name_prefix",
        "instance_type",
        "jobs",
        "fails_with",
        "interrupt_after",
        "interruptions",
        "back_after",
        "silent_host",
        "silent_for",
        "usage",
        "instances",
        "group_after",
    ] {
        assert!(text.contains(&format!("\n{key} = ")), "{key}");
    }
}

#[test]
fn every_problem_is_told_with_its_line_and_what_is_allowed() {
    let text = r#"[[call]]
operation = "CreateTrainingJobs"
error = "Throttling"
time = 3

[[job]]
jobs = 0
fails_with = "CapacityError"
silent_host = "algo-1"
back_after = "2s"

[[quota]]
usage = "training job"

[log]
"#;
    let problems = Scenario::parse(text).unwrap_err();
    let told: Vec<String> = problems.to_string().lines().map(str::to_owned).collect();
    let expected = [
        "line 2: there is no operation `CreateTrainingJobs` here; did you mean `CreateTrainingJob`?",
        "line 3: `error` is `Throttling`, allowed is `ThrottlingException`, `ResourceLimitExceeded`, `InternalServerError`, `ExpiredTokenException`, `LostAnswer`",
        "line 4: unknown key `time` in `[[call]]`; did you mean `times`?",
        "line 6: `[[job]]` needs one of `fails_with`, `interrupt_after` and `silent_host`",
        "line 7: `jobs` must be a whole number of 1 or more",
        "line 10: `back_after` goes with `interrupt_after` alone",
        "line 12: `[[quota]]` needs `instance_type`",
        "line 12: `[[quota]]` needs `instances`",
        "line 15: unknown key `log`; did you mean `logs`?",
    ];
    assert_eq!(told, expected, "{problems}");
    let broken = Scenario::parse("[[call]]\noperation = \n").unwrap_err();
    assert_eq!(broken.0[0].line, 2, "{broken}");
}

#[test]
fn calls_are_throttled_by_count_and_then_pass() {
    let local = playing(
        "[[call]]\noperation = \"CreateTrainingJob\"\nerror = \"ThrottlingException\"\nskip = 1\ntimes = 2\n",
    );
    local.create(&request("first", "ok"));
    for _ in 0..2 {
        let refused = local.refused("CreateTrainingJob", &request("second", "ok"));
        assert_eq!(
            refused,
            ("ThrottlingException".to_owned(), "Rate exceeded".to_owned())
        );
    }
    local.create(&request("second", "ok"));
}

#[test]
fn a_rate_lets_that_many_calls_through() {
    let local = playing("[[call]]\noperation = \"ListTrainingJobs\"\nper_second = 4\n");
    let start = Instant::now();
    let call = || local.call("SageMaker.ListTrainingJobs", &json!({})).status == 200;
    let passed = (0..30).filter(|_| call()).count() as f64;
    let most = 5.0 + 4.0 * start.elapsed().as_secs_f64();
    assert!((4.0..=most).contains(&passed), "{passed} of {most}");
    std::thread::sleep(Duration::from_millis(1100));
    assert!(call(), "after a while there are calls again");
}

#[test]
fn credentials_expire_and_the_service_fails_where_it_is_told_to() {
    let local = playing(
        "[[call]]\noperation = \"*\"\nerror = \"ExpiredTokenException\"\ntimes = 1\n[[call]]\noperation = \"ListTags\"\nerror = \"InternalServerError\"\n",
    );
    let (code, message) = local.refused("ListTrainingJobs", &json!({}));
    assert_eq!(code, "ExpiredTokenException");
    assert!(message.contains("token"), "{message}");
    local.sagemaker("ListTrainingJobs", &json!({}));
    let reply = local.call("SageMaker.ListTags", &json!({ "ResourceArn": "x" }));
    assert_eq!(
        (reply.status, refusal(&reply).0.as_str()),
        (500, "InternalServerError")
    );
}

#[test]
fn a_lost_answer_leaves_the_job() {
    let local =
        playing("[[call]]\noperation = \"CreateTrainingJob\"\nerror = \"LostAnswer\"\ntimes = 1\n");
    let body = request("made", "ok").to_string();
    let mut stream = TcpStream::connect(local.addr()).unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: SageMaker.CreateTrainingJob\r\nContent-Length: {}\r\n\r\n",
        local.addr(),
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = Vec::new();
    // Closed or reset, but nothing was said.
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(String::from_utf8_lossy(&answer), "");
    let refused = local.refused("CreateTrainingJob", &request("made", "ok"));
    assert_eq!(refused.0, "ResourceInUse");
    assert_eq!(local.ended("made")["TrainingJobStatus"], "Completed");
}

#[test]
fn the_first_jobs_of_a_type_find_no_machines() {
    let local = playing(
        "[[job]]\ninstance_type = \"ml.m5.large\"\njobs = 2\nfails_with = \"CapacityError\"\n",
    );
    for name in ["one", "two"] {
        local.create(&request(name, "ok"));
        let job = local.ended(name);
        assert_eq!(job["TrainingJobStatus"], "Failed");
        let reason = job["FailureReason"].as_str().unwrap();
        assert!(
            reason.starts_with("CapacityError: Unable to provision requested ML compute capacity"),
            "{reason}"
        );
        assert_eq!(walked(&job), ["Starting", "Failed"]);
        assert_eq!(job["BillableTimeInSeconds"], Value::Null);
        let mut other = request(&format!("{name}-other"), "ok");
        other["ResourceConfig"]["InstanceType"] = json!("ml.m5.xlarge");
        local.create(&other);
        assert_eq!(
            local.ended(&format!("{name}-other"))["TrainingJobStatus"],
            "Completed"
        );
    }
    local.create(&request("three", "ok"));
    assert_eq!(local.ended("three")["TrainingJobStatus"], "Completed");
}

#[test]
fn a_spot_job_without_machines_waits_as_long_as_it_may() {
    let local = playing("[[job]]\njobs = 1\nfails_with = \"CapacityError\"\n");
    let mut document = spot("hopeful", "ok");
    document["StoppingCondition"] = json!({ "MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1 });
    local.create(&document);
    let job = local.ended("hopeful");
    assert_eq!(walked(&job), ["Starting", "MaxWaitTimeExceeded"], "{job:#}");
}

#[test]
fn a_quota_names_itself_its_use_and_what_was_asked() {
    let local = playing("[[quota]]\ninstance_type = \"ml.m5.large\"\ninstances = 2\n");
    local.create(&request("runs", "wait"));
    let mut document = request("asks", "ok");
    document["ResourceConfig"]["InstanceCount"] = json!(2);
    let (code, message) = local.refused("CreateTrainingJob", &document);
    assert_eq!(code, "ResourceLimitExceeded");
    assert!(
        message.starts_with(
            "The account-level service limit 'ml.m5.large for training job usage' is 2 Instances, with current utilization of 1 Instances and a request delta of 2 Instances."
        ),
        "{message}"
    );
    local.create(&spot("spot", "ok"));
    local.sagemaker("StopTrainingJob", &json!({ "TrainingJobName": "runs" }));
    local.ended("runs");
    local.create(&document);
}

#[test]
fn of_many_jobs_at_once_only_as_many_begin_as_the_quota_has() {
    let local = playing("[[quota]]\ninstance_type = \"ml.m5.large\"\ninstances = 2\n");
    let (addr, start) = (local.addr(), Barrier::new(8));
    let create = |number: usize| {
        let body = request(&format!("job-{number}"), "wait").to_string();
        let target = [("X-Amz-Target", "SageMaker.CreateTrainingJob")];
        start.wait();
        ask(addr, ("POST", "/"), &target, body.as_bytes())
    };
    let replies = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|it| {
                let create = &create;
                scope.spawn(move || create(it))
            })
            .collect();
        let replies = threads.into_iter().map(|it| it.join().unwrap());
        replies.collect::<Vec<_>>()
    });
    let (begun, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|it| it.status == 200);
    assert_eq!((begun.len(), refused.len()), (2, 6));
    for it in refused {
        assert_eq!(refusal(it).0, "ResourceLimitExceeded");
    }
}

#[test]
fn a_warm_pool_that_is_taken_over_is_not_counted_twice() {
    let local = playing(
        "[[quota]]\ninstance_type = \"ml.m5.large\"\nusage = \"training warm pool\"\ninstances = 1\n",
    );
    let keeping = |name: &str| {
        let mut document = request(name, "ok");
        document["ResourceConfig"]["KeepAlivePeriodInSeconds"] = json!(600);
        document
    };
    local.create(&keeping("first"));
    local.ended("first");
    let mut other = keeping("other");
    other["ResourceConfig"]["VolumeSizeInGB"] = json!(6);
    let (code, _) = local.refused("CreateTrainingJob", &other);
    assert_eq!(code, "ResourceLimitExceeded", "the pool does not fit");
    local.create(&keeping("second"));
    let first = local.describe("first");
    assert_eq!(
        first["WarmPoolStatus"]["ReusedByJob"], "second",
        "{first:#}"
    );
}

#[test]
fn a_silent_host_has_no_stream_and_a_late_one_has_all_lines() {
    let local = playing(
        "[[job]]\nname_prefix = \"mute\"\nsilent_host = \"algo-2\"\n[[job]]\nname_prefix = \"late\"\nsilent_host = \"algo-2\"\nsilent_for = \"1m\"\n",
    );
    for (name, n_streams) in [("mute", 1), ("late", 2)] {
        let mut document = request(name, "ok");
        document["ResourceConfig"]["InstanceCount"] = json!(2);
        local.create(&document);
        assert_eq!(local.ended(name)["TrainingJobStatus"], "Completed");
        assert_eq!(streams(&local, name).len(), n_streams, "{name}");
    }
    let events = json!({ "logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamNamePrefix": "late/algo-2" });
    let reply = local.call("Logs_20140328.FilterLogEvents", &events).json();
    assert_eq!(reply["events"].as_array().unwrap().len(), 2, "{reply:#}");
}

#[test]
fn the_log_group_comes_late() {
    let local = playing("[logs]\ngroup_after = \"2s\"\n");
    local.create(&request("early", "ok"));
    local.ended("early");
    let request = json!({ "logGroupName": "/aws/sagemaker/TrainingJobs" });
    let describe = || local.call("Logs_20140328.DescribeLogStreams", &request);
    assert_eq!(refusal(&describe()).0, "ResourceNotFoundException");
    let groups = local
        .call("Logs_20140328.DescribeLogGroups", &json!({}))
        .json();
    assert_eq!(groups["logGroups"], json!([]));
    let start = Instant::now();
    while describe().status != 200 {
        assert!(start.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_job_is_interrupted_as_its_scenario_says() {
    let local =
        playing("[[job]]\nname_prefix = \"hit\"\ninterrupt_after = \"0s\"\ninterruptions = 2\n");
    // What nobody keeps starts over, so this one is interrupted until it is left alone.
    let mut document = spot("hit", "brief");
    document["CheckpointConfig"] = Value::Null;
    local.create(&document);
    local.create(&spot("miss", "ok"));
    let job = local.ended("hit");
    assert_eq!(job["TrainingJobStatus"], "Completed", "{job:#}");
    let taken = walked(&job).into_iter().filter(|it| *it == "Interrupted");
    assert_eq!(taken.count(), 2, "{job:#}");
    let job = local.ended("miss");
    assert!(!walked(&job).contains(&"Interrupted"), "{job:#}");
}
