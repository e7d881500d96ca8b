//! The training jobs of a tuning job: how many are where, what they give, and the best.

use super::record::TuningRecord;
use super::request::{Direction, Objective};
use crate::job::{JobRecord, Jobs};
use contract::job::{TrainingJobDescription, TrainingJobStatus};
use serde_json::{Map, Value, json};

/// A training job of a tuning job.
#[derive(Clone, Debug)]
pub(super) struct Child {
    pub(super) record: JobRecord,
    /// The objective's last value.
    pub(super) value: Option<f64>,
}

/// How many are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) completed: usize,
    pub(super) in_progress: usize,
    /// Failed for a reason that is not the algorithm's.
    pub(super) retryable: usize,
    pub(super) failed: usize,
    pub(super) stopped: usize,
}

/// All training jobs of a tuning job that was created at `since`, oldest first. Older ones are a deleted namesake's, whose
/// training jobs stay.
pub(super) fn of(jobs: &Jobs, tuning: &str, since: f64, metric: &str) -> Vec<Child> {
    let ours = |it: &JobRecord| {
        it.tuned.as_ref().is_some_and(|it| it.job == tuning)
            && it.description.creation_time >= since
    };
    let records = jobs.all().into_iter().filter(ours);
    let mut children: Vec<Child> = records
        .map(|record| {
            let finals = &record.description.final_metric_data_list;
            let value = finals.iter().find(|it| it.metric_name == metric);
            Child {
                value: value.map(|it| it.value),
                record,
            }
        })
        .collect();
    // Their names begin with their number, of three digits or more.
    children.sort_by_key(|it| (it.name().len(), it.name().to_owned()));
    children
}

/// The objective of a tuning job, as its record has it.
pub(super) fn objective(record: &TuningRecord) -> Option<Objective> {
    let objective = &record.config["HyperParameterTuningJobObjective"];
    serde_json::from_value(objective.clone()).ok()
}

/// The best of those that have a value and have ended.
pub(super) fn best(children: &[Child], direction: Direction) -> Option<&Child> {
    let mut best: Option<(&Child, f64)> = None;
    for child in children.iter().filter(|it| it.is_success()) {
        let Some(value) = child.value else { continue };
        if best.is_none_or(|it| direction.prefers(value, it.1)) {
            best = Some((child, value));
        }
    }
    best.map(|it| it.0)
}

/// Counts them.
pub(super) fn count(children: &[Child]) -> Counts {
    let mut counts = Counts::default();
    for child in children {
        let job = child.job();
        let reason = job.failure_reason.as_deref().unwrap_or_default();
        match &job.training_job_status {
            TrainingJobStatus::Completed => counts.completed += 1,
            TrainingJobStatus::Stopped => counts.stopped += 1,
            TrainingJobStatus::Failed if reason.starts_with("AlgorithmError") => counts.failed += 1,
            TrainingJobStatus::Failed if reason.starts_with("ClientError") => counts.failed += 1,
            TrainingJobStatus::Failed => counts.retryable += 1,
            TrainingJobStatus::InProgress
            | TrainingJobStatus::Stopping
            | TrainingJobStatus::Deleting
            | TrainingJobStatus::Other(_) => counts.in_progress += 1,
        }
    }
    counts
}

impl Counts {
    /// `TrainingJobStatusCounters`.
    pub(super) fn statuses(self) -> Value {
        json!({ "Completed": self.completed, "InProgress": self.in_progress, "RetryableError": self.retryable,
                "NonRetryableError": self.failed, "Stopped": self.stopped })
    }
}

/// `ObjectiveStatusCounters`.
pub(super) fn objectives(children: &[Child]) -> Value {
    let count = |status: &str| {
        children
            .iter()
            .filter(|it| it.objective_status() == status)
            .count()
    };
    json!({ "Succeeded": count("Succeeded"), "Pending": count("Pending"), "Failed": count("Failed") })
}

impl Child {
    pub(super) fn job(&self) -> &TrainingJobDescription {
        &self.record.description
    }

    pub(super) fn name(&self) -> &str {
        &self.job().training_job_name
    }

    /// Whether it ended with a value; one that was stopped may have one too.
    pub(super) fn is_success(&self) -> bool {
        self.objective_status() == "Succeeded"
    }

    pub(super) fn objective_status(&self) -> &'static str {
        match (&self.job().training_job_status, self.value) {
            (TrainingJobStatus::Completed | TrainingJobStatus::Stopped, Some(_)) => "Succeeded",
            (TrainingJobStatus::Completed | TrainingJobStatus::Stopped, None)
            | (TrainingJobStatus::Failed, _) => "Failed",
            (
                TrainingJobStatus::InProgress
                | TrainingJobStatus::Stopping
                | TrainingJobStatus::Deleting
                | TrainingJobStatus::Other(_),
                _,
            ) => "Pending",
        }
    }

    /// `HyperParameterTrainingJobSummary`.
    pub(super) fn summary(&self, objective: &Objective) -> Value {
        let job = self.job();
        let mut summary = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                summary.insert(name.to_owned(), value);
            }
        };
        put("TrainingJobName", json!(job.training_job_name));
        put("TrainingJobArn", json!(job.training_job_arn));
        put("CreationTime", json!(job.creation_time));
        put("TrainingStartTime", json!(job.training_start_time));
        put("TrainingEndTime", json!(job.training_end_time));
        put("TrainingJobStatus", json!(job.training_job_status));
        put("FailureReason", json!(job.failure_reason));
        put("ObjectiveStatus", json!(self.objective_status()));
        let tuned = self.record.tuned.as_ref();
        put(
            "TunedHyperParameters",
            json!(tuned.map(|it| &it.hyper_parameters)),
        );
        if let Some(value) = self.value.filter(|_| self.is_success()) {
            put(
                "FinalHyperParameterTuningJobObjectiveMetric",
                json!({ "Type": objective.direction.name(), "MetricName": objective.metric_name, "Value": value }),
            );
        }
        Value::Object(summary)
    }
}
