//! `stop`: asks SageMaker to end a job. The trainer gets SIGTERM and 120 s to save what it has.

use std::fmt;

use contract::exit;
use contract::job::TrainingJobStatus;
use serde::Serialize;

use crate::args::Global;
use crate::error::CliError;
use crate::follow::{self, Ended, Wish};
use crate::output::Printer;
use crate::session::Session;
use crate::style;

/// Stop a training job.
#[derive(Debug, clap::Args)]
pub struct Stop {
    /// Name, beginning of a name, ARN, or @last
    job: String,
    /// Return without waiting for the job to end
    #[arg(long)]
    no_wait: bool,
}

#[derive(Serialize)]
struct Stopped {
    name: String,
    status: String,
    /// Whether there was anything to stop.
    was_running: bool,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.name, style::status(&self.status))
    }
}

impl Stop {
    /// Stops the job. One that has ended already is left as it is, and that is fine.
    ///
    /// # Errors
    /// If there is no such job, or it may not be stopped.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let session = Session::open(global, Some(&self.job)).await?;
        let name = session.find(&self.job).await?;
        let before = session.jobs().describe(&name).await?;
        let was_running = !before.training_job_status.is_terminal();
        let mut status = before.training_job_status;
        if was_running {
            session.jobs().stop(&name).await?;
            status = TrainingJobStatus::Stopping;
            if !self.no_wait {
                printer.say(&format!(
                    "stopping {name}: the trainer has 120 s to save its model"
                ));
                let ended = follow::until_ended(
                    session.follow(),
                    &name,
                    &session.pace,
                    &Wish::default(),
                    &mut |_| {},
                )
                .await?;
                let (Ended::Terminal(last) | Ended::TimedOut(last)) = ended;
                status = last.training_job_status;
            }
        } else {
            printer.say(&format!("{name} had ended before; nothing to stop"));
        }
        printer.print(&Stopped {
            name: name.to_string(),
            status: status.to_string(),
            was_running,
        })?;
        session.close(printer).await?;
        Ok(exit::SUCCESS)
    }
}
