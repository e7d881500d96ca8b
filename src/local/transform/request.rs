//! What a transform job asks for, checked.

use super::filter::Filter;
use crate::app::App;
use crate::job::{Asker, Source};
use crate::list::not_in;
use crate::model::role;
use crate::sagemaker::need_bucket;
use crate::wire::{AwsError, parse};
use contract::job::request::{S3DataSource, Tag};
use contract::job::{JobName, NameError, S3Uri};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Mebibytes of a request, where nobody says.
const DEFAULT_PAYLOAD_MB: i64 = 6;
/// Mebibytes of all requests that are under way.
const MOST_PAYLOAD_MB: i64 = 100;
const MIB: usize = 1 << 20;
/// Seconds that an answer may take, where nobody says.
const DEFAULT_TIMEOUT_SECS: i64 = 600;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Create {
    pub(super) transform_job_name: String,
    pub(super) model_name: String,
    model_client_config: ClientConfig,
    #[serde(rename = "MaxPayloadInMB")]
    pub(super) max_payload_in_mb: Option<i64>,
    pub(super) max_concurrent_transforms: Option<i64>,
    pub(super) batch_strategy: Option<String>,
    pub(super) environment: BTreeMap<String, String>,
    transform_input: Option<Input>,
    transform_output: Option<Output>,
    transform_resources: Option<Resources>,
    data_processing: Processing,
    data_capture_config: Value,
    pub(super) tags: Vec<Tag>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ClientConfig {
    invocations_timeout_in_seconds: Option<i64>,
    invocations_max_retries: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Resources {
    instance_type: Option<String>,
    instance_count: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Input {
    data_source: DataSource,
    content_type: Option<String>,
    compression_type: Option<String>,
    split_type: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DataSource {
    s3_data_source: S3DataSource,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Output {
    s3_output_path: String,
    accept: Option<String>,
    assemble_with: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Processing {
    input_filter: Option<String>,
    output_filter: Option<String>,
    join_source: Option<String>,
}

/// A transform job that can be run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) input: Source,
    pub(super) output: S3Uri,
    pub(super) content_type: Option<String>,
    pub(super) accept: Option<String>,
    pub(super) compression: Compression,
    pub(super) split: Split,
    pub(super) assemble: Assemble,
    pub(super) strategy: Strategy,
    /// Bytes of a request; `None` for any number.
    pub(super) max_payload: Option<usize>,
    pub(super) timeout: Duration,
    pub(super) retries: i64,
    pub(super) processing: Option<Rows>,
}

/// How objects are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
}

/// What of an object is a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    None,
    Line,
    /// By the frames that records have, which stay.
    RecordIo,
}

/// What stands between answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assemble {
    None,
    Line,
}

/// How many records a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    MultiRecord,
    SingleRecord,
}

/// What is done to rows before and after the model.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) format: Format,
    pub(super) input: Filter,
    pub(super) output: Filter,
    pub(super) is_joined: bool,
}

/// What a row is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    JsonLines,
}

impl Create {
    /// What is to be run; the model and the data are there.
    pub(super) fn plan(&self, app: &App) -> Result<Plan, AwsError> {
        let name = self.transform_job_name.parse::<JobName>();
        name.map_err(|err| named("TransformJobName", &err))?;
        let (Some(input), Some(output)) = (&self.transform_input, &self.transform_output) else {
            return Err(AwsError::validation(
                "TransformInput and TransformOutput are required",
            ));
        };
        let Some(resources) = &self.transform_resources else {
            return Err(AwsError::validation("TransformResources is required"));
        };
        if resources.instance_type.is_none() || resources.instance_count.is_none_or(|it| it < 1) {
            return Err(AwsError::validation(
                "TransformResources: InstanceType and InstanceCount, of at least 1, are required",
            ));
        }
        if !self.data_capture_config.is_null() {
            return Err(AwsError::validation(
                "DataCaptureConfig is not there in the local SageMaker: leave it away",
            ));
        }
        if input.split_type.as_deref() == Some("TFRecord") {
            return Err(AwsError::validation(
                "SplitType is `TFRecord`, which no model of Linden's reads: the local SageMaker splits by Line or RecordIO, or not at all (None)",
            ));
        }
        let split = one_of(
            "splitType",
            input.split_type.as_deref(),
            &[
                ("None", Split::None),
                ("Line", Split::Line),
                ("RecordIO", Split::RecordIo),
            ],
        )?;
        let compression = one_of(
            "compressionType",
            input.compression_type.as_deref(),
            &[("None", Compression::None), ("Gzip", Compression::Gzip)],
        )?;
        let assemble = one_of(
            "assembleWith",
            output.assemble_with.as_deref(),
            &[("None", Assemble::None), ("Line", Assemble::Line)],
        )?;
        let strategy = one_of(
            "batchStrategy",
            self.batch_strategy.as_deref(),
            &[
                ("MultiRecord", Strategy::MultiRecord),
                ("SingleRecord", Strategy::SingleRecord),
            ],
        )?;
        need_bucket(app, "TransformOutput.S3OutputPath", &output.s3_output_path)?;
        let processing = self.data_processing.rows(input, output)?;
        let (timeout, retries) = self.model_client_config.check()?;
        Ok(Plan {
            input: input.source(app, &self.model_name)?,
            output: address("TransformOutput.S3OutputPath", &output.s3_output_path)?,
            content_type: input.content_type.clone(),
            accept: output.accept.clone(),
            compression,
            split,
            assemble,
            strategy,
            max_payload: self.payload()?,
            timeout,
            retries,
            processing,
        })
    }

    /// Where the model runs.
    pub(super) fn instance_type(&self) -> Option<String> {
        self.transform_resources.as_ref()?.instance_type.clone()
    }

    /// Mebibytes of a request; 0 is any number.
    pub(super) fn payload_mb(&self) -> i64 {
        self.max_payload_in_mb.unwrap_or(DEFAULT_PAYLOAD_MB)
    }

    fn payload(&self) -> Result<Option<usize>, AwsError> {
        let mb = self.payload_mb();
        let at_once = self.max_concurrent_transforms.unwrap_or(1).max(1);
        if !(0..=MOST_PAYLOAD_MB).contains(&mb) || mb.saturating_mul(at_once) > MOST_PAYLOAD_MB {
            return Err(AwsError::validation(format!(
                "MaxConcurrentTransforms * MaxPayloadInMB must be at most {MOST_PAYLOAD_MB} MB, and is {at_once} * {mb}"
            )));
        }
        Ok((mb > 0).then_some(mb as usize * MIB))
    }
}

impl ClientConfig {
    fn check(&self) -> Result<(Duration, i64), AwsError> {
        let timeout = self
            .invocations_timeout_in_seconds
            .unwrap_or(DEFAULT_TIMEOUT_SECS);
        let retries = self.invocations_max_retries.unwrap_or(0);
        for (member, value, range) in [
            ("invocationsTimeoutInSeconds", timeout, 1..=3600),
            ("invocationsMaxRetries", retries, 0..=3),
        ] {
            if !range.contains(&value) {
                return Err(AwsError::validation(format!(
                    "1 validation error detected: Value '{value}' at 'modelClientConfig.{member}' failed to satisfy constraint: Member must have value between {} and {}",
                    range.start(),
                    range.end()
                )));
            }
        }
        Ok((Duration::from_secs(timeout.unsigned_abs()), retries))
    }
}

impl Input {
    /// The objects, of which there is at least one.
    fn source(&self, app: &App, model: &str) -> Result<Source, AwsError> {
        let source = &self.data_source.s3_data_source;
        if !["S3Prefix", "ManifestFile"].contains(&source.s3_data_type.as_str()) {
            return Err(not_in(
                "transformInput.dataSource.s3DataSource.s3DataType",
                &source.s3_data_type,
                ["ManifestFile", "S3Prefix"],
            ));
        }
        let asker = Asker {
            region: &app.config.region,
            role: &role(app, model),
        };
        Source::of(&app.objects, source, "TransformInput", asker)
            .map_err(|err| AwsError::validation(err.to_string()))
    }
}

impl Processing {
    fn rows(&self, input: &Input, output: &Output) -> Result<Option<Rows>, AwsError> {
        let join = self.join_source.as_deref();
        let is_joined = one_of("joinSource", join, &[("None", false), ("Input", true)])?;
        let filter = |member: &str, text: Option<&str>| {
            let filter: Result<Filter, _> = text.unwrap_or("$").parse();
            filter.map_err(|err| AwsError::validation(format!("DataProcessing.{member}: {err}")))
        };
        let rows = Rows {
            format: Format::Csv,
            input: filter("InputFilter", self.input_filter.as_deref())?,
            output: filter("OutputFilter", self.output_filter.as_deref())?,
            is_joined,
        };
        if (&rows.input, &rows.output, rows.is_joined) == (&Filter::All, &Filter::All, false) {
            return Ok(None);
        }
        let content_type = input.content_type.as_deref().unwrap_or_default();
        let format = match content_type {
            "text/csv" => Format::Csv,
            "application/jsonlines" => Format::JsonLines,
            other => {
                return Err(AwsError::validation(format!(
                    "DataProcessing goes with ContentType text/csv or application/jsonlines in the local SageMaker, and it is `{other}`"
                )));
            }
        };
        let is_same = output.accept.as_deref().is_none_or(|it| it == content_type);
        if input.split_type.as_deref() != Some("Line")
            || output.assemble_with.as_deref() != Some("Line")
            || !is_same
        {
            return Err(AwsError::validation(format!(
                "DataProcessing needs SplitType Line, AssembleWith Line and Accept `{content_type}`, as ContentType is"
            )));
        }
        let has_member = rows.input.is_member() || rows.output.is_member();
        if format == Format::Csv && has_member {
            return Err(AwsError::validation(
                "a filter names a member, and rows of text/csv have columns: `$[0]`, `$[1:]`",
            ));
        }
        Ok(Some(Rows { format, ..rows }))
    }
}

/// The right side of what is said; of the first where nothing is.
fn one_of<T: Copy>(
    member: &str,
    value: Option<&str>,
    allowed: &[(&str, T)],
) -> Result<T, AwsError> {
    let Some(value) = value else {
        return Ok(allowed[0].1);
    };
    let found = allowed.iter().find(|it| it.0 == value);
    found
        .map(|it| it.1)
        .ok_or_else(|| not_in(member, value, allowed.iter().map(|it| it.0)))
}

fn address(member: &str, text: &str) -> Result<S3Uri, AwsError> {
    text.parse().map_err(|err| named(member, &err))
}

fn named(member: &str, err: &NameError) -> AwsError {
    AwsError::validation(format!("{member}: {err}"))
}

/// Reads a request.
pub(super) fn read(request: &Value) -> Result<Create, AwsError> {
    parse(request.to_string().as_bytes())
}
