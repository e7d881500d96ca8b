//! `help`: commands and topics.

use std::fmt;

use contract::exit;
use serde::Serialize;

use crate::error::CliError;
use crate::error_page::{self, Page};
use crate::examples;
use crate::needs::{GRANTS, Grants};
use crate::output::Printer;
use crate::style::{STRONG, paint};
use crate::table::Table;

/// What to explain.
#[derive(Debug, clap::Args)]
pub struct Help {
    /// A command, `exit-codes`, `environment`, `errors`, `iam`, or the code of an error such as E0301
    topic: Vec<String>,
}

/// Variables that the program reads, and what for.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("LINDEN_LOCAL", "`1` is the same as --local"),
    (
        "LINDEN_HOME",
        "folder of the program's state: `local` of the SageMaker on this machine, `prices` that were fetched, the ledger",
    ),
    (
        "XDG_STATE_HOME",
        "the same, one folder up (`linden` is added), where LINDEN_HOME is not set",
    ),
    (
        "LINDEN_OVERLAY",
        "overlay of the job file, where --overlay does not name one",
    ),
    (
        "LINDEN_IMAGE_URI",
        "`image.uri` of every job file; LINDEN_ROLE_ARN is `role.arn`, LINDEN_OUTPUT_S3 `output.s3`",
    ),
    (
        "LINDEN_MAX_COST",
        "US dollars that a job may cost, where --max-cost does not say",
    ),
    (
        "LINDEN_PRICES",
        "table of prices, in place of linden/prices.json in the folder of settings",
    ),
    (
        "XDG_CONFIG_HOME",
        "folder of settings, ~/.config where it is not set: linden/config.toml, linden/prices.json",
    ),
    ("AWS_PROFILE", "profile, where --profile does not name one"),
    ("AWS_REGION", "region, where --region does not name one"),
    (
        "AWS_ENDPOINT_URL",
        "address to send requests to, where --endpoint-url does not name one",
    ),
    (
        "LINDEN_REGISTRY_USER",
        "login of a registry that is not ECR, with LINDEN_REGISTRY_PASSWORD",
    ),
    (
        "NO_COLOR",
        "any value turns colours off; --color always turns them on again",
    ),
    (
        "GITHUB_ACTIONS",
        "`true` is the same as --github where a job is followed",
    ),
    (
        "GITHUB_STEP_SUMMARY",
        "file that --github adds the job's summary to",
    ),
    ("COLUMNS", "width of charts, where it is not the terminal's"),
    ("CI", "any value turns progress bars off"),
];

#[derive(Serialize)]
struct ExitCode {
    code: u8,
    meaning: &'static str,
}

#[derive(Serialize)]
#[serde(transparent)]
struct ExitCodes(Vec<ExitCode>);

impl fmt::Display for ExitCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(2, &[0]);
        for it in &self.0 {
            table.row([paint(STRONG, it.code), it.meaning.to_owned()]);
        }
        write!(f, "Exit codes; they never change.\n\n{table}")
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Environment(Vec<(&'static str, &'static str)>);

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(2, &[]);
        for (name, meaning) in &self.0 {
            table.row([paint(STRONG, name), (*meaning).to_owned()]);
        }
        write!(f, "Variables that linden reads.\n\n{table}")
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Errors(&'static [Page]);

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(2, &[]);
        for it in self.0 {
            table.row([paint(STRONG, it.code), it.title.to_owned()]);
        }
        write!(
            f,
            "Codes of errors; they never change. `linden help E0301` explains one.\n\n{table}"
        )
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Explained(&'static Page);

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let page = self.0;
        writeln!(f, "{}  {}\n", paint(STRONG, page.code), page.title)?;
        writeln!(f, "{}\n", page.about)?;
        writeln!(f, "{}", page.next)
    }
}

impl Help {
    /// Prints the topic.
    ///
    /// # Errors
    /// If there is no such topic.
    pub fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        let words: Vec<&str> = self.topic.iter().map(String::as_str).collect();
        match words[..] {
            ["exit-codes"] => {
                let codes = exit::ALL
                    .iter()
                    .map(|&(code, meaning)| ExitCode { code, meaning })
                    .collect();
                printer.print(&ExitCodes(codes))?;
            }
            ["environment"] => printer.print(&Environment(ENVIRONMENT.to_vec()))?,
            ["errors"] => printer.print(&Errors(error_page::ALL))?,
            ["iam"] => printer.print(&Grants(GRANTS))?,
            [code] if error_page::find(code).is_some() => {
                if let Some(page) = error_page::find(code) {
                    printer.print(&Explained(page))?;
                }
            }
            _ => printer.line(&of_command(&words)?)?,
        }
        Ok(exit::SUCCESS)
    }
}

fn of_command(words: &[&str]) -> Result<String, CliError> {
    let mut command = examples::command_line();
    command.build();
    let mut found = &mut command;
    for word in words {
        found = found
            .find_subcommand_mut(word)
            .ok_or_else(|| CliError::Usage {
                message: format!("there is no command and no topic `{}`", words.join(" ")),
                fix: "`linden --help` lists the commands; topics are exit-codes, environment, errors and iam"
                    .to_owned(),
            })?;
    }
    Ok(found.render_help().ansi().to_string().trim_end().to_owned())
}
