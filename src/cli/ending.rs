//! What a command that follows a job does when it ends: gates, and what programs and CI systems are told.

use std::path::PathBuf;

use contract::exit;

use crate::error::CliError;
use crate::events::EventLine;
use crate::gate::Gate;
use crate::github::{self, Level};
use crate::output::Printer;
use crate::report::JobReport;
use crate::style::{WARN, paint};

/// Who is told besides the person.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Telling {
    /// Print every event as a JSON object a line: statuses, log lines with their metrics, the end
    #[arg(long)]
    pub jsonl: bool,
    /// Annotate the run and write the step's summary; set by itself on GitHub Actions
    #[arg(long, env = "GITHUB_ACTIONS", hide_env = true, action = clap::ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    pub github: bool,
}

/// What is asked of a job that has ended.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Gates {
    /// Demand a metric of the job: `validation:rmse<=12.5`, or `validation:auc in 0.7..0.9`; else the exit code is 9
    #[arg(long = "gate", value_name = "GATE")]
    pub list: Vec<Gate>,
}

impl Gates {
    /// Holds the gates against a job that has ended well; one that has not has failed already.
    #[must_use]
    pub fn judge(&self, mut report: JobReport) -> JobReport {
        if report.exit_code == exit::SUCCESS && report.has_ended() {
            report.gates = self
                .list
                .iter()
                .map(|it| it.judge(&report.metrics))
                .collect();
            if report.gates.iter().any(|it| !it.passed) {
                report.exit_code = exit::GATE;
            }
        }
        report
    }
}

impl Telling {
    /// Tells programs how a job ended, or that it runs on. True if that was all there is to print.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn tell_end(self, report: &JobReport, printer: &mut Printer) -> Result<bool, CliError> {
        if self.github {
            annotate(report, printer);
        }
        if self.jsonl {
            EventLine::of_report(report).print(printer)?;
        }
        Ok(self.jsonl)
    }
}

fn annotate(report: &JobReport, printer: &mut Printer) {
    if !report.has_ended() {
        let text = format!(
            "it still runs ({}); wait on with: linden wait {}",
            report.secondary_status, report.name
        );
        printer.say_always(&github::annotation(Level::Warning, &report.name, &text));
        return;
    }
    for it in github::annotations(report) {
        printer.say_always(&it);
    }
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from) else {
        return;
    };
    if let Err(err) = github::append(&path, &github::summary(report)) {
        printer.say(&format!(
            "{} the step's summary `{}` cannot be written: {err}",
            paint(WARN, "warning:"),
            path.display()
        ));
    }
}
