//! `ls`: the jobs, newest first.

use std::collections::BTreeSet;
use std::fmt;

use contract::exit;
use contract::job::TrainingJobSummary;
use serde::Serialize;

use crate::args::Global;
use crate::aws::ListFilter;
use crate::error::CliError;
use crate::ledger::{self, Ledger};
use crate::output::Printer;
use crate::session::Session;
use crate::style::{self, FAINT, paint};
use crate::table::Table;
use crate::units;

/// The newest jobs that are looked through for this machine's runs: ten pages.
const MAX_SIFTED: usize = 1000;

/// List training jobs, newest first.
#[derive(Debug, clap::Args)]
pub struct Ls {
    /// Only jobs whose names hold this text
    name: Option<String>,
    /// Only jobs with this status
    #[arg(long, value_name = "STATUS", ignore_case = true, value_parser = ["InProgress", "Completed", "Failed", "Stopping", "Stopped"])]
    status: Option<String>,
    /// Only jobs that were submitted from here, by the ledger `$LINDEN_HOME/runs.jsonl`
    #[arg(long)]
    mine: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

#[derive(Serialize)]
struct Jobs {
    #[serde(rename = "jobs")]
    list: Vec<Job>,
    more: bool,
    #[serde(skip)]
    now: f64,
}

#[derive(Serialize)]
struct Job {
    name: String,
    status: String,
    secondary_status: Option<String>,
    created: f64,
    ended: Option<f64>,
    arn: String,
}

impl From<TrainingJobSummary> for Job {
    fn from(it: TrainingJobSummary) -> Self {
        Self {
            status: it.training_job_status.to_string(),
            secondary_status: it.secondary_status.map(|it| it.to_string()),
            created: it.creation_time,
            ended: it.training_end_time,
            name: it.training_job_name,
            arn: it.training_job_arn,
        }
    }
}

impl fmt::Display for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(0, &[3]);
        table.row(["JOB", "STATUS", "CREATED", "TOOK"].map(|it| paint(FAINT, it)));
        for job in &self.list {
            let took = job
                .ended
                .map(|it| units::duration(it - job.created))
                .unwrap_or_default();
            table.row([
                job.name.clone(),
                style::status(&job.status),
                units::ago(job.created, self.now),
                took,
            ]);
        }
        table.fmt(f)
    }
}

impl Ls {
    /// Lists.
    ///
    /// # Errors
    /// If SageMaker cannot be asked.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let session = Session::open(global, None).await?;
        let limit = self.limit as usize;
        let filter = ListFilter {
            name_contains: self.name,
            status: self.status,
            limit: if self.mine { MAX_SIFTED } else { limit },
            ..ListFilter::default()
        };
        let mut listing = session.jobs().list(&filter).await?;
        if self.mine {
            let mine = mine(&session, printer)?;
            listing
                .jobs
                .retain(|it| mine.contains(&it.training_job_name));
            listing.more |= limit < listing.jobs.len();
            listing.jobs.truncate(limit);
        }
        let is_empty = listing.jobs.is_empty();
        let jobs = Jobs {
            list: listing.jobs.into_iter().map(Job::from).collect(),
            more: listing.more,
            now: units::now(),
        };
        if is_empty {
            let place = if session.is_local {
                "on this machine".to_owned()
            } else {
                format!("in {}", session.region())
            };
            let whose = if self.mine {
                " of this machine's runs"
            } else {
                ""
            };
            printer.say(&format!("no training jobs{whose} {place}"));
        }
        if !is_empty || global.json {
            printer.print(&jobs)?;
        }
        if jobs.more {
            printer.say(&paint(
                FAINT,
                format_args!("showing {} of more, use --limit", jobs.list.len()),
            ));
        }
        session.close(printer).await?;
        Ok(exit::SUCCESS)
    }
}

/// The names of this machine's runs.
fn mine(session: &Session, printer: &mut Printer) -> Result<BTreeSet<String>, CliError> {
    let ledger = Ledger::of_this_machine();
    let runs = ledger
        .tell(printer)
        .map_err(|err| CliError::file("read", ledger.path(), err))?;
    let place = ledger::place(session);
    let here = runs.into_iter().filter(|it| it.region == place);
    Ok(here.map(|it| it.name).collect())
}
