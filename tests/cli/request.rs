//! The request over a real socket: what the SDK sends must equal contract's own JSON, member by member; and what a server
//! answers must become the right kind of error.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};

use cli::aws::client::{Target, connect};
use cli::aws::{AwsError, AwsErrorKind};
use contract::job::CreateTrainingJobRequest;
use serde_json::{Value, json};

/// Answers so many requests with the same answer, and gives what it was sent.
fn server(
    status: &'static str,
    body: &'static str,
    n_requests: usize,
) -> (SocketAddr, JoinHandle<Vec<(String, String)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let serve = move || {
        let mut received = vec![];
        for _ in 0..n_requests {
            let (mut stream, _) = listener.accept().unwrap();
            received.push(read_request(&mut stream));
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n",
                body.len()
            );
            write!(stream, "{head}Content-Type: application/x-amz-json-1.1\r\nx-amzn-requestid: id-1\r\n\r\n{body}").unwrap();
        }
        received
    };
    (addr, thread::spawn(serve))
}

/// Head, in lower case, and body of a request.
pub(crate) fn read_request(stream: &mut impl Read) -> (String, String) {
    let mut bytes = vec![];
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer).unwrap();
        bytes.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head
                .split("content-length: ")
                .nth(1)
                .and_then(|it| it.lines().next())
                .unwrap_or("0");
            if body.len() >= length.trim().parse().unwrap() {
                return (head, body.to_owned());
            }
        }
        assert!(n > 0, "the request broke off: {text}");
    }
}

fn create(addr: SocketAddr, request: &CreateTrainingJobRequest) -> Result<String, AwsError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let ports = connect(&Target::Local {
            addr,
            region: "eu-west-1".to_owned(),
        })
        .await
        .unwrap();
        ports.jobs.create(request).await
    })
}

/// Every member that contract's request can hold, none with its default.
fn full_request() -> Value {
    json!({
        "TrainingJobName": "everything-3fa91c02-1",
        "HyperParameters": { "num_round": "400", "empty": "", "eval_metric": "rmse,mae" },
        "AlgorithmSpecification": {
            "TrainingImage": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0",
            "AlgorithmName": "arn:aws:sagemaker:eu-west-1:123456789012:algorithm/a",
            "TrainingInputMode": "FastFile",
            "MetricDefinitions": [{ "Name": "train:rmse", "Regex": ".*\\ttrain-rmse:([0-9.]+).*" }],
            "EnableSageMakerMetricsTimeSeries": true,
            "ContainerEntrypoint": ["/linden-trainer"],
            "ContainerArguments": ["train", "--x"]
        },
        "RoleArn": "arn:aws:iam::123456789012:role/linden-training",
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": { "S3DataSource": {
                    "S3DataType": "AugmentedManifestFile",
                    "S3Uri": "s3://bucket/train/",
                    "S3DataDistributionType": "ShardedByS3Key",
                    "AttributeNames": ["source"],
                    "InstanceGroupNames": ["cpu"]
                } },
                "ContentType": "text/csv;label_size=1",
                "CompressionType": "Gzip",
                "RecordWrapperType": "RecordIO",
                "InputMode": "Pipe",
                "ShuffleConfig": { "Seed": 7 }
            },
            {
                "ChannelName": "validation",
                "DataSource": { "FileSystemDataSource": {
                    "FileSystemId": "fs-1",
                    "FileSystemAccessMode": "ro",
                    "FileSystemType": "EFS",
                    "DirectoryPath": "/data"
                } }
            }
        ],
        "OutputDataConfig": { "KmsKeyId": "alias/out", "S3OutputPath": "s3://bucket/out/", "CompressionType": "GZIP" },
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 2,
            "VolumeSizeInGB": 50,
            "VolumeKmsKeyId": "alias/volume",
            "KeepAlivePeriodInSeconds": 600,
            "InstanceGroups": [{ "InstanceType": "ml.c5.large", "InstanceCount": 3, "InstanceGroupName": "cpu" }]
        },
        "VpcConfig": { "SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"] },
        "StoppingCondition": {
            "MaxRuntimeInSeconds": 2700,
            "MaxWaitTimeInSeconds": 10800,
            "MaxPendingTimeInSeconds": 7200
        },
        "Tags": [{ "Key": "owner", "Value": "planning" }],
        "EnableNetworkIsolation": true,
        "EnableInterContainerTrafficEncryption": true,
        "EnableManagedSpotTraining": true,
        "CheckpointConfig": { "S3Uri": "s3://bucket/ckpt/", "LocalPath": "/opt/ml/checkpoints" },
        "Environment": { "MODE": "ci" },
        "RetryStrategy": { "MaximumRetryAttempts": 2 }
    })
}

#[test]
fn every_member_of_the_request_reaches_the_wire() {
    let expected = full_request();
    let request: CreateTrainingJobRequest = serde_json::from_value(expected.clone()).unwrap();
    // If contract itself drops a member, this test would compare too little.
    assert_eq!(serde_json::to_value(&request).unwrap(), expected);
    let (addr, server) = server("200 OK", r#"{"TrainingJobArn":"arn:of:it"}"#, 1);
    assert_eq!(create(addr, &request).unwrap(), "arn:of:it");
    let (head, body) = server.join().unwrap().remove(0);
    assert!(
        head.contains("x-amz-target: sagemaker.createtrainingjob"),
        "{head}"
    );
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
}

#[test]
fn a_request_without_options_sends_nothing_for_them() {
    let minimal = json!({
        "TrainingJobName": "a",
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "OutputDataConfig": { "S3OutputPath": "s3://bucket/out" }
    });
    let request: CreateTrainingJobRequest = serde_json::from_value(minimal.clone()).unwrap();
    let (addr, server) = server("200 OK", r#"{"TrainingJobArn":"arn"}"#, 1);
    create(addr, &request).unwrap();
    let (_, body) = server.join().unwrap().remove(0);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), minimal);
}

#[test]
fn a_taken_name_is_told_by_its_code() {
    let body = r#"{"__type":"ResourceInUse","message":"Training job names must be unique"}"#;
    let (addr, server) = server("400 Bad Request", body, 1);
    let err = create(addr, &CreateTrainingJobRequest::default()).unwrap_err();
    server.join().unwrap();
    assert_eq!(
        (err.kind, err.code.as_deref()),
        (AwsErrorKind::NameTaken, Some("ResourceInUse"))
    );
    assert_eq!(err.message, "Training job names must be unique");
    assert_eq!(err.request_id.as_deref(), Some("id-1"));
}

#[test]
fn a_web_page_in_place_of_an_answer_is_a_service_error_not_a_json_one() {
    // Server errors are tried three times.
    let (addr, server) = server(
        "502 Bad Gateway",
        "<html><body>Bad gateway</body></html>",
        3,
    );
    let err = create(addr, &CreateTrainingJobRequest::default()).unwrap_err();
    server.join().unwrap();
    assert_eq!(err.kind, AwsErrorKind::Service, "{err:?}");
    assert!(err.message.contains("web page"), "{}", err.message);
}
