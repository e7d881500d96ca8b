//! One job from `Starting` to its end.
//!
//! The record is asked before every step: a job that was told to stop has no edge to the next phase, and that is how the
//! runner learns of it between processes. Whatever happens, the job ends in a terminal status and its tree is removed.

use super::attempt::Attempt;
use super::metrics::Extractor;
pub(crate) use super::process::Order;
use super::record::{JobRecord, Jobs};
use super::spot::is_spot;
use super::{billing, failure};
use super::{enter, now};
use crate::config::Config;
use crate::logs::LogStore;
use crate::s3::{ObjectServer, Objects};
use crate::scenario::{JobPlan, PlannedFailure};
use crate::warm_pool;
use contract::job::{SecondaryStatus, TrainingJobDescription, TrainingJobStatus};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// What a job needs of its server.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    pub(crate) config: Config,
    pub(crate) trainer: PathBuf,
    pub(crate) work: PathBuf,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) logs: Arc<LogStore>,
    pub(crate) objects: Objects,
    pub(crate) object_server: Arc<ObjectServer>,
    pub(crate) metrics: Arc<Extractor>,
    pub(crate) plan: Arc<JobPlan>,
}

/// How a job ends, unless somebody has stopped it.
#[derive(Debug)]
pub(super) enum End {
    Completed,
    MaxRuntime,
    MaxWait,
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
        match self.plan.failure {
            None => {}
            Some(PlannedFailure::Capacity) if is_spot(job) => {
                return self.wait_in_vain(job, orders).await;
            }
            Some(failure) => return Err(Halt::Failed(failure.reason().to_owned())),
        }
        loop {
            match self.attempt(job, orders.clone()).await? {
                Attempt::Over(end) => return Ok(end),
                Attempt::Interrupted => {
                    if let Some(end) = self.wait_for_machines(job, orders.clone()).await? {
                        return Ok(end);
                    }
                }
            }
        }
    }

    pub(super) fn enter(
        &self,
        job: &TrainingJobDescription,
        next: SecondaryStatus,
    ) -> Result<(), Halt> {
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
        End::MaxWait => SecondaryStatus::MaxWaitTimeExceeded,
        End::Completed | End::Stopped if asked => SecondaryStatus::Stopped,
        End::Failed(reason) if !asked || is_platform(&reason) => {
            job.failure_reason = Some(reason.chars().take(failure::MAX_REASON).collect());
            SecondaryStatus::Failed
        }
        End::Failed(_) | End::Stopped => SecondaryStatus::Stopped,
        End::Completed => SecondaryStatus::Completed,
    };
    enter(job, next, at)?;
    billing::note(job);
    warm_pool::leave(job);
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

pub(super) fn abandoned(how: &str) -> String {
    format!(
        "InternalServerError: the local SageMaker {how} while the training job was running; submit it again"
    )
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
