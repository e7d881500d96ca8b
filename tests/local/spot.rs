//! Spot machines that are taken away: who is hit, what is kept, and what it costs.

use crate::client::{Local, request, spot, unpack};
use crate::statuses::{assert_walked_along_edges, walked};
use local::Interruption;
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_millis(300);

fn interrupting(interruption: Interruption) -> Local {
    Local::changed(move |config| config.interruption = Some(interruption))
}

/// The names of a job's log streams.
pub(crate) fn streams(local: &Local, job: &str) -> Vec<String> {
    let request = json!({ "logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamNamePrefix": format!("{job}/") });
    let reply = local
        .call("Logs_20140328.DescribeLogStreams", &request)
        .json();
    let streams = reply["logStreams"].as_array().unwrap();
    let name = |it: &Value| it["logStreamName"].as_str().unwrap().to_owned();
    streams.iter().map(name).collect()
}

#[test]
fn an_interrupted_job_starts_again_with_its_checkpoints_and_new_streams() {
    let local = interrupting(Interruption::once(SOON));
    let mut request = spot("taken", "spot");
    request["ResourceConfig"]["InstanceCount"] = json!(2);
    local.create(&request);
    let job = local.ended("taken");
    assert_eq!(job["TrainingJobStatus"], "Completed", "{job:#}");
    assert_eq!(
        walked(&job),
        [
            "Starting",
            "Downloading",
            "Training",
            "Interrupted",
            "Starting",
            "Downloading",
            "Training",
            "Uploading",
            "Completed"
        ]
    );
    assert_walked_along_edges(&job);
    let downloads = job["SecondaryStatusTransitions"][1]["StartTime"].as_f64();
    assert!(downloads.is_some(), "{job:#}");
    assert_eq!(job["TrainingStartTime"].as_f64(), downloads);
    let seconds = |member: &str| job[member].as_i64().unwrap();
    assert!(
        seconds("BillableTimeInSeconds") < seconds("TrainingTimeInSeconds"),
        "{job:#}"
    );
    assert_eq!(local.get("ckpt/taken/algo-1"), b"kept\n");
    let model = unpack(&local.get("out/taken/output/model.tar.gz"));
    assert!(model.iter().any(|it| it.0 == "xgboost-model"), "{model:?}");
    let streams = streams(&local, "taken");
    for host in ["taken/algo-1-", "taken/algo-2-"] {
        let of_host = streams.iter().filter(|it| it.starts_with(host));
        assert_eq!(of_host.count(), 2, "{streams:?}");
    }
}

#[test]
fn a_job_on_demand_keeps_its_machines() {
    let local = interrupting(Interruption::once(Duration::ZERO));
    local.create(&request("kept", "ok"));
    let job = local.ended("kept");
    assert_eq!(job["TrainingJobStatus"], "Completed");
    assert_eq!(walked(&job).len(), 5, "{job:#}");
    let seconds = |member: &str| job[member].as_i64().unwrap();
    assert_eq!(
        seconds("BillableTimeInSeconds"),
        seconds("TrainingTimeInSeconds")
    );
}

#[test]
fn a_job_that_waits_longer_than_it_may_ends_as_such() {
    let local = interrupting(Interruption {
        back_after: Duration::from_mins(1),
        ..Interruption::once(SOON)
    });
    let mut request = spot("patient", "spot");
    request["StoppingCondition"] = json!({ "MaxRuntimeInSeconds": 2, "MaxWaitTimeInSeconds": 2 });
    local.create(&request);
    let job = local.ended("patient");
    assert_eq!(job["TrainingJobStatus"], "Stopped", "{job:#}");
    assert_eq!(job["SecondaryStatus"], "MaxWaitTimeExceeded");
    assert!(walked(&job).ends_with(&["Training", "Interrupted", "MaxWaitTimeExceeded"]));
    assert_walked_along_edges(&job);
}

#[test]
fn a_job_that_trains_into_its_waiting_limit_leaves_its_model() {
    let local = interrupting(Interruption::once(Duration::from_millis(1200)));
    let mut request = spot("late", "wait");
    request["StoppingCondition"] = json!({ "MaxRuntimeInSeconds": 2, "MaxWaitTimeInSeconds": 2 });
    local.create(&request);
    let job = local.ended("late");
    assert_eq!(job["SecondaryStatus"], "MaxWaitTimeExceeded", "{job:#}");
    assert!(!local.get("out/late/output/model.tar.gz").is_empty());
}

#[test]
fn a_job_that_waits_for_machines_can_be_stopped() {
    let local = interrupting(Interruption {
        back_after: Duration::from_mins(1),
        ..Interruption::once(SOON)
    });
    local.create(&spot("waiting", "spot"));
    local.until("waiting", |job| job["SecondaryStatus"] == "Interrupted");
    local.sagemaker("StopTrainingJob", &json!({ "TrainingJobName": "waiting" }));
    let job = local.ended("waiting");
    assert_eq!(job["SecondaryStatus"], "Stopped", "{job:#}");
    assert_walked_along_edges(&job);
}
