//! A server in a folder of its own, and the smallest client that can speak to it.

#![expect(
    clippy::unwrap_used,
    reason = "whatever is unexpected here ends the test that meets it"
)]

use local::{Config, Server};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Longer than anything here takes, shorter than anybody waits.
const PATIENCE: Duration = Duration::from_mins(2);
const ROLE: &str = "arn:aws:iam::123456789012:role/training";
const IMAGE: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1";

/// A server, until it is dropped.
pub(crate) struct Local {
    // Fields drop in this order: the server needs the runtime, both need the folder.
    server: Option<Server>,
    runtime: Runtime,
    dir: TempDir,
    setting: Box<dyn Fn(&Path) -> Config>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// The stand-in trainer.
pub(crate) fn stand_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/local/trainer.sh")
}

/// A configuration that does not wait two minutes for a trainer that does not listen.
pub(crate) fn config(dir: &Path, trainer: &Path) -> Config {
    let (trainer, stop_grace) = (Some(trainer.to_owned()), Duration::from_millis(400));
    Config {
        trainer,
        stop_grace,
        region: "eu-west-1".to_owned(),
        ..Config::new(dir)
    }
}

impl Local {
    /// With the stand-in trainer, a bucket `bkt`, and `train/a.csv` in it.
    pub(crate) fn start() -> Self {
        Self::with_trainer(&stand_in())
    }

    pub(crate) fn with_trainer(trainer: &Path) -> Self {
        let trainer = trainer.to_owned();
        Self::with(move |dir| config(dir, &trainer))
    }

    /// With the stand-in trainer and what `change` does to its configuration.
    pub(crate) fn changed(change: impl Fn(&mut Config) + 'static) -> Self {
        Self::with(move |dir| {
            let mut config = config(dir, &stand_in());
            change(&mut config);
            config
        })
    }

    /// With the configuration that `setting` gives for a folder.
    pub(crate) fn with(setting: impl Fn(&Path) -> Config + 'static) -> Self {
        let mut local = Self {
            server: None,
            runtime: Runtime::new().unwrap(),
            dir: tempfile::tempdir().unwrap(),
            setting: Box::new(setting),
        };
        local.open();
        assert_eq!(local.http("PUT", "/bkt", &[], b"").status, 200);
        local.put("train/a.csv", b"1,2\n0,3\n");
        local
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.as_ref().unwrap().addr()
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    fn open(&mut self) {
        let config = (self.setting)(self.dir.path());
        self.server = Some(self.runtime.block_on(Server::start(config)).unwrap());
    }

    /// Ends the server properly and starts the next on the same folder.
    pub(crate) fn restart(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.shutdown());
        }
        self.open();
    }

    /// Drops the server, which records nothing, and starts the next on the same folder.
    pub(crate) fn crash(&mut self) {
        let runtime = self.runtime.enter();
        self.server.take();
        drop(runtime);
        self.open();
    }

    /// One request on a connection of its own.
    pub(crate) fn http(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        ask(self.addr(), (method, path), headers, body)
    }

    /// `SageMaker.<operation>` or `Logs_20140328.<operation>`.
    pub(crate) fn call(&self, target: &str, document: &Value) -> Reply {
        let headers = [
            ("X-Amz-Target", target),
            ("Content-Type", "application/x-amz-json-1.1"),
        ];
        self.http("POST", "/", &headers, document.to_string().as_bytes())
    }

    /// A SageMaker operation that must work.
    pub(crate) fn sagemaker(&self, operation: &str, document: &Value) -> Value {
        let reply = self.call(&format!("SageMaker.{operation}"), document);
        assert_eq!(reply.status, 200, "{operation}: {}", reply.text());
        reply.json()
    }

    /// The code and message of a SageMaker operation that must be refused.
    pub(crate) fn refused(&self, operation: &str, document: &Value) -> (String, String) {
        let reply = self.call(&format!("SageMaker.{operation}"), document);
        assert_eq!(reply.status, 400, "{operation}: {}", reply.text());
        refusal(&reply)
    }

    pub(crate) fn put(&self, key: &str, body: &[u8]) {
        let reply = self.http("PUT", &format!("/bkt/{key}"), &[], body);
        assert_eq!(reply.status, 200, "{key}: {}", reply.text());
    }

    /// The object, which must be there.
    pub(crate) fn get(&self, key: &str) -> Vec<u8> {
        let reply = self.http("GET", &format!("/bkt/{key}"), &[], b"");
        assert_eq!(reply.status, 200, "{key}: {}", reply.text());
        reply.body
    }

    pub(crate) fn create(&self, request: &Value) {
        self.sagemaker("CreateTrainingJob", request);
    }

    pub(crate) fn describe(&self, name: &str) -> Value {
        self.sagemaker("DescribeTrainingJob", &json!({ "TrainingJobName": name }))
    }

    /// Describes the job until `done` is content.
    pub(crate) fn until(&self, name: &str, done: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let job = self.describe(name);
            if done(&job) {
                return job;
            }
            assert!(start.elapsed() < PATIENCE, "{job:#}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The job when it has ended.
    pub(crate) fn ended(&self, name: &str) -> Value {
        self.until(name, |job| {
            ["Completed", "Failed", "Stopped"]
                .iter()
                .any(|it| job["TrainingJobStatus"] == *it)
        })
    }

    /// The job when its trainers have printed their first line.
    pub(crate) fn training(&self, name: &str) {
        self.until(name, |job| job["SecondaryStatus"] == "Training");
        let start = Instant::now();
        while !self.log_text(name).contains("[1]") {
            assert!(start.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn log_text(&self, name: &str) -> String {
        let request = json!({ "logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamNamePrefix": format!("{name}/") });
        self.call("Logs_20140328.FilterLogEvents", &request).text()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let runtime = self.runtime.enter();
        self.server.take();
        drop(runtime);
    }
}

/// One request on a connection of its own, which need not be the test's thread's.
pub(crate) fn ask(
    addr: SocketAddr,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut lines = vec![format!("{method} {path} HTTP/1.1"), format!("Host: {addr}")];
    lines.extend(
        headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}")),
    );
    lines.push(format!(
        "Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    ));
    let head = lines.join("\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let end = reply.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let headers = String::from_utf8_lossy(&reply[..end]).to_lowercase();
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    Reply {
        status,
        headers,
        body: reply[end + 4..].to_vec(),
    }
}

/// Code and message of an error document.
pub(crate) fn refusal(reply: &Reply) -> (String, String) {
    let document = reply.json();
    let code = document["__type"].as_str().unwrap().to_owned();
    assert!(
        reply
            .headers
            .contains(&format!("x-amzn-errortype: {}", code.to_lowercase())),
        "{}",
        reply.headers
    );
    let message = document["message"]
        .as_str()
        .or(document["Message"].as_str())
        .unwrap();
    (code, message.to_owned())
}

/// A request on spot capacity, with checkpoints below `ckpt/<name>`.
pub(crate) fn spot(name: &str, mode: &str) -> Value {
    let mut request = request(name, mode);
    request["EnableManagedSpotTraining"] = json!(true);
    request["StoppingCondition"] = json!({ "MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60 });
    request["CheckpointConfig"] = json!({ "S3Uri": format!("s3://bkt/ckpt/{name}") });
    request
}

/// A request that trains on `train/`, with the stand-in's `mode`.
pub(crate) fn request(name: &str, mode: &str) -> Value {
    json!({
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": { "TrainingImage": IMAGE, "TrainingInputMode": "File" },
        "HyperParameters": { "mode": mode },
        "InputDataConfig": [channel("train", "s3://bkt/train/")],
        "OutputDataConfig": { "S3OutputPath": "s3://bkt/out" },
        "ResourceConfig": { "InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5 },
        "StoppingCondition": { "MaxRuntimeInSeconds": 60 },
    })
}

/// A channel over a prefix.
pub(crate) fn channel(name: &str, uri: &str) -> Value {
    let source = json!({ "S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated" });
    json!({ "ChannelName": name, "ContentType": "text/csv", "DataSource": { "S3DataSource": source } })
}

/// Name and content of each file in a `.tar.gz`.
pub(crate) fn unpack(archive: &[u8]) -> Vec<(String, String)> {
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let entries = tar.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        (entry.path().unwrap().display().to_string(), text)
    });
    entries.collect()
}
