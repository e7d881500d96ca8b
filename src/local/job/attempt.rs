//! One start of a job's hosts: trees, channels and checkpoints in, processes, checkpoints and artifacts out.
//!
//! A job without interruptions has one. Whatever a start has left in its trees is gone at the next, but for checkpoints,
//! which are in S3.

use super::billing;
use super::channels::{Asker, Bring, Source};
use super::failure;
use super::layout::{Host, checkpoint_dir, lay_out};
use super::mirror::Mirror;
use super::pipes::{Feeders, Stream};
use super::process::{Cause, Ended, Limits, Order, Trainers, process};
use super::record::JobRecord;
use super::runner::{End, Halt, Runner, abandoned};
use super::spot::patience;
use super::variables::streamed_channel;
use crate::config::Engine;
use crate::container::{Containers, Gateway, Network, Recipe};
use contract::job::{S3Uri, SecondaryStatus, TrainingJobDescription};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A request without a limit runs for a day, as on SageMaker.
const DEFAULT_MAX_RUNTIME_SECS: i64 = 24 * 60 * 60;
/// How often changed checkpoints are uploaded.
const CHECKPOINT_PERIOD: Duration = Duration::from_secs(1);

/// How a start of the hosts ended.
#[derive(Debug)]
pub(super) enum Attempt {
    /// And the job with it.
    Over(End),
    /// The spot machines were taken away.
    Interrupted,
}

/// What a start runs.
#[derive(Clone, Copy, Debug)]
struct Start<'a> {
    job: &'a TrainingJobDescription,
    hosts: &'a [Host],
    /// `None` where hosts are processes.
    containers: Option<&'a Containers>,
    /// Where containers read channels from S3 by themselves.
    gateway: Option<&'a Gateway>,
}

impl Runner {
    /// Starts the hosts of `job`, which is `Starting`, and waits for their end.
    pub(super) async fn attempt(
        &self,
        job: &TrainingJobDescription,
        orders: watch::Receiver<Order>,
    ) -> Result<Attempt, Halt> {
        let hosts = lay_out(
            &self.work.join(&job.training_job_name),
            job,
            self.config.engine,
        )
        .map_err(Halt::internal)?;
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
        match ended.cause {
            Some(Cause::Abandoned) => return Err(Halt::Failed(abandoned("was shut down"))),
            // Somebody may have stopped it in the same instant; then it ends as a stopped job does.
            Some(Cause::Interrupted) if self.enter(job, SecondaryStatus::Interrupted).is_ok() => {
                return Ok(Attempt::Interrupted);
            }
            // The same again; the limit came first.
            Some(Cause::MaxRuntime | Cause::MaxWait) => {
                let _ = self.enter(job, SecondaryStatus::Stopping);
            }
            Some(Cause::Stopped | Cause::Peer | Cause::Interrupted) | None => {}
        }
        self.enter(job, SecondaryStatus::Uploading)?;
        let failed = ended
            .failed
            .map(|(rank, status)| failure::reason(&hosts[rank].root, status));
        self.upload(job, &hosts, failed.is_none()).await?;
        Ok(Attempt::Over(match (ended.cause, failed) {
            (Some(Cause::MaxRuntime), _) => End::MaxRuntime,
            (Some(Cause::MaxWait), _) => End::MaxWait,
            (_, Some(reason)) => End::Failed(reason),
            (_, None) => End::Completed,
        }))
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
                    .bring(&folder, (rank, hosts.len()), Bring::Linked)
                    .map_err(|err| failed(err.to_string()))?;
            }
        }
        Ok(streams)
    }

    fn checkpoints(
        &self,
        job: &TrainingJobDescription,
        hosts: &[Host],
    ) -> Result<Option<Mirror>, Halt> {
        let Some(config) = &job.checkpoint_config else {
            return Ok(None);
        };
        let uri: S3Uri = config
            .s3_uri
            .parse()
            .map_err(|err| Halt::Failed(format!("ClientError: {err}")))?;
        let folder = |host: &Host| checkpoint_dir(&host.root, config.local_path.as_deref());
        let folders = hosts.iter().map(folder).collect();
        Ok(Some(Mirror::checkpoints(
            self.objects.clone(),
            uri,
            folders,
        )))
    }

    async fn train(
        &self,
        job: &TrainingJobDescription,
        hosts: &[Host],
        orders: watch::Receiver<Order>,
        checkpoints: &mut Option<Mirror>,
    ) -> Result<Ended, Halt> {
        let containers = match self.config.engine {
            Engine::Process => None,
            Engine::Docker => {
                let opened = Containers::open(recipe(job), &self.config.state_dir).await;
                Some(opened.map_err(Halt::internal)?)
            }
        };
        let ended = async {
            let gateway = match &containers {
                Some(containers) if streamed_channel(&job.environment).is_some() => {
                    Some(self.gateway(containers).await?)
                }
                Some(_) | None => None,
            };
            let start = Start {
                job,
                hosts,
                containers: containers.as_ref(),
                gateway: gateway.as_ref(),
            };
            self.run_hosts(&start, orders, checkpoints).await
        };
        let ended = ended.await;
        // Whatever went wrong: nothing ends containers and their network but this.
        if let Some(containers) = &containers {
            containers.close(hosts).await;
        }
        let ended = ended?;
        upload_checkpoints(checkpoints).await?;
        self.note_processes(job, Vec::new())?;
        ended.map_err(Halt::internal)
    }

    /// Opens the local S3 to a job's containers.
    async fn gateway(&self, containers: &Containers) -> Result<Gateway, Halt> {
        let objects = Arc::clone(&self.object_server);
        let opened = match containers.gateway().await {
            Ok(address) => Gateway::open(objects, address).await,
            Err(err) => Err(err),
        };
        opened.map_err(|err| {
            Halt::Failed(format!(
                "InternalServerError: the containers' way to the local S3 cannot be opened, for which the engine must be on this machine: {err}"
            ))
        })
    }

    /// Starts the hosts and waits for their end, with checkpoints uploaded meanwhile.
    async fn run_hosts(
        &self,
        start: &Start<'_>,
        orders: watch::Receiver<Order>,
        checkpoints: &mut Option<Mirror>,
    ) -> Result<io::Result<Ended>, Halt> {
        let (job, hosts) = (start.job, start.hosts);
        let sink = self.sink(job, hosts)?;
        let environment = self.environment(job, start.gateway);
        let command = |host: &Host| match start.containers {
            Some(it) => it.command(host, &environment),
            None => process(&self.trainer, &environment, host),
        };
        let trainers = Trainers::start(&command, hosts, &sink).map_err(|err| {
            Halt::Failed(format!("InternalServerError: cannot start a host: {err}"))
        })?;
        let ids = trainers.ids.clone();
        self.note_processes(job, ids)?;
        let limits = self.limits(job);
        let mut end = std::pin::pin!(trainers.end(limits, orders));
        let mut tick = tokio::time::interval(CHECKPOINT_PERIOD);
        loop {
            tokio::select! {
                ended = &mut end => return Ok(ended),
                _ = tick.tick() => upload_checkpoints(checkpoints).await?,
            }
        }
    }

    /// What is left of the job's time, as its record has it.
    fn limits(&self, job: &TrainingJobDescription) -> Limits {
        let record = self.jobs.get(&job.training_job_name);
        let transitions = record
            .map(|it| it.description.secondary_status_transitions)
            .unwrap_or_default();
        let allowed = job.stopping_condition.max_runtime_in_seconds;
        let allowed = allowed.unwrap_or(DEFAULT_MAX_RUNTIME_SECS) as f64;
        let left = allowed - billing::trained_before(&transitions);
        Limits {
            max_runtime: Duration::from_secs_f64(left.max(0.0)),
            max_wait: patience(job),
            interrupt: self.interruption(&transitions),
            grace: self.config.stop_grace,
        }
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
}

/// What a job's containers are made from.
fn recipe(job: &TrainingJobDescription) -> Recipe {
    let algorithm = &job.algorithm_specification;
    let mut arguments = algorithm.container_arguments.clone();
    if algorithm.container_entrypoint.is_empty() && arguments.is_empty() {
        arguments.push("train".to_owned());
    }
    Recipe {
        name: job.training_job_name.clone(),
        image: algorithm.training_image.clone().unwrap_or_default(),
        entrypoint: algorithm.container_entrypoint.clone(),
        arguments,
        instance_type: job.resource_config.instance_type.clone(),
        network: Network::of(job.enable_network_isolation),
    }
}

async fn upload_checkpoints(checkpoints: &mut Option<Mirror>) -> Result<(), Halt> {
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
