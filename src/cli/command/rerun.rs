//! `rerun`: what a job was asked to do is asked again, with changes if there are some: `clone` and `run` in one.
//!
//! Invariant: there is one way to run a job. This command makes the job file and hands it to `run`.

use std::fs;
use std::path::PathBuf;

use clap::FromArgMatches;
use contract::job::JobName;

use crate::args::{Cli, Command, Global};
use crate::command::clone;
use crate::command::run::Copied;
use crate::ending::{Gates, Telling};
use crate::error::CliError;
use crate::examples;
use crate::ledger::{self, Ledger};
use crate::output::Printer;
use crate::session::Session;
use crate::staging::Staging;
use crate::style::{WARN, paint};

/// Run again what a job was asked to do.
#[derive(Debug, clap::Args)]
pub struct Rerun {
    /// Name, beginning of a name, ARN, or @last
    #[arg(default_value = "@last")]
    job: String,
    /// Change a value of its job file, such as `hyperparameters.num_round=50`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Name of the new job, in place of NAME-HASH-ATTEMPT
    #[arg(long)]
    name: Option<JobName>,
    /// Submit, print the name, do not follow
    #[arg(short, long)]
    detach: bool,
    /// Folder for the model and the outputs [default: runs/JOB]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    gates: Gates,
    #[command(flatten)]
    telling: Telling,
}

impl Rerun {
    /// Runs the job again; the exit code is the new job's.
    ///
    /// # Errors
    /// If there is no such job, a job file cannot say what it is, or whatever ends `run`.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let session = Session::open(global, Some(&self.job)).await?;
        let name = session.find(&self.job).await?;
        let job = session.jobs().describe(&name).await?;
        let (copy, problems) = clone::copy(&session, &job).await?;
        let session_flag = session.flag();
        let copied = Copied {
            of: name.clone(),
            job_file: Ledger::of_this_machine().job_file(&name, ledger::place(&session)),
        };
        session.close(printer).await?;
        if let Some(problems) = problems {
            return Err(CliError::JobFile {
                path: format!("the job file of {name}"),
                problems,
            });
        }
        for it in &copy.lost {
            printer.say(&format!(
                "{} the new job goes without {it}",
                paint(WARN, "warning:")
            ));
        }
        let staging = Staging::below(&std::env::temp_dir())?;
        let file = staging.join(&format!("{name}.toml"));
        fs::write(&file, &copy.text).map_err(|err| CliError::file("write", &file, err))?;
        let matches = examples::command_line()
            .try_get_matches_from(self.words(file))
            .and_then(|it| Cli::from_arg_matches(&it));
        if let Ok(Command::Run(run)) = matches.map(|it| it.command) {
            return Box::pin(run.of_copy(copied).run(global, printer)).await;
        }
        Err(CliError::Usage {
            message: "`run` does not take these options".to_owned(),
            fix: format!("linden clone {name}{session_flag} prints the job file to run by hand"),
        })
    }

    /// The command line of the `run` that does it.
    fn words(self, file: PathBuf) -> Vec<std::ffi::OsString> {
        let mut words = vec!["linden".into(), "run".into(), file.into()];
        let mut option = |name: &str, value: std::ffi::OsString| {
            words.push(name.into());
            words.push(value);
        };
        for it in self.set {
            option("--set", it.into());
        }
        for it in self.gates.list {
            option("--gate", it.to_string().into());
        }
        if let Some(it) = self.name {
            option("--name", it.to_string().into());
        }
        if let Some(it) = self.out {
            option("--out", it.into());
        }
        for (name, is_set) in [
            ("--detach", self.detach),
            ("--jsonl", self.telling.jsonl),
            ("--github", self.telling.github),
        ] {
            if is_set {
                words.push(name.into());
            }
        }
        words
    }
}
