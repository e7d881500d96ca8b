//! The way of a job: which statuses, in which order, with what said.

use crate::client::{Local, request, unpack};
use serde_json::{Value, json};
use std::cell::Cell;

pub(crate) fn walked(job: &Value) -> Vec<&str> {
    let steps = job["SecondaryStatusTransitions"].as_array().unwrap();
    steps
        .iter()
        .map(|it| it["Status"].as_str().unwrap())
        .collect()
}

/// Whether `next` may follow `status`, written out a second time.
fn may_follow(status: &str, next: &str) -> bool {
    let allowed = match status {
        "Starting" => "Downloading Stopping Failed",
        "Downloading" => "Training Stopping Failed",
        "Training" => "Uploading Interrupted Stopping Failed",
        "Interrupted" => "Starting Stopping MaxWaitTimeExceeded Failed",
        "Uploading" => "Completed Stopping Stopped MaxRuntimeExceeded MaxWaitTimeExceeded Failed",
        "Stopping" => "Uploading Stopped MaxRuntimeExceeded MaxWaitTimeExceeded Failed",
        _ => "",
    };
    allowed.split(' ').any(|it| it == next)
}

pub(crate) fn assert_walked_along_edges(job: &Value) {
    let steps = job["SecondaryStatusTransitions"].as_array().unwrap();
    assert_eq!(steps[0]["Status"], "Starting");
    for pair in steps.windows(2) {
        let (status, next) = (
            pair[0]["Status"].as_str().unwrap(),
            pair[1]["Status"].as_str().unwrap(),
        );
        assert!(may_follow(status, next), "{status} -> {next}");
        assert_eq!(
            pair[0]["EndTime"], pair[1]["StartTime"],
            "no time between {status} and {next}"
        );
    }
    assert!(
        steps
            .iter()
            .all(|it| !it["StatusMessage"].as_str().unwrap().is_empty())
    );
    assert_eq!(steps.last().unwrap()["Status"], job["SecondaryStatus"]);
}

#[test]
fn a_job_completes_with_model_metrics_and_times() {
    let local = Local::start();
    let mut request = request("done", "ok");
    request["AlgorithmSpecification"]["MetricDefinitions"] = json!([
        { "Name": "train:rmse", "Regex": ".*\\[[0-9]+\\].*#011train-rmse:([-+]?[0-9]*\\.?[0-9]+).*" },
        { "Name": "never", "Regex": "never=([0-9]+)" },
    ]);
    local.create(&request);
    let job = local.ended("done");
    assert_eq!(job["TrainingJobStatus"], "Completed", "{job:#}");
    assert_eq!(
        walked(&job),
        [
            "Starting",
            "Downloading",
            "Training",
            "Uploading",
            "Completed"
        ]
    );
    assert_walked_along_edges(&job);
    assert_eq!(
        job["ModelArtifacts"]["S3ModelArtifacts"],
        "s3://bkt/out/done/output/model.tar.gz"
    );
    assert_eq!(job["FinalMetricDataList"].as_array().unwrap().len(), 1);
    assert_eq!(job["FinalMetricDataList"][0]["MetricName"], "train:rmse");
    assert_eq!(job["FinalMetricDataList"][0]["Value"], 1.25);
    assert_eq!(
        (&job["TrainingTimeInSeconds"], &job["BillableTimeInSeconds"]),
        (&json!(1), &json!(1))
    );
    assert!(job["TrainingStartTime"].as_f64() <= job["TrainingEndTime"].as_f64());
    let model = unpack(&local.get("out/done/output/model.tar.gz"));
    let names: Vec<&str> = model.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(
        names,
        ["linden/env-algo-1", "linden/files-algo-1", "xgboost-model"]
    );
    let output = unpack(&local.get("out/done/output/output.tar.gz"));
    assert_eq!(output, [("evaluation.json".to_owned(), "{}\n".to_owned())]);
}

#[test]
fn the_trainer_sees_the_platforms_environment_and_nothing_of_this_one() {
    let local = Local::start();
    let mut request = request("env", "ok");
    request["Environment"] = json!({ "LINDEN_LOG": "debug" });
    local.create(&request);
    local.ended("env");
    let model = unpack(&local.get("out/env/output/model.tar.gz"));
    let environment = &model
        .iter()
        .find(|it| it.0 == "linden/env-algo-1")
        .unwrap()
        .1;
    for expected in [
        "AWS_REGION=eu-west-1",
        "LINDEN_LOG=debug",
        "TRAINING_JOB_NAME=env",
        "TRAINING_JOB_ARN=arn:aws:sagemaker:eu-west-1:000000000000:training-job/env",
    ] {
        assert!(
            environment.lines().any(|it| it == expected),
            "{expected} in {environment}"
        );
    }
    assert!(!environment.contains("CARGO"), "{environment}");
}

#[test]
fn a_failure_file_becomes_the_reason_with_its_class_inside() {
    let local = Local::start();
    local.create(&request("bad", "fail"));
    let job = local.ended("bad");
    assert_eq!(
        job["FailureReason"],
        "AlgorithmError: UserError: label is -1\nrow 3, exit code: 1"
    );
    assert_eq!(
        walked(&job),
        ["Starting", "Downloading", "Training", "Uploading", "Failed"]
    );
    assert_eq!(job["ModelArtifacts"], Value::Null);
}

#[test]
fn a_trainer_that_says_nothing_fails_with_its_exit_code() {
    let local = Local::start();
    local.create(&request("mute", "mute"));
    assert_eq!(
        local.ended("mute")["FailureReason"],
        "AlgorithmError: , exit code: 3"
    );
}

#[test]
fn a_stopped_job_keeps_the_model_that_sigterm_saved() {
    let local = Local::start();
    local.create(&request("stop", "wait"));
    local.training("stop");
    assert_eq!(
        local.sagemaker("StopTrainingJob", &json!({ "TrainingJobName": "stop" })),
        Value::Null
    );
    let job = local.ended("stop");
    assert_eq!(
        (&job["TrainingJobStatus"], &job["SecondaryStatus"]),
        (&json!("Stopped"), &json!("Stopped"))
    );
    assert_walked_along_edges(&job);
    assert!(
        walked(&job).ends_with(&["Training", "Stopping", "Uploading", "Stopped"]),
        "{job:#}"
    );
    assert_eq!(
        unpack(&local.get("out/stop/output/model.tar.gz")),
        [("xgboost-model".to_owned(), "early\n".to_owned())]
    );
    let (code, message) = local.refused("StopTrainingJob", &json!({ "TrainingJobName": "stop" }));
    assert_eq!(code, "ValidationException");
    assert_eq!(
        message,
        "The request was rejected because the training job is in status Stopped."
    );
}

/// The log and the objects stay, as on AWS.
#[test]
fn only_a_job_that_has_ended_is_deleted_and_that_for_good() {
    let mut local = Local::start();
    local.create(&request("gone", "wait"));
    local.training("gone");
    let name = json!({ "TrainingJobName": "gone" });
    let (code, message) = local.refused("DeleteTrainingJob", &name);
    assert_eq!(code, "ResourceInUse");
    assert!(message.contains("in status InProgress"), "{message}");
    local.sagemaker("StopTrainingJob", &name);
    local.ended("gone");
    assert_eq!(local.sagemaker("DeleteTrainingJob", &name), Value::Null);
    local.restart();
    let refused = local.refused("DescribeTrainingJob", &name);
    assert_eq!(refused.1, "Requested resource not found.");
    assert!(!local.get("out/gone/output/model.tar.gz").is_empty());
    local.create(&request("gone", "ok"));
    assert_eq!(local.ended("gone")["TrainingJobStatus"], "Completed");
}

#[test]
fn a_trainer_that_ignores_sigterm_is_killed_after_the_grace() {
    let local = Local::start();
    local.create(&request("deaf", "deaf"));
    local.training("deaf");
    local.sagemaker("StopTrainingJob", &json!({ "TrainingJobName": "deaf" }));
    let job = local.ended("deaf");
    assert_eq!(job["SecondaryStatus"], "Stopped");
    assert_eq!(job["FailureReason"], Value::Null);
}

#[test]
fn a_job_that_trains_too_long_is_stopped_with_its_model() {
    let local = Local::start();
    let mut request = request("long", "wait");
    request["StoppingCondition"]["MaxRuntimeInSeconds"] = json!(1);
    local.create(&request);
    let job = local.ended("long");
    assert_eq!(job["TrainingJobStatus"], "Stopped");
    assert_eq!(job["SecondaryStatus"], "MaxRuntimeExceeded");
    assert_walked_along_edges(&job);
    assert_eq!(
        unpack(&local.get("out/long/output/model.tar.gz"))[0].1,
        "early\n"
    );
}

#[test]
fn one_host_that_fails_fails_the_job_and_ends_the_others() {
    let local = Local::start();
    let mut request = request("peer", "peer");
    request["ResourceConfig"]["InstanceCount"] = json!(3);
    local.create(&request);
    let job = local.ended("peer");
    assert_eq!(job["TrainingJobStatus"], "Failed");
    assert_eq!(
        job["FailureReason"],
        "AlgorithmError: UserError: label is -1\nrow 3, exit code: 1"
    );
}

#[test]
fn a_poller_never_sees_a_job_go_back() {
    let local = Local::start();
    local.create(&request("poll", "ok"));
    let seen = Cell::new(0);
    local.until("poll", |job| {
        assert_walked_along_edges(job);
        let n_steps = walked(job).len();
        assert!(seen.replace(n_steps) <= n_steps, "{job:#}");
        job["TrainingJobStatus"] == "Completed"
    });
    assert_eq!(seen.get(), 5);
}
