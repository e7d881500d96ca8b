//! Processing jobs: a program between inputs and outputs, as processes of the commands that the trainer's image has.

use crate::client::Local;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ROLE: &str = "arn:aws:iam::123456789012:role/training";
const IMAGE: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1";
const PATIENCE: Duration = Duration::from_mins(2);

/// A job that runs `script` in a shell, from `in/` to `out/<name>/`.
fn processing(name: &str, script: &str) -> Value {
    json!({
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": { "ImageUri": IMAGE, "ContainerEntrypoint": ["sh", "-c"], "ContainerArguments": [script] },
        "ProcessingInputs": [input("rows", "s3://bkt/in/")],
        "ProcessingOutputConfig": { "Outputs": [output("result", &format!("s3://bkt/out/{name}"), "EndOfJob")] },
        "ProcessingResources": { "ClusterConfig": { "InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5 } },
    })
}

fn input(name: &str, uri: &str) -> Value {
    let place = json!({ "S3Uri": uri, "LocalPath": format!("/opt/ml/processing/{name}"), "S3DataType": "S3Prefix", "S3InputMode": "File" });
    json!({ "InputName": name, "S3Input": place })
}

fn output(name: &str, uri: &str, mode: &str) -> Value {
    let place = json!({ "S3Uri": uri, "LocalPath": format!("/opt/ml/processing/{name}"), "S3UploadMode": mode });
    json!({ "OutputName": name, "S3Output": place })
}

fn describe(local: &Local, name: &str) -> Value {
    local.sagemaker(
        "DescribeProcessingJob",
        &json!({ "ProcessingJobName": name }),
    )
}

fn until(local: &Local, name: &str, done: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let job = describe(local, name);
        if done(&job) {
            return job;
        }
        assert!(start.elapsed() < PATIENCE, "{job:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ended(local: &Local, name: &str) -> Value {
    until(local, name, |it| it["ProcessingEndTime"].is_number())
}

/// Runs the job to its end.
fn run(local: &Local, request: &Value) -> Value {
    local.sagemaker("CreateProcessingJob", request);
    ended(local, request["ProcessingJobName"].as_str().unwrap())
}

fn lines(local: &Local, name: &str) -> String {
    let request = json!({ "logGroupName": "/aws/sagemaker/ProcessingJobs", "logStreamNamePrefix": format!("{name}/algo-") });
    local.call("Logs_20140328.FilterLogEvents", &request).text()
}

/// A server with two objects under `in/`.
fn with_rows() -> Local {
    let local = Local::start();
    local.put("in/a.csv", b"1\n2\n");
    local.put("in/deep/b.csv", b"3\n");
    local
}

#[test]
fn a_job_brings_its_inputs_runs_and_puts_its_outputs() {
    let mut local = with_rows();
    let mut request = processing(
        "sums",
        "cat /opt/ml/processing/rows/a.csv /opt/ml/processing/rows/deep/b.csv >/opt/ml/processing/result/all.csv; \
         cat /opt/ml/config/processingjobconfig.json >/opt/ml/processing/result/deep.json; \
         echo $GREETING; echo 'three rows' >/opt/ml/output/message",
    );
    request["Environment"] = json!({ "GREETING": "hello from /opt/ml/processing" });
    request["Tags"] = json!([{ "Key": "team", "Value": "planning" }]);
    let job = run(&local, &request);
    assert_eq!(job["ProcessingJobStatus"], "Completed", "{job:#}");
    assert_eq!(job["ExitMessage"], "three rows\n");
    assert_eq!(job["StoppingCondition"]["MaxRuntimeInSeconds"], 86_400);
    assert!(job.get("Tags").is_none());
    assert!(
        job["ProcessingStartTime"].as_f64().unwrap() <= job["ProcessingEndTime"].as_f64().unwrap()
    );
    assert_eq!(local.get("out/sums/all.csv"), b"1\n2\n3\n");
    let config: Value = serde_json::from_slice(&local.get("out/sums/deep.json")).unwrap();
    assert_eq!(config["ProcessingJobArn"], job["ProcessingJobArn"]);
    assert_eq!(
        config["ProcessingInputs"][0]["S3Input"]["RemoteUri"],
        "s3://bkt/in/"
    );
    assert_eq!(config["Environment"], request["Environment"]);
    let log = lines(&local, "sums");
    assert!(
        log.contains("hello from /") && log.contains("/processing") && !log.contains("/opt/ml"),
        "{log}"
    );
    let arn = json!({ "ResourceArn": job["ProcessingJobArn"] });
    assert_eq!(local.sagemaker("ListTags", &arn)["Tags"], request["Tags"]);
    let listed = local.sagemaker(
        "ListProcessingJobs",
        &json!({ "NameContains": "SUM", "StatusEquals": "Completed" }),
    );
    let summary = &listed["ProcessingJobSummaries"][0];
    assert_eq!(
        (&summary["ProcessingJobName"], &summary["ExitMessage"]),
        (&job["ProcessingJobName"], &job["ExitMessage"])
    );
    assert!(summary.get("AppSpecification").is_none());
    assert_eq!(
        local.refused("CreateProcessingJob", &request).0,
        "ResourceInUse"
    );
    local.restart();
    assert_eq!(
        describe(&local, "sums"),
        job,
        "it is as before after a restart"
    );
}

#[test]
fn hosts_share_what_is_sharded_and_the_first_wins_where_names_meet() {
    let local = with_rows();
    let script = "me=${SAGEMAKER_BASE_DIR##*-}; cd /opt/ml/processing; printf $me >/opt/ml/output/message; \
                  cat rows/a.csv rows/deep/b.csv >result/rows-$me 2>/dev/null; echo $me >result/both; \
                  cat /opt/ml/config/resourceconfig.json >result/resource-$me";
    let mut request = processing("cluster", script);
    request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = json!(2);
    request["ProcessingInputs"][0]["S3Input"]["S3DataDistributionType"] = json!("ShardedByS3Key");
    let job = run(&local, &request);
    assert_eq!(job["ProcessingJobStatus"], "Completed", "{job:#}");
    assert_eq!(job["ExitMessage"], "12");
    let of = |host: &str| local.get(&format!("out/cluster/{host}"));
    assert_eq!(
        (of("rows-1"), of("rows-2")),
        (b"1\n2\n".to_vec(), b"3\n".to_vec())
    );
    assert_eq!(of("both"), b"1\n");
    let resource: Value = serde_json::from_slice(&of("resource-2")).unwrap();
    assert_eq!(
        (&resource["current_host"], &resource["hosts"]),
        (&json!("algo-2"), &json!(["algo-1", "algo-2"]))
    );
}

#[test]
fn a_failure_is_told_and_leaves_only_what_is_uploaded_all_along() {
    let local = with_rows();
    let script = "echo early >/opt/ml/processing/along/early; echo late >/opt/ml/processing/result/late; \
                  echo 'row 3 is empty' >/opt/ml/output/message; exit 7";
    let mut request = processing("fails", script);
    let outputs = &mut request["ProcessingOutputConfig"]["Outputs"];
    outputs
        .as_array_mut()
        .unwrap()
        .push(output("along", "s3://bkt/along", "Continuous"));
    let job = run(&local, &request);
    assert_eq!(job["ProcessingJobStatus"], "Failed");
    assert_eq!(job["FailureReason"], "AlgorithmError: , exit code: 7");
    assert_eq!(job["ExitMessage"], "row 3 is empty\n");
    assert_eq!(local.get("along/early"), b"early\n");
    assert_eq!(
        local.http("GET", "/bkt/out/fails/late", &[], b"").status,
        404
    );
    let job = run(
        &local,
        &processing("bytes", "printf '\\377' >/opt/ml/output/message"),
    );
    assert_eq!(job["ProcessingJobStatus"], "Failed");
    let reason = job["FailureReason"].as_str().unwrap();
    assert!(
        reason.starts_with("ClientError") && reason.contains("not UTF-8"),
        "{reason}"
    );
}

#[test]
fn what_a_program_does_to_its_tree_reaches_nothing_else() {
    let local = with_rows();
    let script = "cd /opt/ml/processing; echo 9 >>rows/a.csv; mkfifo /opt/ml/output/message; \
                  echo kept >result/file; ln -s file result/inside; ln -s /etc/passwd result/outside";
    let job = run(&local, &processing("links", script));
    assert_eq!(job["ProcessingJobStatus"], "Completed", "{job:#}");
    assert!(job.get("ExitMessage").is_none(), "{job:#}");
    assert_eq!(local.get("in/a.csv"), b"1\n2\n");
    assert_eq!(local.get("out/links/inside"), b"kept\n");
    let outside = local.http("GET", "/bkt/out/links/outside", &[], b"");
    assert_eq!(outside.status, 404);
}

#[test]
fn two_inputs_that_meet_in_one_file_are_refused_and_lose_nothing() {
    let local = with_rows();
    let mut request = processing("meet", "true");
    let mut again = input("again", "s3://bkt/in/");
    again["S3Input"]["LocalPath"] = json!("/opt/ml/processing/rows");
    let inputs = &mut request["ProcessingInputs"];
    inputs.as_array_mut().unwrap().push(again);
    let job = run(&local, &request);
    assert_eq!(job["ProcessingJobStatus"], "Failed");
    let reason = job["FailureReason"].as_str().unwrap();
    assert!(
        reason.contains("two objects would be the file") && reason.contains("a.csv"),
        "{reason}"
    );
    assert_eq!(local.get("in/a.csv"), b"1\n2\n");
    assert_eq!(local.get("in/deep/b.csv"), b"3\n");
}

#[test]
fn a_stop_and_a_limit_let_the_program_save_what_it_has() {
    let local = with_rows();
    let script = "trap 'echo saved >/opt/ml/processing/result/state; exit 0' TERM; echo ready; while true; do sleep 0.1; done";
    local.sagemaker("CreateProcessingJob", &processing("endless", script));
    let start = Instant::now();
    while !lines(&local, "endless").contains("ready") {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    let name = json!({ "ProcessingJobName": "endless" });
    local.sagemaker("StopProcessingJob", &name);
    assert_eq!(ended(&local, "endless")["ProcessingJobStatus"], "Stopped");
    assert_eq!(local.get("out/endless/state"), b"saved\n");
    let (code, message) = local.refused("StopProcessingJob", &name);
    assert_eq!(code, "ValidationException");
    assert!(message.contains("in status Stopped"), "{message}");
    let mut request = processing("slow", script);
    request["StoppingCondition"] = json!({ "MaxRuntimeInSeconds": 1 });
    let job = run(&local, &request);
    assert_eq!(job["ProcessingJobStatus"], "Stopped", "{job:#}");
    assert_eq!(local.get("out/slow/state"), b"saved\n");
}

#[test]
fn a_server_that_dies_leaves_a_job_that_says_so() {
    let mut local = with_rows();
    local.sagemaker("CreateProcessingJob", &processing("cut", "sleep 300"));
    until(&local, "cut", |it| it["ProcessingStartTime"].is_number());
    local.crash();
    let job = describe(&local, "cut");
    assert_eq!(job["ProcessingJobStatus"], "Failed");
    assert!(
        job["FailureReason"]
            .as_str()
            .unwrap()
            .starts_with("InternalServerError"),
        "{job:#}"
    );
    local.sagemaker("CreateProcessingJob", &processing("shut", "sleep 300"));
    until(&local, "shut", |it| it["ProcessingStartTime"].is_number());
    local.restart();
    let job = describe(&local, "shut");
    assert!(
        job["FailureReason"]
            .as_str()
            .unwrap()
            .contains("was shut down"),
        "{job:#}"
    );
}

/// The job `p` with another value at a place.
fn with(pointer: &str, value: Value) -> Value {
    let mut request = processing("p", "true");
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    request.pointer_mut(parent).unwrap()[name] = value;
    request
}

/// What is refused if `pointer` has a value, and that nothing was made; each with a part of what is said.
fn assert_refused(cases: Vec<(&str, Value, &str)>) {
    let local = with_rows();
    for (pointer, value, expected) in cases {
        let (code, message) = local.refused("CreateProcessingJob", &with(pointer, value));
        assert_eq!(code, "ValidationException", "{message}");
        assert!(message.contains(expected), "`{expected}` in: {message}");
    }
    let listed = local.sagemaker("ListProcessingJobs", &json!({}));
    assert_eq!(listed["ProcessingJobSummaries"], json!([]));
}

#[test]
fn a_job_that_cannot_run_here_is_refused_with_what_can() {
    let python = json!(["python3"]);
    let runtime = json!({ "MaxRuntimeInSeconds": 0 });
    assert_refused(vec![
        (
            "/AppSpecification/ContainerEntrypoint",
            python,
            "`--engine docker` runs any image",
        ),
        (
            "/AppSpecification/ImageUri",
            json!("python:3"),
            "needs a container engine",
        ),
        ("/RoleArn", json!("me"), "RoleArn"),
        ("/ProcessingJobName", json!("a b"), "ProcessingJobName"),
        ("/StoppingCondition", runtime, "between 1 and 777600"),
        (
            "/ProcessingResources/ClusterConfig/InstanceCount",
            json!(0),
            "between 1 and 100",
        ),
        (
            "/ProcessingResources/ClusterConfig/InstanceType",
            json!("m5"),
            "ProcessingResources.ClusterConfig.InstanceType",
        ),
        (
            "/ProcessingResources/ClusterConfig/VolumeSizeInGB",
            json!(0),
            "between 1 and 16384",
        ),
    ]);
    let local = with_rows();
    let none = json!({ "ProcessingJobName": "none" });
    for operation in ["DescribeProcessingJob", "StopProcessingJob"] {
        assert_eq!(local.refused(operation, &none).0, "ResourceNotFound");
    }
}

#[test]
fn data_that_cannot_be_brought_or_put_is_refused_with_what_can() {
    let same = json!([input("rows", "s3://bkt/in/"), input("rows", "s3://bkt/in/")]);
    let path = "/ProcessingInputs/0/S3Input/LocalPath";
    let above = json!("/opt/ml/processing/../config");
    let augmented = json!("AugmentedManifestFile");
    let group = json!({ "FeatureGroupName": "g" });
    assert_refused(vec![
        ("/ProcessingInputs", same, "a name of its own"),
        (
            "/ProcessingInputs/0/S3Input/S3Uri",
            json!("s3://bkt/none/"),
            "No S3 objects found",
        ),
        (
            "/ProcessingInputs/0/S3Input/S3InputMode",
            json!("Pipe"),
            "inputs as files",
        ),
        (
            "/ProcessingInputs/0/S3Input/S3DataType",
            augmented,
            "enum value set",
        ),
        (
            "/ProcessingInputs/0/S3Input/S3DataDistributionType",
            json!("Dealt"),
            "[FullyReplicated, ShardedByS3Key]",
        ),
        (path, above, "must begin with /opt/ml/processing/"),
        (path, json!("/data"), "must begin with /opt/ml/processing/"),
        (
            "/ProcessingInputs/0/DatasetDefinition",
            json!({}),
            "without AppManaged",
        ),
    ]);
    let out = "/ProcessingOutputConfig/Outputs/0";
    let (mode, uri) = (
        format!("{out}/S3Output/S3UploadMode"),
        format!("{out}/S3Output/S3Uri"),
    );
    let store = format!("{out}/FeatureStoreOutput");
    assert_refused(vec![
        (&mode, json!("Sometimes"), "enum value set"),
        (&uri, json!("s3://nobody/x"), "there is no bucket `nobody`"),
        (&store, group, "FeatureStoreOutput"),
    ]);
}
