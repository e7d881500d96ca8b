//! `Search` over training jobs: an expression of filters over the members that a description has.
//!
//! A job is searched as the document that AWS searches: its description with its tags. Invariant: what AWS finds by an index
//! that lags is found here at once. Resources that are not here are refused, those that AWS has not as AWS does.
//!
//! Source: SageMaker API, `Search`, `SearchExpression`, `Filter`.

mod expression;
mod filter;
mod value;

use crate::app::App;
use crate::job::JobRecord;
use crate::list::{Key, Order, cut, not_in, sortable};
use crate::wire::{Answer, AwsError, document};
use expression::Expression;
use serde::Deserialize;
use serde_json::{Value, json};

/// What AWS searches.
const RESOURCES: [&str; 14] = [
    "TrainingJob",
    "Experiment",
    "ExperimentTrial",
    "ExperimentTrialComponent",
    "Endpoint",
    "Model",
    "ModelPackage",
    "ModelPackageGroup",
    "Pipeline",
    "PipelineExecution",
    "FeatureGroup",
    "FeatureMetadata",
    "Project",
    "HyperParameterTuningJob",
];
/// What is searched here.
const HERE: &str = "TrainingJob";
/// What a search is sorted by where the request does not say.
const DEFAULT_SORT: &str = "LastModifiedTime";
/// Members of a description that the search's document of a training job does not have.
const NOT_SEARCHED: [&str; 1] = ["WarmPoolStatus"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(
    clippy::struct_field_names,
    reason = "members are spelled as the API spells them"
)]
pub(crate) struct Search {
    resource: String,
    search_expression: Option<Expression>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    next_token: Option<String>,
    max_results: Option<i64>,
}

pub(crate) fn search(app: &App, request: &Search) -> Answer {
    if !RESOURCES.contains(&request.resource.as_str()) {
        return Err(not_in("resource", &request.resource, RESOURCES));
    }
    if request.resource != HERE {
        return Err(AwsError::validation(format!(
            "the local SageMaker searches {HERE}, not {}",
            request.resource
        )));
    }
    let order = match request.sort_order.as_deref() {
        None | Some("Descending") => Order::Descending,
        Some("Ascending") => Order::Ascending,
        Some(other) => return Err(not_in("sortOrder", other, ["Ascending", "Descending"])),
    };
    let sort_by = request.sort_by.as_deref().unwrap_or(DEFAULT_SORT);
    value::check_name(sort_by)?;
    if let Some(expression) = &request.search_expression {
        expression.check()?;
    }
    let mut found = Vec::new();
    for record in app.jobs.all() {
        let name = record.description.training_job_name.clone();
        let job = searched(&record)?;
        if let Some(expression) = &request.search_expression
            && !expression.holds(&job)?
        {
            continue;
        }
        let key = value::of(&job, sort_by)
            .into_iter()
            .next()
            .map_or_else(String::new, sort_text);
        found.push((Key::new(key, name), job));
    }
    let n_found = found.len();
    let page = cut(
        found,
        order,
        request.max_results,
        request.next_token.as_deref(),
    )?;
    let results = page
        .items
        .into_iter()
        .map(|it| json!({ "TrainingJob": it }));
    let mut answer = json!({
        "Results": results.collect::<Vec<_>>(),
        "TotalHits": { "Value": n_found, "Relation": "EqualTo" },
    });
    if let Some(token) = page.next_token {
        answer["NextToken"] = json!(token);
    }
    Ok(answer)
}

/// The document of a job that is searched.
fn searched(record: &JobRecord) -> Answer {
    let mut job = document(&record.description)?;
    if let Value::Object(members) = &mut job {
        for name in NOT_SEARCHED {
            members.remove(name);
        }
        if !record.tags.is_empty() {
            members.insert("Tags".to_owned(), document(&record.tags)?);
        }
        if let Some(tuned) = &record.tuned {
            members.insert("TuningJobArn".to_owned(), json!(tuned.arn));
        }
    }
    Ok(job)
}

fn sort_text(value: &Value) -> String {
    match value {
        Value::Number(number) => sortable(number.as_f64().unwrap_or_default()),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
