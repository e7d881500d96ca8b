//! Endpoints begin, are described, listed and deleted.

use super::config;
use super::host::Host;
use super::record::{EndpointRecord, EndpointStatus, VariantRecord};
use crate::app::App;
use crate::job::{Order, now};
use crate::list::{Facts, List, Order as ListOrder, SORTS};
use crate::wire::{Answer, AwsError, request_id};
use contract::job::request::Tag;
use contract::job::{JobName, NameError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Create {
    endpoint_name: String,
    endpoint_config_name: String,
    tags: Vec<Tag>,
}

/// An endpoint by its name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ByName {
    endpoint_name: String,
}

/// `CreateEndpoint`.
pub(crate) fn create(app: &Arc<App>, request: Create) -> Answer {
    let name = request.endpoint_name;
    name.parse::<JobName>()
        .map_err(|err: NameError| AwsError::validation(format!("EndpointName: {err}")))?;
    let config = config::find(app, &request.endpoint_config_name)?;
    let variants = config.variants()?.into_iter().map(|it| VariantRecord {
        name: it.variant_name,
        model: it.model_name,
        weight: it.initial_variant_weight,
        instances: it.initial_instance_count.unwrap_or(1),
        instance_type: it.instance_type,
    });
    let arn = app.config.arn("endpoint", &name);
    let at = now();
    let record = EndpointRecord {
        name: name.clone(),
        arn: arn.clone(),
        config: request.endpoint_config_name,
        variants: variants.collect(),
        status: EndpointStatus::Creating,
        failure_reason: None,
        creation_time: at,
        last_modified_time: at,
        tags: request.tags,
        processes: Vec::new(),
    };
    if !app
        .records
        .endpoints
        .insert(record)
        .map_err(AwsError::internal)?
    {
        return Err(AwsError::validation(format!(
            "Cannot create already existing endpoint \"{arn}\"."
        )));
    }
    start(app, &name, at);
    Ok(json!({ "EndpointArn": arn }))
}

/// Starts the endpoints that an earlier server had.
pub(crate) fn resume(app: &Arc<App>) {
    for record in app.records.endpoints.all() {
        match record.status {
            EndpointStatus::Creating | EndpointStatus::InService => {
                start(app, &record.name, record.creation_time);
            }
            EndpointStatus::Failed => {}
        }
    }
}

fn start(app: &Arc<App>, name: &str, created: f64) {
    let host = Host {
        app: Arc::clone(app),
        name: name.to_owned(),
        created,
        id: request_id(),
    };
    app.start(key(name), |orders| host.run(orders));
}

/// `DescribeEndpoint`.
pub(crate) fn describe(app: &App, request: &ByName) -> Answer {
    let record = app.records.endpoints.get(&request.endpoint_name);
    let record = record.ok_or_else(|| not_found(app, &request.endpoint_name))?;
    let variant = |it: &VariantRecord| {
        json!({ "VariantName": it.name, "CurrentWeight": it.weight, "DesiredWeight": it.weight,
                "CurrentInstanceCount": it.instances, "DesiredInstanceCount": it.instances })
    };
    let mut answer = summary(&record);
    answer["EndpointConfigName"] = json!(record.config);
    answer["ProductionVariants"] = record.variants.iter().map(variant).collect();
    if let Some(reason) = record.failure_reason {
        answer["FailureReason"] = json!(reason);
    }
    Ok(answer)
}

/// `ListEndpoints`.
pub(crate) fn list(app: &App, request: &List) -> Answer {
    let facts = |it: &EndpointRecord| Facts {
        name: it.name.clone(),
        status: it.status.to_string(),
        created: it.creation_time,
        modified: it.last_modified_time,
        objective: None,
    };
    let records = app.records.endpoints.all().into_iter();
    let records = records.map(|it| (facts(&it), it)).collect();
    let page = request.page(records, &SORTS, ListOrder::Descending)?;
    Ok(page.answer("Endpoints", summary))
}

fn summary(record: &EndpointRecord) -> Value {
    json!({ "EndpointName": record.name, "EndpointArn": record.arn, "EndpointStatus": record.status,
            "CreationTime": record.creation_time, "LastModifiedTime": record.last_modified_time })
}

/// `DeleteEndpoint`: it is gone at once, its processes soon after.
pub(crate) fn delete(app: &App, request: &ByName) -> Answer {
    let name = &request.endpoint_name;
    // Before the name is free again, or the order would end a namesake.
    let stop = |_: &EndpointRecord| {
        app.order(&key(name), Order::Stop);
        Ok::<_, AwsError>(())
    };
    let removed = app.records.endpoints.remove(name, stop);
    let removed = removed.map_err(AwsError::internal)?;
    removed.ok_or_else(|| not_found(app, name))??;
    Ok(Value::Null)
}

/// What an endpoint's task is known by.
fn key(name: &str) -> String {
    format!("endpoint/{name}")
}

fn not_found(app: &App, name: &str) -> AwsError {
    let arn = app.config.arn("endpoint", name);
    AwsError::validation(format!("Could not find endpoint \"{arn}\"."))
}
