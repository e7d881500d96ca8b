//! The task of a transform job: its model is started, asked object by object, and ended.

use super::records::{Batch, batches, split};
use super::request::{Assemble, Compression, Plan};
use crate::app::App;
use crate::job::{Cause, Order, next_order, now};
use crate::serving::{INSTANCE, Served, Serving, clear, http};
use crate::work_status::{WorkEnd, WorkRecord, abandoned};
use bytes::Bytes;
use contract::job::S3Uri;
use flate2::read::MultiGzDecoder;
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Characters of a failed answer that the reason repeats.
const MOST_SAID: usize = 500;

/// A transform job that runs.
#[derive(Debug)]
pub(super) struct Transform {
    pub(super) app: Arc<App>,
    pub(super) name: String,
    pub(super) plan: Plan,
    pub(super) served: Served,
}

impl Transform {
    /// Runs it to its end.
    pub(super) async fn run(self, mut orders: watch::Receiver<Order>) {
        let end = match self.start().await {
            Ok(serving) => self.serve(serving, &mut orders).await,
            Err(reason) => WorkEnd::Failed(reason),
        };
        self.note(|record| record.progress.close(end));
        clear(&self.served.root);
    }

    async fn start(&self) -> Result<Serving, String> {
        let internal = |err: &dyn std::fmt::Display| format!("InternalServerError: {err}");
        let stream = format!("{}/{INSTANCE}-{}", self.name, now() as u64);
        let log = self.app.logs.transforms().map_err(|err| internal(&err))?;
        let sink = log.stream(stream).map_err(|err| internal(&err))?;
        let serving = Serving::start(&self.app.config, self.served.clone(), sink).await;
        serving.map_err(|err| format!("AlgorithmError: {err}"))
    }

    /// Asks the model until all is done or somebody ends the job, and ends the model.
    async fn serve(&self, mut serving: Serving, orders: &mut watch::Receiver<Order>) -> WorkEnd {
        let grace = self.app.config.stop_grace;
        let (end, grace) = tokio::select! {
            worked = self.work(&mut serving) => match worked {
                Ok(()) => (WorkEnd::Completed, grace),
                Err(reason) => (WorkEnd::Failed(reason), grace),
            },
            cause = next_order(orders) => match cause {
                Cause::Abandoned => (abandoned("transform", "was shut down"), Duration::ZERO),
                Cause::Stopped | Cause::MaxRuntime | Cause::MaxWait | Cause::Interrupted | Cause::Peer => {
                    (WorkEnd::Stopped, grace)
                }
            },
        };
        serving.stop(grace).await;
        end
    }

    async fn work(&self, serving: &mut Serving) -> Result<(), String> {
        let id = serving.id;
        let addr = serving.answers().await;
        let addr = addr.map_err(|err| format!("AlgorithmError: {err}"))?;
        self.note(|record| record.progress.start(id.into_iter().collect()));
        let Plan { input, output, .. } = &self.plan;
        for item in input.items() {
            let answered = self.object(addr, item.file.clone()).await;
            let answered =
                answered.map_err(|err| format!("ClientError: {}: {err}", item.address))?;
            let target = output.join(&format!("{}.out", item.to.display()));
            self.put(&target, answered).await?;
        }
        Ok(())
    }

    /// What the model answers to an object.
    async fn object(&self, addr: SocketAddr, file: PathBuf) -> Result<Vec<u8>, String> {
        let compression = self.plan.compression;
        let read = tokio::task::spawn_blocking(move || read(file, compression)).await;
        let object = read.map_err(io::Error::other).and_then(|it| it);
        let object = object.map_err(|err| err.to_string())?;
        let records = split(&object, self.plan.split).map_err(|err| err.to_string())?;
        let filtered = match &self.plan.processing {
            Some(rows) => Some(
                records
                    .iter()
                    .map(|it| rows.before(it))
                    .collect::<Result<Vec<_>, _>>()?,
            ),
            None => None,
        };
        let sent: Vec<&[u8]> = match &filtered {
            Some(filtered) => filtered.iter().map(Vec::as_slice).collect(),
            None => records.clone(),
        };
        let Plan {
            strategy,
            max_payload,
            ..
        } = self.plan;
        let requests = batches(&sent, self.plan.split, strategy, max_payload);
        let mut written = Vec::new();
        let mut done = 0;
        for request in requests.map_err(|err| err.to_string())? {
            let answer = self.ask(addr, &request).await?;
            let asked = &records[done..done + request.records.len()];
            done += asked.len();
            match &self.plan.processing {
                Some(rows) => written.extend(rows.after(asked, &answer)?.into_bytes()),
                None => written.extend_from_slice(&answer),
            }
            if self.plan.assemble == Assemble::Line && written.last().is_some_and(|it| *it != b'\n')
            {
                written.push(b'\n');
            }
        }
        Ok(written)
    }

    async fn ask(&self, addr: SocketAddr, batch: &Batch<'_>) -> Result<Bytes, String> {
        let body = Bytes::from(batch.body());
        let request = http::Request::post("/invocations", body)
            .with("content-type", self.plan.content_type.as_deref())
            .with("accept", self.plan.accept.as_deref());
        let mut attempt = 0;
        loop {
            let asked = tokio::time::timeout(self.plan.timeout, http::ask(addr, request.clone()));
            let reply = match asked.await {
                Ok(reply) => reply.map_err(|err| format!("the model did not answer: {err}"))?,
                Err(_) => {
                    return Err(
                        "the model did not answer in InvocationsTimeoutInSeconds".to_owned()
                    );
                }
            };
            if (200..300).contains(&reply.status) {
                return Ok(reply.body);
            }
            if reply.status < 500 || attempt >= self.plan.retries {
                let said: String = String::from_utf8_lossy(&reply.body)
                    .chars()
                    .take(MOST_SAID)
                    .collect();
                return Err(format!(
                    "the model answered {}: {}",
                    reply.status,
                    said.trim()
                ));
            }
            attempt += 1;
        }
    }

    async fn put(&self, target: &S3Uri, bytes: Vec<u8>) -> Result<(), String> {
        let failed = |reason: String| format!("ClientError: Artifact upload failed:{reason}");
        let file = self.served.root.join("answer");
        let written = tokio::fs::write(&file, bytes).await;
        written.map_err(|err| failed(err.to_string()))?;
        let put = self
            .app
            .objects
            .put(target.bucket(), target.key(), &file)
            .await;
        put.map_err(failed)
    }

    fn note(&self, change: impl FnOnce(&mut WorkRecord)) {
        let change = |record: &mut WorkRecord| {
            change(record);
            Ok::<_, Infallible>(())
        };
        if let Err(err) = self.app.records.transforms.update(&self.name, change) {
            tracing::error!(job = self.name, %err, "the transform job could not be recorded");
        }
    }
}

fn read(file: PathBuf, compression: Compression) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = File::open(file)?;
    match compression {
        Compression::Gzip => MultiGzDecoder::new(file).read_to_end(&mut bytes)?,
        Compression::None => file.read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}
