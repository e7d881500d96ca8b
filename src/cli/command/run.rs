//! `run`: a job file becomes a job, the job a model on this disk.
//!
//! Fill the channels, submit, follow, fetch, verify, tell. The log goes to stderr, the result to stdout. Where the machines
//! are not to be had, the next instance type is asked for; what the algorithm or the data did wrong is not tried again.

use std::path::PathBuf;

use contract::exit;
use contract::job::file::{JobFile, RetryOn};
use contract::job::{InstanceType, JobName, TrainingJobDescription, TrainingJobStatus};

use crate::args::Global;
use crate::attempts::{Ladder, step_text, trouble};
use crate::aws::AwsErrorKind;
use crate::command::artifacts::digest_line;
use crate::command::plan::{keep_below, warn};
use crate::cost;
use crate::data;
use crate::ending::{Gates, Telling};
use crate::error::CliError;
use crate::fetch;
use crate::follow::{self, Ended, Wish};
use crate::job_source::{JobArgs, JobSource};
use crate::ledger::{self, Ledger};
use crate::let_go::let_go;
use crate::live::Facts;
use crate::narrator::Narrator;
use crate::output::Printer;
use crate::pin;
use crate::prices::Prices;
use crate::report::JobReport;
use crate::run_end::{Detached, Outcome, say_next};
use crate::session::{self, Session};
use crate::signals::Signals;
use crate::style::{COMMAND, STRONG, paint};
use crate::submit::{Data, IfExists, Submission, Submitted};
use crate::upload;

/// A pause between two passes over the instance types, in looks at the status: half a minute on AWS.
const PAUSE_LOOKS: u32 = 6;

/// Submit a training job, follow it, fetch its model.
#[derive(Debug, clap::Args)]
pub struct Run {
    #[command(flatten)]
    job: JobArgs,
    /// Name of the job, in place of NAME-HASH-ATTEMPT; there is one attempt then
    #[arg(long)]
    name: Option<JobName>,
    /// Submit, print the name, do not follow
    #[arg(short, long)]
    detach: bool,
    /// Where the same specification has run or runs on the same data: `attach` to it, `fail` with code 11, submit a
    /// `new` attempt, or `rerun-failed`: attach, but submit a new attempt if it failed or was stopped
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
    /// Submit nothing that may cost more than so many US dollars, exit code 9
    #[arg(long, value_name = "USD", env = "LINDEN_MAX_COST", hide_env = true, value_parser = cost::parse_usd)]
    max_cost: Option<f64>,
    /// Ask ECR which digest the image's tag has, and submit that
    #[arg(long)]
    pin: bool,
    #[command(flatten)]
    gates: Gates,
    #[command(flatten)]
    telling: Telling,
    /// Where the job file is another job's.
    #[arg(skip)]
    copied: Option<Copied>,
}

/// A job file that was made from another job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The job.
    pub of: JobName,
    /// The job file that it was submitted with, where the ledger knows one.
    pub job_file: Option<String>,
}

/// How following one attempt ended.
enum Followed {
    Ended(Box<TrainingJobDescription>),
    /// A signal came; the exit code.
    LetGo(u8),
}

impl Run {
    /// Runs the job; the exit code is the job's.
    ///
    /// # Errors
    /// If the job file has problems, AWS refuses, or what the job left is not sound.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let mut source = self.job.read()?;
        if let Some(copied) = &self.copied {
            source.path = format!("the job file of {}", copied.of);
        }
        warn(&source, printer);
        for channel in &source.job.channels {
            source.files(channel)?;
        }
        if global.local {
            session::trainer()?;
        } else {
            keep_below(self.max_cost, global, &source.job, printer)?;
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
        if self.pin {
            pin::pin(&mut source, &session, printer).await?;
        }
        if session.is_local {
            make_buckets(&source.job, &session).await?;
        }
        let changed = upload::sync(&source, &session, printer).await?;
        let data = data::look(&source, changed, &session, printer).await?;
        let code = self.attempts(&source, &data, &session, printer).await?;
        session.close(printer).await?;
        Ok(code)
    }

    /// One attempt after the other, until one ends in a way that another would not change.
    async fn attempts(
        &self,
        source: &JobSource,
        data: &Data,
        session: &Session,
        printer: &mut Printer,
    ) -> Result<u8, CliError> {
        let job = &source.job;
        let clock = session.follow().clock;
        let pause = session.pace.status * PAUSE_LOOKS;
        let types = &job.compute.instance_types;
        let mut ladder = Ladder::new(types, &job.retry, pause, clock.now());
        let mut policy = self.if_exists;
        loop {
            let asked = ladder.instance_type();
            let submission = Submission {
                job,
                name: self.name.as_ref(),
                policy,
                data,
                instance_type: asked,
            };
            let (why, pause) = match submission.submit(session.jobs()).await {
                Ok(submitted) => {
                    let (name, attached) = announce(submitted, printer);
                    if !attached {
                        self.note(source, &name, session, printer);
                    }
                    if self.detach {
                        return detach(&name, attached, session, printer);
                    }
                    let what = (job, asked);
                    let last = match self.follow(what, &name, session, printer).await? {
                        Followed::Ended(last) => last,
                        Followed::LetGo(code) => return Ok(code),
                    };
                    // A job that was there before, and a name that is given once, have no further attempts.
                    let why = trouble(&last).filter(|_| !attached && self.name.is_none());
                    match why.and_then(|it| Some((it, ladder.step(it, clock.now())?))) {
                        Some(step) => step,
                        None => return self.finish(&last, session, printer).await,
                    }
                }
                Err(CliError::Aws(err)) if err.kind == AwsErrorKind::Capacity => {
                    match ladder.step(RetryOn::Capacity, clock.now()) {
                        Some(pause) => (RetryOn::Capacity, pause),
                        None => return Err(err.into()),
                    }
                }
                Err(err) => return Err(err),
            };
            policy = IfExists::New;
            let next = ladder.instance_type();
            printer.say(&step_text(why, (asked, next), pause));
            let mut signals = Signals::listen()?;
            tokio::select! {
                () = clock.sleep(pause) => {}
                code = signals.next() => {
                    printer.say("No job runs. The same command goes on trying.");
                    return Ok(code);
                }
            }
        }
    }

    /// The same run of a job file that was made from another job.
    #[must_use]
    pub fn of_copy(self, copied: Copied) -> Self {
        Self {
            copied: Some(copied),
            ..self
        }
    }

    /// Notes a submitted job in this machine's ledger.
    fn note(&self, source: &JobSource, name: &JobName, session: &Session, printer: &mut Printer) {
        // A file that was made for this command alone is gone when it ends.
        let job_file = match &self.copied {
            Some(copied) => copied.job_file.clone(),
            None => Some(source.path.clone()),
        };
        let run = ledger::Run {
            spec_hash: Some(source.job.hash8()),
            job_file,
            ..ledger::Run::submitted(name.as_str(), ledger::place(session))
        };
        Ledger::of_this_machine().note(&run, printer);
    }

    async fn follow(
        &self,
        (job, instance_type): (&JobFile, Option<&InstanceType>),
        name: &JobName,
        session: &Session,
        printer: &mut Printer,
    ) -> Result<Followed, CliError> {
        let mut signals = Signals::listen()?;
        let n_rounds = job.checked.as_ref().map_or(0, |it| u64::from(it.num_round));
        let mut narrator =
            Narrator::new(printer, n_rounds, job.compute.instances > 1).telling(self.telling);
        narrator = narrator.showing(facts((job, instance_type), n_rounds, session));
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
                Ok(Followed::Ended(last))
            }
            Err(code) => {
                let_go(name, session, printer, &mut signals).await?;
                Ok(Followed::LetGo(code))
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

/// What the status area knows from the beginning.
fn facts(
    (job, instance_type): (&JobFile, Option<&InstanceType>),
    n_rounds: u64,
    session: &Session,
) -> Facts {
    let name = instance_type.map(InstanceType::as_str).unwrap_or_default();
    // A table that cannot be read has been told of by whatever needed it.
    let prices = Prices::read(|name| std::env::var(name).ok()).ok();
    let price = prices.and_then(|it| it.of(session.region(), name));
    let rate = price
        .filter(|_| !session.is_local)
        .map(|it| it.usd_per_hour);
    let instances = job.compute.instances;
    Facts {
        machines: format!("{instances} × {name}"),
        hosts: usize::try_from(instances).unwrap_or(1),
        n_rounds,
        usd_per_hour: rate.map(|it| it * instances as f64),
    }
}

/// Says what became of the submission.
fn announce(submitted: Submitted, printer: &mut Printer) -> (JobName, bool) {
    let (name, attached) = match submitted {
        Submitted::Created(name) => (name, false),
        Submitted::Attached(name) => (name, true),
    };
    let verb = if attached { "attached to" } else { "submitted" };
    printer.say(&format!("{verb} {}", paint(STRONG, &name)));
    (name, attached)
}

/// Ends without following.
fn detach(
    name: &JobName,
    attached: bool,
    session: &Session,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    printer.print(&Detached {
        name: name.to_string(),
        attached,
    })?;
    let command = format!("linden logs -f {name}{}", session.flag());
    printer.say(&format!("follow it with {}", paint(COMMAND, command)));
    Ok(exit::SUCCESS)
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
