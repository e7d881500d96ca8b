//! `promote`: a job's model becomes the approved one, if it deserves it.
//!
//! Fetch, hold against the digests, compare with the approved model, copy, switch. Invariants: nothing is written for a
//! model that is refused; a model is approved by one conditional write, so that readers never see half of it and two
//! pipelines never overwrite each other unseen. Refusing is a result with exit code 9, not an error.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use contract::artifact::MODEL_ARCHIVE;
use contract::exit;
use contract::job::{S3Uri, TrainingJobDescription, TrainingJobStatus};
use serde::Serialize;

use crate::approval::{self, Approval, Current, Worth};
use crate::args::Global;
use crate::error::CliError;
use crate::fetch;
use crate::github::{self, Level, plain};
use crate::job_source::source_file;
use crate::output::Printer;
use crate::session::Session;
use crate::staging::Staging;
use crate::style::{BAD, FAINT, GOOD, STRONG, WARN, paint};
use crate::table::Table;
use crate::units;

/// Make a job's model the approved one.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "TO/approved.json names the approved model: its archive, digests, metrics and what it replaced. Exit \
    code 9: it is not better, or the job has not completed; 11: another model was approved in that moment."
)]
pub struct Promote {
    /// Name, beginning of a name, ARN, or @last
    job: String,
    /// Where the approved model of this recipe is kept: `s3://BUCKET/approved/RECIPE/`
    #[arg(long, value_name = "S3")]
    to: S3Uri,
    /// Refuse a model whose metric, such as `validation:rmse`, is not strictly better than the approved model's
    #[arg(long, value_name = "METRIC", value_parser = parse_metric)]
    if_better: Option<String>,
    /// Annotate the run and write the step's summary; set by itself on GitHub Actions
    #[arg(long, env = "GITHUB_ACTIONS", hide_env = true, action = clap::ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    github: bool,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Approved,
    /// It was the approved one before.
    AlreadyApproved,
    Refused,
}

#[derive(Debug, Serialize)]
struct Promotion {
    job: String,
    verdict: Verdict,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Where `approved.json` is.
    approval: String,
    /// The archive of the model that is approved now.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// The job whose model was approved before.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// Whether both were measured on the same objects; none where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_data: Option<bool>,
    metrics: Vec<Compared>,
}

/// A metric of the new model beside the approved one's.
#[derive(Debug, Serialize)]
struct Compared {
    metric: String,
    value: f64,
    before: Option<f64>,
}

impl Promote {
    /// Approves the model, or says why not.
    ///
    /// # Errors
    /// If there is no such job, it still runs, its model is not the one that it wrote, or S3 refuses.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let session = Session::open(global, Some(&self.job)).await?;
        let name = session.find(&self.job).await?;
        let job = session.jobs().describe(&name).await?;
        let promotion = self.promote(&job, &session, printer).await?;
        if self.github {
            annotate(&promotion, printer);
        }
        printer.print(&promotion)?;
        session.close(printer).await?;
        Ok(match promotion.verdict {
            Verdict::Approved | Verdict::AlreadyApproved => exit::SUCCESS,
            Verdict::Refused => exit::GATE,
        })
    }

    async fn promote(
        &self,
        job: &TrainingJobDescription,
        session: &Session,
        printer: &mut Printer,
    ) -> Result<Promotion, CliError> {
        let status = &job.training_job_status;
        let name = &job.training_job_name;
        if !status.is_terminal() {
            return Err(CliError::Conflict {
                message: format!("`{name}` is {status}, and has no model yet"),
                fix: format!("wait for it first: linden wait {name}{}", session.flag()),
            });
        }
        let store = session.store();
        let current = Approval::read(&*store, &self.to).await?;
        if *status != TrainingJobStatus::Completed {
            let reason = format!("it is {status}, and only a job that has completed is approved");
            let nothing = Approval::of(job, (&self.to, String::new()));
            return Ok(self.told(&nothing, current.as_ref(), Err(reason)));
        }
        let staging = Staging::below(&std::env::temp_dir())?;
        let approval = self.examine(job, session, &staging, printer).await?;
        let decision = self.decide(&approval, current.as_ref());
        let promotion = self.told(&approval, current.as_ref(), decision);
        if promotion.same_data == Some(false) {
            printer.say(&format!(
                "{} the approved model was measured on other data, so the two figures are not of the same rows",
                paint(WARN, "warning:")
            ));
        }
        if promotion.verdict == Verdict::Approved {
            let model: S3Uri = approval.model.parse().map_err(|_| no_model(name))?;
            let file = source_file(&staging.join(MODEL_ARCHIVE), model)?;
            store.put(&file.uri, &file.path, file.md5()?).await?;
            approval
                .replace(current.as_ref(), &*store, &self.to)
                .await?;
        }
        Ok(promotion)
    }

    /// Fetches the model into `staging`, verifies it, and says what it is worth.
    async fn examine(
        &self,
        job: &TrainingJobDescription,
        session: &Session,
        staging: &Staging,
        printer: &mut Printer,
    ) -> Result<Approval, CliError> {
        let fetched = fetch::bring(session, job, staging, printer).await?;
        let archive = staging.join(MODEL_ARCHIVE);
        if !archive.is_file() {
            return Err(no_model(&job.training_job_name));
        }
        let sha256 = fetch::sha256(&archive)?;
        let address = approval::archive_address(&self.to, &job.training_job_name, &sha256);
        let mut approval = Approval::of(job, (&address, sha256));
        approval.models = fetched.verified_models;
        approval.metrics = fetched.evaluation.iter().flat_map(Worth::of).collect();
        approval.data = approval::data_of(session, job).await;
        Ok(approval)
    }

    /// Whether a model that was fetched is approved; else why not.
    fn decide(&self, new: &Approval, current: Option<&Current>) -> Result<Verdict, String> {
        if new.models.is_empty() {
            return Err("the job left no digest to hold its model against".to_owned());
        }
        let current = current.map(|it| &it.approval);
        if current.is_some_and(|it| it.job == new.job && it.archive_sha256 == new.archive_sha256) {
            return Ok(Verdict::AlreadyApproved);
        }
        let Some(metric) = &self.if_better else {
            return Ok(Verdict::Approved);
        };
        let Some(value) = new.metric(metric) else {
            return Err(format!("{metric} was not measured"));
        };
        let Some(approved) = current else {
            return Ok(Verdict::Approved);
        };
        let Some(before) = approved.metric(metric) else {
            return Err(format!(
                "{metric} of the approved model of {} is not known; approve once without --if-better",
                approved.job
            ));
        };
        if value.is_better_than(before) {
            return Ok(Verdict::Approved);
        }
        Err(format!(
            "{metric} is {}, not better than {} of {}",
            units::metric(value.value),
            units::metric(before.value),
            approved.job
        ))
    }

    fn told(
        &self,
        new: &Approval,
        current: Option<&Current>,
        decision: Result<Verdict, String>,
    ) -> Promotion {
        let (verdict, reason) = match decision {
            Ok(verdict) => (verdict, None),
            Err(reason) => (Verdict::Refused, Some(reason)),
        };
        let before = current.map(|it| &it.approval);
        let compared = |it: &Worth| Compared {
            metric: it.name(),
            value: it.value,
            before: before
                .and_then(|old| old.metric(&it.name()))
                .map(|it| it.value),
        };
        let measured_on = |of: &Approval| {
            let data = self.if_better.as_ref()?.split_once(':')?.0;
            of.data.get(data).cloned()
        };
        let same_data = before
            .and_then(measured_on)
            .zip(measured_on(new))
            .map(|(before, now)| before == now);
        let model = match verdict {
            Verdict::Refused => before.map(|it| it.model.clone()),
            Verdict::Approved | Verdict::AlreadyApproved => Some(new.model.clone()),
        };
        Promotion {
            job: new.job.clone(),
            verdict,
            reason,
            approval: self.to.join(approval::APPROVED_FILE).to_string(),
            model,
            before: before.map(|it| it.job.clone()),
            same_data,
            metrics: new.metrics.iter().map(compared).collect(),
        }
    }
}

fn no_model(job: &str) -> CliError {
    CliError::Missing {
        message: format!("`{job}` has left no {MODEL_ARCHIVE} in S3"),
        fix: format!("`linden show {job}` tells how the job ended"),
    }
}

fn parse_metric(text: &str) -> Result<String, String> {
    let parts = text.split_once(':').map(|(data, metric)| [data, metric]);
    let fits = parts.is_some_and(|it| {
        it.iter()
            .all(|part| !part.is_empty() && !part.contains(char::is_whitespace))
    });
    if fits {
        Ok(text.to_owned())
    } else {
        Err("expected DATA:METRIC, such as `validation:rmse`".to_owned())
    }
}

impl Promotion {
    /// `usage-1 is approved` and what else there is to say in a line.
    fn sentence(&self) -> String {
        let job = &self.job;
        match (self.verdict, &self.reason, &self.before) {
            (Verdict::Approved, _, Some(before)) => {
                format!("{job} is approved, in place of {before}")
            }
            (Verdict::Approved, _, None) => format!("{job} is approved, the first one"),
            (Verdict::AlreadyApproved, ..) => format!("{job} was the approved one already"),
            (Verdict::Refused, reason, _) => {
                format!(
                    "{job} is not approved: {}",
                    reason.as_deref().unwrap_or_default()
                )
            }
        }
    }

    /// The metrics in Markdown.
    fn summary(&self) -> String {
        let mark = if self.verdict == Verdict::Refused {
            "❌"
        } else {
            "✅"
        };
        let mut text = format!("### {mark} {}\n\n", plain(&self.sentence()));
        text.push_str("| metric | approved before | this job |\n|---|---:|---:|\n");
        for it in &self.metrics {
            let before = it.before.map(units::metric).unwrap_or_default();
            let value = units::metric(it.value);
            let _ = writeln!(text, "| {} | {before} | {value} |", plain(&it.metric));
        }
        text
    }
}

impl fmt::Display for Promotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = if self.verdict == Verdict::Refused {
            BAD
        } else {
            GOOD
        };
        writeln!(f, "{}", paint(style, self.sentence()))?;
        let mut table = Table::new(2, &[1, 2]);
        let before = self.before.as_deref().unwrap_or("approved before");
        table.row(["", before, &self.job].map(|it| paint(FAINT, it)));
        for it in &self.metrics {
            let value = paint(STRONG, units::metric(it.value));
            let before = it.before.map(units::metric).unwrap_or_default();
            table.row([it.metric.clone(), before, value]);
        }
        if !self.metrics.is_empty() {
            write!(f, "{table}")?;
        }
        if let Some(model) = &self.model {
            writeln!(f, "  {} {model}", paint(FAINT, "approved model"))?;
        }
        Ok(())
    }
}

fn annotate(promotion: &Promotion, printer: &mut Printer) {
    let level = match promotion.verdict {
        Verdict::Approved | Verdict::AlreadyApproved => Level::Notice,
        Verdict::Refused => Level::Error,
    };
    printer.say_always(&github::annotation(
        level,
        &promotion.job,
        &promotion.sentence(),
    ));
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from) else {
        return;
    };
    if let Err(err) = github::append(&path, &promotion.summary()) {
        printer.say(&format!(
            "{} the step's summary `{}` cannot be written: {err}",
            paint(WARN, "warning:"),
            path.display()
        ));
    }
}
