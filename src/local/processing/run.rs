//! The task of a processing job: trees, inputs, hosts, outputs and the message.

use super::layout::lay_out;
use super::request::{Left, Plan, Runs, Upload};
use crate::app::App;
use crate::container::Containers;
use crate::job::{
    Cause, Ended, Host, Limits, Mirror, Order, Sink, Trainers, failure_reason, now, on_this_machine,
};
use crate::work_status::{WorkEnd, WorkRecord, abandoned};
use contract::environment::AWS_REGION;
use serde_json::Value;
use std::convert::Infallible;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::watch;

/// How often changed files of continuous outputs are uploaded.
const UPLOAD_PERIOD: Duration = Duration::from_secs(1);
/// Bytes of an exit message.
const MOST_SAID: usize = 1024;

/// A processing job that runs.
#[derive(Debug)]
pub(super) struct Processing {
    pub(super) app: Arc<App>,
    pub(super) name: String,
    pub(super) plan: Arc<Plan>,
    /// Its description when it began.
    pub(super) described: Value,
}

impl Processing {
    /// Runs it to its end.
    pub(super) async fn run(self, orders: watch::Receiver<Order>) {
        // No training job's name has a dot, so no tree of theirs is this one.
        let work = format!("processing.{}", self.name);
        let work = self.app.folders.work.join(work);
        let mut message = None;
        let ended = self.work(work.clone(), orders, &mut message).await;
        let end = ended.unwrap_or_else(WorkEnd::Failed);
        self.note(|record| {
            record.progress.close(end);
            record.progress.exit_message = message;
        });
        // What cannot be removed now is removed when the next server starts.
        let _ = tokio::fs::remove_dir_all(work).await;
    }

    async fn work(
        &self,
        work: PathBuf,
        orders: watch::Receiver<Order>,
        message: &mut Option<String>,
    ) -> Result<WorkEnd, String> {
        let (plan, described) = (Arc::clone(&self.plan), self.described.clone());
        let made = tokio::task::spawn_blocking(move || lay_out(&work, &plan, &described)).await;
        let made = made.map_err(io::Error::other).and_then(|it| it);
        let hosts = made.map_err(|err| format!("ClientError: Data download failed:{err}"))?;
        let mut continuous = self.outputs(&hosts, |it| it.upload == Upload::Continuous);
        let ended = self.hosts(&hosts, orders, &mut continuous).await?;
        // Nothing writes any more.
        let uploaded = upload(&mut continuous).await;
        if ended.cause == Some(Cause::Abandoned) {
            return Ok(abandoned("processing", "was shut down"));
        }
        let said = exit_message(&hosts);
        if let Ok(text) = &said {
            message.clone_from(text);
        }
        if let Some((rank, status)) = ended.failed {
            return Err(failure_reason(&hosts[rank].root, status));
        }
        said?;
        uploaded?;
        upload(&mut self.outputs(&hosts, |it| it.upload == Upload::EndOfJob)).await?;
        Ok(match ended.cause {
            Some(_) => WorkEnd::Stopped,
            None => WorkEnd::Completed,
        })
    }

    /// Those outputs that are `wanted`.
    fn outputs(&self, hosts: &[Host], wanted: impl Fn(&Left) -> bool) -> Vec<Mirror> {
        let outputs = self.plan.outputs.iter().filter(|it| wanted(it));
        let mirror = |it: &Left| {
            let folders = hosts.iter().map(|host| host.root.path().join(&it.folder));
            let objects = self.app.objects.clone();
            Mirror::outputs(objects, it.uri.clone(), folders.collect())
        };
        outputs.map(mirror).collect()
    }

    /// Runs the program on all hosts.
    async fn hosts(
        &self,
        hosts: &[Host],
        orders: watch::Receiver<Order>,
        continuous: &mut [Mirror],
    ) -> Result<Ended, String> {
        let mut environment = self.plan.environment.clone();
        let region = self.app.config.region.clone();
        environment.insert(AWS_REGION.name.to_owned(), region);
        match &self.plan.runs {
            Runs::Process(program) => {
                on_this_machine(&self.app.config, &mut environment);
                let command = |host: &Host| program.command(host, &environment);
                let trainers = self.start(&command, hosts)?;
                self.end(trainers, orders, continuous).await
            }
            Runs::Container(recipe) => {
                let state = &self.app.config.state_dir;
                let opened = Containers::open(recipe.clone(), state).await;
                let containers = opened.map_err(internal)?;
                let command = |host: &Host| containers.command(host, &environment);
                let ended = match self.start(&command, hosts) {
                    Ok(trainers) => self.end(trainers, orders, continuous).await,
                    Err(reason) => Err(reason),
                };
                // Whatever went wrong: nothing ends containers and their network but this.
                containers.close(hosts).await;
                ended
            }
        }
    }

    fn start(
        &self,
        command: &dyn Fn(&Host) -> Command,
        hosts: &[Host],
    ) -> Result<Trainers, String> {
        Trainers::start(command, hosts, &self.sink(hosts)?).map_err(internal)
    }

    /// Waits for the end of what has started, with continuous outputs uploaded meanwhile.
    async fn end(
        &self,
        trainers: Trainers,
        orders: watch::Receiver<Order>,
        continuous: &mut [Mirror],
    ) -> Result<Ended, String> {
        let ids = trainers.ids.clone();
        self.note(|record| record.progress.start(ids));
        let limits = Limits {
            max_runtime: self.plan.max_runtime,
            max_wait: None,
            interrupt: None,
            grace: self.app.config.stop_grace,
        };
        let mut end = std::pin::pin!(trainers.end(limits, orders));
        let mut tick = tokio::time::interval(UPLOAD_PERIOD);
        loop {
            let tick_and_upload = async {
                tick.tick().await;
                upload(continuous).await
            };
            tokio::select! {
                ended = &mut end => return ended.map_err(internal),
                // What could not be uploaded is tried again, at last when all has ended.
                uploaded = tick_and_upload => if let Err(reason) = uploaded {
                    tracing::warn!(job = self.name, "{reason}");
                },
            }
        }
    }

    /// Sends every line to its host's log stream.
    fn sink(&self, hosts: &[Host]) -> Result<Sink, String> {
        let log = self.app.logs.processings().map_err(internal)?;
        let epoch = now() as u64;
        let stream = |host: &Host| {
            let stream = format!("{}/{}-{epoch}", self.name, host.name);
            Arc::clone(&log).stream(stream)
        };
        let sinks: io::Result<Vec<Sink>> = hosts.iter().map(stream).collect();
        let sinks = sinks.map_err(internal)?;
        Ok(Arc::new(move |rank: usize, line: &str| {
            sinks[rank](rank, line);
        }))
    }

    fn note(&self, change: impl FnOnce(&mut WorkRecord)) {
        let change = |record: &mut WorkRecord| {
            change(record);
            Ok::<_, Infallible>(())
        };
        if let Err(err) = self.app.records.processings.update(&self.name, change) {
            tracing::error!(job = self.name, %err, "the processing job could not be recorded");
        }
    }
}

async fn upload(outputs: &mut [Mirror]) -> Result<(), String> {
    for output in outputs {
        let put = output.upload().await;
        put.map_err(|err| format!("ClientError: Output upload failed:{err}"))?;
    }
    Ok(())
}

/// What the hosts have written into `output/message`, one after the other.
fn exit_message(hosts: &[Host]) -> Result<Option<String>, String> {
    let mut text = String::new();
    for host in hosts {
        let Some(bytes) = first_bytes(&host.root.output_dir().join("message")) else {
            continue;
        };
        text.push_str(match std::str::from_utf8(&bytes) {
            Ok(message) => message,
            // A character that was cut in two.
            Err(err) if err.error_len().is_none() => {
                std::str::from_utf8(&bytes[..err.valid_up_to()]).unwrap_or_default()
            }
            Err(err) => {
                return Err(format!(
                    "ClientError: /opt/ml/output/message of {} is not UTF-8: {err}",
                    host.name
                ));
            }
        });
    }
    text.truncate(text.floor_char_boundary(MOST_SAID));
    Ok((!text.is_empty()).then_some(text))
}

/// As much of a file as a message may have; none of what is no file, which may have no end or lead elsewhere.
fn first_bytes(path: &Path) -> Option<Vec<u8>> {
    let is_file = fs::symlink_metadata(path).is_ok_and(|it| it.is_file());
    let file = is_file.then(|| fs::File::open(path).ok()).flatten()?;
    let mut bytes = Vec::new();
    file.take(MOST_SAID as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn internal(err: impl std::fmt::Display) -> String {
    format!("InternalServerError: {err}")
}
