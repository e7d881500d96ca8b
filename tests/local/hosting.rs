//! Models that answer: transform jobs and endpoints, with the trainer's own server where it has been built, and what is
//! refused without.

use crate::client::{Local, request};
use crate::real_trainer::{TABLE, trainer};
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};

const ROLE: &str = "arn:aws:iam::123456789012:role/training";
const IMAGE: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1";
const PATIENCE: Duration = Duration::from_mins(2);
/// The features of `TABLE`'s first rows, in two objects.
const ROWS: [(&str, &[u8]); 2] = [
    ("in/a.csv", b"0.1,5\n0.2,4\n"),
    ("in/deep/b.csv", b"0.3,3\n"),
];

/// A server with a model `model`, and rows under `in/`.
fn serving() -> Option<Local> {
    let local = Local::with_trainer(&trainer()?);
    local.put("train/a.csv", TABLE);
    let mut document = request("trained", "");
    document["HyperParameters"] = json!({ "objective": "reg:squarederror", "num_round": "5" });
    local.create(&document);
    assert_eq!(local.ended("trained")["TrainingJobStatus"], "Completed");
    local.sagemaker("CreateModel", &model("model"));
    for (key, body) in ROWS {
        local.put(key, body);
    }
    Some(local)
}

fn model(name: &str) -> Value {
    let container =
        json!({ "Image": IMAGE, "ModelDataUrl": "s3://bkt/out/trained/output/model.tar.gz" });
    json!({ "ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": container })
}

fn transform(name: &str) -> Value {
    let source = json!({ "S3DataSource": { "S3DataType": "S3Prefix", "S3Uri": "s3://bkt/in/" } });
    json!({
        "TransformJobName": name,
        "ModelName": "model",
        "TransformInput": { "DataSource": source, "ContentType": "text/csv", "SplitType": "Line" },
        "TransformOutput": { "S3OutputPath": format!("s3://bkt/{name}"), "Accept": "text/csv", "AssembleWith": "Line" },
        "TransformResources": { "InstanceType": "ml.m5.large", "InstanceCount": 1 },
    })
}

fn until(local: &Local, operation: &str, name: &Value, done: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let answer = local.sagemaker(operation, name);
        if done(&answer) {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "{answer:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn transformed(local: &Local, document: &Value) -> Value {
    local.sagemaker("CreateTransformJob", document);
    let name = json!({ "TransformJobName": document["TransformJobName"] });
    until(local, "DescribeTransformJob", &name, |it| {
        it["TransformJobStatus"] != "InProgress" && it["TransformJobStatus"] != "Stopping"
    })
}

fn numbers(text: &[u8]) -> Vec<f64> {
    let text = String::from_utf8_lossy(text).into_owned();
    text.split([',', '\n'])
        .filter(|it| !it.is_empty())
        .map(|it| it.parse().unwrap())
        .collect()
}

/// The log of a group, of the streams that begin so.
fn logged(local: &Local, group: &str, prefix: &str) -> String {
    let request = json!({ "logGroupName": group, "logStreamNamePrefix": prefix });
    local.call("Logs_20140328.FilterLogEvents", &request).text()
}

fn invoke(
    local: &Local,
    endpoint: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> crate::client::Reply {
    let path = format!("/endpoints/{endpoint}/invocations");
    let headers = [&[("Content-Type", "text/csv")], headers].concat();
    local.http("POST", &path, &headers, body)
}

#[test]
fn every_object_is_answered_beside_its_name_however_it_is_sent() {
    let Some(local) = serving() else {
        println!("skipped: linden-trainer is not built (cargo build -p trainer)");
        return;
    };
    let job = transformed(&local, &transform("plain"));
    assert_eq!(job["TransformJobStatus"], "Completed", "{job:#}");
    assert!(
        logged(&local, "/aws/sagemaker/TransformJobs", "plain/")
            .contains("Listening on 127.0.0.1:")
    );
    let time = |member: &str| job[member].as_f64().unwrap();
    assert!(time("TransformStartTime") <= time("TransformEndTime"));
    let (first, second) = (
        local.get("plain/a.csv.out"),
        local.get("plain/deep/b.csv.out"),
    );
    assert_eq!((numbers(&first).len(), numbers(&second).len()), (2, 1));
    assert!(first.ends_with(b"\n"));
    let mut single = transform("single");
    single["BatchStrategy"] = json!("SingleRecord");
    single["MaxPayloadInMB"] = json!(1);
    transformed(&local, &single);
    assert_eq!(local.get("single/a.csv.out"), first);
    let mut whole = transform("whole");
    whole["TransformInput"]["SplitType"] = json!("None");
    whole["TransformOutput"]["AssembleWith"] = json!("None");
    transformed(&local, &whole);
    assert_eq!(numbers(&local.get("whole/a.csv.out")), numbers(&first));
    // An id that the model does not see, kept beside the prediction.
    local.put("ids/c.csv", b"u-1,0.1,5\nu-2,0.2,4\n");
    let mut joined = transform("joined");
    joined["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] = json!("s3://bkt/ids/c.csv");
    joined["DataProcessing"] =
        json!({ "InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]" });
    let job = transformed(&local, &joined);
    assert_eq!(job["TransformJobStatus"], "Completed", "{job:#}");
    assert_eq!(job["DataProcessing"]["InputFilter"], "$[1:]");
    let text = String::from_utf8(local.get("joined/c.csv.out")).unwrap();
    let predictions = numbers(&first);
    assert_eq!(
        text,
        format!("u-1,{}\nu-2,{}\n", predictions[0], predictions[1])
    );
    let listed = local.sagemaker(
        "ListTransformJobs",
        &json!({ "StatusEquals": "Completed", "NameContains": "JOIN" }),
    );
    assert_eq!(listed["TransformJobSummaries"].as_array().unwrap().len(), 1);
}

#[test]
fn a_manifest_says_which_objects_are_answered() {
    let Some(local) = serving() else {
        println!("skipped: linden-trainer is not built (cargo build -p trainer)");
        return;
    };
    transformed(&local, &transform("all"));
    local.put(
        "lists/some",
        br#"[{"prefix": "s3://bkt/in/"}, "deep/b.csv"]"#,
    );
    let mut listed = transform("listed");
    listed["TransformInput"]["DataSource"]["S3DataSource"] =
        json!({ "S3DataType": "ManifestFile", "S3Uri": "s3://bkt/lists/some" });
    let job = transformed(&local, &listed);
    assert_eq!(job["TransformJobStatus"], "Completed", "{job:#}");
    assert_eq!(
        local.get("listed/deep/b.csv.out"),
        local.get("all/deep/b.csv.out")
    );
    let other = local.http("GET", "/bkt/listed/a.csv.out", &[], b"");
    assert_eq!(other.status, 404);
}

#[test]
fn a_model_that_refuses_fails_the_job_with_its_words() {
    let Some(mut local) = serving() else {
        println!("skipped: linden-trainer is not built (cargo build -p trainer)");
        return;
    };
    local.put("in/a.csv", b"0.1,5,7,8\n");
    let job = transformed(&local, &transform("wide"));
    assert_eq!(job["TransformJobStatus"], "Failed");
    let reason = job["FailureReason"].as_str().unwrap();
    assert!(
        reason.starts_with("ClientError: s3://bkt/in/a.csv: the model answered 4"),
        "{reason}"
    );
    assert_eq!(
        local.http("GET", "/bkt/wide/a.csv.out", &[], b"").status,
        404
    );
    local.put("broken/model.tar.gz", b"not an archive");
    let mut broken = model("broken");
    broken["PrimaryContainer"]["ModelDataUrl"] = json!("s3://bkt/broken/model.tar.gz");
    local.sagemaker("CreateModel", &broken);
    let mut document = transform("broken");
    document["ModelName"] = json!("broken");
    let job = transformed(&local, &document);
    assert!(
        job["FailureReason"]
            .as_str()
            .unwrap()
            .contains("cannot unpack `s3://bkt/broken/model.tar.gz`"),
        "{job:#}"
    );
    local.restart();
    let again = local.sagemaker(
        "DescribeTransformJob",
        &json!({ "TransformJobName": "broken" }),
    );
    assert_eq!(again, job, "it is as before after a restart");
    let (code, message) =
        local.refused("StopTransformJob", &json!({ "TransformJobName": "broken" }));
    assert_eq!(code, "ValidationException");
    assert!(message.contains("in status Failed"), "{message}");
}

/// An endpoint `point` of `serving`, with a variant that gets every call and one that gets none.
fn hosting() -> Option<Local> {
    let local = serving()?;
    let variant = |name: &str, weight: f64| {
        json!({ "VariantName": name, "ModelName": "model", "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1, "InitialVariantWeight": weight })
    };
    let variants = [variant("main", 1.0), variant("spare", 0.0)];
    let config = json!({ "EndpointConfigName": "config", "ProductionVariants": variants });
    local.sagemaker("CreateEndpointConfig", &config);
    let endpoint = json!({ "EndpointName": "point", "EndpointConfigName": "config" });
    local.sagemaker("CreateEndpoint", &endpoint);
    let name = json!({ "EndpointName": "point" });
    let done = until(&local, "DescribeEndpoint", &name, |it| {
        it["EndpointStatus"] != "Creating"
    });
    assert_eq!(done["EndpointStatus"], "InService", "{done:#}");
    assert_eq!(done["ProductionVariants"][0]["CurrentWeight"], 1.0);
    Some(local)
}

#[test]
fn an_endpoint_answers_as_its_model_does() {
    let Some(local) = hosting() else {
        println!("skipped: linden-trainer is not built (cargo build -p trainer)");
        return;
    };
    let answer = invoke(&local, "point", &[], b"0.1,5\n0.2,4\n");
    let n_answers = numbers(&answer.body).len();
    assert_eq!((answer.status, n_answers), (200, 2), "{}", answer.text());
    let invoked = |it: &crate::client::Reply, variant: &str| {
        let header = format!("x-amzn-invoked-production-variant: {variant}");
        assert!(it.headers.contains(&header), "{}", it.headers);
    };
    invoked(&answer, "main");
    let log = logged(&local, "/aws/sagemaker/Endpoints/point", "spare/");
    assert!(log.contains("Listening on 127.0.0.1:"), "{log}");
    let target = [("X-Amzn-SageMaker-Target-Variant", "spare")];
    invoked(&invoke(&local, "point", &target, b"0.1,5\n"), "spare");
    let refused = invoke(&local, "point", &[], b"0.1,5,6,7\n");
    assert_eq!(refused.status, 424, "{}", refused.text());
    assert!(refused.headers.contains("x-amzn-errortype: modelerror"));
    let status = refused.json()["OriginalStatusCode"].as_u64();
    assert!(status >= Some(400), "{}", refused.text());
    let other = [("X-Amzn-SageMaker-Target-Variant", "other")];
    for (endpoint, headers, expected) in [
        (
            "nobody",
            &[][..],
            "Endpoint nobody of account 000000000000 not found.",
        ),
        ("point", &other[..], "Variant other not found"),
    ] {
        let refused = invoke(&local, endpoint, headers, b"");
        assert_eq!(refused.status, 400);
        assert!(
            refused
                .headers
                .contains("x-amzn-errortype: validationerror")
        );
        assert!(refused.text().contains(expected), "{}", refused.text());
    }
}

#[test]
fn an_endpoint_outlives_its_server_and_is_gone_when_it_is_deleted() {
    let Some(mut local) = hosting() else {
        println!("skipped: linden-trainer is not built (cargo build -p trainer)");
        return;
    };
    let rows = b"0.1,5\n0.2,4\n";
    let before = invoke(&local, "point", &[], rows).body;
    local.restart();
    assert_eq!(invoke(&local, "point", &[], rows).body, before);
    local.crash();
    assert_eq!(invoke(&local, "point", &[], rows).body, before);
    let listed = local.sagemaker("ListEndpoints", &json!({}));
    assert_eq!(listed["Endpoints"][0]["EndpointStatus"], "InService");
    let listed = local.sagemaker("ListEndpointConfigs", &json!({}));
    assert_eq!(listed["EndpointConfigs"][0]["EndpointConfigName"], "config");
    let name = json!({ "EndpointName": "point" });
    local.sagemaker("DeleteEndpoint", &name);
    let gone = local.refused("DescribeEndpoint", &name).1;
    assert!(gone.starts_with("Could not find endpoint \""), "{gone}");
    assert_eq!(invoke(&local, "point", &[], rows).status, 400);
    // The end of the old one takes nothing from a namesake.
    let endpoint = json!({ "EndpointName": "point", "EndpointConfigName": "config" });
    local.sagemaker("CreateEndpoint", &endpoint);
    until(&local, "DescribeEndpoint", &name, |it| {
        it["EndpointStatus"] == "InService"
    });
    assert_eq!(invoke(&local, "point", &[], rows).body, before);
    local.sagemaker("DeleteEndpoint", &name);
    local.sagemaker(
        "DeleteEndpointConfig",
        &json!({ "EndpointConfigName": "config" }),
    );
    let name = json!({ "ModelName": "model" });
    local.sagemaker("DeleteModel", &name);
    let (code, message) = local.refused("DescribeModel", &name);
    assert_eq!(code, "ValidationException");
    let expected = "Could not find model \"arn:aws:sagemaker:eu-west-1:";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn an_endpoint_whose_process_was_killed_gets_another() {
    let Some(local) = hosting() else {
        println!("skipped: linden-trainer is not built (cargo build -p trainer)");
        return;
    };
    let rows = b"0.1,5\n0.2,4\n";
    let before = invoke(&local, "point", &[], rows).body;
    let record = local.dir().join("endpoints/point.json");
    let processes = || -> Value {
        let record = std::fs::read(&record).unwrap();
        serde_json::from_slice::<Value>(&record).unwrap()["Processes"].clone()
    };
    let first = processes();
    let id = first[0].as_i64().unwrap().to_string();
    let killed = Command::new("kill").args(["-KILL", &id]).status().unwrap();
    assert!(killed.success());
    let end = Instant::now() + PATIENCE;
    while processes() == first || processes() == json!([]) {
        assert!(Instant::now() < end, "{first} was not replaced");
        std::thread::sleep(Duration::from_millis(50));
    }
    let after = invoke(&local, "point", &[], rows);
    assert_eq!((after.status, after.body), (200, before));
}

#[test]
fn an_endpoint_whose_model_cannot_be_read_fails_and_says_why() {
    let Some(local) = serving() else {
        println!("skipped: linden-trainer is not built (cargo build -p trainer)");
        return;
    };
    local.put("broken/model.tar.gz", b"not an archive");
    let mut broken = model("broken");
    broken["PrimaryContainer"]["ModelDataUrl"] = json!("s3://bkt/broken/model.tar.gz");
    local.sagemaker("CreateModel", &broken);
    let variants = json!([{ "VariantName": "main", "ModelName": "broken" }]);
    local.sagemaker(
        "CreateEndpointConfig",
        &json!({ "EndpointConfigName": "c", "ProductionVariants": variants }),
    );
    local.sagemaker(
        "CreateEndpoint",
        &json!({ "EndpointName": "e", "EndpointConfigName": "c" }),
    );
    let failed = until(
        &local,
        "DescribeEndpoint",
        &json!({ "EndpointName": "e" }),
        |it| it["EndpointStatus"] != "Creating",
    );
    assert_eq!(failed["EndpointStatus"], "Failed");
    assert!(
        failed["FailureReason"]
            .as_str()
            .unwrap()
            .contains("production variant main did not pass the ping health check"),
        "{failed:#}"
    );
    assert!(
        invoke(&local, "e", &[], b"1,2\n").json()["Message"]
            .as_str()
            .unwrap()
            .contains("in status Failed")
    );
}

fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[name] = value;
    document
}

/// Documents that an operation refuses, each with a part of what it says.
fn assert_refused(local: &Local, operation: &str, cases: Vec<(Value, &str)>) {
    for (document, expected) in cases {
        let (code, message) = local.refused(operation, &document);
        assert_eq!(code, "ValidationException", "{document}");
        assert!(message.contains(expected), "`{expected}` in: {message}");
    }
}

/// A server whose trainer serves nothing, with what a request may name.
fn refusing() -> Local {
    let local = Local::start();
    local.put("out/trained/output/model.tar.gz", b"any");
    local.put("in/a.csv", b"1\n");
    local.sagemaker("CreateModel", &model("model"));
    local
}

#[test]
fn a_model_that_is_not_here_is_refused_with_what_is() {
    let container = |member: &str, value: Value| {
        with(model("m"), &format!("/PrimaryContainer/{member}"), value)
    };
    let url = json!("s3://bkt/none.tar.gz");
    let cases = vec![
        (model("model"), "Cannot create already existing model"),
        (
            container("ModelDataUrl", url),
            "Could not find model data at s3://bkt/none.tar.gz",
        ),
        (
            container("Image", json!("xgboost:1")),
            "needs a container engine",
        ),
        (container("Mode", json!("MultiModel")), "models one by one"),
        (
            with(model("m"), "/Containers", json!([{}])),
            "models of one container",
        ),
    ];
    assert_refused(&refusing(), "CreateModel", cases);
}

#[test]
fn a_transform_that_is_not_here_is_refused_with_what_is() {
    let local = refusing();
    let of = |pointer: &str, value: Value| with(transform("t"), pointer, value);
    let processing = |value: Value| of("/DataProcessing", value);
    let join = processing(json!({ "JoinSource": "Input" }));
    let source = "/TransformInput/DataSource/S3DataSource/S3Uri";
    let data_type = "/TransformInput/DataSource/S3DataSource/S3DataType";
    let cases = vec![
        (of("/ModelName", json!("none")), "Could not find model"),
        (
            of("/TransformInput/SplitType", json!("TFRecord")),
            "splits by Line or RecordIO",
        ),
        (
            of(data_type, json!("AugmentedManifestFile")),
            "Member must satisfy enum value set",
        ),
        (
            of(data_type, json!("ManifestFile")),
            "manifest `s3://bkt/in/`: there is no such object",
        ),
        (
            of("/TransformInput/SplitType", json!("Word")),
            "Member must satisfy enum value set",
        ),
        (of("/MaxPayloadInMB", json!(101)), "at most 100 MB"),
        (
            of(
                "/TransformResources",
                json!({ "InstanceType": "ml.m5.large" }),
            ),
            "InstanceType and InstanceCount",
        ),
        (
            of("/ModelClientConfig", json!({ "InvocationsMaxRetries": 4 })),
            "between 0 and 3",
        ),
        (of(source, json!("s3://bkt/none/")), "No S3 objects found"),
        (
            of("/TransformOutput/S3OutputPath", json!("s3://nobody/x")),
            "there is no bucket `nobody`",
        ),
        (
            processing(json!({ "InputFilter": "$..id" })),
            "`$..id` is no filter",
        ),
        (
            processing(json!({ "OutputFilter": "$.id" })),
            "rows of text/csv have columns",
        ),
        (
            with(join, "/TransformOutput/AssembleWith", json!("None")),
            "needs SplitType Line, AssembleWith Line",
        ),
    ];
    assert_refused(&local, "CreateTransformJob", cases);
    let listed = local.sagemaker("ListTransformJobs", &json!({}));
    assert_eq!(
        listed["TransformJobSummaries"],
        json!([]),
        "nothing was made"
    );
    let name = json!({ "TransformJobName": "t" });
    assert_eq!(
        local.refused("DescribeTransformJob", &name).0,
        "ResourceNotFound"
    );
}

#[test]
fn an_endpoint_that_is_not_here_is_refused_with_what_is() {
    let local = refusing();
    let config =
        |variants: Value| json!({ "EndpointConfigName": "c", "ProductionVariants": variants });
    let variant = |model: &str| json!({ "VariantName": "v", "ModelName": model });
    let named = |name: &str| config(json!([{ "VariantName": name, "ModelName": "model" }]));
    let one = || config(json!([variant("model")]));
    let cases = vec![
        (config(json!([])), "allowed is 1 to 10"),
        (config(json!([variant("none")])), "Could not find model"),
        (
            config(json!([variant("model"), variant("model")])),
            "has `v` twice",
        ),
        (named("../x"), "VariantName: "),
        (named("/x"), "VariantName: "),
        (
            with(one(), "/AsyncInferenceConfig", json!({})),
            "AsyncInferenceConfig is not there",
        ),
    ];
    assert_refused(&local, "CreateEndpointConfig", cases);
    let endpoint = json!({ "EndpointName": "e", "EndpointConfigName": "none" });
    let cases = vec![(endpoint, "Could not find endpoint configuration")];
    assert_refused(&local, "CreateEndpoint", cases);
}
