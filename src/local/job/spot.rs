//! Spot machines: when they are taken away from a job, and when there are others.
//!
//! Only jobs with `EnableManagedSpotTraining` are interrupted. Their hosts get SIGTERM and the time of a stop; then the job
//! is `Interrupted`, waits, and starts again with what is in its checkpoints. `MaxWaitTimeInSeconds` counts the waiting too.
//!
//! Source: SageMaker developer guide, "Managed Spot Training in Amazon SageMaker AI".

use super::billing;
use super::now;
use super::process::{Cause, Order, next_order};
use super::runner::{End, Halt, Runner, abandoned};
use contract::job::{SecondaryStatus, SecondaryStatusTransition, TrainingJobDescription};
use std::time::Duration;
use tokio::sync::watch;

/// Whether a job runs on spot capacity.
pub(super) fn is_spot(job: &TrainingJobDescription) -> bool {
    job.enable_managed_spot_training == Some(true)
}

/// What is left of the time that a job may wait and train; `None` is for ever.
pub(super) fn patience(job: &TrainingJobDescription) -> Option<Duration> {
    let allowed = job.stopping_condition.max_wait_time_in_seconds? as f64;
    let left = allowed - (now() - job.creation_time);
    Some(Duration::from_secs_f64(left.max(0.0)))
}

impl Runner {
    /// How long after its start the job's machines are taken away; `None` if they are left to it.
    pub(super) fn interruption(
        &self,
        transitions: &[SecondaryStatusTransition],
    ) -> Option<Duration> {
        let plan = self.plan.interruption?;
        (billing::n_interruptions(transitions) < plan.times as usize).then_some(plan.after)
    }

    /// Waits until an interrupted job may start again, with trees as new; an end if it has waited too long.
    pub(super) async fn wait_for_machines(
        &self,
        job: &TrainingJobDescription,
        orders: watch::Receiver<Order>,
    ) -> Result<Option<End>, Halt> {
        let pause = self
            .plan
            .interruption
            .map_or(Duration::ZERO, |it| it.back_after);
        let patience = patience(job);
        if patience.is_some_and(|it| it < pause) {
            return self.wait_in_vain(job, orders).await.map(Some);
        }
        wait(pause, orders).await?;
        let trees = self.work.join(&job.training_job_name);
        tokio::fs::remove_dir_all(trees)
            .await
            .map_err(Halt::internal)?;
        self.enter(job, SecondaryStatus::Starting)?;
        Ok(None)
    }

    /// Waits for machines as long as the job may.
    pub(super) async fn wait_in_vain(
        &self,
        job: &TrainingJobDescription,
        orders: watch::Receiver<Order>,
    ) -> Result<End, Halt> {
        wait(patience(job).unwrap_or(Duration::MAX), orders).await?;
        Ok(End::MaxWait)
    }
}

/// Waits, unless somebody ends the job.
async fn wait(time: Duration, mut orders: watch::Receiver<Order>) -> Result<(), Halt> {
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        cause = next_order(&mut orders) => Err(match cause {
            Cause::Abandoned => Halt::Failed(abandoned("was shut down")),
            Cause::Stopped
            | Cause::MaxRuntime
            | Cause::MaxWait
            | Cause::Interrupted
            | Cause::Peer => Halt::Stopping,
        }),
    }
}
