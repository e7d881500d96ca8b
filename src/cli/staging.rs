//! A folder for what is not finished: made for this process alone, and gone when it is let go.
//!
//! Invariant: nobody else can have made it or read it, so nothing that is put there can be led elsewhere; after
//! [`Staging::move_into`] each name in the target is the new one as a whole.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::CliError;

/// Names that are tried; more than one is left over only by a process that was killed.
const MAX_TRIES: u32 = 1000;

/// The folder.
#[derive(Debug)]
pub struct Staging {
    path: PathBuf,
    /// The folder above, where it was made for this one.
    made: Option<PathBuf>,
}

impl Staging {
    /// A new folder below `parent`, which is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn below(parent: &Path) -> Result<Self, CliError> {
        static N_MADE: AtomicU32 = AtomicU32::new(0);
        let made = (!parent.exists()).then(|| parent.to_owned());
        fs::create_dir_all(parent).map_err(|err| CliError::file("create", parent, err))?;
        for _ in 0..MAX_TRIES {
            let n = N_MADE.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!(".linden-{}-{n}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path, made }),
                Err(err) if err.kind() == ErrorKind::AlreadyExists => {}
                Err(err) => return Err(CliError::file("create", path, err)),
            }
        }
        let taken = io::Error::from(ErrorKind::AlreadyExists);
        Err(CliError::file("create a folder in", parent, taken))
    }

    /// A path in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Moves everything in it to `target`, in place of what has the same names there.
    ///
    /// # Errors
    /// If `target` cannot be written.
    pub fn move_into(self, target: &Path) -> Result<(), CliError> {
        let unreadable = |err| CliError::file("read", &self.path, err);
        for entry in fs::read_dir(&self.path).map_err(unreadable)? {
            let from = entry.map_err(unreadable)?.path();
            let Some(name) = from.file_name() else {
                continue;
            };
            let to = target.join(name);
            let unwritable = |err| CliError::file("write", &to, err);
            let removed = match fs::symlink_metadata(&to) {
                Ok(it) if it.is_dir() => fs::remove_dir_all(&to),
                Ok(_) => fs::remove_file(&to),
                Err(err) if err.kind() == ErrorKind::NotFound => Ok(()),
                Err(err) => Err(err),
            };
            removed.map_err(unwritable)?;
            fs::rename(&from, &to).map_err(unwritable)?;
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is only in the way of nobody.
        let _ = fs::remove_dir_all(&self.path);
        if let Some(made) = &self.made {
            // A folder that holds something stays.
            let _ = fs::remove_dir(made);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_let_go_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let staging = Staging::below(parent.path()).unwrap();
        fs::write(staging.join("half"), "x").unwrap();
        assert_eq!(names(parent.path()).len(), 1);
        drop(staging);
        assert_eq!(names(parent.path()), [""; 0]);
        drop(Staging::below(&parent.path().join("runs")).unwrap());
        assert_eq!(names(parent.path()), [""; 0]);
    }

    #[test]
    fn what_is_moved_replaces_whole_folders_and_keeps_the_others() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir_all(parent.path().join("model")).unwrap();
        fs::write(parent.path().join("model/old"), "x").unwrap();
        fs::write(parent.path().join("notes"), "mine").unwrap();
        let staging = Staging::below(parent.path()).unwrap();
        fs::create_dir(staging.join("model")).unwrap();
        fs::write(staging.join("model").join("new"), "y").unwrap();
        staging.move_into(parent.path()).unwrap();
        assert_eq!(names(parent.path()), ["model", "notes"]);
        assert_eq!(names(&parent.path().join("model")), ["new"]);
    }
}
