//! `linden-trainer`: the program that SageMaker starts in the image.
//!
//! Whatever happens, the process ends with exit code 0 and a model (or a stop that was asked for), or with exit code 1
//! and the reason: first line of `output/failure`, and the same line on stderr. A panic is no exception. A server ends when
//! it is told to, and says on stderr why it did not start.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use contract::environment::{LINDEN_LOG, LINDEN_LOG_FORMAT};
use contract::failure::Failure;
use contract::paths::MlRoot;
use trainer::command::{self, Command};
use trainer::error::TrainerError;
use trainer::{failure, log, serve, signal, train};

fn main() -> ExitCode {
    let root = MlRoot::from_env(|name| env::var(name).ok());
    let [filter, format] = [LINDEN_LOG, LINDEN_LOG_FORMAT].map(|it| env::var(it.name).ok());
    log::start(filter.as_deref(), format.as_deref());
    let words = command::words(env::args_os());
    let ended = failure::catching_panics(|| run(&root, &words).map_err(|err| err.failure()));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if matches!(command::parse(&words), Ok(Command::Serve)) => tell(&failure),
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
        Command::Serve => Ok(serve::run(root, &|name| env::var(name).ok())?),
    }
}

/// A server has no failure file: what it says on stderr is in the endpoint's log.
fn tell(failure: &Failure) -> ExitCode {
    // There is nobody left to tell if stderr is closed.
    let _ = writeln!(io::stderr().lock(), "{}", failure.render());
    ExitCode::from(failure.exit_code())
}

fn report(root: &MlRoot, failure: &Failure) -> ExitCode {
    // There is nobody left to tell if stderr is closed.
    let _ = failure::report(root, failure, &mut io::stderr().lock());
    ExitCode::from(failure.exit_code())
}
