//! The commands, one file each. Each is its arguments and what it does with them.

pub mod artifacts;
pub mod clone;
pub mod compare;
pub mod completion;
pub mod config;
pub mod doctor;
pub mod help;
pub mod image;
pub mod image_build;
pub mod image_inspect;
pub mod image_push;
pub mod image_verify;
pub mod infra;
pub mod init;
pub mod local;
pub mod logs;
pub mod ls;
pub mod man;
pub mod metrics;
pub mod model;
pub mod model_explain;
pub mod model_export;
pub mod model_inspect;
pub mod model_predict;
pub mod outcome;
pub mod plan;
pub mod prices;
pub mod promote;
pub mod rerun;
pub mod rm;
pub mod run;
pub mod schema;
pub mod show;
pub mod stop;
pub mod wait;

use std::future::Future;

use crate::args::{Cli, Command};
use crate::error::CliError;
use crate::output::Printer;

/// Runs a command and gives its exit code.
///
/// # Errors
/// If it cannot do what it is asked; [`CliError::exit_code`] has the code.
pub fn run(cli: Cli, printer: &mut Printer) -> Result<u8, CliError> {
    let Cli { global, command } = cli;
    match command {
        Command::Help(it) => it.run(printer),
        Command::Completion(it) => it.run(printer),
        Command::JobNames(it) => it.run(printer),
        Command::Man(it) => it.run(printer),
        Command::Model(it) => it.run(printer),
        Command::Config(it) => it.run(printer),
        Command::Infra(it) => it.run(printer),
        Command::Schema(it) => it.run(printer),
        Command::Init(it) => it.run(&global, printer),
        Command::Plan(it) => it.run(&global, printer),
        Command::Run(it) => wait_for(it.run(&global, printer)),
        Command::Doctor(it) => wait_for(it.run(&global, printer)),
        Command::Ls(it) => wait_for(it.run(&global, printer)),
        Command::Show(it) => wait_for(it.run(&global, printer)),
        Command::Logs(it) => wait_for(it.run(&global, printer)),
        Command::Metrics(it) => wait_for(it.run(&global, printer)),
        Command::Wait(it) => wait_for(it.run(&global, printer)),
        Command::Stop(it) => wait_for(it.run(&global, printer)),
        Command::Rm(it) => wait_for(it.run(&global, printer)),
        Command::Clone(it) => wait_for(it.run(&global, printer)),
        Command::Rerun(it) => wait_for(it.run(&global, printer)),
        Command::Compare(it) => wait_for(it.run(&global, printer)),
        Command::Artifacts(it) => wait_for(it.run(&global, printer)),
        Command::Image(it) => wait_for(it.run(&global, printer)),
        Command::Prices(it) => wait_for(it.run(&global, printer)),
        Command::Promote(it) => wait_for(it.run(&global, printer)),
        Command::Local(it) => wait_for(it.run(&global, printer)),
    }
}

/// Only commands that speak to somebody need the runtime.
fn wait_for<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.map_err(CliError::Start)?.block_on(work)
}
