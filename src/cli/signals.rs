//! Ctrl-C and SIGTERM, as the exit codes that they lead to.

use contract::exit;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::CliError;

/// Listens from the moment it is made, so no signal is lost between two waits.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Starts to listen; from now on a signal does not end the process by itself.
    ///
    /// # Errors
    /// If the system does not allow it.
    pub fn listen() -> Result<Self, CliError> {
        let on = |kind| signal(kind).map_err(CliError::Start);
        Ok(Self {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
        })
    }

    /// Waits for the next signal and gives its exit code.
    pub async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => exit::INTERRUPTED,
            _ = self.terminate.recv() => exit::TERMINATED,
        }
    }
}
