//! `plan`: what `run` would do, without doing it. Reads files and, unless `--online` is given, speaks to nobody.

use std::fmt;
use std::path::PathBuf;

use contract::exit;
use contract::job::file::{JobChannel, JobFile};
use contract::job::{CreateTrainingJobRequest, JobName, TrainingJobStatus};
use serde::Serialize;

use crate::args::Global;
use crate::aws::{AwsErrorKind, ListFilter};
use crate::cost::{self, Cost};
use crate::data::{self, ChannelData};
use crate::error::CliError;
use crate::job_source::{JobArgs, JobSource};
use crate::output::Printer;
use crate::prices::Prices;
use crate::session::Session;
use crate::style::{FAINT, GOOD, STRONG, WARN, paint};
use crate::table::Table;
use crate::units;

/// Past runs that low and expected cost are taken from.
const PAST_RUNS: usize = 5;

/// Show what `run` would do, without doing it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Prices: a small dated table is built in; linden/prices.json in $XDG_CONFIG_HOME or ~/.config, or \
    the file that $LINDEN_PRICES names, goes before it, in the form of configs/prices.json. AWS has them: aws pricing \
    get-products --service-code AmazonSageMaker --region us-east-1."
)]
pub struct Plan {
    #[command(flatten)]
    job: JobArgs,
    /// Name of the job, in place of NAME-HASH-ATTEMPT
    #[arg(long)]
    name: Option<JobName>,
    /// Print the CreateTrainingJob request as JSON, and nothing else
    #[arg(long)]
    request: bool,
    /// Fail with code 9 if the job may cost more than so many US dollars, or nobody knows what it costs
    #[arg(long, value_name = "USD", env = "LINDEN_MAX_COST", hide_env = true, value_parser = cost::parse_usd)]
    max_cost: Option<f64>,
    /// Also look into AWS: what the channels hold, what past runs have cost, whether one is there already
    #[arg(long, conflicts_with_all = ["offline", "request"])]
    online: bool,
    /// Speak to nobody; this is the default
    #[arg(long)]
    offline: bool,
}

#[derive(Serialize)]
struct Planned {
    name: String,
    spec_hash: String,
    image: String,
    compute: Compute,
    channels: Vec<Channel>,
    output: String,
    cost: Cost,
    #[serde(skip_serializing_if = "Option::is_none")]
    existing: Option<Existing>,
    warnings: Vec<String>,
    request: CreateTrainingJobRequest,
}

#[derive(Serialize)]
struct Compute {
    instance_type: String,
    fallbacks: Vec<String>,
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

/// The last job of the same specification.
#[derive(Serialize)]
struct Existing {
    name: String,
    status: String,
}

/// What AWS knows.
#[derive(Default)]
struct Online {
    /// What channels without a source hold.
    data: Vec<ChannelData>,
    /// Seconds that past runs on the same machines were paid for.
    past_seconds: Vec<i64>,
    existing: Option<Existing>,
}

impl Plan {
    /// Prints the plan.
    ///
    /// # Errors
    /// If the job file has problems, a source is not there, or the job may cost more than allowed.
    pub fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let source = self.job.read()?;
        warn(&source, printer);
        let name = match &self.name {
            Some(name) => name.clone(),
            None => source.job.job_name(1).map_err(|err| CliError::Usage {
                message: err.to_string(),
                fix: "give a name of your own with --name".to_owned(),
            })?,
        };
        let prices = Prices::read(|name| std::env::var(name).ok())?;
        let (online, region) = if self.online {
            let (online, region) = super::wait_for(look(&source, global, printer))?;
            (Some(online), Some(region))
        } else {
            (None, global.region.clone())
        };
        let region = cost::region(region.as_deref(), &source.job);
        let mut cost = Cost::of(&source.job, region, &prices);
        if let Some(online) = &online {
            cost = cost.with_past(online.past_seconds.clone());
        }
        let planned = plan(&source, &name, cost, online.unwrap_or_default(), printer)?;
        if self.request {
            let json = serde_json::to_string_pretty(&planned.request);
            printer.line(&json.map_err(|err| CliError::Output(err.into()))?)?;
        } else {
            printer.print(&planned)?;
        }
        if let Some(max) = self.max_cost.filter(|_| !global.local) {
            planned.cost.keep_below(max, &prices)?;
        }
        if !self.request {
            printer.say(&format!("{}, nothing was created", paint(GOOD, "plan ok")));
        }
        Ok(exit::SUCCESS)
    }
}

/// Refuses a job that may cost more than `max_usd`.
pub(super) fn keep_below(
    max_usd: Option<f64>,
    global: &Global,
    job: &JobFile,
) -> Result<(), CliError> {
    let Some(max_usd) = max_usd else {
        return Ok(());
    };
    let prices = Prices::read(|name| std::env::var(name).ok())?;
    let region = cost::region(global.region.as_deref(), job);
    Cost::of(job, region, &prices).keep_below(max_usd, &prices)
}

/// Asks AWS what it knows of this job; the region comes with it.
async fn look(
    source: &JobSource,
    global: &Global,
    printer: &mut Printer,
) -> Result<(Online, String), CliError> {
    let session = Session::open(global, None).await?;
    let job = &source.job;
    let mut online = Online::default();
    for channel in job.channels.iter().filter(|it| it.source.is_none()) {
        let data = ChannelData::of_store(channel, &*session.store()).await?;
        if let Some((message, fix)) = data::shortage(job, channel, &data) {
            return Err(CliError::Missing { message, fix });
        }
        online.data.push(data);
    }
    let stem = format!("{}-", job.name);
    let same_spec = format!("{stem}{}-", job.hash8());
    let filter = ListFilter {
        name_contains: Some(stem.clone()),
        limit: 100,
        status: None,
    };
    let listing = session.jobs().list(&filter).await?;
    for it in &listing.jobs {
        let name = &it.training_job_name;
        if online.existing.is_none() && name.starts_with(&same_spec) {
            online.existing = Some(Existing {
                name: name.clone(),
                status: it.training_job_status.to_string(),
            });
        }
        let is_past =
            name.starts_with(&stem) && it.training_job_status == TrainingJobStatus::Completed;
        if is_past && online.past_seconds.len() < PAST_RUNS {
            online
                .past_seconds
                .extend(billed(&session, job, name).await?);
        }
    }
    let region = session.region().to_owned();
    session.close(printer).await?;
    Ok((online, region))
}

/// Seconds that a past run was paid for, if it ran on machines like this job's.
async fn billed(session: &Session, job: &JobFile, name: &str) -> Result<Option<i64>, CliError> {
    let Ok(name) = name.parse() else {
        return Ok(None);
    };
    let past = match session.jobs().describe(&name).await {
        Ok(past) => past,
        // It was deleted meanwhile.
        Err(err) if err.kind == AwsErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(err.into()),
    };
    let machines = &past.resource_config;
    let first = job.compute.instance_types.first().map(ToString::to_string);
    let is_like_it = machines.instance_type == first
        && machines.instance_count == Some(job.compute.instances as i64);
    Ok(past.billable_time_in_seconds.filter(|_| is_like_it))
}

/// Says what a job file allows and probably does not mean.
pub(super) fn warn(source: &JobSource, printer: &mut Printer) {
    for warning in &source.job.warnings {
        let file = warning.source.as_deref().unwrap_or(&source.path);
        let place = warning
            .line
            .map(|it| format!("{file}:{it}: "))
            .unwrap_or_default();
        printer.say(&format!(
            "{} {place}{}",
            paint(WARN, "warning:"),
            warning.message
        ));
    }
}

fn plan(
    source: &JobSource,
    name: &JobName,
    cost: Cost,
    online: Online,
    printer: &mut Printer,
) -> Result<Planned, CliError> {
    let job = &source.job;
    let mut data = online.data;
    for channel in &job.channels {
        if let Some(files) = source.files(channel)? {
            let of_files = ChannelData::of_files(channel, &files);
            if let Some((message, fix)) = data::shortage(job, channel, &of_files) {
                return Err(CliError::Missing { message, fix });
            }
            data.push(of_files);
        }
    }
    let mut warnings: Vec<String> = job.warnings.iter().map(|it| it.message.clone()).collect();
    if let Some(text) = data::crowded(job, &data) {
        printer.say(&format!("{} {text}", paint(WARN, "warning:")));
        warnings.push(text);
    }
    let channel = |it: &JobChannel| channel(it, data.iter().find(|data| data.name == it.name));
    Ok(Planned {
        name: name.to_string(),
        spec_hash: job.hash8(),
        image: job.image.to_string(),
        compute: compute(job),
        channels: job.channels.iter().map(channel).collect(),
        output: job.output.s3.to_string(),
        cost,
        existing: online.existing,
        warnings,
        request: job.request(name),
    })
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
        table.fmt(f)
    }
}
