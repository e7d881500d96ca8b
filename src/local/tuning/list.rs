//! `ListHyperParameterTuningJobs` and `ListTrainingJobsForHyperParameterTuningJob`.

use super::children::{self, Child};
use super::describe::facts as facts_of;
use super::record::TuningRecord;
use super::submit::not_found;
use crate::app::App;
use crate::list::{By, Facts, List, Order};
use crate::wire::{Answer, AwsError};
use serde::Deserialize;

const SORTS: [(&str, By); 3] = [
    ("Name", By::Name),
    ("Status", By::Status),
    ("CreationTime", By::CreationTime),
];
const SORTS_OF_TRAINING_JOBS: [(&str, By); 4] = [
    ("Name", By::Name),
    ("CreationTime", By::CreationTime),
    ("Status", By::Status),
    ("FinalObjectiveMetricValue", By::Objective),
];

pub(crate) fn list(app: &App, request: &List) -> Answer {
    let records = app.records.tunings.all().into_iter();
    let items = records
        .map(|it| (it.progress.facts(&it.name), it))
        .collect();
    let page = request.page_by(items, &SORTS, (By::Name, Order::Ascending))?;
    let summary = |record: &TuningRecord| {
        let objective = children::objective(record);
        let metric = objective.map_or_else(String::new, |it| it.metric_name);
        let children = children::of(
            &app.jobs,
            &record.name,
            record.progress.creation_time,
            &metric,
        );
        let mut summary = facts_of(record, &children);
        summary["Strategy"] = record.config["Strategy"].clone();
        summary["ResourceLimits"] = record.config["ResourceLimits"].clone();
        summary
    };
    Ok(page.answer("HyperParameterTuningJobSummaries", summary))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListTrainingJobs {
    hyper_parameter_tuning_job_name: String,
    #[serde(flatten)]
    list: List,
}

pub(crate) fn list_training_jobs(app: &App, request: &ListTrainingJobs) -> Answer {
    let record = app
        .records
        .tunings
        .get(&request.hyper_parameter_tuning_job_name);
    let record = record.ok_or_else(not_found)?;
    let Some(objective) = children::objective(&record) else {
        return Err(AwsError::internal("the record has no objective"));
    };
    let metric = &objective.metric_name;
    let children = children::of(
        &app.jobs,
        &record.name,
        record.progress.creation_time,
        metric,
    );
    let facts = |it: &Child| Facts {
        name: it.name().to_owned(),
        status: it.job().training_job_status.to_string(),
        created: it.job().creation_time,
        modified: it.job().last_modified_time.unwrap_or_default(),
        // One that failed has no final value, whatever it printed before.
        objective: it.value.filter(|_| it.is_success()),
    };
    let items = children.into_iter().map(|it| (facts(&it), it)).collect();
    let page = request
        .list
        .page(items, &SORTS_OF_TRAINING_JOBS, Order::Ascending)?;
    Ok(page.answer("TrainingJobSummaries", |it| it.summary(&objective)))
}
