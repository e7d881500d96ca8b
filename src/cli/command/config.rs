//! `config`: what a job comes to once every layer is laid over the others, and which layer each value came from.

use std::fmt;

use contract::exit;
use contract::job::file::{Effective, Origin};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::CliError;
use crate::job_source::JobArgs;
use crate::output::Printer;
use crate::style::{FAINT, paint};

/// Values up to this width have their origins below each other; a longer one does not push the others away.
const ALIGNED: usize = 90;

/// Look into the settings of a job.
#[derive(Debug, clap::Subcommand)]
pub enum Config {
    /// Show every value that holds for a job
    #[command(
        after_help = "Weakest first: what is built in, /etc/linden/config.toml, linden/config.toml in \
        $XDG_CONFIG_HOME or ~/.config, linden.toml beside the job file, the job file, [overlay.NAME], \
        LINDEN_IMAGE_URI, LINDEN_ROLE_ARN and LINDEN_OUTPUT_S3, --set. Sections merge key by key, lists are replaced."
    )]
    Show(Show),
}

/// Show every value that holds for a job.
#[derive(Debug, clap::Args)]
pub struct Show {
    #[command(flatten)]
    job: JobArgs,
    /// Show where each value came from
    #[arg(long)]
    origin: bool,
}

impl Config {
    /// Prints the values; then, if the job cannot run, why.
    ///
    /// # Errors
    /// If a file cannot be read, or the job has problems.
    pub fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        let Self::Show(Show { job, origin }) = self;
        let resolved = job.resolve()?;
        let shown = Shown {
            values: resolved.values.iter().map(Setting::of).collect(),
            origin,
        };
        printer.print(&shown)?;
        match resolved.job {
            Ok(_) => Ok(exit::SUCCESS),
            Err(problems) => Err(CliError::JobFile {
                path: job.job_file.display().to_string(),
                problems,
            }),
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Shown {
    values: Vec<Setting>,
    #[serde(skip)]
    origin: bool,
}

#[derive(Serialize)]
struct Setting {
    key: String,
    value: Value,
    origin: Value,
    #[serde(skip)]
    written: String,
    #[serde(skip)]
    from: String,
}

impl Setting {
    fn of(it: &Effective) -> Self {
        Self {
            key: it.key.clone(),
            // A date and an infinite number are no JSON; their text is.
            value: serde_json::from_str(&it.value).unwrap_or_else(|_| json!(it.value)),
            origin: origin(&it.origin),
            written: it.value.clone(),
            from: it.origin.to_string(),
        }
    }
}

fn origin(it: &Origin) -> Value {
    match it {
        Origin::BuiltIn => json!({ "kind": "built-in" }),
        Origin::File {
            name,
            line,
            column,
            section,
        } => {
            let mut file =
                json!({ "kind": "file", "file": **name, "line": line, "column": column });
            if let Some(section) = section {
                file["section"] = json!(section);
            }
            file
        }
        Origin::Variable(name) => json!({ "kind": "variable", "variable": name }),
        Origin::Set(key) => json!({ "kind": "set", "key": key }),
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.values.iter();
        let lines = lines.map(|it| (format!("{} = {}", it.key, it.written), &it.from));
        let lines: Vec<_> = lines.collect();
        let widths = lines.iter().map(|(value, _)| value.chars().count());
        let width = widths.filter(|it| *it <= ALIGNED).max().unwrap_or(0);
        for (value, from) in lines {
            if self.origin {
                let from = paint(FAINT, format_args!("<- {from}"));
                writeln!(f, "{value:<width$}  {from}")?;
            } else {
                writeln!(f, "{value}")?;
            }
        }
        Ok(())
    }
}
