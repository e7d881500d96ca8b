//! `run`: a job file becomes a job, the job a model on this disk.
//!
//! Fill the channels, submit, follow, fetch, verify, tell. The log goes to stderr, the result to stdout.

use std::fmt;
use std::path::PathBuf;

use contract::exit;
use contract::job::file::JobFile;
use contract::job::{JobName, TrainingJobDescription, TrainingJobStatus};
use serde::Serialize;

use crate::args::Global;
use crate::command::artifacts::digest_line;
use crate::command::plan::warn;
use crate::ending::{Gates, Telling};
use crate::error::CliError;
use crate::fetch::{self, Fetched};
use crate::follow::{self, Ended, Wish};
use crate::job_source;
use crate::ledger::{self, Ledger};
use crate::narrator::Narrator;
use crate::output::Printer;
use crate::report::JobReport;
use crate::session::{self, Session};
use crate::signals::Signals;
use crate::style::{COMMAND, FAINT, STRONG, paint};
use crate::submit::{self, IfExists, Submitted};
use crate::upload;

/// Submit a training job, follow it, fetch its model.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// The job file (TOML); `-` is stdin
    job_file: PathBuf,
    /// Lay a value over the job file, such as `hyperparameters.num_round=50`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Name of the job, in place of NAME-HASH-ATTEMPT
    #[arg(long)]
    name: Option<JobName>,
    /// Submit, print the name, do not follow
    #[arg(short, long)]
    detach: bool,
    /// Where the same specification has run or runs: attach to it, fail with code 11, or submit a new attempt
    #[arg(
        long,
        value_name = "POLICY",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    if_exists: IfExists,
    /// Folder for the model and the outputs [default: runs/JOB]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    gates: Gates,
    #[command(flatten)]
    telling: Telling,
}

/// What `run` ends with.
#[derive(Serialize)]
struct Outcome {
    #[serde(flatten)]
    report: JobReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifacts: Option<Fetched>,
    local: bool,
}

/// What `run --detach` ends with.
#[derive(Serialize)]
struct Detached {
    name: String,
    attached: bool,
}

impl fmt::Display for Detached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Run {
    /// Runs the job; the exit code is the job's.
    ///
    /// # Errors
    /// If the job file has problems, AWS refuses, or what the job left is not sound.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let source = job_source::read(&self.job_file, &self.set)?;
        warn(&source, printer);
        for channel in &source.job.channels {
            source.files(channel)?;
        }
        if global.local {
            session::trainer()?;
        }
        let session = Session::open(global, None).await?;
        if self.detach && session.owns_server() {
            session.close(printer).await?;
            return Err(CliError::Usage {
                message:
                    "a detached job would end with this command, since its SageMaker lives in it"
                        .to_owned(),
                fix: "start `linden local up` in another terminal first, or leave --detach away"
                    .to_owned(),
            });
        }
        if session.is_local {
            make_buckets(&source.job, &session).await?;
        }
        let data_changed = upload::sync(&source, &session, printer).await?;
        let submitted = submit::submit(
            &source.job,
            self.name.as_ref(),
            self.if_exists,
            data_changed,
            &session,
        )
        .await?;
        let (name, attached) = match submitted {
            Submitted::Created(name) => (name, false),
            Submitted::Attached(name) => (name, true),
        };
        let verb = if attached { "attached to" } else { "submitted" };
        printer.say(&format!("{verb} {}", paint(STRONG, &name)));
        if !attached {
            let run = ledger::Run {
                spec_hash: Some(source.job.hash8()),
                job_file: Some(source.path.clone()),
                ..ledger::Run::submitted(name.as_str(), ledger::place(&session))
            };
            Ledger::of_this_machine().note(&run, printer);
        }
        let code = if self.detach {
            printer.print(&Detached {
                name: name.to_string(),
                attached,
            })?;
            printer.say(&format!(
                "follow it with {}",
                paint(
                    COMMAND,
                    format_args!("linden logs -f {name}{}", session.flag())
                )
            ));
            exit::SUCCESS
        } else {
            self.follow(&source.job, &name, &session, printer).await?
        };
        session.close(printer).await?;
        Ok(code)
    }

    async fn follow(
        &self,
        job: &JobFile,
        name: &JobName,
        session: &Session,
        printer: &mut Printer,
    ) -> Result<u8, CliError> {
        let mut signals = Signals::listen()?;
        let n_rounds = job.checked.as_ref().map_or(0, |it| u64::from(it.num_round));
        let mut narrator =
            Narrator::new(printer, n_rounds, job.compute.instances > 1).telling(self.telling);
        let wish = Wish::everything();
        let again = || format!("linden logs -f {name}{}", session.flag());
        let mut on_event = |event| narrator.tell(name.as_str(), &event);
        let interrupted = tokio::select! {
            ended = follow::until_ended(session.follow(), name, &session.pace, &wish, &mut on_event) => {
                Ok(ended.map_err(|err| CliError::lost_touch(err, again())))
            }
            code = signals.next() => Err(code),
        };
        narrator.end()?;
        match interrupted {
            Ok(ended) => {
                let (Ended::Terminal(last) | Ended::TimedOut(last)) = ended?;
                self.finish(&last, session, printer).await
            }
            Err(code) => {
                let_go(name, session, printer, &mut signals).await?;
                Ok(code)
            }
        }
    }

    async fn finish(
        &self,
        last: &TrainingJobDescription,
        session: &Session,
        printer: &mut Printer,
    ) -> Result<u8, CliError> {
        let mut report = JobReport::of(last);
        let name = &last.training_job_name;
        let fetches = match last.training_job_status {
            TrainingJobStatus::Completed => true,
            // A job that saves its model on termination has one to fetch.
            TrainingJobStatus::Stopped => !fetch::list(session, last).await?.is_empty(),
            _ => false,
        };
        let mut artifacts = None;
        if fetches {
            let folder = self
                .out
                .clone()
                .unwrap_or_else(|| PathBuf::from("runs").join(name));
            let fetched = fetch::fetch(session, last, &folder, printer).await?;
            if let Some(evaluation) = &fetched.evaluation {
                report = report.with_evaluation(evaluation);
            }
            printer.say(&digest_line(&fetched));
            artifacts = Some(fetched);
        }
        let report = self.gates.judge(report);
        Ledger::of_this_machine().note_end(&report, session, printer);
        let code = report.exit_code;
        if self.telling.tell_end(&report, printer)? {
            return Ok(code);
        }
        let outcome = Outcome {
            report,
            artifacts,
            local: session.is_local,
        };
        printer.say("");
        printer.print(&outcome)?;
        printer.flush()?;
        say_next(&outcome, printer);
        Ok(code)
    }
}

/// The buckets that the job names; only the SageMaker on this machine gets them made.
async fn make_buckets(job: &JobFile, session: &Session) -> Result<(), CliError> {
    let channels = job.channels.iter().map(|it| &it.s3);
    let others = job
        .checkpoint
        .iter()
        .map(|it| &it.s3)
        .chain([&job.output.s3]);
    let mut buckets: Vec<&str> = channels
        .chain(others)
        .map(contract::job::S3Uri::bucket)
        .collect();
    buckets.sort_unstable();
    buckets.dedup();
    for bucket in buckets {
        session.store().make_bucket(bucket).await?;
    }
    Ok(())
}

/// After Ctrl-C: on AWS the job runs on; a job in this process cannot, so it is stopped.
async fn let_go(
    name: &JobName,
    session: &Session,
    printer: &mut Printer,
    signals: &mut Signals,
) -> Result<(), CliError> {
    let flag = session.flag();
    if !session.owns_server() {
        printer.say("Detached. The job keeps running.");
        printer.say(&format!(
            "  come back  {}",
            paint(COMMAND, format_args!("linden logs -f {name}{flag}"))
        ));
        printer.say(&format!(
            "  stop it    {}",
            paint(COMMAND, format_args!("linden stop {name}{flag}"))
        ));
        return Ok(());
    }
    printer.say(
        "Stopping the job, since its SageMaker lives in this command. Once more ends it at once.",
    );
    session.jobs().stop(name).await?;
    let wish = Wish::default();
    let mut quiet = |_| {};
    tokio::select! {
        ended = follow::until_ended(session.follow(), name, &session.pace, &wish, &mut quiet) => {
            let (Ended::Terminal(job) | Ended::TimedOut(job)) = ended?;
            printer.say(&format!("{name} {}", crate::style::status(&job.training_job_status.to_string())));
        }
        _ = signals.next() => {}
    }
    Ok(())
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.report.fmt(f)?;
        match self.artifacts.as_ref().and_then(|it| it.model.as_ref()) {
            Some(model) => writeln!(
                f,
                "\n  {} {}",
                paint(FAINT, "saved"),
                paint(STRONG, model.display())
            ),
            None => Ok(()),
        }
    }
}

/// What a person may want to type now.
fn say_next(outcome: &Outcome, printer: &mut Printer) {
    let flag = if outcome.local { " --local" } else { "" };
    let mut commands = Vec::new();
    if let Some(fetched) = &outcome.artifacts
        && fetched.model.is_some()
    {
        let folder = fetched.folder.display();
        commands.push(format!("linden model inspect {folder}"));
        commands.push(format!("linden model predict {folder} DATA.csv"));
    }
    let name = &outcome.report.name;
    commands.push(format!("linden show {name}{flag}"));
    if outcome.report.exit_code != exit::SUCCESS {
        commands.push(format!("linden logs {name}{flag} --tail 40"));
    }
    for (idx, command) in commands.iter().enumerate() {
        let label = if idx == 0 { "next" } else { "" };
        printer.say(&format!(
            "  {}  {}",
            paint(FAINT, format_args!("{label:<4}")),
            paint(COMMAND, command)
        ));
    }
}
