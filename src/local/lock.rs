//! One server for each folder, and how others find it.
//!
//! The lock is the file lock of `lock`: the system lets it go however the process ends, so it never needs cleaning up.
//! `endpoint.json` says where the holder listens; without a holder it says nothing, whatever is in it.

use crate::error::LocalError;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

const LOCK: &str = "lock";
const ENDPOINT: &str = "endpoint.json";
/// [`find_running`] holds a shared lock for an instant; a server that starts right then asks again.
const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug, Serialize, Deserialize)]
struct Endpoint {
    address: SocketAddr,
    pid: u32,
}

/// The right to use a folder; ends with the value or the process.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
    endpoint: PathBuf,
}

impl FolderLock {
    /// Takes the folder, which must exist.
    pub(crate) fn take(folder: &Path) -> Result<Self, LocalError> {
        let path = folder.join(LOCK);
        let file = open(&path).map_err(LocalError::file("open", &path))?;
        for _ in 0..ATTEMPTS {
            match file.try_lock() {
                Ok(()) => {
                    return Ok(Self {
                        _file: file,
                        endpoint: folder.join(ENDPOINT),
                    });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
                Err(TryLockError::Error(source)) => {
                    return Err(LocalError::File {
                        action: "lock",
                        path,
                        source,
                    });
                }
            }
        }
        Err(LocalError::Taken {
            folder: folder.to_owned(),
            addr: published(folder),
        })
    }

    /// Tells other processes where this one listens.
    pub(crate) fn publish(&self, address: SocketAddr) -> Result<(), LocalError> {
        let endpoint = Endpoint {
            address,
            pid: std::process::id(),
        };
        let bytes = serde_json::to_vec(&endpoint).expect("an address and a number serialize");
        crate::state::write_atomically(&self.endpoint, &bytes)
            .map_err(LocalError::file("write", &self.endpoint))
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // While the lock is still held, so that the next server's file is not the one that goes.
        let _ = fs::remove_file(&self.endpoint);
    }
}

/// Where the server of a state folder listens, if one is running.
pub fn find_running(state_dir: &Path) -> Option<SocketAddr> {
    let file = File::open(state_dir.join(LOCK)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => published(state_dir),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn published(folder: &Path) -> Option<SocketAddr> {
    let bytes = fs::read(folder.join(ENDPOINT)).ok()?;
    let endpoint: Endpoint = serde_json::from_slice(&bytes).ok()?;
    Some(endpoint.address)
}

fn open(path: &Path) -> std::io::Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder_and_is_free_again_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let address: SocketAddr = "127.0.0.1:4100".parse().unwrap();
        let first = FolderLock::take(dir.path()).unwrap();
        first.publish(address).unwrap();
        assert_eq!(find_running(dir.path()), Some(address));
        let refused = FolderLock::take(dir.path()).unwrap_err();
        assert!(
            refused
                .to_string()
                .ends_with("that is running at http://127.0.0.1:4100"),
            "{refused}"
        );
        drop(first);
        assert_eq!(find_running(dir.path()), None);
        FolderLock::take(dir.path()).unwrap();
    }

    #[test]
    fn an_endpoint_without_a_holder_is_nobody() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(
            dir.path().join(ENDPOINT),
            br#"{"address":"127.0.0.1:4100","pid":1}"#,
        )
        .unwrap();
        assert_eq!(find_running(dir.path()), None);
        open(&dir.path().join(LOCK)).unwrap();
        assert_eq!(find_running(dir.path()), None);
    }
}
