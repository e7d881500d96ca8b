//! Who uses the SageMaker on this machine, so that it does not end under them.
//!
//! A shared lock on the file `clients` of the state folder for every command that asks another command's server; the
//! command that holds the server takes the lock alone before it ends. The system lets a lock go however a process ends.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::time::Duration;

use local::LocalError;

use crate::error::CliError;

const CLIENTS: &str = "clients";
const PAUSE: Duration = Duration::from_millis(50);

/// A hold on the lock; ends with the value or the process.
#[derive(Debug)]
pub struct Lease(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Lease {
    /// Joins the users of the folder; waits while a server is ending.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub async fn take(folder: &Path) -> Result<Self, CliError> {
        wait(folder, File::try_lock_shared).await
    }

    /// Waits until nobody else holds a lease. While this one lives, nobody gets one.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub async fn alone(folder: &Path) -> Result<Self, CliError> {
        wait(folder, File::try_lock).await
    }

    /// The same without waiting; `None` while another command holds a lease.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn try_alone(folder: &Path) -> Result<Option<Self>, CliError> {
        attempt(folder, File::try_lock)
    }
}

type Take = fn(&File) -> Result<(), TryLockError>;

async fn wait(folder: &Path, take: Take) -> Result<Lease, CliError> {
    loop {
        if let Some(lease) = attempt(folder, take)? {
            return Ok(lease);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn attempt(folder: &Path, take: Take) -> Result<Option<Lease>, CliError> {
    let path = folder.join(CLIENTS);
    let failed = |source| LocalError::File {
        action: "lock",
        path: path.clone(),
        source,
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed)?;
    match take(&file) {
        Ok(()) => Ok(Some(Lease(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(err)) => Err(failed(err).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_alone_only_after_its_users() {
        let folder = tempfile::tempdir().unwrap();
        let shared = || attempt(folder.path(), File::try_lock_shared).unwrap();
        let (first, second) = (shared(), shared());
        assert!(first.is_some() && second.is_some());
        drop(first);
        assert!(Lease::try_alone(folder.path()).unwrap().is_none());
        drop(second);
        let alone = Lease::try_alone(folder.path()).unwrap();
        assert!(alone.is_some() && shared().is_none());
        drop(alone);
        assert!(shared().is_some());
    }
}
