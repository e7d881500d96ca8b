//! `plan`: what `run` would do, without doing it. Reads files and, unless `--online` is given, speaks to nobody.

use contract::exit;
use contract::job::file::JobFile;
use contract::job::{JobName, TrainingJobStatus};

use crate::args::Global;
use crate::aws::{AwsErrorKind, ListFilter};
use crate::cost::{self, Cost, Memory};
use crate::data::{self, ChannelData};
use crate::error::CliError;
use crate::job_source::{JobArgs, JobSource};
use crate::ledger::Ledger;
use crate::output::Printer;
use crate::pin;
use crate::planned::{Existing, Planned};
use crate::preflight::{self, Report};
use crate::prices::Prices;
use crate::session::Session;
use crate::style::{BAD, GOOD, WARN, paint};

/// Past runs that low and expected cost are taken from.
const PAST_RUNS: usize = 5;

/// Show what `run` would do, without doing it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Prices: a small dated table is built in; what `linden prices refresh` has fetched goes before it, and \
    linden/prices.json in $XDG_CONFIG_HOME or ~/.config, or the file that $LINDEN_PRICES names, before both. Low and \
    expected are what past runs on the same machines cost: by this machine's ledger, with --online by SageMaker."
)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
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
    /// Also look into AWS: role, permissions, quotas, image, what the channels hold, what past runs have cost, whether one
    /// is there already; the exit code is that of the first ✗
    #[arg(long, conflicts_with_all = ["offline", "request"])]
    online: bool,
    /// Ask ECR which digest the image's tag has, and put that into the request
    #[arg(long, conflicts_with = "offline")]
    pin: bool,
    /// Speak to nobody; this is the default
    #[arg(long)]
    offline: bool,
}

/// What AWS knows.
#[derive(Default)]
struct Online {
    /// What channels without a source hold.
    data: Vec<ChannelData>,
    /// Seconds that past runs on the same machines were paid for.
    past_seconds: Vec<i64>,
    existing: Option<Existing>,
    preflight: Option<Report>,
}

impl Plan {
    /// Prints the plan.
    ///
    /// # Errors
    /// If the job file has problems, a source is not there, or the job may cost more than allowed.
    pub fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let mut source = self.job.read()?;
        warn(&source, printer);
        let prices = Prices::read(|name| std::env::var(name).ok())?;
        let mut online = Online::default();
        let mut region = global.region.clone();
        if self.online || self.pin {
            let look = self.look(&mut source, global, printer);
            let here;
            (online, here) = super::wait_for(look)?;
            region = Some(here);
        }
        let name = match &self.name {
            Some(name) => name.clone(),
            None => source.job.job_name(1).map_err(|err| CliError::Usage {
                message: err.to_string(),
                fix: "give a name of your own with --name".to_owned(),
            })?,
        };
        let region = cost::region(region.as_deref(), &source.job);
        let (past, memory) = past(&source.job, region.as_deref(), &online);
        let cost = Cost::of(&source.job, region, &prices).with_past(past, memory);
        let planned = plan(&source, &name, cost, online, printer)?;
        self.tell(&planned, printer)?;
        if let Some(max) = self.max_cost.filter(|_| !global.local) {
            planned.cost.keep_below(max, &prices)?;
        }
        let code = planned
            .preflight
            .as_ref()
            .map_or(exit::SUCCESS, Report::exit_code);
        if !self.request {
            let verdict = if code == exit::SUCCESS {
                paint(GOOD, "plan ok")
            } else {
                paint(BAD, "the job would fail")
            };
            printer.say(&format!("{verdict}, nothing was created"));
        }
        Ok(code)
    }

    fn tell(&self, planned: &Planned, printer: &mut Printer) -> Result<(), CliError> {
        if !self.request {
            return printer.print(planned);
        }
        let json = serde_json::to_string_pretty(&planned.request);
        printer.line(&json.map_err(|err| CliError::Output(err.into()))?)
    }

    /// Asks AWS what it knows of this job; the region comes with it.
    async fn look(
        &self,
        source: &mut JobSource,
        global: &Global,
        printer: &mut Printer,
    ) -> Result<(Online, String), CliError> {
        let session = Session::open(global, None).await?;
        if self.pin {
            pin::pin(source, &session, printer).await?;
        }
        let online = if self.online {
            look(source, &session).await?
        } else {
            Online::default()
        };
        let region = session.region().to_owned();
        session.close(printer).await?;
        Ok((online, region))
    }
}

/// Refuses a job that may cost more than `max_usd`, and tells of prices that are old.
pub(super) fn keep_below(
    max_usd: Option<f64>,
    global: &Global,
    job: &JobFile,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let Some(max_usd) = max_usd else {
        return Ok(());
    };
    let prices = Prices::read(|name| std::env::var(name).ok())?;
    let region = cost::region(global.region.as_deref(), job);
    let cost = Cost::of(job, region, &prices);
    if let Some(text) = cost.warning() {
        printer.say(&format!("{} {text}", paint(WARN, "warning:")));
    }
    cost.keep_below(max_usd, &prices)
}

/// Seconds that past runs were paid for: by SageMaker where it was asked and knows any, else by the ledger.
fn past(job: &JobFile, region: Option<&str>, online: &Online) -> (Vec<i64>, Memory) {
    let first = job.compute.instance_types.first().zip(region);
    match first {
        Some((instance_type, region)) if online.past_seconds.is_empty() => {
            let wanted = (instance_type.as_str(), job.compute.instances);
            let ledger = Ledger::of_this_machine();
            let seconds = ledger.past_seconds(&job.name, region, wanted, PAST_RUNS);
            (seconds, Memory::Ledger)
        }
        Some(_) | None => (online.past_seconds.clone(), Memory::Sagemaker),
    }
}

async fn look(source: &JobSource, session: &Session) -> Result<Online, CliError> {
    let job = &source.job;
    let mut online = Online {
        preflight: Some(Report::of(preflight::examine_account(session, job).await)),
        ..Online::default()
    };
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
        ..ListFilter::default()
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
                .extend(billed(session, job, name).await?);
        }
    }
    Ok(online)
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
    let mut planned = Planned::of(job, name, cost, &data)
        .with_existing(online.existing)
        .with_preflight(online.preflight);
    for text in data::crowded(job, &data)
        .into_iter()
        .chain(planned.cost.warning())
    {
        printer.say(&format!("{} {text}", paint(WARN, "warning:")));
        planned.warnings.push(text);
    }
    Ok(planned)
}
