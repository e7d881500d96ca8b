//! `plan`: what `run` would do, without doing it. Reads files, speaks to nobody, needs no credentials.

use std::fmt;
use std::path::PathBuf;

use contract::exit;
use contract::job::file::{JobChannel, JobFile};
use contract::job::{CreateTrainingJobRequest, JobName};
use serde::Serialize;

use crate::args::Global;
use crate::error::CliError;
use crate::job_source::{self, JobSource};
use crate::output::Printer;
use crate::style::{FAINT, GOOD, STRONG, WARN, paint};
use crate::table::Table;
use crate::units;

/// Show what `run` would do, without doing it.
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// The job file (TOML); `-` is stdin
    job_file: PathBuf,
    /// Lay a value over the job file, such as `hyperparameters.num_round=50`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Name of the job, in place of NAME-HASH-ATTEMPT
    #[arg(long)]
    name: Option<JobName>,
    /// Print the CreateTrainingJob request as JSON, and nothing else
    #[arg(long)]
    request: bool,
}

#[derive(Serialize)]
struct Planned {
    name: String,
    spec_hash: String,
    image: String,
    compute: Compute,
    channels: Vec<Channel>,
    output: String,
    warnings: Vec<String>,
    request: CreateTrainingJobRequest,
}

#[derive(Serialize)]
struct Compute {
    instance_type: String,
    instances: u64,
    spot: bool,
    volume_gb: u64,
    max_runtime_seconds: u64,
    max_wait_seconds: Option<u64>,
}

#[derive(Serialize)]
struct Channel {
    name: String,
    s3: String,
    content_type: String,
    stream: bool,
    source: Option<PathBuf>,
    objects: Option<usize>,
    bytes: Option<u64>,
}

impl Plan {
    /// Prints the plan.
    ///
    /// # Errors
    /// If the job file has problems, or a source is not there.
    pub fn run(self, _global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let source = job_source::read(&self.job_file, &self.set)?;
        warn(&source, printer);
        let name = match self.name {
            Some(name) => name,
            None => source.job.job_name(1).map_err(|err| CliError::Usage {
                message: err.to_string(),
                fix: "give a name of your own with --name".to_owned(),
            })?,
        };
        let planned = plan(&source, &name)?;
        if self.request {
            let json = serde_json::to_string_pretty(&planned.request);
            printer.line(&json.map_err(|err| CliError::Output(err.into()))?)?;
        } else {
            printer.print(&planned)?;
            printer.say(&format!("{}, nothing was created", paint(GOOD, "plan ok")));
        }
        Ok(exit::SUCCESS)
    }
}

/// Says what a job file allows and probably does not mean.
pub(super) fn warn(source: &JobSource, printer: &mut Printer) {
    for warning in &source.job.warnings {
        let place = warning
            .line
            .map(|it| format!("{}:{it}: ", source.path))
            .unwrap_or_default();
        printer.say(&format!(
            "{} {place}{}",
            paint(WARN, "warning:"),
            warning.message
        ));
    }
}

fn plan(source: &JobSource, name: &JobName) -> Result<Planned, CliError> {
    let job = &source.job;
    let channels: Result<Vec<Channel>, CliError> =
        job.channels.iter().map(|it| channel(source, it)).collect();
    Ok(Planned {
        name: name.to_string(),
        spec_hash: job.hash8(),
        image: job.image.to_string(),
        compute: compute(job),
        channels: channels?,
        output: job.output.s3.to_string(),
        warnings: job.warnings.iter().map(|it| it.message.clone()).collect(),
        request: job.request(name),
    })
}

fn compute(job: &JobFile) -> Compute {
    Compute {
        instance_type: job
            .compute
            .instance_types
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
        instances: job.compute.instances,
        spot: job.spot.is_some(),
        volume_gb: job.compute.volume_gb,
        max_runtime_seconds: job.compute.max_runtime_secs,
        max_wait_seconds: job.spot.as_ref().map(|it| it.max_wait_secs),
    }
}

fn channel(source: &JobSource, it: &JobChannel) -> Result<Channel, CliError> {
    let files = source.files(it)?;
    Ok(Channel {
        name: it.name.clone(),
        s3: it.s3.to_string(),
        content_type: it.content_type.clone(),
        stream: it.is_streamed,
        source: it.source.clone(),
        objects: files.as_ref().map(Vec::len),
        bytes: files.map(|it| it.iter().map(|it| it.bytes).sum()),
    })
}

/// A value of any length as one that fits on a line; `--request` has it whole.
fn shortened(value: &str) -> String {
    const MOST: usize = 60;
    match value.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

impl fmt::Display for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spot = if self.spot { " spot" } else { "" };
        let runtime = units::duration(self.max_runtime_seconds as f64);
        write!(
            f,
            "{} × {}{spot}, {} GB, at most {runtime}",
            self.instances, self.instance_type, self.volume_gb
        )?;
        match self.max_wait_seconds {
            Some(seconds) => write!(f, " ({} with waiting)", units::duration(seconds as f64)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(2, &[]);
        let mut row = |label: &str, text: String| table.row([paint(FAINT, label), text]);
        row(
            "job",
            format!(
                "{}  {}",
                paint(STRONG, &self.name),
                paint(FAINT, "(the last number is the attempt)")
            ),
        );
        row("image", self.image.clone());
        row("compute", self.compute.to_string());
        for (idx, it) in self.channels.iter().enumerate() {
            let data = match (it.objects, it.bytes) {
                (Some(objects), Some(bytes)) => {
                    format!(
                        "{}, {} to put to {}",
                        units::count(objects as u64, "object"),
                        units::bytes(bytes),
                        it.s3
                    )
                }
                _ => it.s3.clone(),
            };
            let data = if it.stream {
                format!("{data}, read straight from S3")
            } else {
                data
            };
            row(
                if idx == 0 { "data" } else { "" },
                format!("{:<10} {data}", it.name),
            );
        }
        row("output", self.output.clone());
        for (idx, (key, value)) in self.request.hyper_parameters.iter().enumerate() {
            row(
                if idx == 0 { "parameters" } else { "" },
                format!("{key} = {}", shortened(value)),
            );
        }
        table.fmt(f)
    }
}
