//! Log groups: that of training jobs, that of transform jobs, that of processing jobs, and one for each endpoint.
//!
//! A group is there from its first stream on, and stays when what it is about is gone.
//!
//! Source: SageMaker developer guide, "Log groups and streams that Amazon SageMaker AI sends to Amazon CloudWatch Logs".

use super::store::LogStore;
use crate::error::LocalError;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// SageMaker's group for training jobs.
pub(crate) const TRAINING_JOBS: &str = "/aws/sagemaker/TrainingJobs";
const TRANSFORM_JOBS: &str = "/aws/sagemaker/TransformJobs";
const PROCESSING_JOBS: &str = "/aws/sagemaker/ProcessingJobs";
/// What the groups of endpoints begin with.
const ENDPOINTS: &str = "/aws/sagemaker/Endpoints/";
/// The folders of the groups of jobs, and what those of endpoints begin with.
const TRANSFORM_FOLDER: &str = "transform-jobs";
const PROCESSING_FOLDER: &str = "processing-jobs";
const ENDPOINT_FOLDER: &str = "endpoint-";

/// Every group of a server.
#[derive(Debug)]
pub(crate) struct LogGroups {
    pub(crate) training: Arc<LogStore>,
    root: PathBuf,
    others: Mutex<BTreeMap<String, Arc<LogStore>>>,
}

impl LogGroups {
    /// Opens the group of training jobs in `training` and what is below `root`; both folders must exist.
    pub(crate) fn open(training: PathBuf, root: PathBuf) -> Result<Self, LocalError> {
        let mut others = BTreeMap::new();
        for entry in fs::read_dir(&root).map_err(LocalError::file("list", &root))? {
            let path = entry.map_err(LocalError::file("list", &root))?.path();
            let folder = path
                .file_name()
                .and_then(|it| it.to_str())
                .unwrap_or_default();
            let group = match folder.strip_prefix(ENDPOINT_FOLDER) {
                Some(endpoint) => format!("{ENDPOINTS}{endpoint}"),
                None if folder == TRANSFORM_FOLDER => TRANSFORM_JOBS.to_owned(),
                None if folder == PROCESSING_FOLDER => PROCESSING_JOBS.to_owned(),
                // Nothing of this version's.
                None => continue,
            };
            let store = LogStore::open(path.clone(), &group)?;
            others.insert(group, Arc::new(store));
        }
        Ok(Self {
            training: Arc::new(LogStore::open(training, TRAINING_JOBS)?),
            root,
            others: Mutex::new(others),
        })
    }

    /// The group of transform jobs.
    pub(crate) fn transforms(&self) -> Result<Arc<LogStore>, LocalError> {
        self.get(TRANSFORM_JOBS, TRANSFORM_FOLDER)
    }

    /// The group of processing jobs.
    pub(crate) fn processings(&self) -> Result<Arc<LogStore>, LocalError> {
        self.get(PROCESSING_JOBS, PROCESSING_FOLDER)
    }

    /// The group of an endpoint.
    pub(crate) fn endpoint(&self, name: &str) -> Result<Arc<LogStore>, LocalError> {
        self.get(
            &format!("{ENDPOINTS}{name}"),
            &format!("{ENDPOINT_FOLDER}{name}"),
        )
    }

    /// The group of that name, if it has a stream.
    pub(super) fn find(&self, group: &str) -> Option<Arc<LogStore>> {
        self.all().into_iter().find(|it| it.group() == group)
    }

    /// Every group that has a stream, by name.
    pub(super) fn all(&self) -> Vec<Arc<LogStore>> {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Arc<LogStore>> = others.values().cloned().collect();
        all.push(Arc::clone(&self.training));
        all.retain(|it| it.created().is_some());
        all.sort_by(|a, b| a.group().cmp(b.group()));
        all
    }

    fn get(&self, group: &str, folder: &str) -> Result<Arc<LogStore>, LocalError> {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = others.get(group) {
            return Ok(Arc::clone(store));
        }
        let path = self.root.join(folder);
        fs::create_dir_all(&path).map_err(LocalError::file("make", &path))?;
        let store = Arc::new(LogStore::open(path, group)?);
        others.insert(group.to_owned(), Arc::clone(&store));
        Ok(store)
    }
}
