//! `DescribeHyperParameterTuningJob`.

use super::ByName;
use super::children::{self, Child};
use super::record::TuningRecord;
use super::request::Objective;
use super::submit::not_found;
use crate::app::App;
use crate::wire::Answer;
use serde_json::{Value, json};

pub(crate) fn describe(app: &App, request: &ByName) -> Answer {
    let record = app
        .records
        .tunings
        .get(&request.hyper_parameter_tuning_job_name);
    let record = record.ok_or_else(not_found)?;
    let objective = children::objective(&record);
    let metric = objective.as_ref().map_or("", |it| it.metric_name.as_str());
    let children = children::of(
        &app.jobs,
        &record.name,
        record.progress.creation_time,
        metric,
    );
    let mut answer = facts(&record, &children);
    answer["HyperParameterTuningJobConfig"] = record.config.clone();
    answer["TrainingJobDefinition"] = definition(&record, metric);
    if let Some(reason) = &record.progress.failure_reason {
        answer["FailureReason"] = json!(reason);
    }
    if let Some(objective) = &objective
        && let Some(best) = children::best(&children, objective.direction)
    {
        answer["BestTrainingJob"] = best_job(best, objective, &record);
    }
    Ok(answer)
}

/// What a description and a summary share.
pub(super) fn facts(record: &TuningRecord, children: &[Child]) -> Value {
    let mut facts = json!({
        "HyperParameterTuningJobName": record.name,
        "HyperParameterTuningJobArn": record.arn,
        "HyperParameterTuningJobStatus": record.progress.status,
        "CreationTime": record.progress.creation_time,
        "LastModifiedTime": record.progress.last_modified_time,
        "TrainingJobStatusCounters": children::count(children).statuses(),
        "ObjectiveStatusCounters": children::objectives(children),
    });
    if let Some(end) = record.progress.end_time {
        facts["HyperParameterTuningEndTime"] = json!(end);
    }
    facts
}

fn best_job(best: &Child, objective: &Objective, record: &TuningRecord) -> Value {
    let mut job = best.summary(objective);
    job["TuningJobName"] = json!(record.name);
    job
}

/// The definition, with the hyperparameter that the platform adds.
fn definition(record: &TuningRecord, metric: &str) -> Value {
    let mut definition = record.definition.clone();
    if definition["StaticHyperParameters"].is_null() {
        definition["StaticHyperParameters"] = json!({});
    }
    definition["StaticHyperParameters"][super::OBJECTIVE_METRIC] = json!(metric);
    definition
}
