//! `linden-trainer`: the program that SageMaker starts in the image.
//!
//! Whatever happens, the process ends with exit code 0 and a model (or a stop that was asked for), or with exit code 1
//! and the reason: first line of `output/failure`, and the same line on stderr. A panic is no exception.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use contract::environment::LINDEN_LOG;
use contract::failure::Failure;
use contract::paths::MlRoot;
use trainer::command::{self, Command};
use trainer::error::TrainerError;
use trainer::{failure, log, signal, train};

fn main() -> ExitCode {
    let root = MlRoot::from_env(|name| env::var(name).ok());
    log::start(env::var(LINDEN_LOG.name).ok().as_deref());
    let ended = failure::catching_panics(|| {
        run(&root, &command::words(env::args_os())).map_err(|err| err.failure())
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&root, &failure),
    }
}

fn run(root: &MlRoot, words: &[OsString]) -> Result<(), TrainerError> {
    let mut stdout = io::stdout().lock();
    match command::parse(words)? {
        Command::Help => write!(stdout, "{}", command::HELP).map_err(TrainerError::Stdout),
        Command::Version => writeln!(stdout, "{}", command::VERSION).map_err(TrainerError::Stdout),
        Command::Train => {
            let stop = signal::stop_flag().map_err(TrainerError::Signals)?;
            train::run(root, &mut stdout, &stop).map(drop)
        }
    }
}

fn report(root: &MlRoot, failure: &Failure) -> ExitCode {
    // There is nobody left to tell if stderr is closed.
    let _ = failure::report(root, failure, &mut io::stderr().lock());
    ExitCode::from(failure.exit_code())
}
