//! SIGTERM and SIGINT become a flag that the reading and the rounds look at.
//!
//! The trainer is process 1 in its image, where a signal without a handler is ignored: SageMaker's stop would then wait
//! 120 s and kill. So handlers are always installed, whether a model is to be kept or not.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Installs the handlers.
///
/// # Errors
/// What the operating system says if it refuses a handler.
pub fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}
