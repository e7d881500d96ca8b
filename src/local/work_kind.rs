//! What the operations of transform and processing jobs have in common, whatever such a job does.
//!
//! Invariants: a name is taken once; what a task is known by is the kind and the name, so a stop finds the task that a
//! creation has started.

use crate::app::App;
use crate::documents::Documents;
use crate::job::Order;
use crate::list::{List, Order as ListOrder, SORTS};
use crate::wire::{Answer, AwsError, ErrorCode};
use crate::work_status::WorkRecord;
use serde_json::{Value, json};

/// A kind of job that has a [`WorkRecord`].
pub(crate) struct WorkKind {
    /// As the API's members begin.
    name: &'static str,
    /// As messages have it.
    word: &'static str,
    records: fn(&App) -> &Documents<WorkRecord>,
}

pub(crate) const TRANSFORM: WorkKind = WorkKind {
    name: "Transform",
    word: "transform",
    records: |app| &app.records.transforms,
};

pub(crate) const PROCESSING: WorkKind = WorkKind {
    name: "Processing",
    word: "processing",
    records: |app| &app.records.processings,
};

impl WorkKind {
    /// Keeps a job that has just been created.
    pub(crate) fn insert(&self, app: &App, record: WorkRecord) -> Result<(), AwsError> {
        let arn = record.arn.clone();
        let inserted = (self.records)(app).insert(record);
        if inserted.map_err(AwsError::internal)? {
            return Ok(());
        }
        Err(AwsError::new(
            ErrorCode::ResourceInUse,
            format!(
                "Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})"
            ),
        ))
    }

    /// The job that is called so.
    pub(crate) fn get(&self, app: &App, name: &str) -> Result<WorkRecord, AwsError> {
        let record = (self.records)(app).get(name);
        record.ok_or_else(|| no_job(name))
    }

    /// What a job's task is known by.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.word)
    }

    /// Adds what a description and a summary share.
    pub(crate) fn describe(&self, record: &WorkRecord, answer: &mut Value) {
        answer[format!("{}JobName", self.name)] = json!(record.name);
        answer[format!("{}JobArn", self.name)] = json!(record.arn);
        record.progress.describe(self.name, answer);
    }

    /// Answers the operation that lists such jobs.
    pub(crate) fn list(&self, app: &App, request: &List) -> Answer {
        let records = (self.records)(app).all().into_iter();
        let records = records.map(|it| (it.progress.facts(&it.name), it));
        let page = request.page(records.collect(), &SORTS, ListOrder::Descending)?;
        Ok(
            page.answer(&format!("{}JobSummaries", self.name), |record| {
                let mut summary = json!({ "LastModifiedTime": record.progress.last_modified_time });
                self.describe(record, &mut summary);
                summary
            }),
        )
    }

    /// Answers the operation that stops one.
    pub(crate) fn stop(&self, app: &App, name: &str) -> Answer {
        let stop = |record: &mut WorkRecord| record.progress.stop(self.word);
        let changed = (self.records)(app).update(name, stop);
        let changed = changed.map_err(AwsError::internal)?;
        changed.ok_or_else(|| no_job(name))??;
        app.order(&self.key(name), Order::Stop);
        Ok(Value::Null)
    }
}

/// The refusal of a job that is not there.
fn no_job(name: &str) -> AwsError {
    AwsError::new(
        ErrorCode::SageMakerResourceNotFound,
        format!("Could not find requested job with name: {name}"),
    )
}
