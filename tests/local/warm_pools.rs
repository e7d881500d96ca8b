//! Machines that stay: for whom, how long, and what it costs.

use crate::client::{Local, request, spot};
use serde_json::{Value, json};
use std::time::Duration;

fn keeping(name: &str, seconds: i64) -> Value {
    let mut document = request(name, "ok");
    document["ResourceConfig"]["KeepAlivePeriodInSeconds"] = json!(seconds);
    document
}

fn pool(job: &Value) -> &Value {
    &job["WarmPoolStatus"]
}

fn keep(local: &Local, name: &str, seconds: i64) -> Value {
    let config = json!({ "KeepAlivePeriodInSeconds": seconds });
    local.sagemaker(
        "UpdateTrainingJob",
        &json!({ "TrainingJobName": name, "ResourceConfig": config }),
    )
}

fn listed(local: &Local, status: &str) -> Vec<String> {
    let reply = local.sagemaker(
        "ListTrainingJobs",
        &json!({ "WarmPoolStatusEquals": status }),
    );
    let jobs = reply["TrainingJobSummaries"].as_array().unwrap();
    assert!(
        jobs.iter().all(|it| pool(it)["Status"] == status),
        "{reply:#}"
    );
    let name = |it: &Value| it["TrainingJobName"].as_str().unwrap().to_owned();
    jobs.iter().map(name).collect()
}

#[test]
fn a_pool_goes_to_the_next_job_that_fits_and_from_there_on() {
    let mut local = Local::start();
    local.create(&keeping("first", 600));
    assert_eq!(pool(&local.describe("first"))["Status"], "InUse");
    assert_eq!(pool(&local.ended("first"))["Status"], "Available");
    local.restart();
    assert_eq!(
        listed(&local, "Available"),
        ["first"],
        "it outlives its server"
    );
    let mut other = keeping("other", 600);
    other["ResourceConfig"]["VolumeSizeInGB"] = json!(6);
    local.create(&other);
    local.ended("other");
    local.create(&keeping("second", 600));
    let first = local.describe("first");
    assert_eq!(pool(&first)["Status"], "Reused");
    assert_eq!(pool(&first)["ReusedByJob"], "second");
    assert!(
        pool(&first)["ResourceRetainedBillableTimeInSeconds"]
            .as_i64()
            .unwrap()
            >= 1
    );
    assert_eq!(pool(&local.ended("second"))["Status"], "Available");
    let mut available = listed(&local, "Available");
    available.sort();
    assert_eq!(available, ["other", "second"]);
    // One without a time of its own takes the machines, and they end with it.
    local.create(&request("last", "ok"));
    assert_eq!(local.ended("last")["WarmPoolStatus"], Value::Null);
    assert_eq!(pool(&local.describe("second"))["ReusedByJob"], "last");
}

#[test]
fn a_pool_that_nobody_takes_is_over_after_its_time() {
    let local = Local::start();
    local.create(&keeping("brief", 1));
    local.ended("brief");
    let job = local.until("brief", |job| pool(job)["Status"] == "Terminated");
    assert_eq!(
        pool(&job)["ResourceRetainedBillableTimeInSeconds"],
        1,
        "{job:#}"
    );
    local.create(&request("next", "ok"));
    assert_eq!(pool(&local.describe("brief"))["ReusedByJob"], Value::Null);
}

#[test]
fn nought_seconds_end_a_pool_and_there_is_nothing_to_change_after_that() {
    let local = Local::start();
    local.create(&keeping("mine", 600));
    local.ended("mine");
    let (code, message) = local.refused("DeleteTrainingJob", &json!({ "TrainingJobName": "mine" }));
    assert_eq!(code, "ResourceInUse");
    assert!(message.contains("warm pool"), "{message}");
    std::thread::sleep(Duration::from_millis(1100));
    let answer = keep(&local, "mine", 0);
    assert!(
        answer["TrainingJobArn"]
            .as_str()
            .unwrap()
            .ends_with(":training-job/mine")
    );
    let job = local.describe("mine");
    assert_eq!(pool(&job)["Status"], "Terminated");
    assert!(
        pool(&job)["ResourceRetainedBillableTimeInSeconds"]
            .as_i64()
            .unwrap()
            >= 2
    );
    for (seconds, expected) in [(60, "is in status Terminated"), (-1, "between 0 and 21600")] {
        let config = json!({ "KeepAlivePeriodInSeconds": seconds });
        let update = json!({ "TrainingJobName": "mine", "ResourceConfig": config });
        let (code, message) = local.refused("UpdateTrainingJob", &update);
        assert_eq!(code, "ValidationException");
        assert!(message.contains(expected), "{message}");
    }
    local.sagemaker("DeleteTrainingJob", &json!({ "TrainingJobName": "mine" }));
}

#[test]
fn a_longer_time_counts_from_the_end_of_the_job() {
    let local = Local::start();
    local.create(&keeping("long", 1));
    keep(&local, "long", 600);
    local.ended("long");
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(pool(&local.describe("long"))["Status"], "Available");
}

#[test]
fn a_failure_of_the_algorithm_keeps_the_machines_and_spot_jobs_have_none() {
    let local = Local::start();
    let mut failing = keeping("fails", 600);
    failing["HyperParameters"]["mode"] = json!("fail");
    local.create(&failing);
    assert_eq!(pool(&local.ended("fails"))["Status"], "Available");
    let mut refused = spot("spot", "ok");
    refused["ResourceConfig"]["KeepAlivePeriodInSeconds"] = json!(60);
    assert_eq!(
        local.refused("CreateTrainingJob", &refused).0,
        "ValidationException"
    );
    let (_, message) = local.refused(
        "ListTrainingJobs",
        &json!({ "WarmPoolStatusEquals": "Warm" }),
    );
    assert!(
        message.contains("[Available, Terminated, Reused, InUse]"),
        "{message}"
    );
}
