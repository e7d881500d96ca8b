//! `ListTags` and `AddTags`, for whatever has tags, by its ARN.

use super::not_found;
use crate::app::App;
use crate::documents::{Document, Documents};
use crate::wire::{Answer, AwsError};
use contract::job::limits::MAX_TAGS;
use contract::job::request::Tag;
use serde::Deserialize;
use serde_json::json;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListTags {
    resource_arn: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AddTags {
    resource_arn: String,
    tags: Vec<Tag>,
}

pub(super) fn list(app: &App, request: &ListTags) -> Answer {
    change(app, &request.resource_arn, Vec::new())
}

pub(super) fn add(app: &App, request: AddTags) -> Answer {
    change(app, &request.resource_arn, request.tags)
}

/// Adds tags to what has that ARN, and gives all that it has.
fn change(app: &App, arn: &str, tags: Vec<Tag>) -> Answer {
    let (kind, name) = split(app, arn).ok_or_else(not_found)?;
    match kind {
        "training-job" => tagged(&app.jobs, name, tags, |it| &mut it.tags),
        "hyper-parameter-tuning-job" => tagged(&app.records.tunings, name, tags, |it| &mut it.tags),
        "model" => tagged(&app.records.models, name, tags, |it| &mut it.tags),
        "transform-job" => tagged(&app.records.transforms, name, tags, |it| &mut it.tags),
        "processing-job" => tagged(&app.records.processings, name, tags, |it| &mut it.tags),
        "endpoint-config" => tagged(&app.records.endpoint_configs, name, tags, |it| &mut it.tags),
        "endpoint" => tagged(&app.records.endpoints, name, tags, |it| &mut it.tags),
        _ => Err(not_found()),
    }
}

fn tagged<R: Document>(
    records: &Documents<R>,
    name: &str,
    tags: Vec<Tag>,
    of: impl FnOnce(&mut R) -> &mut Vec<Tag>,
) -> Answer {
    let change = |record: &mut R| {
        let known = of(record);
        for tag in tags {
            match known.iter_mut().find(|it| it.key == tag.key) {
                Some(it) => it.value = tag.value,
                None => known.push(tag),
            }
        }
        let n_tags = known.len();
        if n_tags > MAX_TAGS {
            return Err(AwsError::validation(format!(
                "a resource has at most {MAX_TAGS} tags, this would have {n_tags}"
            )));
        }
        Ok(json!({ "Tags": known }))
    };
    records
        .update(name, change)
        .map_err(AwsError::internal)?
        .ok_or_else(not_found)?
}

/// Kind and name of an ARN of this account's.
fn split<'a>(app: &App, arn: &'a str) -> Option<(&'a str, &'a str)> {
    let (_, rest) = arn.rsplit_once(':')?;
    let (kind, name) = rest.split_once('/')?;
    // ARNs compare without case, as the service itself gives them in lower case.
    let ours = app.config.arn(kind, name);
    ours.eq_ignore_ascii_case(arn).then_some((kind, name))
}
