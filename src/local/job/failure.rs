//! `FailureReason`: what the trainer left in `output/failure`, in the platform's frame.
//!
//! Source: SageMaker developer guide, "Amazon SageMaker AI failure file"; the frame as seen in users' jobs:
//! `AlgorithmError: <text>, exit code: 1`.

use contract::paths::MlRoot;
use std::fs::File;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// `FailureReason` holds at most this many characters.
pub(super) const MAX_REASON: usize = 1024;
/// Enough bytes for [`MAX_REASON`] characters of UTF-8.
const MAX_BYTES: u64 = 4 * MAX_REASON as u64;

/// The reason of a host that ended with `status`.
///
/// The text is cut so that the exit code stays.
pub(crate) fn reason(root: &MlRoot, status: ExitStatus) -> String {
    let head = "AlgorithmError: ";
    let tail = format!(", exit code: {}", exit_code(status));
    let room = MAX_REASON - head.len() - tail.len();
    let text: String = failure_text(root).trim_end().chars().take(room).collect();
    format!("{head}{text}{tail}")
}

/// As a container engine reports it: 128 and the signal's number for a process that a signal has ended.
fn exit_code(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

fn failure_text(root: &MlRoot) -> String {
    let mut bytes = Vec::new();
    // A trainer that was killed leaves no file; the frame alone says so.
    if let Ok(file) = File::open(root.failure_file()) {
        let _ = file.take(MAX_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason_of(text: Option<&str>, raw_status: i32) -> String {
        let dir = tempfile::tempdir().unwrap();
        let root = MlRoot::at(dir.path());
        std::fs::create_dir_all(root.output_dir()).unwrap();
        if let Some(text) = text {
            std::fs::write(root.failure_file(), text).unwrap();
        }
        reason(&root, ExitStatus::from_raw(raw_status))
    }

    #[test]
    fn keeps_the_class_inside_the_platforms_frame() {
        let reason = reason_of(Some("UserError: no train channel\n"), 1 << 8);
        assert_eq!(
            reason,
            "AlgorithmError: UserError: no train channel, exit code: 1"
        );
    }

    #[test]
    fn without_a_file_the_exit_code_is_all_there_is() {
        assert_eq!(reason_of(None, 3 << 8), "AlgorithmError: , exit code: 3");
        assert_eq!(reason_of(None, 9), "AlgorithmError: , exit code: 137");
    }

    #[test]
    fn a_long_text_is_cut_and_the_exit_code_is_not() {
        let reason = reason_of(Some(&"é".repeat(3000)), 1 << 8);
        assert_eq!(reason.chars().count(), MAX_REASON);
        assert!(reason.ends_with("é, exit code: 1"));
    }
}
