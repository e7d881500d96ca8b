//! Values of a job by the names that searches use: `TrainingJobStatus`, `HyperParameters.eta`, `Tags.team`,
//! `Metrics.validation:rmse`, `InputDataConfig.DataSource.S3DataSource.S3Uri`.

use crate::wire::AwsError;
use serde_json::Value;

/// The first part of every name that a training job can be searched by.
const MEMBERS: [&str; 32] = [
    "AlgorithmSpecification",
    "BillableTimeInSeconds",
    "CheckpointConfig",
    "CreationTime",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "EnableNetworkIsolation",
    "Environment",
    "FailureReason",
    "FinalMetricDataList",
    "HyperParameters",
    "InputDataConfig",
    "LabelingJobArn",
    "LastModifiedTime",
    "Metrics",
    "ModelArtifacts",
    "OutputDataConfig",
    "ResourceConfig",
    "RetryStrategy",
    "RoleArn",
    "SecondaryStatus",
    "SecondaryStatusTransitions",
    "StoppingCondition",
    "Tags",
    "TrainingEndTime",
    "TrainingJobArn",
    "TrainingJobName",
    "TrainingJobStatus",
    "TrainingStartTime",
    "TrainingTimeInSeconds",
    "TuningJobArn",
    "VpcConfig",
];

/// Refuses a name that no training job has.
pub(super) fn check_name(name: &str) -> Result<(), AwsError> {
    let first = name.split('.').next().unwrap_or_default();
    if MEMBERS.contains(&first) {
        return Ok(());
    }
    Err(AwsError::validation(format!(
        "Unknown property name: {name}"
    )))
}

/// Whether the values of that name are times.
pub(super) fn is_time(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    last.ends_with("Time") || last == "Timestamp"
}

/// Every value of that name; lists on the way have one for each of their items.
pub(super) fn of<'a>(job: &'a Value, name: &str) -> Vec<&'a Value> {
    match name.split_once('.') {
        Some(("Tags", key)) => among(&job["Tags"], "Key", key, "Value"),
        Some(("Metrics", metric)) => {
            among(&job["FinalMetricDataList"], "MetricName", metric, "Value")
        }
        // Names of hyperparameters and variables may have dots.
        Some((map @ ("HyperParameters" | "Environment"), key)) => {
            job[map].get(key).into_iter().collect()
        }
        _ => below(job, name),
    }
}

fn among<'a>(list: &'a Value, name: &str, wanted: &str, value: &str) -> Vec<&'a Value> {
    let items = list.as_array().into_iter().flatten();
    let named = items.filter(|it| it[name] == wanted);
    named.filter_map(|it| it.get(value)).collect()
}

/// The values below `value` along a dotted path.
pub(super) fn below<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut values = vec![value];
    for name in path.split('.') {
        let next = values.into_iter().flat_map(items);
        values = next.filter_map(|it| it.get(name)).collect();
    }
    values.into_iter().flat_map(items).collect()
}

/// The items of a list; anything else is one.
fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    }
}
