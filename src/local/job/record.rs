//! The jobs, each a JSON document that is replaced as a whole when it changes.
//!
//! Invariant: what is in memory is what is on disk. A change is written first and seen after.

use crate::error::LocalError;
use crate::state::write_atomically;
use contract::job::TrainingJobDescription;
use contract::job::request::Tag;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A job as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct JobRecord {
    /// What a client is told.
    pub(crate) description: TrainingJobDescription,
    /// The job's tags, which its description does not show.
    #[serde(default)]
    pub(crate) tags: Vec<Tag>,
    /// The trainers' process ids while the job runs, so that a next server can end what a crash has left.
    #[serde(default)]
    pub(crate) processes: Vec<u32>,
}

/// Every job, by name.
#[derive(Debug)]
pub(crate) struct Jobs {
    folder: PathBuf,
    records: Mutex<BTreeMap<String, JobRecord>>,
}

impl Jobs {
    /// Reads the jobs in `folder`, which must exist.
    pub(crate) fn open(folder: PathBuf) -> Result<Self, LocalError> {
        let mut records = BTreeMap::new();
        let entries = fs::read_dir(&folder).map_err(LocalError::file("list", &folder))?;
        for entry in entries {
            let path = entry.map_err(LocalError::file("list", &folder))?.path();
            if path.extension().is_none_or(|it| it != "json") {
                continue;
            }
            let bytes = fs::read(&path).map_err(LocalError::file("read", &path))?;
            let record: JobRecord = serde_json::from_slice(&bytes)
                .map_err(|source| LocalError::Document { path, source })?;
            records.insert(record.description.training_job_name.clone(), record);
        }
        Ok(Self {
            folder,
            records: Mutex::new(records),
        })
    }

    /// Adds a job; false if the name is taken.
    pub(crate) fn insert(&self, record: JobRecord) -> io::Result<bool> {
        let mut records = self.lock();
        let name = record.description.training_job_name.clone();
        if records.contains_key(&name) {
            return Ok(false);
        }
        self.write(&name, &record)?;
        records.insert(name, record);
        Ok(true)
    }

    /// The job of that name as it is now.
    pub(crate) fn get(&self, name: &str) -> Option<JobRecord> {
        self.lock().get(name).cloned()
    }

    /// All jobs as they are now, by name.
    pub(crate) fn all(&self) -> Vec<JobRecord> {
        self.lock().values().cloned().collect()
    }

    /// Changes a job, unless `change` refuses or there is none (then `None`).
    pub(crate) fn update<T, E>(
        &self,
        name: &str,
        change: impl FnOnce(&mut JobRecord) -> Result<T, E>,
    ) -> io::Result<Option<Result<T, E>>> {
        let mut records = self.lock();
        let Some(current) = records.get_mut(name) else {
            return Ok(None);
        };
        let mut next = current.clone();
        let result = change(&mut next);
        if result.is_ok() && next != *current {
            self.write(name, &next)?;
            *current = next;
        }
        Ok(Some(result))
    }

    /// Removes a job, unless `allow` refuses or there is none (then `None`).
    pub(crate) fn remove<E>(
        &self,
        name: &str,
        allow: impl FnOnce(&JobRecord) -> Result<(), E>,
    ) -> io::Result<Option<Result<(), E>>> {
        let mut records = self.lock();
        let Some(record) = records.get(name) else {
            return Ok(None);
        };
        if let Err(err) = allow(record) {
            return Ok(Some(Err(err)));
        }
        fs::remove_file(self.path(name))?;
        records.remove(name);
        Ok(Some(Ok(())))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn write(&self, name: &str, record: &JobRecord) -> io::Result<()> {
        let bytes = serde_json::to_vec_pretty(record)?;
        write_atomically(&self.path(name), &bytes)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, JobRecord>> {
        // Records are replaced as a whole, so a panic elsewhere cannot leave half of one.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
