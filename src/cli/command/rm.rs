//! `rm`: SageMaker forgets jobs that have ended. What they have written stays where it is.
//!
//! Invariant: a job that runs is never deleted, and if one of several runs none is.

use std::fmt;

use contract::exit;
use serde::Serialize;

use crate::args::Global;
use crate::error::CliError;
use crate::output::Printer;
use crate::session::Session;
use crate::style::{FAINT, paint};

/// Delete the records of jobs that have ended; their artifacts and logs stay.
#[derive(Debug, clap::Args)]
pub struct Rm {
    /// Names, beginnings of names, or ARNs
    #[arg(required = true)]
    jobs: Vec<String>,
}

#[derive(Serialize)]
struct Deleted {
    deleted: Vec<String>,
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.deleted.iter().try_for_each(|it| writeln!(f, "{it}"))
    }
}

impl Rm {
    /// Deletes.
    ///
    /// # Errors
    /// If a job is not there, or has not ended.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let session = Session::open(global, self.jobs.first().map(String::as_str)).await?;
        let mut names = Vec::new();
        for job in &self.jobs {
            let name = session.find(job).await?;
            let description = session.jobs().describe(&name).await?;
            let status = description.training_job_status;
            if !status.is_terminal() {
                return Err(CliError::Conflict {
                    message: format!(
                        "`{name}` is {status}, and only a job that has ended is deleted"
                    ),
                    fix: format!("stop it first: linden stop {name}{}", session.flag()),
                });
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for name in &names {
            session.jobs().delete(name).await?;
        }
        printer.say(&paint(
            FAINT,
            "artifacts and logs stay; the names can be used again",
        ));
        printer.print(&Deleted {
            deleted: names.iter().map(ToString::to_string).collect(),
        })?;
        session.close(printer).await?;
        Ok(exit::SUCCESS)
    }
}
