//! What `run` would do, as one document: the machines, the data, the cost, the request.
//!
//! Invariant: the request is the one that `run` would send; everything beside it is read from the same job file.

use std::fmt;
use std::path::PathBuf;

use contract::job::file::{JobChannel, JobFile};
use contract::job::{CreateTrainingJobRequest, JobName};
use serde::Serialize;

use crate::cost::Cost;
use crate::data::ChannelData;
use crate::preflight::Report;
use crate::style::{FAINT, STRONG, paint};
use crate::table::Table;
use crate::units;

/// A job before it is submitted.
#[derive(Debug, Serialize)]
pub struct Planned {
    name: String,
    spec_hash: String,
    image: String,
    compute: Compute,
    channels: Vec<Channel>,
    output: String,
    /// What it may cost.
    pub cost: Cost,
    #[serde(skip_serializing_if = "Option::is_none")]
    existing: Option<Existing>,
    /// What is allowed and probably not meant.
    pub warnings: Vec<String>,
    /// What AWS says about the account, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preflight: Option<Report>,
    /// The request.
    pub request: CreateTrainingJobRequest,
}

#[derive(Debug, Serialize)]
struct Compute {
    instance_type: String,
    fallbacks: Vec<String>,
    instances: u64,
    spot: bool,
    volume_gb: u64,
    max_runtime_seconds: u64,
    max_wait_seconds: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Channel {
    name: String,
    s3: String,
    content_type: String,
    stream: bool,
    source: Option<PathBuf>,
    objects: Option<usize>,
    bytes: Option<u64>,
}

/// The last job of the same specification.
#[derive(Debug, Serialize)]
pub struct Existing {
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: String,
}

impl Planned {
    /// The plan of a job under that name; `data` is what its channels hold, as far as that is known.
    pub fn of(job: &JobFile, name: &JobName, cost: Cost, data: &[ChannelData]) -> Self {
        let channel = |it: &JobChannel| channel(it, data.iter().find(|data| data.name == it.name));
        Self {
            name: name.to_string(),
            spec_hash: job.hash8(),
            image: job.image.to_string(),
            compute: compute(job),
            channels: job.channels.iter().map(channel).collect(),
            output: job.output.s3.to_string(),
            cost,
            existing: None,
            warnings: job.warnings.iter().map(|it| it.message.clone()).collect(),
            preflight: None,
            request: job.request(name),
        }
    }

    /// Adds the last job of the same specification.
    #[must_use]
    pub fn with_existing(self, existing: Option<Existing>) -> Self {
        Self { existing, ..self }
    }

    /// Adds what AWS says about the account.
    #[must_use]
    pub fn with_preflight(self, preflight: Option<Report>) -> Self {
        Self { preflight, ..self }
    }
}

fn compute(job: &JobFile) -> Compute {
    let mut types = job.compute.instance_types.iter().map(ToString::to_string);
    Compute {
        instance_type: types.next().unwrap_or_default(),
        fallbacks: types.collect(),
        instances: job.compute.instances,
        spot: job.spot.is_some(),
        volume_gb: job.compute.volume_gb,
        max_runtime_seconds: job.compute.max_runtime_secs,
        max_wait_seconds: job.spot.as_ref().map(|it| it.max_wait_secs),
    }
}

fn channel(it: &JobChannel, data: Option<&ChannelData>) -> Channel {
    Channel {
        name: it.name.clone(),
        s3: it.s3.to_string(),
        content_type: it.content_type.clone(),
        stream: it.is_streamed,
        source: it.source.clone(),
        objects: data.map(|it| it.objects.len()),
        bytes: data.map(ChannelData::bytes),
    }
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
        if let Some(seconds) = self.max_wait_seconds {
            write!(f, " ({} with waiting)", units::duration(seconds as f64))?;
        }
        if !self.fallbacks.is_empty() {
            write!(f, "; without capacity {}", self.fallbacks.join(", then "))?;
        }
        Ok(())
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
                    let verb = if it.source.is_some() {
                        "to put to"
                    } else {
                        "at"
                    };
                    format!(
                        "{}, {} {verb} {}",
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
        row("cost", self.cost.to_string());
        if let Some(it) = &self.existing {
            row(
                "existing",
                format!("{} is {}, of the same specification", it.name, it.status),
            );
        }
        for (idx, (key, value)) in self.request.hyper_parameters.iter().enumerate() {
            row(
                if idx == 0 { "parameters" } else { "" },
                format!("{key} = {}", shortened(value)),
            );
        }
        table.fmt(f)?;
        match &self.preflight {
            Some(report) => write!(f, "\n{report}"),
            None => Ok(()),
        }
    }
}
