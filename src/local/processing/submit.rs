//! Processing jobs begin, are described, listed and stopped.

use super::request::{DEFAULT_RUNTIME_SECS, read};
use super::run::Processing;
use crate::app::App;
use crate::list::List;
use crate::wire::Answer;
use crate::work_kind::PROCESSING;
use crate::work_status::WorkRecord;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

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
    let record = WorkRecord::begin(&name, &arn, request, asked.tags);
    let described = description(&record);
    PROCESSING.insert(app, record)?;
    let processing = Processing {
        app: Arc::clone(app),
        name: name.clone(),
        plan: Arc::new(plan),
        described,
    };
    app.start(PROCESSING.key(&name), |orders| processing.run(orders));
    Ok(json!({ "ProcessingJobArn": arn }))
}

/// `DescribeProcessingJob`.
pub(crate) fn describe(app: &App, request: &ByName) -> Answer {
    let record = PROCESSING.get(app, &request.processing_job_name)?;
    Ok(description(&record))
}

fn description(record: &WorkRecord) -> Value {
    let mut answer = record.request.clone();
    if let Value::Object(members) = &mut answer {
        members.remove("Tags");
        let default = json!({ "MaxRuntimeInSeconds": DEFAULT_RUNTIME_SECS });
        let condition = members.entry("StoppingCondition");
        condition.or_insert(default);
    }
    PROCESSING.describe(record, &mut answer);
    answer["LastModifiedTime"] = json!(record.progress.last_modified_time);
    if let Some(start) = record.progress.start_time {
        answer["ProcessingStartTime"] = json!(start);
    }
    answer
}

/// `ListProcessingJobs`.
pub(crate) fn list(app: &App, request: &List) -> Answer {
    PROCESSING.list(app, request)
}

/// `StopProcessingJob`.
pub(crate) fn stop(app: &App, request: &ByName) -> Answer {
    PROCESSING.stop(app, &request.processing_job_name)
}
