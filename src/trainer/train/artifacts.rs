//! What the job leaves on disk: the model, its side files, the evaluation.
//!
//! Invariants: a file is there whole or not at all, since it is written beside its place, flushed to the disk and
//! renamed; at the top of the model folder lies the model, or a model for each fold, and nothing else, or readers of the
//! built-in algorithm's artifacts would try to load it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use contract::artifact::{Evaluation, MODEL_FILE, ModelDigest, SIDE_FILE, hex};
use contract::hyperparameter::ModelFormat;
use contract::paths::MlRoot;
use engine::booster::Booster;
use engine::model;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::TrainerError;

/// `features.json`: the columns of the model.
#[derive(Debug, Serialize)]
pub(crate) struct Columns<'a> {
    /// Feature columns, without label and weight.
    pub(crate) n_features: usize,
    /// Their names, in order; empty where the job gave none.
    pub(crate) feature_names: &'a [String],
    /// The columns whose values are codes of categories, from 0.
    #[serde(skip_serializing_if = "<[u32]>::is_empty")]
    pub(crate) categorical_features: &'a [u32],
    /// The names of their categories, by code, of those that have some.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) categories: BTreeMap<u32, &'a [String]>,
}

/// `training.json`: what made the model.
#[derive(Debug, Serialize)]
pub(crate) struct Training<'a> {
    /// Version of the trainer.
    pub(crate) linden_version: &'static str,
    pub(crate) algorithm: String,
    pub(crate) objective: String,
    /// Rounds in the model.
    pub(crate) rounds: u32,
    /// The best round, from 0, where early stopping looked for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) best_round: Option<u32>,
    pub(crate) model_format: String,
    pub(crate) features: Columns<'a>,
    /// Hyperparameters as they were given.
    pub(crate) hyperparameters: &'a BTreeMap<String, String>,
    /// What a row must bring beside its features to be predicted, by the names of [`contract::artifact::REQUIRED_INPUTS`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) required_inputs: Vec<&'static str>,
    pub(crate) model: &'a ModelDigest,
}

/// Where artifacts go, and how the model is spelled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Artifacts<'a> {
    pub(crate) root: &'a MlRoot,
    pub(crate) format: ModelFormat,
    /// The fold whose model it is, where there is one for each.
    pub(crate) fold: Option<usize>,
}

impl Artifacts<'_> {
    /// The same, for the model of a fold.
    pub(crate) fn of_fold(&self, number: usize) -> Self {
        Self {
            fold: Some(number),
            ..*self
        }
    }

    /// Writes the predictions of cross-validation.
    pub(crate) fn predictions(&self, lines: &str) -> Result<(), TrainerError> {
        write(&self.root.predictions_file(), lines.as_bytes())
    }

    /// Writes the model, and says what was written.
    pub(crate) fn model(&self, booster: &Booster) -> Result<ModelDigest, TrainerError> {
        let bytes = model::save(booster, encoding(self.format));
        let path = match self.fold {
            None => self.root.model_file(),
            Some(fold) => self.root.fold_model_file(fold),
        };
        write(&path, &bytes)?;
        Ok(ModelDigest {
            file: path
                .file_name()
                .map_or_else(|| MODEL_FILE.into(), |it| it.to_string_lossy())
                .into_owned(),
            bytes: bytes.len() as u64,
            sha256: hex(&Sha256::digest(&bytes)),
        })
    }

    /// Writes the side files of the model.
    pub(crate) fn side_files(
        &self,
        training: &Training<'_>,
        effective: &BTreeMap<String, String>,
    ) -> Result<(), TrainerError> {
        let dir = self.root.side_dir();
        write(&dir.join("features.json"), &json(&training.features))?;
        write(&dir.join("hyperparameters.json"), &json(effective))?;
        write(&dir.join(SIDE_FILE), &json(training))
    }

    /// Writes the evaluation.
    pub(crate) fn evaluation(&self, evaluation: &Evaluation) -> Result<(), TrainerError> {
        write(&self.root.evaluation_file(), evaluation.write().as_bytes())
    }
}

/// The engine's name of an encoding.
pub(super) fn encoding(format: ModelFormat) -> model::ModelFormat {
    match format {
        ModelFormat::Json => model::ModelFormat::Json,
        ModelFormat::Ubj => model::ModelFormat::Ubj,
    }
}

fn json<T: Serialize>(document: &T) -> Vec<u8> {
    let mut bytes =
        serde_json::to_vec_pretty(document).expect("string keys and plain values always serialize");
    bytes.push(b'\n');
    bytes
}

/// Puts `bytes` at `path`, whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), TrainerError> {
    let temporary = temporary(path);
    let written = write_and_rename(path, &temporary, bytes);
    written.map_err(|source| {
        // Half a file is worth nothing, and the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        TrainerError::Write {
            path: path.to_owned(),
            source,
        }
    })
}

/// Writes beside the place, flushes, and renames.
pub(super) fn write_and_rename(path: &Path, temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let mut file = File::create(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    // The rename itself must reach the disk too; some file systems do not let a folder be flushed, and then do not need it.
    let _ = File::open(dir).and_then(|it| it.sync_all());
    Ok(())
}

/// A name in the same folder, so that the rename stays on one file system.
fn temporary(path: &Path) -> PathBuf {
    let name = path
        .file_name()
        .map_or_else(|| "artifact".into(), |it| it.to_string_lossy());
    path.with_file_name(format!(".{name}.tmp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_file_and_leaves_no_temporary_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("linden/training.json");
        write(&path, b"first").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_names_the_path_and_keeps_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("model"), b"a file, not a folder").unwrap();
        let said = write(&dir.path().join("model/xgboost-model"), b"x")
            .unwrap_err()
            .to_string();
        assert!(said.contains("model/xgboost-model"), "{said}");
        assert_eq!(
            fs::read(dir.path().join("model")).unwrap(),
            b"a file, not a folder"
        );
    }
}
