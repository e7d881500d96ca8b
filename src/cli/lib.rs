//! `linden`: plans, submits, follows and fetches SageMaker training jobs, on AWS or on this machine.
//!
//! ```text
//! args      the command line as types               command/   one file for each command
//! session   whom to speak to: AWS, or `local`       follow     status and log of a job, merged until it ends
//! aws/      the ports, and the SDK behind them      output     what goes to stdout and stderr
//! preflight what a job would fail by, before it is paid   image      container images, and registries of them
//! error     one cause, its place, its fix, its exit code
//! ```
//!
//! Invariants: the SDK's types stay in [`aws`]; `linden local` and AWS are the same adapters with another endpoint; data
//! goes to stdout and talk to stderr, both only through [`output::Printer`]; every way to end has a code of
//! [`contract::exit`]; nothing is loaded from AWS's configuration before a command needs it.
#![forbid(unsafe_code)]

pub mod approval;
pub mod args;
pub mod attempts;
pub mod aws;
pub mod bill;
pub mod chart;
pub mod command;
pub mod cost;
pub mod data;
pub mod data_digest;
pub mod ending;
pub mod error;
pub mod error_page;
pub mod events;
pub mod examples;
pub mod explanation;
pub mod fetch;
pub mod follow;
pub mod gate;
pub mod github;
pub mod image;
pub mod infra;
pub mod job_source;
pub mod job_text;
pub mod lease;
pub mod ledger;
pub mod let_go;
pub mod live;
pub mod model_file;
pub mod narrator;
pub mod needs;
pub mod output;
pub mod pin;
pub mod planned;
pub mod predict;
pub mod preflight;
pub mod prices;
pub mod report;
pub mod round;
pub mod rows;
pub mod run_end;
pub mod session;
pub mod signals;
pub mod spark;
pub mod staging;
pub mod style;
pub mod submit;
pub mod table;
pub mod units;
pub mod unpack;
pub mod upload;

use std::ffi::OsString;
use std::panic;
use std::process::ExitCode;

use clap::FromArgMatches;
use clap::error::ErrorKind;
use contract::exit;

use crate::args::Cli;
use crate::output::Printer;

/// Runs the program on this process's arguments.
pub fn main() -> ExitCode {
    let ended = panic::catch_unwind(|| run(std::env::args_os()));
    // The panic's own message has gone to stderr already.
    ExitCode::from(ended.unwrap_or(exit::BUG))
}

/// Runs a command line, the program's name first, and gives the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let matches = examples::command_line().try_get_matches_from(args);
    let cli = match matches.and_then(|it| Cli::from_arg_matches(&it)) {
        Ok(cli) => cli,
        Err(err) => {
            // Help that was asked for goes to stdout, a mistake to stderr; a closed pipe is nobody's mistake.
            let _ = err.print();
            let asked = matches!(
                err.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            return if asked { exit::SUCCESS } else { exit::USAGE };
        }
    };
    let mut printer = Printer::on_process(&cli.global);
    let result = command::run(cli, &mut printer).and_then(|code| printer.flush().map(|()| code));
    printer.end_bar();
    match result {
        Ok(code) => code,
        Err(err) => {
            // What was printed before the error is still worth having.
            let _ = printer.flush();
            if !err.is_closed_pipe() {
                printer.say_always(&err.report(printer.verbosity()));
            }
            err.exit_code()
        }
    }
}
