//! SageMaker and its logs on a real port, following a script: what the program itself does, by exit code and text.
//!
//! Time is counted from the first call for the job, in milliseconds; the times in answers are the script's, so texts are
//! the same each time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::{Value, json};

use crate::program::linden;

/// The moment that scripts begin at: 2023-11-14 22:13:20.
const EPOCH: f64 = 1_700_000_000.0;

/// A stream: from when it is there, its host and start, and from when each line is served.
type Stream = (u64, &'static str, Vec<(u64, &'static str)>);

/// What the service does, and when.
#[derive(Clone, Default)]
pub(crate) struct Script {
    /// (from when it holds, secondary status, what SageMaker says about it)
    pub statuses: Vec<(u64, &'static str, &'static str)>,
    pub streams: Vec<Stream>,
    /// The log group is there from then on.
    pub group_from: u64,
    /// From then on every call fails with this code and message.
    pub fails: Option<(u64, &'static str, &'static str)>,
    pub hosts: i64,
    pub is_spot: bool,
    pub failure_reason: Option<&'static str>,
    /// (name, value)
    pub metrics: Vec<(&'static str, f64)>,
}

/// A running service.
pub(crate) struct Service {
    addr: SocketAddr,
    /// Operations that were called.
    pub calls: Arc<Mutex<Vec<String>>>,
}

impl Script {
    /// Serves it until the test ends.
    pub(crate) fn serve(self) -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let calls: Arc<Mutex<Vec<String>>> = Arc::default();
        let (script, start) = (Arc::new(self), Arc::new(OnceLock::new()));
        let noted = Arc::clone(&calls);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, start) = (Arc::clone(&script), Arc::clone(&start));
                let noted = Arc::clone(&noted);
                thread::spawn(move || answer(&mut stream.unwrap(), &script, &start, &noted));
            }
        });
        Service { addr, calls }
    }

    fn answer(
        &self,
        operation: &str,
        request: &Value,
        now: u64,
    ) -> Result<Value, (String, String)> {
        if let Some((from, code, message)) = self.fails
            && from <= now
        {
            return Err((code.to_owned(), message.to_owned()));
        }
        let missing = || {
            let message = "The specified log group does not exist.";
            Err(("ResourceNotFoundException".to_owned(), message.to_owned()))
        };
        match operation {
            "sagemaker.describetrainingjob" => Ok(self.describe(request, now)),
            "sagemaker.listtrainingjobs" => Ok(json!({ "TrainingJobSummaries": [] })),
            "sagemaker.listtags" => {
                Ok(json!({ "Tags": [{ "Key": "owner", "Value": "planning" }] }))
            }
            "sagemaker.stoptrainingjob" | "sagemaker.deletetrainingjob" => Ok(json!({})),
            "logs_20140328.describelogstreams" if now < self.group_from => missing(),
            "logs_20140328.describelogstreams" => {
                let prefix = request["logStreamNamePrefix"].as_str().unwrap();
                let streams = self.streams.iter().filter(|it| it.0 <= now);
                let streams: Vec<Value> = streams
                    .map(|it| json!({ "logStreamName": format!("{prefix}{}", it.1) }))
                    .collect();
                Ok(json!({ "logStreams": streams }))
            }
            "logs_20140328.getlogevents" => Ok(self.events(request, now)),
            other => Err(("UnknownOperationException".to_owned(), other.to_owned())),
        }
    }

    fn describe(&self, request: &Value, now: u64) -> Value {
        let name = request["TrainingJobName"].as_str().unwrap();
        let past: Vec<_> = self.statuses.iter().filter(|it| it.0 <= now).collect();
        let last = past.last().unwrap();
        let primary = match last.1 {
            "Completed" => "Completed",
            "Failed" => "Failed",
            "Stopped" | "MaxRuntimeExceeded" | "MaxWaitTimeExceeded" => "Stopped",
            "Stopping" => "Stopping",
            _ => "InProgress",
        };
        let at = |ms: u64| EPOCH + ms as f64 / 1000.0;
        let ends = past.iter().skip(1).map(|it| Some(at(it.0))).chain([None]);
        let transitions: Vec<Value> = past
            .iter()
            .zip(ends)
            .map(|(it, end)| {
                json!({ "Status": it.1, "StartTime": at(it.0), "EndTime": end, "StatusMessage": it.2 })
            })
            .collect();
        let metrics: Vec<Value> = self
            .metrics
            .iter()
            .map(|it| json!({ "MetricName": it.0, "Value": it.1, "Timestamp": at(0) }))
            .collect();
        let mut job = json!({
            "TrainingJobName": name,
            "TrainingJobArn": format!("arn:aws:sagemaker:eu-west-1:123456789012:training-job/{name}"),
            "TrainingJobStatus": primary,
            "SecondaryStatus": last.1,
            "SecondaryStatusTransitions": transitions,
            "AlgorithmSpecification": { "TrainingInputMode": "File" },
            "RoleArn": "arn:aws:iam::123456789012:role/linden-training",
            "OutputDataConfig": { "S3OutputPath": "s3://acme-ml/out/" },
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": self.hosts.max(1),
                "VolumeSizeInGB": 30
            },
            "EnableManagedSpotTraining": self.is_spot,
            "CreationTime": at(0),
            "LastModifiedTime": at(last.0),
            "FinalMetricDataList": metrics,
        });
        if let Some(reason) = self.failure_reason.filter(|_| primary == "Failed") {
            job["FailureReason"] = reason.into();
        }
        if primary != "InProgress" && primary != "Stopping" {
            job["TrainingEndTime"] = at(last.0).into();
            job["TrainingTimeInSeconds"] = 500.into();
            job["BillableTimeInSeconds"] = if self.is_spot { 160.into() } else { 500.into() };
        }
        job
    }

    /// Tokens are `f/<number of events before>` and `b/<the same>`; all that is served comes in one page.
    fn events(&self, request: &Value, now: u64) -> Value {
        let name = request["logStreamName"].as_str().unwrap();
        let host = name.split_once('/').unwrap().1;
        let (_, _, lines) = self.streams.iter().find(|it| it.1 == host).unwrap();
        let served = lines.partition_point(|it| it.0 <= now);
        let token = request["nextToken"].as_str().unwrap_or("f/0");
        let place: usize = token[2..].parse().unwrap();
        let range = if token.starts_with("f/") {
            place..served
        } else {
            0..place
        };
        let events: Vec<Value> = lines[range.clone()]
            .iter()
            .map(|it| {
                let at = EPOCH as u64 * 1000 + it.0;
                json!({ "timestamp": at, "message": it.1, "ingestionTime": at })
            })
            .collect();
        json!({
            "events": events,
            "nextForwardToken": format!("f/{}", range.end),
            "nextBackwardToken": format!("b/{}", range.start),
        })
    }
}

impl Service {
    /// The program, with this service for AWS.
    pub(crate) fn linden(&self, home: &Path) -> Command {
        let mut command = linden(home);
        command
            .env("AWS_ACCESS_KEY_ID", "a")
            .env("AWS_SECRET_ACCESS_KEY", "b")
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("AWS_REGION", "eu-west-1")
            .args(["--endpoint-url", &format!("http://{}", self.addr)])
            .timeout(Duration::from_mins(1));
        command
    }

    /// How often an operation was called.
    pub(crate) fn n_calls(&self, operation: &str) -> usize {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|it| *it == operation).count()
    }
}

fn answer(
    stream: &mut TcpStream,
    script: &Script,
    start: &OnceLock<Instant>,
    calls: &Mutex<Vec<String>>,
) {
    let (head, body) = read_request(stream);
    let target = head
        .lines()
        .find_map(|it| it.strip_prefix("x-amz-target: "));
    let Some(operation) = target.map(str::trim) else {
        // S3: there is no object.
        write!(
            stream,
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        return;
    };
    calls.lock().unwrap().push(operation.to_owned());
    let now = start.get_or_init(Instant::now).elapsed().as_millis() as u64;
    let request = serde_json::from_str(&body).unwrap_or_default();
    let (status, body) = match script.answer(operation, &request, now) {
        Ok(value) => ("200 OK", value),
        Err((code, message)) => (
            "400 Bad Request",
            json!({ "__type": code, "message": message }),
        ),
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    write!(
        stream,
        "{head}Content-Type: application/x-amz-json-1.1\r\nx-amzn-requestid: id-1\r\n\r\n{body}"
    )
    .unwrap();
}

/// Head in lower case, and body.
fn read_request(stream: &mut impl Read) -> (String, String) {
    let mut bytes = vec![];
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|it| it.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |it| it.trim().parse().unwrap()) {
                return (head, body.to_owned());
            }
        }
        let n = stream.read(&mut buffer).unwrap();
        if n == 0 {
            return (String::new(), String::new());
        }
        bytes.extend_from_slice(&buffer[..n]);
    }
}
