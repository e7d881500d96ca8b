//! Checkpoints: what a job leaves behind while it runs, so that one that is interrupted goes on where it was.
//!
//! Where they lie and what they are called is the built-in algorithm's: the model after round `N` is `xgboost-checkpoint.N`,
//! in the folder that `CheckpointConfig` names, and folds have folders of their own. Three things differ, since the original
//! is wrong there: the names that are written are those that are looked for; the resumed model is that of a job which was
//! not interrupted, byte for byte; and a checkpoint of another job is not taken for one's own.
//!
//! Invariants: a file has its name once it is whole and on the disk, and a manifest with its digest follows it; of what is
//! found the newest that is whole is taken, and each that is not is named in the log.
//!
//! Source: sagemaker-xgboost-container, `checkpointing.py`; SageMaker developer guide, "Use Checkpoints".

mod error;
mod find;
mod identity;
mod write;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use contract::checkpoint::{
    Cadence, CheckpointConfig, OnMismatch, StartedFrom, fold_folder, is_temporary, temporary_file,
};
use contract::hyperparameter::Algorithm;
use contract::paths::MlRoot;
use engine::model::ModelFormat;
use engine::params::BoosterValidParams;

pub use self::error::{CheckpointError, Difference};
pub(super) use self::find::{Foreign, Found, Own};
pub(super) use self::identity::digest;
use self::identity::{Settings, settings};
pub(super) use self::write::Writer;
use super::job::Job;
use crate::train::artifacts::encoding;

/// The checkpoints of a job.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    folder: PathBuf,
    cadence: Cadence,
    encoding: ModelFormat,
    num_round: u32,
    pub(super) on_mismatch: OnMismatch,
    settings: Settings,
    /// The digest of the data, once they have been read.
    pub(super) data: String,
    pub(super) started_from: StartedFrom,
}

impl Checkpoints {
    /// The job's checkpoints, in a folder that can be written to; `None` if the job keeps none.
    pub(super) fn open(
        root: &MlRoot,
        job: &Job,
        params: &BoosterValidParams,
    ) -> Result<Option<Self>, CheckpointError> {
        let Some(folder) = folder(root, job.checkpoints.as_ref()) else {
            return Ok(None);
        };
        let own = &job.hyperparameters;
        if own.algorithm == Algorithm::DecisionTree {
            tracing::info!("A decision tree is one step, so there are no checkpoints of it");
            return Ok(None);
        }
        probe(&folder).map_err(|source| CheckpointError::Folder {
            folder: folder.clone(),
            source,
        })?;
        tracing::info!("Checkpoints are kept in {}", folder.display());
        Ok(Some(Self {
            folder,
            cadence: own.checkpoints,
            encoding: encoding(own.model_format),
            num_round: own.num_round,
            on_mismatch: own.on_mismatch,
            settings: settings(job, params),
            data: String::new(),
            started_from: if job.continues {
                StartedFrom::Model
            } else {
                StartedFrom::Nothing
            },
        }))
    }

    /// Where the checkpoints of the model lie, or of a fold's.
    fn folder_of(&self, fold: Option<usize>) -> PathBuf {
        fold.map_or_else(
            || self.folder.clone(),
            |number| fold_folder(&self.folder, number),
        )
    }
}

/// The folder that the job names; without a name the usual one, if somebody has made it.
fn folder(root: &MlRoot, config: Option<&CheckpointConfig>) -> Option<PathBuf> {
    match config {
        Some(config) => Some(config.folder(root)),
        None => Some(root.checkpoints_dir()).filter(|it| it.is_dir()),
    }
}

/// Makes the folder where there is none, and finds out whether it can be written to before hours are spent.
fn probe(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let probe = temporary_file(&folder.join("xgboost-checkpoint.probe"));
    fs::write(&probe, b"whether checkpoints can be written here\n")?;
    fs::remove_file(probe)?;
    remove_temporary_files(folder)
}

/// What a job was writing when it was killed is worth nothing.
fn remove_temporary_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_temporary(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
