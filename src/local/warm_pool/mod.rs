//! Warm pools: the machines of a job that stay for the next that fits.
//!
//! ```text
//! InUse -> Available -> Reused | Terminated
//!      \-> Terminated
//! ```
//! A pool is what `WarmPoolStatus` of its job says, and time does the rest: whoever reads jobs first calls [`settle`], which
//! ends the pools whose time is over. So a pool outlives its server, and there is nothing to clean up. Invariants: a pool is
//! reused once; its billable seconds are those from the end of its job to its own end, started seconds count.
//!
//! Source: SageMaker API, `WarmPoolStatus`; developer guide, "Train Using SageMaker AI Managed Warm Pools", "Matching
//! training jobs".

mod fit;

use crate::job::{JobRecord, Jobs, now};
use contract::job::description::WarmPoolStatus;
use contract::job::{CreateTrainingJobRequest, TrainingJobDescription, TrainingJobStatus};
use std::convert::Infallible;
use std::io;

/// The machines run its job.
pub(crate) const IN_USE: &str = "InUse";
/// The machines wait for a job that fits.
pub(crate) const AVAILABLE: &str = "Available";
/// The machines went to another job.
pub(crate) const REUSED: &str = "Reused";
/// The machines are gone.
pub(crate) const TERMINATED: &str = "Terminated";
/// All of them, for those who ask for one.
pub(crate) const STATUSES: [&str; 4] = [AVAILABLE, TERMINATED, REUSED, IN_USE];

/// The pool of a job that begins, if it wants one.
pub(crate) fn begin(job: &mut TrainingJobDescription) {
    job.warm_pool_status = (kept_secs(job) > 0).then(|| status(IN_USE, None));
}

/// The pool of a job that has just ended. Without machines, or after a failure that is not the algorithm's, there is none.
pub(crate) fn leave(job: &mut TrainingJobDescription) {
    if job.warm_pool_status.is_none() {
        return;
    }
    let reason = job.failure_reason.as_deref().unwrap_or_default();
    let is_sound = job.training_job_status != TrainingJobStatus::Failed
        || reason.starts_with("AlgorithmError");
    let stays = is_sound && job.training_end_time.is_some() && kept_secs(job) > 0;
    let next = if stays { AVAILABLE } else { TERMINATED };
    job.warm_pool_status = Some(status(next, Some(0)));
}

/// Ends the pools whose time is over, and counts the seconds of those that wait.
pub(crate) fn settle(jobs: &Jobs) -> io::Result<()> {
    for record in jobs.all() {
        if !is_available(&record.description) {
            continue;
        }
        let name = &record.description.training_job_name;
        jobs.update(name, |record| {
            settle_one(&mut record.description);
            Ok::<_, Infallible>(())
        })?;
    }
    Ok(())
}

/// The job whose pool [`take`] would give now.
pub(crate) fn fitting(jobs: &Jobs, request: &CreateTrainingJobRequest) -> Option<String> {
    let pool = pools(jobs, request)
        .into_iter()
        .find(|it| end(it) > now())?;
    Some(pool.training_job_name)
}

/// The jobs whose pools fit, first the one whose pool would be gone first.
fn pools(jobs: &Jobs, request: &CreateTrainingJobRequest) -> Vec<TrainingJobDescription> {
    let mut pools: Vec<TrainingJobDescription> = jobs
        .all()
        .into_iter()
        .map(|it| it.description)
        .filter(|it| is_available(it) && fit::fits(it, request))
        .collect();
    pools.sort_by(|a, b| end(a).total_cmp(&end(b)));
    pools
}

/// Gives the machines of a pool that fits to the request's job.
pub(crate) fn take(jobs: &Jobs, request: &CreateTrainingJobRequest) -> io::Result<Option<String>> {
    let name = &request.training_job_name;
    for pool in pools(jobs, request) {
        let change = |record: &mut JobRecord| {
            let job = &mut record.description;
            settle_one(job);
            if !is_available(job) {
                return Err(());
            }
            if let Some(pool) = &mut job.warm_pool_status {
                REUSED.clone_into(&mut pool.status);
                pool.reused_by_job = Some(name.clone());
            }
            Ok(())
        };
        // Somebody else may have been faster.
        if jobs.update(&pool.training_job_name, change)? == Some(Ok(())) {
            return Ok(Some(pool.training_job_name));
        }
    }
    Ok(None)
}

/// Sets how long the pool of a job stays after its end; `false` if the pool is over already.
pub(crate) fn keep(job: &mut TrainingJobDescription, seconds: i64) -> bool {
    settle_one(job);
    let current = job.warm_pool_status.as_ref().map(|it| it.status.as_str());
    if !matches!(current, Some(IN_USE | AVAILABLE)) {
        return false;
    }
    job.resource_config.keep_alive_period_in_seconds = Some(seconds);
    job.last_modified_time = Some(now());
    settle_one(job);
    true
}

/// Whether the job's machines wait.
pub(crate) fn is_available(job: &TrainingJobDescription) -> bool {
    let pool = job.warm_pool_status.as_ref();
    pool.is_some_and(|it| it.status == AVAILABLE)
}

fn settle_one(job: &mut TrainingJobDescription) {
    if !is_available(job) {
        return;
    }
    let (now, end, start) = (now(), end(job), job.training_end_time.unwrap_or_default());
    let is_over = end <= now;
    if let Some(pool) = &mut job.warm_pool_status {
        let seconds = (now.min(end) - start).ceil().max(0.0) as i64;
        // A pool that was given up early has cost what it has cost.
        let seconds = seconds.max(pool.resource_retained_billable_time_in_seconds.unwrap_or(0));
        pool.resource_retained_billable_time_in_seconds = Some(seconds);
        if is_over {
            TERMINATED.clone_into(&mut pool.status);
        }
    }
}

/// When the job's pool is over, in seconds since 1970.
fn end(job: &TrainingJobDescription) -> f64 {
    job.training_end_time.unwrap_or_default() + kept_secs(job) as f64
}

fn kept_secs(job: &TrainingJobDescription) -> i64 {
    job.resource_config
        .keep_alive_period_in_seconds
        .unwrap_or(0)
}

fn status(status: &str, seconds: Option<i64>) -> WarmPoolStatus {
    WarmPoolStatus {
        status: status.to_owned(),
        resource_retained_billable_time_in_seconds: seconds,
        reused_by_job: None,
    }
}
