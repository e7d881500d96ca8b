//! `ListTrainingJobs`.

use crate::app::App;
use crate::job::JobRecord;
use crate::list::{Facts, List, Order, SORTS, not_in};
use crate::warm_pool;
use crate::wire::{Answer, document};
use contract::job::description::WarmPoolStatus;
use contract::job::{TrainingJobDescription, TrainingJobSummary};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListTrainingJobs {
    #[serde(flatten)]
    list: List,
    warm_pool_status_equals: Option<String>,
}

pub(super) fn list(app: &App, request: &ListTrainingJobs) -> Answer {
    let pool = request.warm_pool_status_equals.as_deref();
    if let Some(status) = pool.filter(|it| !warm_pool::STATUSES.contains(it)) {
        return Err(not_in("warmPoolStatusEquals", status, warm_pool::STATUSES));
    }
    let is_wanted = |job: &TrainingJobDescription| {
        let of_job = job.warm_pool_status.as_ref().map(|it| it.status.as_str());
        pool.is_none() || pool == of_job
    };
    let jobs = app
        .jobs
        .all()
        .into_iter()
        .map(|it: JobRecord| it.description);
    let jobs = jobs.filter(is_wanted).map(|it| (facts(&it), it));
    let page = request
        .list
        .page(jobs.collect(), &SORTS, Order::Descending)?;
    document(&Page {
        training_job_summaries: page.items.into_iter().map(Listed::of).collect(),
        next_token: page.next_token,
    })
}

/// What a training job is filtered and sorted by.
fn facts(job: &TrainingJobDescription) -> Facts {
    Facts {
        name: job.training_job_name.clone(),
        status: job.training_job_status.to_string(),
        created: job.creation_time,
        modified: job.last_modified_time.unwrap_or(job.creation_time),
        objective: None,
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    training_job_summaries: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(flatten)]
    summary: TrainingJobSummary,
    #[serde(skip_serializing_if = "Option::is_none")]
    warm_pool_status: Option<WarmPoolStatus>,
}

impl Listed {
    fn of(job: TrainingJobDescription) -> Self {
        Self {
            summary: TrainingJobSummary {
                training_job_name: job.training_job_name,
                training_job_arn: job.training_job_arn,
                creation_time: job.creation_time,
                training_end_time: job.training_end_time,
                last_modified_time: job.last_modified_time,
                training_job_status: job.training_job_status,
                secondary_status: Some(job.secondary_status),
            },
            warm_pool_status: job.warm_pool_status,
        }
    }
}
