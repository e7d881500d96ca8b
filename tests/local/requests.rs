//! What is refused, and in which words.

use crate::client::{Local, refusal, request};
use serde_json::{Value, json};

fn with(mut request: Value, pointer: &str, value: Value) -> Value {
    *request.pointer_mut(pointer).unwrap() = value;
    request
}

#[test]
fn a_name_is_taken_for_ever() {
    let local = Local::start();
    local.create(&request("once", "ok"));
    for _ in 0..2 {
        let (code, message) = local.refused("CreateTrainingJob", &request("once", "ok"));
        assert_eq!(code, "ResourceInUse");
        assert!(
            message
                .starts_with("Training job names must be unique within an AWS account and region"),
            "{message}"
        );
        local.ended("once");
    }
}

#[test]
fn a_malformed_request_is_a_validation_exception_that_names_the_member() {
    let local = Local::start();
    let ok = || request("x", "ok");
    let cases = [
        (
            with(ok(), "/TrainingJobName", json!("no_underscore")),
            "no_underscore",
        ),
        (with(ok(), "/RoleArn", json!("admin")), "admin"),
        (
            with(ok(), "/OutputDataConfig/S3OutputPath", json!("/tmp/out")),
            "/tmp/out",
        ),
        (
            with(ok(), "/ResourceConfig/InstanceCount", json!(0)),
            "nstanceCount",
        ),
        (
            with(ok(), "/OutputDataConfig", Value::Null),
            "utputDataConfig",
        ),
        (with(ok(), "/ResourceConfig", Value::Null), "esourceConfig"),
    ];
    for (document, expected) in cases {
        let (code, message) = local.refused("CreateTrainingJob", &document);
        assert_eq!(code, "ValidationException");
        assert!(message.contains(expected), "`{expected}` in: {message}");
    }
    let listed = local.sagemaker("ListTrainingJobs", &json!({}));
    assert_eq!(
        listed["TrainingJobSummaries"],
        json!([]),
        "nothing was made"
    );
}

#[test]
fn a_channel_without_objects_is_refused_in_sagemakers_words() {
    let local = Local::start();
    let document = with(
        request("x", "ok"),
        "/InputDataConfig/0/DataSource/S3DataSource/S3Uri",
        json!("s3://bkt/none/"),
    );
    let (code, message) = local.refused("CreateTrainingJob", &document);
    assert_eq!(code, "ValidationException");
    assert!(
        message.starts_with(
            "No S3 objects found under S3 URL \"s3://bkt/none/\" given in input data source."
        ),
        "{message}"
    );
}

#[test]
fn an_output_bucket_must_be_there() {
    let local = Local::start();
    let document = with(
        request("x", "ok"),
        "/OutputDataConfig/S3OutputPath",
        json!("s3://elsewhere/out"),
    );
    assert!(
        local
            .refused("CreateTrainingJob", &document)
            .1
            .contains("no bucket `elsewhere`")
    );
}

#[test]
fn checkpoints_stay_in_their_hosts_tree() {
    let local = Local::start();
    for path in ["/tmp/kept", "/opt/ml/../../tmp/kept"] {
        let mut document = request("x", "ok");
        document["CheckpointConfig"] = json!({ "S3Uri": "s3://bkt/ckpt", "LocalPath": path });
        let (code, message) = local.refused("CreateTrainingJob", &document);
        assert_eq!(code, "ValidationException");
        assert!(
            message.contains("keeps checkpoints below /opt/ml"),
            "{message}"
        );
    }
}

#[test]
fn another_image_needs_a_container_engine_and_is_told_so() {
    let local = Local::start();
    for image in [
        "1.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1",
        "linden-trainer/other:1",
    ] {
        let document = with(
            request("x", "ok"),
            "/AlgorithmSpecification/TrainingImage",
            json!(image),
        );
        let (code, message) = local.refused("CreateTrainingJob", &document);
        assert_eq!(code, "ValidationException");
        assert!(
            message.contains("needs a container engine") && message.contains(image),
            "{message}"
        );
    }
}

#[test]
fn a_trainer_that_is_not_built_is_told_with_its_path() {
    let local = Local::with_trainer(std::path::Path::new("/nowhere/linden-trainer"));
    let (_, message) = local.refused("CreateTrainingJob", &request("x", "ok"));
    assert!(
        message.contains("`/nowhere/linden-trainer` is not there"),
        "{message}"
    );
}

#[test]
fn a_job_that_does_not_exist_is_a_validation_exception_everywhere() {
    let local = Local::start();
    for operation in [
        "DescribeTrainingJob",
        "StopTrainingJob",
        "DeleteTrainingJob",
    ] {
        let refused = local.refused(operation, &json!({ "TrainingJobName": "nobody" }));
        assert_eq!(
            refused,
            (
                "ValidationException".to_owned(),
                "Requested resource not found.".to_owned()
            )
        );
    }
    let arn = "arn:aws:sagemaker:eu-west-1:000000000000:training-job/nobody";
    assert_eq!(
        local.refused("ListTags", &json!({ "ResourceArn": arn })).1,
        "Requested resource not found."
    );
}

#[test]
fn an_operation_that_is_not_there_is_never_a_success() {
    let local = Local::start();
    assert_eq!(
        local.refused("CreatePipeline", &json!({})).0,
        "UnknownOperationException"
    );
    let reply = local.call("DynamoDB_20120810.ListTables", &json!({}));
    assert_eq!(
        (reply.status, refusal(&reply).0.as_str()),
        (400, "UnknownOperationException")
    );
    let reply = local.http(
        "POST",
        "/",
        &[("X-Amz-Target", "SageMaker.ListTrainingJobs")],
        b"{",
    );
    assert_eq!(
        (reply.status, refusal(&reply).0.as_str()),
        (400, "SerializationException")
    );
}

#[test]
fn who_asks_is_told_and_what_a_role_may_do_is_not() {
    let local = Local::start();
    let ask = |form: &str| {
        let media_type = (
            "Content-Type",
            "application/x-www-form-urlencoded; charset=utf-8",
        );
        local.http("POST", "/", &[media_type], form.as_bytes())
    };
    let reply = ask("Action=GetCallerIdentity&Version=2011-06-15");
    assert_eq!(reply.status, 200);
    assert!(
        reply.text().contains("<Account>000000000000</Account>"),
        "{}",
        reply.text()
    );
    for (form, status, code) in [
        (
            "Action=SimulatePrincipalPolicy&Version=2010-05-08&ActionNames.member.1=s3%3A%2A",
            403,
            "AccessDenied",
        ),
        ("Action=AssumeRole&Version=2011-06-15", 400, "InvalidAction"),
        ("Action=<b>&Version=1", 400, "operation &lt;b&gt; for"),
        ("", 400, "InvalidAction"),
    ] {
        let reply = ask(form);
        assert_eq!(reply.status, status, "{form}");
        assert!(reply.text().contains(code), "{}", reply.text());
    }
}

#[test]
fn a_description_names_a_key_even_where_there_is_none() {
    let local = Local::start();
    let mut document = request("keys", "ok");
    local.create(&document);
    assert_eq!(local.describe("keys")["OutputDataConfig"]["KmsKeyId"], "");
    document["TrainingJobName"] = json!("own-key");
    document["OutputDataConfig"]["KmsKeyId"] = json!("alias/own");
    local.create(&document);
    assert_eq!(
        local.describe("own-key")["OutputDataConfig"]["KmsKeyId"],
        "alias/own"
    );
}

#[test]
fn tags_are_those_of_the_request_and_what_was_added() {
    let local = Local::start();
    let mut document = request("tagged", "ok");
    document["Tags"] = json!([{ "Key": "team", "Value": "planning" }]);
    local.create(&document);
    let arn = local.describe("tagged")["TrainingJobArn"].clone();
    local.sagemaker("AddTags", &json!({ "ResourceArn": arn, "Tags": [{ "Key": "team", "Value": "forecast" }, { "Key": "b", "Value": "2" }] }));
    let tags = local.sagemaker("ListTags", &json!({ "ResourceArn": arn }))["Tags"].clone();
    assert_eq!(
        tags,
        json!([{ "Key": "team", "Value": "forecast" }, { "Key": "b", "Value": "2" }])
    );
    local.ended("tagged");
    assert_eq!(
        local.sagemaker("ListTags", &json!({ "ResourceArn": arn }))["Tags"],
        tags,
        "the end keeps them"
    );
}
