//! `show`: one job on a page.

use std::fmt;

use contract::exit;
use contract::job::TrainingJobStatus;
use serde::Serialize;

use crate::args::Global;
use crate::bill;
use crate::command::logs::say_last_lines;
use crate::error::CliError;
use crate::output::Printer;
use crate::report::JobReport;
use crate::session::Session;

/// Show one job: status, transitions, metrics, artifacts.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// Name, beginning of a name, ARN, or @last
    #[arg(default_value = "@last")]
    job: String,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Page(JobReport);

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.0, self.0.timeline())
    }
}

impl Show {
    /// Shows the job. The exit code is 0 however the job ended; `wait` has the job's code.
    ///
    /// # Errors
    /// If there is no such job.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let session = Session::open(global, Some(&self.job)).await?;
        let name = session.find(&self.job).await?;
        let job = session.jobs().describe(&name).await?;
        let mut report = JobReport::of(&job);
        // What the job itself has measured says more than SageMaker's last values.
        if let Some(evaluation) = crate::fetch::evaluation(&session, &job).await {
            report = report.with_evaluation(&evaluation);
        }
        let rate = bill::rate_of(&job, &session)?;
        printer.print(&Page(report.priced(rate)))?;
        if job.training_job_status == TrainingJobStatus::Failed {
            say_last_lines(&session, &name, printer).await;
        }
        session.close(printer).await?;
        Ok(exit::SUCCESS)
    }
}
