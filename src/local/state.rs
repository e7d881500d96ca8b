//! The folder that a server keeps everything in, and how files in it are written.
//!
//! ```text
//! lock  endpoint.json     who serves this folder (lock.rs)
//! jobs/<name>.json        one document a job: request, description, tags (job/record.rs)
//! tuning/<name>.json      one document a tuning job (tuning/record.rs)
//! models/ transforms/ processings/ endpoint-configs/ endpoints/    likewise
//! logs/<job>/<host>.jsonl one line an event (logs/store.rs)
//! log-groups/<group>/     the same of transform jobs, processing jobs and each endpoint (logs/groups.rs)
//! s3/<bucket>/<key>       objects (s3/bucket.rs)
//! work/<job>/<host>/      the trees of running jobs, gone when they end
//! work/transform.<job>/   the tree of a transform job's model, likewise
//! work/processing.<job>/<host>/   the trees of a processing job, likewise
//! work/endpoint.<name>.<id>/<variant>/    those of an endpoint's models, one id a start
//! spool/                  uploads that are coming in
//! ```
//! A document is written beside its place and renamed, so that a reader or a crash finds the old one or the new one.

use crate::error::LocalError;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The folders of one server.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    pub(crate) jobs: PathBuf,
    pub(crate) tuning: PathBuf,
    pub(crate) models: PathBuf,
    pub(crate) transforms: PathBuf,
    pub(crate) processings: PathBuf,
    pub(crate) endpoint_configs: PathBuf,
    pub(crate) endpoints: PathBuf,
    pub(crate) logs: PathBuf,
    pub(crate) log_groups: PathBuf,
    pub(crate) objects: PathBuf,
    pub(crate) work: PathBuf,
    pub(crate) spool: PathBuf,
}

impl Folders {
    /// Makes what is missing below `root`.
    pub(crate) fn make(root: &Path) -> Result<Self, LocalError> {
        let below = |name: &str| {
            let path = root.join(name);
            fs::create_dir_all(&path)
                .map_err(LocalError::file("make", &path))
                .map(|()| path)
        };
        Ok(Self {
            jobs: below("jobs")?,
            tuning: below("tuning")?,
            models: below("models")?,
            transforms: below("transforms")?,
            processings: below("processings")?,
            endpoint_configs: below("endpoint-configs")?,
            endpoints: below("endpoints")?,
            logs: below("logs")?,
            log_groups: below("log-groups")?,
            objects: below("s3")?,
            work: below("work")?,
            spool: below("spool")?,
        })
    }

    /// Removes what a server that died has left behind of running jobs and uploads.
    pub(crate) fn sweep(&self) -> Result<(), LocalError> {
        for folder in [&self.work, &self.spool] {
            fs::remove_dir_all(folder).map_err(LocalError::file("empty", folder))?;
            fs::create_dir_all(folder).map_err(LocalError::file("make", folder))?;
        }
        Ok(())
    }
}

/// Replaces a file as a whole.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}
