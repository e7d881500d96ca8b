//! What a processing job asks for, checked.

use super::program::Program;
use crate::app::App;
use crate::config::Engine;
use crate::container::{Network, Recipe};
use crate::job::{Asker, Source};
use crate::list::not_in;
use crate::sagemaker::{check_image, need_bucket};
use crate::wire::{AwsError, parse};
use contract::job::request::{S3DataSource, Tag};
use contract::job::{InstanceType, JobName, NameError, RoleArn, S3Uri};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// Where inputs and outputs lie.
const PROCESSING: &str = "/opt/ml/processing";
/// Seconds that a job may take where nobody says: a day.
pub(super) const DEFAULT_RUNTIME_SECS: i64 = 24 * 60 * 60;
/// Nine days.
const RUNTIME_SECS: RangeInclusive<i64> = 1..=777_600;
const HOSTS: RangeInclusive<i64> = 1..=100;
const VOLUME_GB: RangeInclusive<i64> = 1..=16_384;
/// Of inputs, and of outputs.
const MOST: usize = 10;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Create {
    pub(super) processing_job_name: String,
    processing_resources: Resources,
    stopping_condition: Stopping,
    app_specification: Application,
    environment: BTreeMap<String, String>,
    processing_inputs: Vec<ProcessingInput>,
    processing_output_config: OutputConfig,
    network_config: NetworkConfig,
    role_arn: String,
    pub(super) tags: Vec<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Resources {
    cluster_config: Cluster,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Cluster {
    instance_count: i64,
    instance_type: String,
    #[serde(rename = "VolumeSizeInGB")]
    volume_size_in_gb: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Stopping {
    max_runtime_in_seconds: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Application {
    image_uri: String,
    container_entrypoint: Vec<String>,
    container_arguments: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NetworkConfig {
    enable_network_isolation: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ProcessingInput {
    input_name: String,
    s3_input: Option<ProcessingS3Input>,
    /// What is not here.
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ProcessingS3Input {
    #[serde(flatten)]
    source: S3DataSource,
    local_path: Option<String>,
    s3_input_mode: Option<String>,
    s3_compression_type: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct OutputConfig {
    outputs: Vec<ProcessingOutput>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ProcessingOutput {
    output_name: String,
    s3_output: Option<ProcessingS3Output>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ProcessingS3Output {
    s3_uri: String,
    local_path: Option<String>,
    s3_upload_mode: String,
}

/// A processing job that can be run.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) runs: Runs,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) n_hosts: usize,
    pub(super) instance_type: String,
    pub(super) inputs: Vec<Brought>,
    pub(super) outputs: Vec<Left>,
    pub(super) max_runtime: Duration,
}

/// What hosts are.
#[derive(Debug)]
pub(super) enum Runs {
    Process(Program),
    Container(Recipe),
}

/// An input, and its folder below a host's tree.
#[derive(Debug)]
pub(super) struct Brought {
    pub(super) source: Source,
    pub(super) folder: PathBuf,
}

/// An output's folder below a host's tree, and where it goes.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) folder: PathBuf,
    pub(super) uri: S3Uri,
    pub(super) upload: Upload,
}

/// When an output is uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upload {
    Continuous,
    EndOfJob,
}

impl Create {
    /// What is to be run; the image and the data are there.
    pub(super) fn plan(&self, app: &App) -> Result<Plan, AwsError> {
        let name = self.processing_job_name.parse::<JobName>();
        name.map_err(|err| named("ProcessingJobName", &err))?;
        let role = self.role_arn.parse::<RoleArn>();
        role.map_err(|err| named("RoleArn", &err))?;
        let cluster = &self.processing_resources.cluster_config;
        let place = "processingResources.clusterConfig.instanceCount";
        in_range(place, cluster.instance_count, &HOSTS)?;
        let place = "processingResources.clusterConfig.volumeSizeInGB";
        in_range(place, cluster.volume_size_in_gb, &VOLUME_GB)?;
        let machine = cluster.instance_type.parse::<InstanceType>();
        machine.map_err(|err| named("ProcessingResources.ClusterConfig.InstanceType", &err))?;
        let runtime = self.stopping_condition.max_runtime_in_seconds;
        let runtime = runtime.unwrap_or(DEFAULT_RUNTIME_SECS);
        let place = "stoppingCondition.maxRuntimeInSeconds";
        in_range(place, runtime, &RUNTIME_SECS)?;
        let (inputs, outputs) = (&self.processing_inputs, &self.processing_output_config);
        let names = inputs.iter().map(|it| it.input_name.as_str());
        distinct("ProcessingInputs", names)?;
        let names = outputs.outputs.iter().map(|it| it.output_name.as_str());
        distinct("ProcessingOutputConfig.Outputs", names)?;
        Ok(Plan {
            runs: self.runs(app)?,
            environment: self.environment.clone(),
            n_hosts: cluster.instance_count as usize,
            instance_type: cluster.instance_type.clone(),
            inputs: inputs
                .iter()
                .map(|it| it.check(app, &self.role_arn))
                .collect::<Result<_, _>>()?,
            outputs: outputs
                .outputs
                .iter()
                .map(|it| it.check(app))
                .collect::<Result<_, _>>()?,
            max_runtime: Duration::from_secs(runtime.unsigned_abs()),
        })
    }

    fn runs(&self, app: &App) -> Result<Runs, AwsError> {
        let asked = &self.app_specification;
        check_image(app, "AppSpecification.ImageUri", &asked.image_uri)?;
        let words = [&asked.container_entrypoint[..], &asked.container_arguments].concat();
        match app.config.engine {
            Engine::Process => {
                let program = Program::of(&words, &app.trainer()?);
                let program = program.map_err(|err| AwsError::validation(err.to_string()))?;
                Ok(Runs::Process(program))
            }
            Engine::Docker => Ok(Runs::Container(Recipe {
                name: self.processing_job_name.clone(),
                image: asked.image_uri.clone(),
                entrypoint: asked.container_entrypoint.clone(),
                arguments: asked.container_arguments.clone(),
                instance_type: Some(
                    self.processing_resources
                        .cluster_config
                        .instance_type
                        .clone(),
                ),
                network: Network::of(self.network_config.enable_network_isolation),
            })),
        }
    }
}

impl ProcessingInput {
    fn check(&self, app: &App, role: &str) -> Result<Brought, AwsError> {
        let what = format!("input `{}`", self.input_name);
        let Some(asked) = self.s3_input.as_ref().filter(|_| is_plain(&self.others)) else {
            return Err(AwsError::validation(format!(
                "{what}: the local SageMaker brings what S3Input names, without AppManaged and DatasetDefinition"
            )));
        };
        let mode = asked.s3_input_mode.as_deref().unwrap_or("File");
        let compression = asked.s3_compression_type.as_deref().unwrap_or("None");
        if (mode, compression) != ("File", "None") {
            return Err(AwsError::validation(format!(
                "{what}: S3InputMode is `{mode}` and S3CompressionType `{compression}`, the local SageMaker brings inputs as files as they are (File, None)"
            )));
        }
        let data_type = asked.source.s3_data_type.as_str();
        if !["S3Prefix", "ManifestFile"].contains(&data_type) {
            let allowed = ["ManifestFile", "S3Prefix"];
            return Err(not_in("s3Input.s3DataType", data_type, allowed));
        }
        if let Some(distribution) = asked.source.s3_data_distribution_type.as_deref() {
            let allowed = ["FullyReplicated", "ShardedByS3Key"];
            if !allowed.contains(&distribution) {
                let member = "s3Input.s3DataDistributionType";
                return Err(not_in(member, distribution, allowed));
            }
        }
        let asker = Asker {
            region: &app.config.region,
            role,
        };
        let source = Source::of(&app.objects, &asked.source, &what, asker);
        Ok(Brought {
            source: source.map_err(|err| AwsError::validation(err.to_string()))?,
            folder: folder(&what, asked.local_path.as_deref())?,
        })
    }
}

impl ProcessingOutput {
    fn check(&self, app: &App) -> Result<Left, AwsError> {
        let what = format!("output `{}`", self.output_name);
        let Some(asked) = self.s3_output.as_ref().filter(|_| is_plain(&self.others)) else {
            return Err(AwsError::validation(format!(
                "{what}: the local SageMaker puts it where S3Output says, without AppManaged and FeatureStoreOutput"
            )));
        };
        let upload = match asked.s3_upload_mode.as_str() {
            "EndOfJob" => Upload::EndOfJob,
            "Continuous" => Upload::Continuous,
            other => {
                let allowed = ["Continuous", "EndOfJob"];
                return Err(not_in("s3Output.s3UploadMode", other, allowed));
            }
        };
        need_bucket(app, &format!("{what}: S3Uri"), &asked.s3_uri)?;
        let uri = asked.s3_uri.parse();
        Ok(Left {
            folder: folder(&what, asked.local_path.as_deref())?,
            uri: uri.map_err(|err| named(&format!("{what}: S3Uri"), &err))?,
            upload,
        })
    }
}

/// Whether there is nothing but what says that it is not there.
fn is_plain(others: &Map<String, Value>) -> bool {
    let mut values = others.values();
    values.all(|it| it.is_null() || *it == Value::Bool(false))
}

/// A path below [`PROCESSING`], as one below a host's tree.
fn folder(what: &str, path: Option<&str>) -> Result<PathBuf, AwsError> {
    let path = path.unwrap_or_default();
    let below = Path::new(path).strip_prefix(PROCESSING);
    let is_below = |it: &&Path| {
        let mut parts = it.components();
        parts.next().is_some() && it.components().all(|it| matches!(it, Component::Normal(_)))
    };
    let below = below.ok().filter(is_below).ok_or_else(|| {
        AwsError::validation(format!(
            "{what}: LocalPath is `{path}`, and must begin with {PROCESSING}/"
        ))
    })?;
    Ok(Path::new("processing").join(below))
}

fn distinct<'a>(member: &str, names: impl Iterator<Item = &'a str>) -> Result<(), AwsError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() || !seen.insert(name) {
            return Err(AwsError::validation(format!(
                "{member}: each has a name of its own, and `{name}` is none"
            )));
        }
    }
    if seen.len() > MOST {
        return Err(AwsError::validation(format!(
            "{member} has {}, allowed are {MOST}",
            seen.len()
        )));
    }
    Ok(())
}

fn in_range(member: &str, value: i64, range: &RangeInclusive<i64>) -> Result<(), AwsError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(AwsError::validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must have value between {} and {}",
        range.start(),
        range.end()
    )))
}

fn named(member: &str, err: &NameError) -> AwsError {
    AwsError::validation(format!("{member}: {err}"))
}

/// Reads a request.
pub(super) fn read(request: &Value) -> Result<Create, AwsError> {
    parse(request.to_string().as_bytes())
}
