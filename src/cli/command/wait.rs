//! `wait`: until jobs have ended. Its exit code is the first that is not 0, so CI can stand on it.
//!
//! Invariant: Stopped is success only where `--allow-stopped` says so, and a gate only makes a success fail.

use std::fmt;
use std::time::Duration;

use contract::exit;
use contract::job::{JobName, TrainingJobDescription, TrainingJobStatus};
use serde::Serialize;

use crate::args::Global;
use crate::command::logs::say_last_lines;
use crate::ending::{Gates, Telling};
use crate::error::CliError;
use crate::events::{EventLine, status_line};
use crate::follow::{self, Ended, Event, Patience, Until};
use crate::ledger::Ledger;
use crate::output::Printer;
use crate::report::JobReport;
use crate::session::Session;
use crate::style::{COMMAND, FAINT, paint};
use crate::units::parse_duration;

/// Wait until jobs have ended; the exit code tells how.
#[derive(Debug, clap::Args)]
pub struct Wait {
    /// Names, beginnings of names, ARNs, or @last
    #[arg(required = true)]
    jobs: Vec<String>,
    /// Until every job has ended; so it is without --any
    #[arg(long, conflicts_with = "any")]
    all: bool,
    /// Until one job has ended; the exit code is that job's
    #[arg(long)]
    any: bool,
    /// Give up after this time, such as 50m or 1h30m; the job goes on, the exit code is 10
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// Take Stopped for success, whether a person or a time limit has stopped the job
    #[arg(long)]
    allow_stopped: bool,
    #[command(flatten)]
    gates: Gates,
    #[command(flatten)]
    telling: Telling,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Reports(Vec<JobReport>);

impl fmt::Display for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, it) in self.0.iter().enumerate() {
            write!(f, "{}{it}", if idx == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl Wait {
    /// Waits for the jobs.
    ///
    /// # Errors
    /// If a job is not there, or SageMaker cannot be asked.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let session = Session::open(global, self.jobs.first().map(String::as_str)).await?;
        let mut names: Vec<JobName> = Vec::new();
        for job in &self.jobs {
            let name = session.find(job).await?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let ends = self.wait(&names, &session, printer).await?;
        let has_terminal = ends.iter().any(|it| matches!(it, Ended::Terminal(_)));
        let ledger = Ledger::of_this_machine();
        let mut reports = Vec::new();
        let mut code = exit::SUCCESS;
        for end in ends {
            let (job, own) = match end {
                Ended::Terminal(job) => (job, None),
                // With --any the others may run on.
                Ended::TimedOut(_) if self.any && has_terminal => continue,
                Ended::TimedOut(job) => (job, Some(exit::TIMEOUT)),
            };
            let report = self.report(&session, &job).await;
            let own = own.unwrap_or(report.exit_code);
            code = if code == exit::SUCCESS { own } else { code };
            if own == exit::TIMEOUT {
                say_running(&report, &session, printer);
            } else if job.training_job_status == TrainingJobStatus::Failed
                && let Ok(name) = report.name.parse()
            {
                say_last_lines(&session, &name, printer).await;
            }
            ledger.note_end(&report, &session, printer);
            self.telling.tell_end(&report, printer)?;
            reports.push(report);
        }
        if !self.telling.jsonl {
            printer.print(&Reports(reports))?;
        }
        session.close(printer).await?;
        Ok(code)
    }

    async fn wait(
        &self,
        names: &[JobName],
        session: &Session,
        printer: &mut Printer,
    ) -> Result<Vec<Ended>, CliError> {
        let patience = Patience {
            until: if self.any { Until::First } else { Until::All },
            timeout: self.timeout,
        };
        let jsonl = self.telling.jsonl;
        let mut broken = None;
        let mut on_event = |job: &JobName, event: Event| {
            if jsonl {
                let result = EventLine::of(job.as_str(), &event).print(printer);
                broken = broken.take().or(result.err());
            } else if let Event::Status(it) = event {
                let of = if names.len() > 1 {
                    paint(FAINT, format_args!("{job} │ "))
                } else {
                    String::new()
                };
                printer.say(&format!("{of}{}", status_line(&it)));
            }
        };
        let ports = session.follow();
        let ends = follow::until_several(ports, names, &session.pace, patience, &mut on_event);
        let ends = ends
            .await
            .map_err(|err| CliError::lost_touch(err, again(names, session)))?;
        broken.map_or(Ok(ends), Err)
    }

    /// The job as it is told; gates want what the job itself has measured.
    async fn report(&self, session: &Session, job: &TrainingJobDescription) -> JobReport {
        let mut report = JobReport::of(job);
        if self.allow_stopped && job.training_job_status == TrainingJobStatus::Stopped {
            report.exit_code = exit::SUCCESS;
        }
        let asked = !self.gates.list.is_empty() || self.telling.github;
        if asked && let Some(evaluation) = crate::fetch::evaluation(session, job).await {
            report = report.with_evaluation(&evaluation);
        }
        self.gates.judge(report)
    }
}

fn again(names: &[JobName], session: &Session) -> String {
    let names: Vec<&str> = names.iter().map(JobName::as_str).collect();
    format!("linden wait {}{}", names.join(" "), session.flag())
}

fn say_running(report: &JobReport, session: &Session, printer: &mut Printer) {
    let name = &report.name;
    let again = paint(
        COMMAND,
        format_args!("linden wait {name}{}", session.flag()),
    );
    printer.say(&format!("{name} still runs. Wait on with: {again}"));
}
