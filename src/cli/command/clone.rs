//! `clone`: a job becomes a job file again, to be changed and run.
//!
//! Invariant: what is printed with exit code 0 is a job file that `plan` and `run` take.

use contract::exit;
use contract::job::{JobFile, JobProblems, TrainingJobDescription};

use crate::args::Global;
use crate::error::CliError;
use crate::job_text::{self, JobText};
use crate::output::Printer;
use crate::session::Session;
use crate::style::{WARN, paint};

/// Print the job file of a job.
#[derive(Debug, clap::Args)]
pub struct CloneJob {
    /// Name, beginning of a name, ARN, or @last
    #[arg(default_value = "@last")]
    job: String,
}

impl CloneJob {
    /// Prints the job file.
    ///
    /// # Errors
    /// If there is no such job, or a job file cannot say what it is; the text is printed all the same.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let session = Session::open(global, Some(&self.job)).await?;
        let name = session.find(&self.job).await?;
        let job = session.jobs().describe(&name).await?;
        let (copy, problems) = copy(&session, &job).await?;
        for it in &copy.lost {
            printer.say(&format!(
                "{} a job file cannot say {it}",
                paint(WARN, "warning:")
            ));
        }
        printer.line(copy.text.trim_end())?;
        session.close(printer).await?;
        match problems {
            None => Ok(exit::SUCCESS),
            Some(problems) => Err(CliError::JobFile {
                path: format!("the job file of {name}"),
                problems,
            }),
        }
    }
}

/// The job file of a job, and what the parser has against it.
pub(super) async fn copy(
    session: &Session,
    job: &TrainingJobDescription,
) -> Result<(JobText, Option<JobProblems>), CliError> {
    // Who may describe a job may not always read its tags.
    let tags = session.jobs().tags(&job.training_job_arn).await;
    let tags = tags.unwrap_or_default();
    let ours = job_text::of(job, &tags, true);
    let Err(problems) = JobFile::parse(&ours.text, &[]) else {
        return Ok((ours, None));
    };
    // The hyperparameters may be another algorithm's.
    let foreign = job_text::of(job, &tags, false);
    if JobFile::parse(&foreign.text, &[]).is_ok() {
        return Ok((foreign, None));
    }
    Ok((ours, Some(problems)))
}
