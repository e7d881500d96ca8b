//! What survives: a proper end, a crash, a second server.

use crate::client::{Local, config, request, stand_in};
use local::{LocalError, Server, find_running};
use serde_json::json;
use std::fs;

#[test]
fn finished_jobs_logs_and_objects_are_as_before_after_a_restart() {
    let mut local = Local::start();
    local.create(&request("kept", "ok"));
    let before = local.ended("kept");
    let events =
        json!({ "logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamNamePrefix": "kept/" });
    let logged = local.call("Logs_20140328.FilterLogEvents", &events).text();
    let model = local.get("out/kept/output/model.tar.gz");
    local.restart();
    assert_eq!(local.describe("kept"), before);
    assert_eq!(
        local.call("Logs_20140328.FilterLogEvents", &events).text(),
        logged
    );
    assert_eq!(local.get("out/kept/output/model.tar.gz"), model);
    assert_eq!(
        local.refused("CreateTrainingJob", &request("kept", "ok")).0,
        "ResourceInUse"
    );
}

#[test]
fn a_job_that_ran_when_the_server_died_failed_and_its_trainer_is_gone() {
    let mut local = Local::start();
    local.create(&request("cut", "deaf"));
    local.training("cut");
    let record = fs::read(local.dir().join("jobs/cut.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    let trainer = record["Processes"][0].as_u64().unwrap();
    local.crash();
    let job = local.describe("cut");
    assert_eq!(job["TrainingJobStatus"], "Failed");
    let reason = job["FailureReason"].as_str().unwrap();
    assert!(
        reason.starts_with("InternalServerError: the local SageMaker ended while"),
        "{reason}"
    );
    let gone = || {
        fs::read_to_string(format!("/proc/{trainer}/stat")).map_or(true, |it| it.contains(") Z "))
    };
    let mut waited = 0;
    while !gone() {
        waited += 1;
        assert!(waited < 300, "the trainer still runs");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(
        fs::read_dir(local.dir().join("work")).unwrap().count(),
        0,
        "its tree is gone too"
    );
}

#[test]
fn a_server_that_is_shut_down_records_the_end_of_its_jobs() {
    let mut local = Local::start();
    local.create(&request("open", "deaf"));
    local.training("open");
    local.restart();
    let job = local.describe("open");
    assert_eq!(job["TrainingJobStatus"], "Failed");
    assert!(
        job["FailureReason"]
            .as_str()
            .unwrap()
            .contains("was shut down while"),
        "{job:#}"
    );
}

#[test]
fn a_folder_has_one_server_and_others_find_it() {
    let local = Local::start();
    assert_eq!(find_running(local.dir()), Some(local.addr()));
    let second = local
        .runtime()
        .block_on(Server::start(config(local.dir(), &stand_in())));
    match second.unwrap_err() {
        LocalError::Taken { addr, .. } => assert_eq!(addr, Some(local.addr())),
        other => panic!("{other}"),
    }
    assert_eq!(find_running(&local.dir().join("jobs")), None);
}

#[test]
fn a_record_that_this_version_does_not_read_stops_the_server_and_stays() {
    let local = Local::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("jobs")).unwrap();
    let path = dir.path().join("jobs/odd.json");
    fs::write(&path, "{}").unwrap();
    let refused = runtime
        .block_on(Server::start(config(dir.path(), &stand_in())))
        .unwrap_err();
    assert!(matches!(refused, LocalError::Document { .. }), "{refused}");
    assert!(refused.to_string().contains("odd.json"), "{refused}");
    assert_eq!(fs::read_to_string(path).unwrap(), "{}");
    drop(local);
}
