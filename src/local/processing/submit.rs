//! Processing jobs begin, are described, listed and stopped.

use super::request::{DEFAULT_RUNTIME_SECS, read};
use super::run::Processing;
use crate::app::App;
use crate::list::{By, List, Order};
use crate::wire::{Answer, AwsError};
use crate::work_status::{Progress, WorkRecord, no_job, stop_work, taken};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

const SORTS: [(&str, By); 3] = [
    ("Name", By::Name),
    ("CreationTime", By::CreationTime),
    ("Status", By::Status),
];

/// A processing job by its name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ByName {
    processing_job_name: String,
}

/// `CreateProcessingJob`.
pub(crate) fn create(app: &Arc<App>, request: Value) -> Answer {
    let asked = read(&request)?;
    let plan = asked.plan(app)?;
    let name = asked.processing_job_name;
    let arn = app.config.arn("processing-job", &name);
    let record = WorkRecord {
        name: name.clone(),
        arn: arn.clone(),
        request,
        tags: asked.tags,
        progress: Progress::begin(),
    };
    let described = description(&record);
    let inserted = app.records.processings.insert(record);
    if !inserted.map_err(AwsError::internal)? {
        return Err(taken(&arn));
    }
    let processing = Processing {
        app: Arc::clone(app),
        name: name.clone(),
        plan: Arc::new(plan),
        described,
    };
    app.start(key(&name), |orders| processing.run(orders));
    Ok(json!({ "ProcessingJobArn": arn }))
}

/// `DescribeProcessingJob`.
pub(crate) fn describe(app: &App, request: &ByName) -> Answer {
    let name = &request.processing_job_name;
    let record = app.records.processings.get(name);
    record
        .map(|it| description(&it))
        .ok_or_else(|| no_job(name))
}

fn description(record: &WorkRecord) -> Value {
    let mut answer = record.request.clone();
    if let Value::Object(members) = &mut answer {
        members.remove("Tags");
        let default = json!({ "MaxRuntimeInSeconds": DEFAULT_RUNTIME_SECS });
        let condition = members.entry("StoppingCondition");
        condition.or_insert(default);
    }
    facts_of(record, &mut answer);
    if let Some(start) = record.progress.start_time {
        answer["ProcessingStartTime"] = json!(start);
    }
    answer
}

/// `ListProcessingJobs`.
pub(crate) fn list(app: &App, request: &List) -> Answer {
    let records = app.records.processings.all().into_iter();
    let records = records
        .map(|it| (it.progress.facts(&it.name), it))
        .collect();
    let page = request.page(records, &SORTS, Order::Descending)?;
    Ok(page.answer("ProcessingJobSummaries", |record| {
        let mut summary = json!({});
        facts_of(record, &mut summary);
        summary
    }))
}

/// What a description and a summary share.
fn facts_of(record: &WorkRecord, answer: &mut Value) {
    answer["ProcessingJobName"] = json!(record.name);
    answer["ProcessingJobArn"] = json!(record.arn);
    answer["LastModifiedTime"] = json!(record.progress.last_modified_time);
    record.progress.describe("Processing", answer);
}

/// `StopProcessingJob`.
pub(crate) fn stop(app: &App, request: &ByName) -> Answer {
    let name = &request.processing_job_name;
    let records = &app.records.processings;
    stop_work(app, records, ("processing", name), &key(name))
}

/// What a processing job's task is known by.
fn key(name: &str) -> String {
    format!("processing/{name}")
}
