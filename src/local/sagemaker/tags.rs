//! `ListTags` and `AddTags`, for training jobs by their ARN.

use super::not_found;
use crate::app::App;
use crate::job::JobRecord;
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
    let name = job_name(app, &request.resource_arn)?;
    let record = app.jobs.get(name).ok_or_else(not_found)?;
    Ok(json!({ "Tags": record.tags }))
}

pub(super) fn add(app: &App, request: AddTags) -> Answer {
    let name = job_name(app, &request.resource_arn)?.to_owned();
    let change = |record: &mut JobRecord| {
        for tag in request.tags {
            match record.tags.iter_mut().find(|it| it.key == tag.key) {
                Some(known) => known.value = tag.value,
                None => record.tags.push(tag),
            }
        }
        let n_tags = record.tags.len();
        if n_tags > MAX_TAGS {
            return Err(AwsError::validation(format!(
                "a resource has at most {MAX_TAGS} tags, this would have {n_tags}"
            )));
        }
        Ok(json!({ "Tags": record.tags }))
    };
    app.jobs
        .update(&name, change)
        .map_err(AwsError::internal)?
        .ok_or_else(not_found)?
}

fn job_name<'a>(app: &App, arn: &'a str) -> Result<&'a str, AwsError> {
    let name = arn
        .rsplit_once('/')
        .map(|(_, name)| name)
        .unwrap_or_default();
    // ARNs compare without case, as the service itself gives them in lower case.
    if app.config.job_arn(name).eq_ignore_ascii_case(arn) {
        Ok(name)
    } else {
        Err(not_found())
    }
}
