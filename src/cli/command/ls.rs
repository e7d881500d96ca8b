//! `ls`: the jobs, newest first.

use std::fmt;

use contract::exit;
use contract::job::TrainingJobSummary;
use serde::Serialize;

use crate::args::Global;
use crate::aws::ListFilter;
use crate::error::CliError;
use crate::output::Printer;
use crate::session::Session;
use crate::style::{self, FAINT, paint};
use crate::table::Table;
use crate::units;

/// List training jobs, newest first.
#[derive(Debug, clap::Args)]
pub struct Ls {
    /// Only jobs whose names hold this text
    name: Option<String>,
    /// Only jobs with this status
    #[arg(long, value_name = "STATUS", ignore_case = true, value_parser = ["InProgress", "Completed", "Failed", "Stopping", "Stopped"])]
    status: Option<String>,
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
        let filter = ListFilter {
            name_contains: self.name,
            status: self.status,
            limit: self.limit as usize,
        };
        let listing = session.jobs().list(&filter).await?;
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
            printer.say(&format!("no training jobs {place}"));
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
