//! Models: an archive in S3 and the image that answers with it.
//!
//! Source: SageMaker API, `CreateModel`, `DescribeModel`, `ListModels`, `DeleteModel`; refusals as the service words them.

use crate::app::App;
use crate::config::Engine;
use crate::container::{Network, Recipe};
use crate::documents::Document;
use crate::job::now;
use crate::list::{By, Facts, List, Order};
use crate::sagemaker::check_image;
use crate::serving::{Runs, Served};
use crate::wire::{Answer, AwsError};
use contract::job::request::Tag;
use contract::job::{JobName, NameError, RoleArn, S3Uri};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

const SORTS: [(&str, By); 2] = [("Name", By::Name), ("CreationTime", By::CreationTime)];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Create {
    model_name: String,
    primary_container: Value,
    containers: Value,
    execution_role_arn: Option<String>,
    vpc_config: Value,
    enable_network_isolation: Option<bool>,
    tags: Vec<Tag>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Container {
    image: Option<String>,
    mode: Option<String>,
    model_data_url: Option<String>,
    model_data_source: Value,
    model_package_name: Option<String>,
    environment: BTreeMap<String, String>,
}

/// A model as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ModelRecord {
    model_name: String,
    model_arn: String,
    primary_container: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    execution_role_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    vpc_config: Value,
    enable_network_isolation: bool,
    creation_time: f64,
    #[serde(default)]
    pub(crate) tags: Vec<Tag>,
}

impl Document for ModelRecord {
    fn name(&self) -> &str {
        &self.model_name
    }
}

/// `CreateModel`.
pub(crate) fn create(app: &App, request: Create) -> Answer {
    let Create { model_name, .. } = &request;
    model_name
        .parse::<JobName>()
        .map_err(|err| named("ModelName", &err))?;
    if let Some(role) = &request.execution_role_arn {
        role.parse::<RoleArn>()
            .map_err(|err| named("ExecutionRoleArn", &err))?;
    }
    let arn = app.config.arn("model", model_name);
    if !request.containers.is_null() {
        return Err(AwsError::validation(
            "the local SageMaker has models of one container: give PrimaryContainer instead of Containers",
        ));
    }
    let container: Container = read(&request.primary_container)?;
    container.check(app)?;
    let record = ModelRecord {
        model_name: request.model_name.clone(),
        model_arn: arn.clone(),
        primary_container: request.primary_container,
        execution_role_arn: request.execution_role_arn,
        vpc_config: request.vpc_config,
        enable_network_isolation: request.enable_network_isolation.unwrap_or(false),
        creation_time: now(),
        tags: request.tags,
    };
    if !app
        .records
        .models
        .insert(record)
        .map_err(AwsError::internal)?
    {
        return Err(AwsError::validation(format!(
            "Cannot create already existing model \"{arn}\"."
        )));
    }
    Ok(json!({ "ModelArn": arn }))
}

impl Container {
    fn check(&self, app: &App) -> Result<(), AwsError> {
        let Some(image) = &self.image else {
            return Err(AwsError::validation(
                "the local SageMaker runs images: give PrimaryContainer.Image",
            ));
        };
        check_image(app, "PrimaryContainer.Image", image)?;
        if self.mode.as_deref().is_some_and(|it| it != "SingleModel") {
            return Err(AwsError::validation(
                "the local SageMaker hosts models one by one: Mode is SingleModel, and without it too",
            ));
        }
        if !self.model_data_source.is_null() || self.model_package_name.is_some() {
            return Err(AwsError::validation(
                "the local SageMaker takes a model by PrimaryContainer.ModelDataUrl, the address of a model.tar.gz",
            ));
        }
        self.archive(app).map(drop)
    }

    /// The archive's file and address.
    fn archive(&self, app: &App) -> Result<(PathBuf, String), AwsError> {
        let url = self.model_data_url.as_deref().unwrap_or_default();
        let uri: S3Uri = url.parse().map_err(|err| named("ModelDataUrl", &err))?;
        let file = app.objects.file(uri.bucket(), uri.key());
        let file = file
            .ok_or_else(|| AwsError::validation(format!("Could not find model data at {url}.")))?;
        Ok((file, url.to_owned()))
    }
}

/// What a model is served for.
#[derive(Debug)]
pub(crate) struct Use {
    /// Variables beside the model's own.
    pub(crate) environment: BTreeMap<String, String>,
    /// Where its tree is made.
    pub(crate) root: PathBuf,
    pub(crate) instance_type: Option<String>,
}

/// What serves the model `name`.
pub(crate) fn served(app: &App, name: &str, of: Use) -> Result<Served, AwsError> {
    let record = app
        .records
        .models
        .get(name)
        .ok_or_else(|| not_found(app, name))?;
    let container: Container = read(&record.primary_container)?;
    let (archive, address) = container.archive(app)?;
    let mut environment = container.environment;
    environment.extend(of.environment);
    let runs = match app.config.engine {
        Engine::Process => Runs::Process(app.trainer()?),
        Engine::Docker => Runs::Container(Recipe {
            name: name.to_owned(),
            image: container.image.unwrap_or_default(),
            entrypoint: Vec::new(),
            arguments: vec!["serve".to_owned()],
            instance_type: of.instance_type,
            network: Network::of(Some(record.enable_network_isolation)),
        }),
    };
    Ok(Served {
        runs,
        archive,
        address,
        root: of.root,
        environment,
    })
}

/// The role that a model works with, for those who tell what it may not see.
pub(crate) fn role(app: &App, name: &str) -> String {
    let record = app.records.models.get(name);
    record
        .and_then(|it| it.execution_role_arn)
        .unwrap_or_default()
}

/// A model by its name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ByName {
    model_name: String,
}

/// `DescribeModel`.
pub(crate) fn describe(app: &App, request: &ByName) -> Answer {
    let record = app.records.models.get(&request.model_name);
    let record = record.ok_or_else(|| not_found(app, &request.model_name))?;
    let mut answer = serde_json::to_value(&record).map_err(AwsError::internal)?;
    if let Value::Object(members) = &mut answer {
        members.remove("Tags");
    }
    Ok(answer)
}

/// `ListModels`.
pub(crate) fn list(app: &App, request: &List) -> Answer {
    let facts = |it: &ModelRecord| Facts {
        name: it.model_name.clone(),
        created: it.creation_time,
        modified: it.creation_time,
        ..Facts::default()
    };
    let models = app.records.models.all().into_iter();
    let models = models.map(|it| (facts(&it), it)).collect();
    let page = request.page(models, &SORTS, Order::Descending)?;
    let summary = |it: &ModelRecord| json!({ "ModelName": it.model_name, "ModelArn": it.model_arn, "CreationTime": it.creation_time });
    Ok(page.answer("Models", summary))
}

/// `DeleteModel`: what runs with it runs on.
pub(crate) fn delete(app: &App, request: &ByName) -> Answer {
    let removed = app
        .records
        .models
        .remove(&request.model_name, |_| Ok::<_, AwsError>(()));
    let removed = removed.map_err(AwsError::internal)?;
    removed
        .ok_or_else(|| not_found(app, &request.model_name))?
        .map(|()| Value::Null)
}

fn not_found(app: &App, name: &str) -> AwsError {
    let arn = app.config.arn("model", name);
    AwsError::validation(format!("Could not find model \"{arn}\"."))
}

fn named(member: &str, err: &NameError) -> AwsError {
    AwsError::validation(format!("{member}: {err}"))
}

fn read<T: Default + serde::de::DeserializeOwned>(value: &Value) -> Result<T, AwsError> {
    if value.is_null() {
        return Ok(T::default());
    }
    crate::wire::parse(value.to_string().as_bytes())
}
