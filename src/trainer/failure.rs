//! The last words of a job that failed.
//!
//! Invariant: the text on stderr and the text of the failure file are the same; if the file cannot be written, stderr
//! says that too, and the process still ends with the failure's exit code.

use std::fs;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Mutex;

use contract::failure::Failure;
use contract::paths::MlRoot;

/// Where the last panic happened. A panic may be on a thread of the pool, so the place does not travel with it.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// Calls `job`; a panic in it, on whatever thread, becomes a failure that names its place.
///
/// # Errors
/// The job's failure, or the one made of its panic.
pub fn catching_panics<T>(job: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        remember(info);
        before(info);
    }));
    // After a panic nothing of the job is looked at again.
    panic::catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|payload| {
        let failure = Failure::from_panic(&*payload);
        let place = PLACE
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        Err(match place {
            Some(place) => failure.with_context(format!("at {place}")),
            None => failure,
        })
    })
}

fn remember(info: &PanicHookInfo<'_>) {
    if let (Some(place), Ok(mut last)) = (info.location(), PLACE.lock()) {
        *last = Some(place.to_string());
    }
}

/// Tells `failure` on `stderr` and in the failure file.
///
/// # Errors
/// If nothing can be written to `stderr`.
pub fn report(root: &MlRoot, failure: &Failure, stderr: &mut dyn Write) -> io::Result<()> {
    let text = failure.render();
    let written = write_file(root, &text);
    writeln!(stderr, "{text}")?;
    if let Err(err) = written {
        writeln!(
            stderr,
            "the failure file `{}` could not be written: {err}",
            root.failure_file().display()
        )?;
    }
    Ok(())
}

/// Writes the file; makes its folder, but not the whole tree: a mistyped command on a laptop leaves no `/opt/ml`.
fn write_file(root: &MlRoot, text: &str) -> io::Result<()> {
    let dir = root.output_dir();
    if !dir.exists() {
        fs::create_dir(&dir)?;
    }
    fs::write(root.failure_file(), format!("{text}\n"))
}

#[cfg(test)]
mod tests {
    use contract::failure::FailureClass;

    use super::*;

    #[test]
    fn a_panic_on_another_thread_is_a_failure_with_its_place() {
        let failure = catching_panics(|| {
            let worker = std::thread::spawn(|| panic!("row 7 is odd"));
            match worker.join() {
                Ok(()) => Ok(()),
                Err(payload) => panic::resume_unwind(payload),
            }
        });
        let failure = failure.unwrap_err();
        assert_eq!(failure.class, FailureClass::AlgorithmError);
        let text = failure.render();
        assert!(
            text.starts_with("AlgorithmError: panicked: row 7 is odd\n"),
            "{text}"
        );
        assert!(text.contains("failure.rs:"), "{text}");
    }

    #[test]
    fn says_on_stderr_that_the_failure_file_cannot_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let root = MlRoot::at(dir.path().join("nothing/here"));
        let mut stderr = Vec::new();
        report(
            &root,
            &Failure::new(FailureClass::UserError, "no eggs"),
            &mut stderr,
        )
        .unwrap();
        let text = String::from_utf8(stderr).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "UserError: no eggs");
        assert!(
            lines[1].contains("nothing/here/output/failure")
                && lines[1].contains("could not be written"),
            "{text}"
        );
    }

    #[test]
    fn the_failure_file_says_what_stderr_says() {
        let dir = tempfile::tempdir().unwrap();
        let root = MlRoot::at(dir.path());
        let mut stderr = Vec::new();
        let failure = Failure::new(FailureClass::UserError, "no eggs").with_hint("buy eggs");
        report(&root, &failure, &mut stderr).unwrap();
        assert_eq!(fs::read(root.failure_file()).unwrap(), stderr);
        assert_eq!(stderr, b"UserError: no eggs\nhint: buy eggs\n");
    }
}
