//! One job from `Starting` to its end.
//!
//! The record is asked before every step: a job that was told to stop has no edge to the next phase, and that is how the
//! runner learns of it between processes. Whatever happens, the job ends in a terminal status and its tree is removed.

use super::channels::{Asker, Source};
use super::checkpoints::Checkpoints;
use super::failure;
use super::layout::{Host, checkpoint_dir, lay_out};
use super::metrics::Extractor;
use super::pipes::{Feeders, Stream};
pub(crate) use super::process::Order;
use super::process::{Cause, Ended, Limits, Sink, Trainers};
use super::record::{JobRecord, Jobs};
use super::{enter, now};
use crate::config::Config;
use crate::logs::LogStore;
use crate::s3::Objects;
use contract::environment;
use contract::job::{S3Uri, SecondaryStatus, TrainingJobDescription, TrainingJobStatus};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A request without a limit runs for a day, as on SageMaker.
const DEFAULT_MAX_RUNTIME_SECS: i64 = 24 * 60 * 60;
/// How often changed checkpoints are uploaded.
const CHECKPOINT_PERIOD: Duration = Duration::from_secs(1);

/// What a job needs of its server.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    pub(crate) config: Config,
    pub(crate) trainer: PathBuf,
    pub(crate) work: PathBuf,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) logs: Arc<LogStore>,
    pub(crate) objects: Objects,
    pub(crate) metrics: Arc<Extractor>,
}

/// How a job ends, unless somebody has stopped it.
#[derive(Debug)]
enum End {
    Completed,
    MaxRuntime,
    Stopped,
    Failed(String),
}

impl Runner {
    /// Runs the job of that name, which is `Starting`.
    pub(crate) async fn run(self, name: String, orders: watch::Receiver<Order>) {
        let end = match self.jobs.get(&name) {
            Some(record) => self.drive(&record.description, orders).await,
            None => return,
        };
        if let Err(err) = self.finish(&name, end) {
            // Only a full or broken disk; the next server finds the job unfinished and fails it.
            tracing::error!(job = name, %err, "the end of the training job could not be recorded");
        }
        let _ = tokio::fs::remove_dir_all(self.work.join(&name)).await;
    }

    async fn drive(&self, job: &TrainingJobDescription, orders: watch::Receiver<Order>) -> End {
        match self.phases(job, orders).await {
            Ok(end) => end,
            Err(Halt::Stopping) => End::Stopped,
            Err(Halt::Failed(reason)) => End::Failed(reason),
        }
    }

    async fn phases(
        &self,
        job: &TrainingJobDescription,
        orders: watch::Receiver<Order>,
    ) -> Result<End, Halt> {
        let hosts =
            lay_out(&self.work.join(&job.training_job_name), job).map_err(Halt::internal)?;
        self.enter(job, SecondaryStatus::Downloading)?;
        let mut checkpoints = self.checkpoints(job, &hosts)?;
        let (runner, description, trees) = (self.clone(), job.clone(), hosts.clone());
        let streams = blocking(move || runner.download(&description, &trees)).await?;
        if let Some(it) = &mut checkpoints {
            it.bring()
                .map_err(|err| Halt::Failed(format!("ClientError: Data download failed:{err}")))?;
        }
        self.enter(job, SecondaryStatus::Training)?;
        let feeders = Feeders::start(streams).map_err(Halt::internal)?;
        let ended = self.train(job, &hosts, orders, &mut checkpoints).await?;
        drop(feeders);
        if ended.cause == Some(Cause::Abandoned) {
            return Err(Halt::Failed(abandoned("was shut down")));
        }
        if ended.cause == Some(Cause::MaxRuntime) {
            // Somebody may have stopped it in the same instant; the limit came first.
            let _ = self.enter(job, SecondaryStatus::Stopping);
        }
        self.enter(job, SecondaryStatus::Uploading)?;
        let failed = ended
            .failed
            .map(|(rank, status)| failure::reason(&hosts[rank].root, status));
        self.upload(job, &hosts, failed.is_none()).await?;
        Ok(match (ended.cause, failed) {
            (Some(Cause::MaxRuntime), _) => End::MaxRuntime,
            (_, Some(reason)) => End::Failed(reason),
            (_, None) => End::Completed,
        })
    }

    fn enter(&self, job: &TrainingJobDescription, next: SecondaryStatus) -> Result<(), Halt> {
        let change = |record: &mut JobRecord| enter(&mut record.description, next, now());
        match self
            .jobs
            .update(&job.training_job_name, change)
            .map_err(Halt::internal)?
        {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(Halt::Stopping),
        }
    }

    /// Brings the channels, and gives those that come through pipes.
    fn download(&self, job: &TrainingJobDescription, hosts: &[Host]) -> Result<Vec<Stream>, Halt> {
        let role = job.role_arn.as_deref().unwrap_or_default();
        let asker = Asker {
            region: &self.config.region,
            role,
        };
        let failed =
            |reason: String| Halt::Failed(format!("ClientError: Data download failed:{reason}"));
        let mut streams = Vec::new();
        for channel in &job.input_data_config {
            let source = Source::find(&self.objects, channel, asker)
                .map_err(|err| failed(err.to_string()))?;
            let of_job = &job.algorithm_specification.training_input_mode;
            if channel.input_mode.as_ref().unwrap_or(of_job) == "Pipe" {
                let folder = self.work.join(&job.training_job_name).join("objects");
                let folder = folder.join(source.channel());
                let units = source
                    .units(&folder)
                    .map_err(|err| failed(err.to_string()))?;
                let units = Arc::new(units);
                streams.extend(hosts.iter().enumerate().map(|(rank, host)| Stream {
                    channel: source.channel().to_owned(),
                    root: host.root.clone(),
                    units: Arc::clone(&units),
                    share: source.share(rank, hosts.len()),
                    is_wrapped: channel.record_wrapper_type.as_deref() == Some("RecordIO"),
                    is_gzip: channel.compression_type.as_deref() == Some("Gzip"),
                    shuffle: channel.shuffle_config.as_ref().map(|it| it.seed),
                }));
                continue;
            }
            for (rank, host) in hosts.iter().enumerate() {
                let folder = host.root.channel_dir(source.channel());
                source
                    .bring(&folder, rank, hosts.len())
                    .map_err(|err| failed(err.to_string()))?;
            }
        }
        Ok(streams)
    }

    fn checkpoints(
        &self,
        job: &TrainingJobDescription,
        hosts: &[Host],
    ) -> Result<Option<Checkpoints>, Halt> {
        let Some(config) = &job.checkpoint_config else {
            return Ok(None);
        };
        let uri: S3Uri = config
            .s3_uri
            .parse()
            .map_err(|err| Halt::Failed(format!("ClientError: {err}")))?;
        let folder = |host: &Host| checkpoint_dir(&host.root, config.local_path.as_deref());
        let folders = hosts.iter().map(folder).collect();
        Ok(Some(Checkpoints::new(self.objects.clone(), uri, folders)))
    }

    async fn train(
        &self,
        job: &TrainingJobDescription,
        hosts: &[Host],
        orders: watch::Receiver<Order>,
        checkpoints: &mut Option<Checkpoints>,
    ) -> Result<Ended, Halt> {
        let sink = self.sink(job, hosts)?;
        let trainers = Trainers::start(&self.trainer, &self.environment(job), hosts, &sink)
            .map_err(|err| {
                Halt::Failed(format!(
                    "InternalServerError: cannot start `{}`: {err}",
                    self.trainer.display()
                ))
            })?;
        let ids = trainers.ids.clone();
        self.note_processes(job, ids)?;
        let seconds = job
            .stopping_condition
            .max_runtime_in_seconds
            .unwrap_or(DEFAULT_MAX_RUNTIME_SECS);
        let max_runtime = Duration::from_secs(seconds.unsigned_abs());
        let limits = Limits {
            max_runtime,
            grace: self.config.stop_grace,
        };
        let mut end = std::pin::pin!(trainers.end(limits, orders));
        let mut tick = tokio::time::interval(CHECKPOINT_PERIOD);
        let ended = loop {
            tokio::select! {
                ended = &mut end => break ended,
                _ = tick.tick() => upload_checkpoints(checkpoints).await?,
            }
        };
        upload_checkpoints(checkpoints).await?;
        self.note_processes(job, Vec::new())?;
        ended.map_err(Halt::internal)
    }

    fn note_processes(&self, job: &TrainingJobDescription, ids: Vec<u32>) -> Result<(), Halt> {
        let change = |record: &mut JobRecord| {
            record.processes = ids;
            Ok::<_, Halt>(())
        };
        self.jobs
            .update(&job.training_job_name, change)
            .map(|_| ())
            .map_err(Halt::internal)
    }

    /// Sends every line to its host's log stream and to the metrics.
    fn sink(&self, job: &TrainingJobDescription, hosts: &[Host]) -> Result<Sink, Halt> {
        let names = |epoch: u64| -> Vec<String> {
            let name = |it: &Host| format!("{}/{}-{epoch}", job.training_job_name, it.name);
            hosts.iter().map(name).collect()
        };
        let mut epoch = now() as u64;
        let mut streams = names(epoch);
        // A job that was deleted may have had this name in this second, and its log stays.
        while streams.iter().any(|it| self.logs.has(it)) {
            epoch += 1;
            streams = names(epoch);
        }
        for stream in &streams {
            self.logs.create(stream).map_err(Halt::internal)?;
        }
        let (logs, metrics) = (self.logs.clone(), self.metrics.clone());
        Ok(Arc::new(move |rank: usize, line: &str| {
            metrics.observe(line, now());
            // A log that cannot be written must not end a training that can.
            if let Err(err) = logs.append(&streams[rank], line) {
                tracing::warn!(stream = streams[rank], %err, "a log line was lost");
            }
        }))
    }

    fn environment(&self, job: &TrainingJobDescription) -> BTreeMap<String, String> {
        let mut variables = job.environment.clone();
        if let Ok(path) = std::env::var("PATH") {
            variables.entry("PATH".to_owned()).or_insert(path);
        }
        for (variable, value) in [
            (environment::TRAINING_JOB_NAME, &job.training_job_name),
            (environment::TRAINING_JOB_ARN, &job.training_job_arn),
            (environment::AWS_REGION, &self.config.region),
        ] {
            variables.insert(variable.name.to_owned(), value.clone());
        }
        // What a role and a region are on AWS: the way to the channels that the trainer reads from S3 by itself.
        let endpoint = format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.config.port);
        for (name, value) in [
            (environment::AWS_ENDPOINT_URL.name, endpoint.as_str()),
            (environment::AWS_ACCESS_KEY_ID.name, "local"),
            (environment::AWS_SECRET_ACCESS_KEY.name, "local"),
        ] {
            let variable = variables.entry(name.to_owned());
            variable.or_insert_with(|| value.to_owned());
        }
        variables
    }

    fn finish(&self, name: &str, end: End) -> std::io::Result<()> {
        let change = |record: &mut JobRecord| {
            record.processes.clear();
            record.description.final_metric_data_list = self.metrics.finals();
            close(&mut record.description, end)
        };
        match self.jobs.update(name, change)? {
            Some(Err(err)) => Err(std::io::Error::other(err)),
            Some(Ok(())) | None => Ok(()),
        }
    }
}

/// Puts a job into the terminal status that fits `end`. Somebody's stop goes before everything else.
fn close(job: &mut TrainingJobDescription, end: End) -> Result<(), super::phase::NoEdge> {
    let at = now();
    let asked = job.training_job_status == TrainingJobStatus::Stopping;
    let next = match end {
        End::MaxRuntime => SecondaryStatus::MaxRuntimeExceeded,
        End::Completed | End::Stopped if asked => SecondaryStatus::Stopped,
        End::Failed(reason) if !asked || is_platform(&reason) => {
            job.failure_reason = Some(reason.chars().take(failure::MAX_REASON).collect());
            SecondaryStatus::Failed
        }
        End::Failed(_) | End::Stopped => SecondaryStatus::Stopped,
        End::Completed => SecondaryStatus::Completed,
    };
    enter(job, next, at)?;
    if let Some(start) = job.training_start_time {
        // Started seconds count, as on a bill.
        let seconds = (at - start).ceil().max(1.0) as i64;
        job.training_time_in_seconds = Some(seconds);
        job.billable_time_in_seconds = Some(seconds);
    }
    Ok(())
}

/// A server's end or a lost artifact is no matter of the trainer's exit code, so a stop does not hide it.
fn is_platform(reason: &str) -> bool {
    !reason.starts_with("AlgorithmError")
}

/// Ends a job whose server has gone, as the next server finds it.
pub(crate) fn fail_orphan(job: &mut TrainingJobDescription) {
    // Every status that is not terminal leads to `Failed`.
    let _ = close(job, End::Failed(abandoned("ended")));
}

fn abandoned(how: &str) -> String {
    format!(
        "InternalServerError: the local SageMaker {how} while the training job was running; submit it again"
    )
}

async fn upload_checkpoints(checkpoints: &mut Option<Checkpoints>) -> Result<(), Halt> {
    let Some(it) = checkpoints else { return Ok(()) };
    it.upload()
        .await
        .map_err(|err| Halt::Failed(format!("ClientError: Checkpoint upload failed:{err}")))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Halt> + Send + 'static,
) -> Result<T, Halt> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Halt::internal)?
}

/// Why a job does not go on to the next phase.
#[derive(Debug)]
pub(super) enum Halt {
    /// Somebody has stopped it.
    Stopping,
    Failed(String),
}

impl Halt {
    pub(super) fn internal(err: impl std::fmt::Display) -> Self {
        Self::Failed(format!("InternalServerError: {err}"))
    }
}
