//! Trainers that outlived their server.

use contract::environment::SAGEMAKER_BASE_DIR;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Ends the process groups of `ids` that still train below `work`.
///
/// A process id may belong to somebody else by now, so a process is only taken for a trainer if its own environment
/// says that its tree is there. Where the system does not tell (no `/proc`), nothing is ended.
pub(crate) fn kill_orphans(ids: &[u32], work: &Path) {
    let variable = [
        SAGEMAKER_BASE_DIR.name.as_bytes(),
        b"=",
        work.as_os_str().as_bytes(),
    ]
    .concat();
    for &id in ids {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        let ours = environment
            .split(|&b| b == 0)
            .any(|it| it.starts_with(&variable));
        if let (true, Some(pid)) = (ours, Pid::from_raw(id as i32)) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}
