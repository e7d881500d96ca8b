//! A SageMaker, its logs, S3 and STS behind a real socket, which do what a script says: whole commands run against them.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use assert_cmd::Command;
use serde_json::{Value, json};

use crate::account::{self, Account};
use crate::program::linden;

/// What becomes of a call to CreateTrainingJob.
#[derive(Clone, Copy)]
pub(crate) enum Create {
    /// The job is made, and the answer comes.
    Made,
    /// The job is made, and the answer is lost.
    MadeAndLost,
    /// Somebody else makes a job of that name first.
    Taken,
    /// HTTP 400 with that code and message.
    Refused(&'static str, &'static str),
}

/// How a job ends: status, and the reason of a failure.
pub(crate) type End = (&'static str, &'static str);

/// What is scripted; what is not goes well.
#[derive(Default)]
pub(crate) struct Script {
    /// The calls to CreateTrainingJob, in their order.
    pub creates: VecDeque<Create>,
    /// How the jobs end, in the order in which they were made.
    pub ends: Vec<End>,
    /// The error of every call but CreateTrainingJob, so many times: code and message.
    pub errors: (usize, (&'static str, &'static str)),
    /// Regions of buckets, where they are not the one of the command.
    pub bucket_region: Option<&'static str>,
    /// Objects of the channel `train`.
    pub n_objects: usize,
    /// IAM, quotas and images; without them nobody may look.
    pub account: Option<Account>,
    /// Jobs that run already, or keep a warm pool, as SageMaker describes them.
    pub others: Vec<Value>,
}

#[derive(Default)]
struct State {
    script: Script,
    /// Jobs in the order in which they were made: the request, and whether this program made it.
    jobs: Vec<Value>,
    calls: Vec<String>,
}

/// The service; it ends with the process.
pub(crate) struct Service {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Service {
    pub(crate) fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            script,
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared) = (stream.unwrap(), Arc::clone(&shared));
                thread::spawn(move || answer(stream, &shared));
            }
        });
        Self { addr, state }
    }

    /// The program, with this service as AWS.
    pub(crate) fn linden(&self, home: &Path) -> Command {
        let mut command = linden(home);
        command
            .env("AWS_ACCESS_KEY_ID", "a")
            .env("AWS_SECRET_ACCESS_KEY", "b")
            .env("AWS_MAX_ATTEMPTS", "3")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ENDPOINT_URL", format!("http://{}", self.addr));
        command
    }

    /// The same, with the pauses of a service that is near.
    pub(crate) fn near(&self, home: &Path, args: &[&str]) -> Command {
        let mut command = self.linden(home);
        command.args(args);
        command.args(["--endpoint-url", &format!("http://{}", self.addr)]);
        command
    }

    /// Names and instance types of the jobs that were made, in their order.
    pub(crate) fn jobs(&self) -> Vec<(String, String)> {
        let state = self.state.lock().unwrap();
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        let of = |it: &Value| {
            let resources = &it["ResourceConfig"];
            (
                text(&it["TrainingJobName"]),
                text(&resources["InstanceType"]),
            )
        };
        state.jobs.iter().map(of).collect()
    }

    /// The images of the jobs that were made.
    pub(crate) fn images(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let image = |it: &Value| {
            it["AlgorithmSpecification"]["TrainingImage"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        state.jobs.iter().map(image).collect()
    }

    /// One more object of the channel `train`.
    pub(crate) fn put_object(&self) {
        self.state.lock().unwrap().script.n_objects += 1;
    }

    /// How often an operation was called.
    pub(crate) fn n_calls(&self, operation: &str) -> usize {
        let state = self.state.lock().unwrap();
        state.calls.iter().filter(|it| *it == operation).count()
    }
}

/// A request that has been read: its first line, its headers in lower case, its body.
struct Request {
    line: String,
    head: String,
    body: String,
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = vec![];
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer).ok().filter(|it| *it > 0)?;
        bytes.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let line = head.lines().next().unwrap_or_default().to_owned();
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1);
        let length = length.and_then(|it| it.lines().next()).unwrap_or("0");
        if body.len() >= length.trim().parse().unwrap() {
            return Some(Request {
                line,
                body: body.to_owned(),
                head,
            });
        }
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(request) = read(&mut stream) else {
        return;
    };
    let answered = {
        let mut state = state.lock().unwrap();
        state.answer(&request)
    };
    // Without an answer the connection breaks off.
    if let Some((status, headers, body)) = answered {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
        );
        let _ = write!(stream, "{head}{body}");
    }
}

/// Status, headers, body.
pub(crate) type Reply = (&'static str, String, String);

pub(crate) fn ok(body: &Value) -> Reply {
    let kind = "Content-Type: application/x-amz-json-1.1\r\n";
    ("200 OK", kind.to_owned(), body.to_string())
}

fn xml(body: &str) -> Reply {
    let kind = "Content-Type: application/xml\r\n";
    let body = format!("<?xml version=\"1.0\"?>{body}");
    ("200 OK", kind.to_owned(), body)
}

pub(crate) fn refused(code: &str, message: &str) -> Reply {
    let kind = "Content-Type: application/x-amz-json-1.1\r\nx-amzn-requestid: id-1\r\n";
    let body = json!({ "__type": code, "message": message });
    ("400 Bad Request", kind.to_owned(), body.to_string())
}

impl State {
    fn answer(&mut self, request: &Request) -> Option<Reply> {
        let target = request.head.split("x-amz-target: ").nth(1);
        let Some(target) = target.and_then(|it| it.lines().next()) else {
            return Some(self.plain(request));
        };
        let operation = target
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        self.calls.push(operation.clone());
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        if operation != "createtrainingjob" && self.script.errors.0 > 0 {
            self.script.errors.0 -= 1;
            let (code, message) = self.script.errors.1;
            return Some(refused(code, message));
        }
        let reply = match operation.as_str() {
            "createtrainingjob" => return self.create(body),
            "describetrainingjob" => self.describe(body["TrainingJobName"].as_str().unwrap()),
            "listtrainingjobs" => self.list(&body),
            "describelogstreams" => ok(&json!({ "logStreams": [] })),
            _ => self.of_account(&operation, &body, request),
        };
        Some(reply)
    }

    fn of_account(&self, operation: &str, body: &Value, request: &Request) -> Reply {
        let host = request.head.split("\r\nhost: ").nth(1);
        let host = host.and_then(|it| it.lines().next()).unwrap_or_default();
        match &self.script.account {
            None => account::denied_json(operation),
            Some(account) => account
                .json(operation, body, host)
                .unwrap_or_else(|| refused("UnknownOperationException", "not part of the script")),
        }
    }

    /// S3, IAM and STS, which have no target.
    fn plain(&mut self, request: &Request) -> Reply {
        for action in ["GetRole", "SimulatePrincipalPolicy"] {
            if request.body.contains(&format!("Action={action}&")) {
                self.calls.push(action.to_ascii_lowercase());
                return match &self.script.account {
                    Some(account) => account.iam(&request.body),
                    None => account::denied(&format!("iam:{action}")),
                };
            }
        }
        if request.line.starts_with("GET /config-blob") {
            let account = self.script.account.as_ref().unwrap();
            return ("200 OK", String::new(), account.config());
        }
        if request.body.contains("Action=GetCallerIdentity") {
            return xml("<GetCallerIdentityResponse><GetCallerIdentityResult>\
                 <Arn>arn:aws:sts::123456789012:assumed-role/planner/ci</Arn><UserId>u</UserId>\
                 <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>");
        }
        let path = request.line.split(' ').nth(1).unwrap_or_default();
        let has_key = path.trim_matches('/').contains('/');
        if request.line.starts_with("HEAD") && has_key {
            return ("404 Not Found", String::new(), String::new());
        }
        if request.line.starts_with("HEAD") {
            let region = self.script.bucket_region;
            let head = format!("x-amz-bucket-region: {}\r\n", region.unwrap_or("eu-west-1"));
            let status = if region.is_some() {
                "301 Moved Permanently"
            } else {
                "200 OK"
            };
            return (status, head, String::new());
        }
        let object = |it| {
            format!(
                "<Contents><Key>train/{it}.csv</Key><Size>1000</Size><ETag>\"e{it}\"</ETag></Contents>"
            )
        };
        // Nothing is there but data: no job has left anything.
        let n = if request.line.contains("prefix=train") {
            self.script.n_objects
        } else {
            0
        };
        let objects: String = (0..n).map(object).collect();
        xml(&format!(
            "<ListBucketResult><Name>acme-ml</Name><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>"
        ))
    }

    fn create(&mut self, body: Value) -> Option<Reply> {
        let name = body["TrainingJobName"].as_str().unwrap().to_owned();
        if self.jobs.iter().any(|it| it["TrainingJobName"] == *name) {
            return Some(refused(
                "ResourceInUse",
                "Training job names must be unique",
            ));
        }
        let made = json!({ "TrainingJobArn": format!("arn:aws:sagemaker:eu-west-1:123456789012:training-job/{name}") });
        match self.script.creates.pop_front().unwrap_or(Create::Made) {
            Create::Made => {
                self.jobs.push(body);
                Some(ok(&made))
            }
            Create::MadeAndLost => {
                self.jobs.push(body);
                None
            }
            Create::Taken => {
                let mut theirs = body;
                theirs["Environment"] = json!({});
                self.jobs.push(theirs);
                Some(refused(
                    "ResourceInUse",
                    "Training job names must be unique",
                ))
            }
            Create::Refused(code, message) => Some(refused(code, message)),
        }
    }

    fn end(&self, at: usize) -> End {
        self.script.ends.get(at).copied().unwrap_or(("Stopped", ""))
    }

    fn describe(&self, name: &str) -> Reply {
        let at = self
            .jobs
            .iter()
            .position(|it| it["TrainingJobName"] == *name);
        if let Some(other) = self.other(name) {
            return ok(other);
        }
        let Some(at) = at else {
            return refused("ValidationException", "Requested resource not found.");
        };
        let (status, reason) = self.end(at);
        let mut job = self.jobs[at].clone();
        job["TrainingJobArn"] = json!(format!(
            "arn:aws:sagemaker:eu-west-1:123456789012:training-job/{name}"
        ));
        job["TrainingJobStatus"] = json!(status);
        job["SecondaryStatus"] = json!(status);
        job["CreationTime"] = json!(0.0);
        if !reason.is_empty() {
            job["FailureReason"] = json!(reason);
        }
        if status == "Completed" {
            job["BillableTimeInSeconds"] = json!(120);
        }
        ok(&job)
    }

    fn other(&self, name: &str) -> Option<&Value> {
        let others = &self.script.others;
        others.iter().find(|it| it["TrainingJobName"] == *name)
    }

    fn list(&self, filter: &Value) -> Reply {
        if let Some(pool) = filter["WarmPoolStatusEquals"].as_str() {
            return self.list_others(|it| it["WarmPoolStatus"]["Status"] == *pool);
        }
        if let Some(status) = filter["StatusEquals"].as_str() {
            return self.list_others(|it| it["TrainingJobStatus"] == *status);
        }
        let part = filter["NameContains"].as_str().unwrap_or_default();
        let summary = |(at, it): (usize, &Value)| {
            json!({
                "TrainingJobName": it["TrainingJobName"],
                "TrainingJobArn": "arn",
                "CreationTime": at as f64,
                "TrainingJobStatus": self.end(at).0,
            })
        };
        let named = |it: &(usize, &Value)| it.1["TrainingJobName"].as_str().unwrap().contains(part);
        let mut jobs: Vec<Value> = self
            .jobs
            .iter()
            .enumerate()
            .filter(named)
            .map(summary)
            .collect();
        jobs.reverse();
        ok(&json!({ "TrainingJobSummaries": jobs }))
    }

    fn list_others(&self, fits: impl Fn(&Value) -> bool) -> Reply {
        let others = self.script.others.iter().filter(|it| fits(it));
        let summary = |it: &Value| {
            json!({
                "TrainingJobName": it["TrainingJobName"],
                "TrainingJobArn": it["TrainingJobArn"],
                "CreationTime": it["CreationTime"],
                "TrainingJobStatus": it["TrainingJobStatus"],
            })
        };
        let jobs: Vec<Value> = others.map(summary).collect();
        ok(&json!({ "TrainingJobSummaries": jobs }))
    }
}
