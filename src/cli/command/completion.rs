//! `completion`: what a shell needs to complete commands, options and job names.
//!
//! The scripts are `clap_complete`'s, and ask the hidden command `job-names` where a job belongs. That one reads this
//! machine's ledger and the jobs of the local SageMaker, and no network, since a person waits for it. Invariant: it never
//! fails and never says anything but names.

use std::fs;

use clap::Command;
use clap_complete::Shell;
use contract::exit;

use crate::error::CliError;
use crate::examples;
use crate::ledger::Ledger;
use crate::output::Printer;
use crate::session;

/// The newest jobs are enough to choose from.
const MAX_NAMES: usize = 200;
/// How the arguments are called that name jobs.
const JOB_ARGUMENTS: &[&str] = &["job", "jobs"];

/// Print a shell's completion script.
#[derive(Debug, clap::Args)]
pub struct Completion {
    /// The shell
    shell: Shell,
}

/// Print the names of jobs that this machine knows, newest first.
#[derive(Debug, clap::Args)]
pub struct JobNames {}

impl Completion {
    /// Prints the script.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        let mut command = examples::command_line();
        let with_jobs = commands_with_jobs(&command);
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "linden", &mut script);
        let script = String::from_utf8_lossy(&script);
        let script = match self.shell {
            Shell::Bash => bash(&script, &with_jobs),
            Shell::Zsh => zsh(&script),
            Shell::Fish => fish(&script, &with_jobs),
            // The other shells complete commands and options.
            _ => script.into_owned(),
        };
        printer.line(script.trim_end())?;
        Ok(exit::SUCCESS)
    }
}

impl JobNames {
    /// Prints the names.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        for name in job_names() {
            printer.line(&name)?;
        }
        Ok(exit::SUCCESS)
    }
}

/// Names from the ledger, newest first, then those of the local SageMaker that it does not have.
fn job_names() -> Vec<String> {
    let runs = Ledger::of_this_machine().read().unwrap_or_default().runs;
    let mut names: Vec<String> = runs.into_iter().rev().map(|it| it.name).collect();
    let jobs = session::state_dir(|name| std::env::var(name).ok()).join("jobs");
    let local = fs::read_dir(jobs).into_iter().flatten().flatten();
    let mut local: Vec<String> = local
        .filter_map(|it| {
            let name = it.file_name().into_string().ok()?;
            Some(name.strip_suffix(".json")?.to_owned())
        })
        .collect();
    local.sort();
    for name in local {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.truncate(MAX_NAMES);
    names
}

/// The commands at the top whose arguments, or whose subcommands' arguments, name jobs.
fn commands_with_jobs(command: &Command) -> Vec<String> {
    fn names_jobs(command: &Command) -> bool {
        let mut positionals = command.get_positionals();
        positionals.any(|it| JOB_ARGUMENTS.contains(&it.get_id().as_str()))
            || command.get_subcommands().any(names_jobs)
    }
    let commands = command.get_subcommands().filter(|it| !it.is_hide_set());
    commands
        .filter(|it| names_jobs(it))
        .map(|it| it.get_name().to_owned())
        .collect()
}

fn bash(script: &str, with_jobs: &[String]) -> String {
    let commands = with_jobs.join("|");
    format!(
        r#"{script}
_linden_and_jobs() {{
    _linden "$@"
    local cur="${{COMP_WORDS[COMP_CWORD]}}" word
    [[ "$cur" == -* ]] && return 0
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$word" in
            {commands})
                COMPREPLY+=($(compgen -W "$("${{COMP_WORDS[0]}}" job-names 2>/dev/null)" -- "$cur"))
                return 0
                ;;
        esac
    done
}}

complete -F _linden_and_jobs -o bashdefault -o default linden
"#
    )
}

/// Arguments that name jobs have the completion of files, which is replaced.
fn zsh(script: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (idx, line) in script.lines().enumerate() {
        let names_jobs = JOB_ARGUMENTS
            .iter()
            .any(|it| line.contains(&format!(":{it} -- ")));
        lines.push(if names_jobs {
            line.replace(":_default'", ":_linden_job_names'")
        } else {
            line.to_owned()
        });
        if idx == 0 {
            lines.push(
                "\n_linden_job_names() {\n    local -a names\n    names=(${(f)\"$(linden job-names 2>/dev/null)\"})\n    compadd -a names\n}"
                    .to_owned(),
            );
        }
    }
    lines.join("\n")
}

fn fish(script: &str, with_jobs: &[String]) -> String {
    format!(
        "{script}\ncomplete -c linden -n \"__fish_seen_subcommand_from {}\" -f -a \"(linden job-names 2>/dev/null)\"",
        with_jobs.join(" ")
    )
}
