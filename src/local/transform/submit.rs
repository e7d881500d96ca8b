//! Transform jobs begin, are described, listed and stopped.

use super::request::read;
use super::run::Transform;
use crate::app::App;
use crate::list::List;
use crate::model::{Use, served};
use crate::wire::Answer;
use crate::work_kind::TRANSFORM;
use crate::work_status::WorkRecord;
use contract::environment as variables;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

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
    let hosted = Use {
        environment,
        root,
        instance_type: asked.instance_type(),
    };
    let served = served(app, &asked.model_name, hosted)?;
    let record = WorkRecord::begin(&name, &arn, request, asked.tags);
    TRANSFORM.insert(app, record)?;
    let transform = Transform {
        app: Arc::clone(app),
        name: name.clone(),
        plan,
        served,
    };
    app.start(TRANSFORM.key(&name), |orders| transform.run(orders));
    Ok(json!({ "TransformJobArn": arn }))
}

/// `DescribeTransformJob`.
pub(crate) fn describe(app: &App, request: &ByName) -> Answer {
    let record = TRANSFORM.get(app, &request.transform_job_name)?;
    let mut answer = record.request.clone();
    if let Value::Object(members) = &mut answer {
        for name in NOT_DESCRIBED {
            members.remove(name);
        }
    }
    TRANSFORM.describe(&record, &mut answer);
    if let Some(start) = record.progress.start_time {
        answer["TransformStartTime"] = json!(start);
    }
    Ok(answer)
}

/// `ListTransformJobs`.
pub(crate) fn list(app: &App, request: &List) -> Answer {
    TRANSFORM.list(app, request)
}

/// `StopTransformJob`.
pub(crate) fn stop(app: &App, request: &ByName) -> Answer {
    TRANSFORM.stop(app, &request.transform_job_name)
}
