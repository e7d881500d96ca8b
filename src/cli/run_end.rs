//! What `run` ends with: the report, what was fetched, and what a person may want to type now.

use std::fmt;

use contract::exit;
use serde::Serialize;

use crate::fetch::Fetched;
use crate::output::Printer;
use crate::report::JobReport;
use crate::style::{COMMAND, FAINT, STRONG, paint};

/// What `run` ends with.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The job.
    #[serde(flatten)]
    pub report: JobReport,
    /// What it left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<Fetched>,
    /// Whether it ran on this machine.
    pub local: bool,
}

/// What `run --detach` ends with.
#[derive(Debug, Serialize)]
pub struct Detached {
    /// The job.
    pub name: String,
    /// Whether it was there before.
    pub attached: bool,
}

impl fmt::Display for Detached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
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
pub fn say_next(outcome: &Outcome, printer: &mut Printer) {
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
