//! Configurations of endpoints: which models, on how many machines, with which share of the calls.

use crate::app::App;
use crate::documents::Document;
use crate::job::now;
use crate::list::{By, Facts, List, Order};
use crate::wire::{Answer, AwsError};
use contract::job::request::Tag;
use contract::job::{JobName, NameError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

const SORTS: [(&str, By); 2] = [("Name", By::Name), ("CreationTime", By::CreationTime)];
/// Variants of an endpoint.
const MOST_VARIANTS: usize = 10;
/// Members that change nothing about answers, and are told back.
const TOLD_BACK: [&str; 4] = [
    "KmsKeyId",
    "EnableNetworkIsolation",
    "ExecutionRoleArn",
    "VpcConfig",
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Create {
    #[serde(default)]
    endpoint_config_name: String,
    #[serde(default)]
    production_variants: Vec<Value>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// A model's part of an endpoint.
#[expect(
    clippy::struct_field_names,
    reason = "members are spelled as the API spells them"
)]
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Variant {
    pub(crate) variant_name: String,
    pub(crate) model_name: String,
    #[serde(default = "one")]
    pub(crate) initial_variant_weight: f64,
    #[serde(default)]
    pub(crate) initial_instance_count: Option<i64>,
    #[serde(default)]
    pub(crate) instance_type: Option<String>,
}

fn one() -> f64 {
    1.0
}

/// A configuration as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConfigRecord {
    endpoint_config_name: String,
    endpoint_config_arn: String,
    production_variants: Vec<Value>,
    creation_time: f64,
    #[serde(default)]
    pub(crate) tags: Vec<Tag>,
    #[serde(default)]
    others: Map<String, Value>,
}

impl Document for ConfigRecord {
    fn name(&self) -> &str {
        &self.endpoint_config_name
    }
}

impl ConfigRecord {
    /// The variants, which were checked when it was made.
    pub(super) fn variants(&self) -> Result<Vec<Variant>, AwsError> {
        self.production_variants.iter().map(variant).collect()
    }
}

/// `CreateEndpointConfig`.
pub(crate) fn create(app: &App, request: Create) -> Answer {
    let name = &request.endpoint_config_name;
    name.parse::<JobName>()
        .map_err(|err: NameError| AwsError::validation(format!("EndpointConfigName: {err}")))?;
    if let Some(member) = request
        .others
        .keys()
        .find(|it| !TOLD_BACK.contains(&it.as_str()))
    {
        return Err(AwsError::validation(format!(
            "{member} is not there in the local SageMaker: leave it away"
        )));
    }
    let n = request.production_variants.len();
    if !(1..=MOST_VARIANTS).contains(&n) {
        return Err(AwsError::validation(format!(
            "ProductionVariants has {n} variants, allowed is 1 to {MOST_VARIANTS}"
        )));
    }
    let mut names: Vec<String> = Vec::new();
    for value in &request.production_variants {
        let name = check_variant(app, value, &names)?;
        names.push(name);
    }
    let arn = app.config.arn("endpoint-config", name);
    let record = ConfigRecord {
        endpoint_config_name: name.clone(),
        endpoint_config_arn: arn.clone(),
        production_variants: request.production_variants,
        creation_time: now(),
        tags: request.tags,
        others: request.others,
    };
    if !app
        .records
        .endpoint_configs
        .insert(record)
        .map_err(AwsError::internal)?
    {
        return Err(AwsError::validation(format!(
            "Cannot create already existing endpoint configuration \"{arn}\"."
        )));
    }
    Ok(json!({ "EndpointConfigArn": arn }))
}

/// Refuses a variant that cannot be hosted here, beside those of `names`; else its name.
fn check_variant(app: &App, value: &Value, names: &[String]) -> Result<String, AwsError> {
    let it = variant(value)?;
    // It becomes a folder's name, which is emptied.
    it.variant_name
        .parse::<JobName>()
        .map_err(|err: NameError| AwsError::validation(format!("VariantName: {err}")))?;
    if value.get("ServerlessConfig").is_some() {
        return Err(AwsError::validation(
            "ServerlessConfig is not there in the local SageMaker: give InstanceType and InitialInstanceCount",
        ));
    }
    if names.contains(&it.variant_name) {
        return Err(AwsError::validation(format!(
            "ProductionVariants has `{}` twice",
            it.variant_name
        )));
    }
    if !it.initial_variant_weight.is_finite() || it.initial_variant_weight < 0.0 {
        return Err(AwsError::validation(format!(
            "InitialVariantWeight of `{}` must be 0 or more",
            it.variant_name
        )));
    }
    if app.records.models.get(&it.model_name).is_none() {
        let arn = app.config.arn("model", &it.model_name);
        return Err(AwsError::validation(format!(
            "Could not find model \"{arn}\"."
        )));
    }
    Ok(it.variant_name)
}

fn variant(value: &Value) -> Result<Variant, AwsError> {
    crate::wire::parse(value.to_string().as_bytes())
}

/// A configuration by its name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ByName {
    endpoint_config_name: String,
}

/// `DescribeEndpointConfig`.
pub(crate) fn describe(app: &App, request: &ByName) -> Answer {
    let record = find(app, &request.endpoint_config_name)?;
    let mut answer = json!({
        "EndpointConfigName": record.endpoint_config_name,
        "EndpointConfigArn": record.endpoint_config_arn,
        "ProductionVariants": record.production_variants,
        "CreationTime": record.creation_time,
    });
    if let Value::Object(members) = &mut answer {
        members.extend(record.others);
    }
    Ok(answer)
}

/// `ListEndpointConfigs`.
pub(crate) fn list(app: &App, request: &List) -> Answer {
    let facts = |it: &ConfigRecord| Facts {
        name: it.endpoint_config_name.clone(),
        created: it.creation_time,
        modified: it.creation_time,
        ..Facts::default()
    };
    let records = app.records.endpoint_configs.all().into_iter();
    let records = records.map(|it| (facts(&it), it)).collect();
    let page = request.page(records, &SORTS, Order::Descending)?;
    let summary = |it: &ConfigRecord| {
        json!({ "EndpointConfigName": it.endpoint_config_name, "EndpointConfigArn": it.endpoint_config_arn,
                "CreationTime": it.creation_time })
    };
    Ok(page.answer("EndpointConfigs", summary))
}

/// `DeleteEndpointConfig`: endpoints that were made of it stay.
pub(crate) fn delete(app: &App, request: &ByName) -> Answer {
    let name = &request.endpoint_config_name;
    let removed = app
        .records
        .endpoint_configs
        .remove(name, |_| Ok::<_, AwsError>(()));
    let removed = removed.map_err(AwsError::internal)?;
    removed
        .ok_or_else(|| not_found(app, name))?
        .map(|()| Value::Null)
}

/// The configuration of that name.
pub(super) fn find(app: &App, name: &str) -> Result<ConfigRecord, AwsError> {
    let record = app.records.endpoint_configs.get(name);
    record.ok_or_else(|| not_found(app, name))
}

fn not_found(app: &App, name: &str) -> AwsError {
    let arn = app.config.arn("endpoint-config", name);
    AwsError::validation(format!("Could not find endpoint configuration \"{arn}\"."))
}
