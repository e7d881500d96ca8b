//! Finds a model where a person points: the file, its folder, a folder above, or a `model.tar.gz`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use contract::artifact::{
    MAX_MODEL_BYTES, MODEL_ARCHIVE, MODEL_FILE, StoredModel, StoredModelError, side_path,
};
use engine::booster::Booster;
use engine::dataset::SideColumn;

use crate::error::CliError;

/// A model and where it came from.
#[derive(Clone, Debug)]
pub struct LoadedModel {
    /// The model.
    pub booster: Booster,
    /// The file that was read.
    pub path: PathBuf,
    /// The size of the model's document in bytes.
    pub bytes: u64,
    /// What a row must bring beside its features, as the trainer wrote down.
    pub required_inputs: Vec<SideColumn>,
}

impl LoadedModel {
    /// The name of a feature: from the data, else XGBoost's `f0`, `f1`, …
    pub fn feature_name(&self, feature: usize) -> String {
        self.booster
            .feature_names
            .get(feature)
            .cloned()
            .unwrap_or_else(|| format!("f{feature}"))
    }
}

/// Reads the model at `path`.
///
/// # Errors
/// If there is none, or it is not a model.
pub fn load(path: &Path) -> Result<LoadedModel, CliError> {
    let file = locate(path)?;
    let not_a_model = |reason: String| CliError::Model {
        path: file.clone(),
        reason,
    };
    let unreadable = |err| CliError::file("read", &file, err);
    let opened = File::open(&file).map_err(unreadable)?;
    let stored = StoredModel::read(opened, MAX_MODEL_BYTES, || fs::read(side_path(&file)));
    let stored = stored.map_err(|err| match err {
        StoredModelError::Read(err) => unreadable(err),
        StoredModelError::Archive(_)
        | StoredModelError::NoModel
        | StoredModelError::TooLarge { .. }
        | StoredModelError::Side(_)
        | StoredModelError::Input { .. } => not_a_model(err.to_string()),
    })?;
    let loaded = engine::model::load(&stored.bytes);
    Ok(LoadedModel {
        booster: loaded.map_err(|err| not_a_model(err.to_string()))?,
        bytes: stored.bytes.len() as u64,
        required_inputs: stored.required_inputs,
        path: file,
    })
}

/// The file itself, or the first of the usual places below a folder.
fn locate(path: &Path) -> Result<PathBuf, CliError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let places = [
        MODEL_FILE.to_owned(),
        format!("model/{MODEL_FILE}"),
        MODEL_ARCHIVE.to_owned(),
    ];
    places
        .iter()
        .map(|it| path.join(it))
        .find(|it| it.is_file())
        .ok_or_else(|| CliError::Missing {
            message: format!("there is no model in `{}`", path.display()),
            fix: format!("looked for {}", places.join(", ")),
        })
}
