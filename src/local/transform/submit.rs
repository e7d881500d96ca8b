//! Transform jobs begin, are described, listed and stopped.

use super::record::TransformRecord;
use super::request::read;
use super::run::Transform;
use crate::app::App;
use crate::job::{Order, now};
use crate::list::{By, Facts, List, Order as ListOrder};
use crate::model::served;
use crate::wire::{Answer, AwsError, ErrorCode};
use crate::work_status::WorkStatus;
use contract::environment as variables;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

const SORTS: [(&str, By); 3] = [
    ("Name", By::Name),
    ("CreationTime", By::CreationTime),
    ("Status", By::Status),
];
/// Members of a request that a description does not have.
const NOT_DESCRIBED: [&str; 2] = ["Tags", "ExperimentConfig"];

/// A transform job by its name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ByName {
    transform_job_name: String,
}

/// `CreateTransformJob`.
pub(crate) fn create(app: &Arc<App>, request: Value) -> Answer {
    let asked = read(&request)?;
    let name = asked.transform_job_name.clone();
    let arn = app.config.arn("transform-job", &name);
    // No training job's name has a dot, so no tree of theirs is this one.
    let root = app.folders.work.join(format!("transform.{name}"));
    let mut environment = asked.environment.clone();
    for (variable, value) in [
        (variables::SAGEMAKER_BATCH.name, "true".to_owned()),
        (
            variables::SAGEMAKER_MAX_PAYLOAD_IN_MB.name,
            asked.payload_mb().to_string(),
        ),
    ] {
        environment.insert(variable.to_owned(), value);
    }
    let plan = asked.plan(app)?;
    let served = served(app, &asked.model_name, environment, root)?;
    let at = now();
    let record = TransformRecord {
        name: name.clone(),
        arn: arn.clone(),
        status: WorkStatus::InProgress,
        request,
        tags: asked.tags,
        creation_time: at,
        last_modified_time: at,
        start_time: None,
        end_time: None,
        failure_reason: None,
        processes: Vec::new(),
    };
    if !app
        .records
        .transforms
        .insert(record)
        .map_err(AwsError::internal)?
    {
        return Err(AwsError::new(
            ErrorCode::ResourceInUse,
            format!(
                "Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})"
            ),
        ));
    }
    let transform = Transform {
        app: Arc::clone(app),
        name: name.clone(),
        plan,
        served,
    };
    app.start(key(&name), |orders| transform.run(orders));
    Ok(json!({ "TransformJobArn": arn }))
}

/// `DescribeTransformJob`.
pub(crate) fn describe(app: &App, request: &ByName) -> Answer {
    let record = app.records.transforms.get(&request.transform_job_name);
    let record = record.ok_or_else(|| not_found(&request.transform_job_name))?;
    let mut answer = record.request.clone();
    if let Value::Object(members) = &mut answer {
        for name in NOT_DESCRIBED {
            members.remove(name);
        }
    }
    facts_of(&record, &mut answer);
    if let Some(start) = record.start_time {
        answer["TransformStartTime"] = json!(start);
    }
    Ok(answer)
}

/// `ListTransformJobs`.
pub(crate) fn list(app: &App, request: &List) -> Answer {
    let facts = |it: &TransformRecord| Facts {
        name: it.name.clone(),
        status: it.status.to_string(),
        created: it.creation_time,
        modified: it.last_modified_time,
        objective: None,
    };
    let records = app.records.transforms.all().into_iter();
    let records = records.map(|it| (facts(&it), it)).collect();
    let page = request.page(records, &SORTS, ListOrder::Descending)?;
    Ok(page.answer("TransformJobSummaries", |record| {
        let mut summary = json!({ "LastModifiedTime": record.last_modified_time });
        facts_of(record, &mut summary);
        summary
    }))
}

/// What a description and a summary share.
fn facts_of(record: &TransformRecord, answer: &mut Value) {
    answer["TransformJobName"] = json!(record.name);
    answer["TransformJobArn"] = json!(record.arn);
    answer["TransformJobStatus"] = json!(record.status);
    answer["CreationTime"] = json!(record.creation_time);
    if let Some(end) = record.end_time {
        answer["TransformEndTime"] = json!(end);
    }
    if let Some(reason) = &record.failure_reason {
        answer["FailureReason"] = json!(reason);
    }
}

/// `StopTransformJob`.
pub(crate) fn stop(app: &App, request: &ByName) -> Answer {
    let name = &request.transform_job_name;
    let change = |record: &mut TransformRecord| {
        if record.status != WorkStatus::InProgress {
            return Err(AwsError::validation(format!(
                "The request was rejected because the transform job is in status {}.",
                record.status
            )));
        }
        record.enter(WorkStatus::Stopping);
        Ok(())
    };
    let changed = app.records.transforms.update(name, change);
    let changed = changed.map_err(AwsError::internal)?;
    changed.ok_or_else(|| not_found(name))??;
    app.order(&key(name), Order::Stop);
    Ok(Value::Null)
}

/// What a transform job's task is known by.
fn key(name: &str) -> String {
    format!("transform/{name}")
}

fn not_found(name: &str) -> AwsError {
    AwsError::new(
        ErrorCode::SageMakerResourceNotFound,
        format!("Could not find requested job with name: {name}"),
    )
}
