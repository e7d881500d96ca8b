//! The records of a kind, each a JSON document that is replaced as a whole when it changes.
//!
//! Invariant: what is in memory is what is on disk. A change is written first and seen after.

use crate::error::LocalError;
use crate::state::write_atomically;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is kept under its name.
pub(crate) trait Document: Clone + PartialEq + Serialize + DeserializeOwned {
    /// Unique among its kind, and good as a file's name.
    fn name(&self) -> &str;
}

/// Every record of a kind, by name.
#[derive(Debug)]
pub(crate) struct Documents<R> {
    folder: PathBuf,
    records: Mutex<BTreeMap<String, R>>,
}

impl<R: Document> Documents<R> {
    /// Reads the records in `folder`, which must exist.
    pub(crate) fn open(folder: PathBuf) -> Result<Self, LocalError> {
        let mut records = BTreeMap::new();
        let entries = fs::read_dir(&folder).map_err(LocalError::file("list", &folder))?;
        for entry in entries {
            let path = entry.map_err(LocalError::file("list", &folder))?.path();
            if path.extension().is_none_or(|it| it != "json") {
                continue;
            }
            let bytes = fs::read(&path).map_err(LocalError::file("read", &path))?;
            let record: R = serde_json::from_slice(&bytes)
                .map_err(|source| LocalError::Document { path, source })?;
            records.insert(record.name().to_owned(), record);
        }
        Ok(Self {
            folder,
            records: Mutex::new(records),
        })
    }

    /// Adds a record; false if the name is taken.
    pub(crate) fn insert(&self, record: R) -> io::Result<bool> {
        let mut records = self.lock();
        let name = record.name().to_owned();
        if records.contains_key(&name) {
            return Ok(false);
        }
        self.write(&name, &record)?;
        records.insert(name, record);
        Ok(true)
    }

    /// The record of that name as it is now.
    pub(crate) fn get(&self, name: &str) -> Option<R> {
        self.lock().get(name).cloned()
    }

    /// All records as they are now, by name.
    pub(crate) fn all(&self) -> Vec<R> {
        self.lock().values().cloned().collect()
    }

    /// Changes a record, unless `change` refuses or there is none (then `None`).
    pub(crate) fn update<T, E>(
        &self,
        name: &str,
        change: impl FnOnce(&mut R) -> Result<T, E>,
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

    /// Removes a record, unless `allow` refuses or there is none (then `None`).
    pub(crate) fn remove<E>(
        &self,
        name: &str,
        allow: impl FnOnce(&R) -> Result<(), E>,
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

    fn write(&self, name: &str, record: &R) -> io::Result<()> {
        let bytes = serde_json::to_vec_pretty(record)?;
        write_atomically(&self.path(name), &bytes)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, R>> {
        // Records are replaced as a whole, so a panic elsewhere cannot leave half of one.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
