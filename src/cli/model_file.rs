//! Finds a model where a person points: the file, its folder, a folder above, or a `model.tar.gz`.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use contract::artifact::{MODEL_ARCHIVE, MODEL_FILE, REQUIRED_INPUTS, SIDE_DIR, SIDE_FILE};
use engine::booster::Booster;
use engine::dataset::SideColumn;
use flate2::read::GzDecoder;
use serde::Deserialize;
use tar::Archive;

use crate::error::CliError;

/// A model of more bytes is refused: 8 GiB is beyond every tree model, and would not fit in memory twice.
const MAX_MODEL_BYTES: u64 = 8 << 30;

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

/// What the side file is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Side {
    feature_names: Vec<String>,
    required_inputs: Vec<String>,
}

/// Reads the model at `path`.
///
/// # Errors
/// If there is none, or it is not a model.
pub fn load(path: &Path) -> Result<LoadedModel, CliError> {
    let file = locate(path)?;
    let is_archive = file.extension().is_some_and(|it| it == "gz" || it == "tgz");
    let (bytes, side) = if is_archive {
        from_archive(&file)?
    } else {
        from_file(&file)?
    };
    let not_a_model = |reason: String| CliError::Model {
        path: file.clone(),
        reason,
    };
    let mut booster = engine::model::load(&bytes).map_err(|err| not_a_model(err.to_string()))?;
    let side: Side = side
        .and_then(|it| serde_json::from_slice(&it).ok())
        .unwrap_or_default();
    if booster.feature_names.is_empty() && side.feature_names.len() == booster.n_features() {
        booster.feature_names.clone_from(&side.feature_names);
    }
    Ok(LoadedModel {
        booster,
        bytes: bytes.len() as u64,
        required_inputs: required_inputs(&side.required_inputs),
        path: file,
    })
}

fn required_inputs(names: &[String]) -> Vec<SideColumn> {
    let inputs = REQUIRED_INPUTS.iter();
    let named = inputs.filter(|(_, name)| names.iter().any(|it| it == name));
    named.map(|(column, _)| *column).collect()
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

type Bytes = Vec<u8>;

fn from_file(file: &Path) -> Result<(Bytes, Option<Bytes>), CliError> {
    let bytes = fs::read(file).map_err(|err| CliError::file("read", file, err))?;
    let side = file.parent().map(|it| it.join(SIDE_DIR).join(SIDE_FILE));
    Ok((bytes, side.and_then(|it| fs::read(it).ok())))
}

fn from_archive(file: &Path) -> Result<(Bytes, Option<Bytes>), CliError> {
    let unreadable = |err: std::io::Error| CliError::Model {
        path: file.to_owned(),
        reason: err.to_string(),
    };
    let opened = File::open(file).map_err(|err| CliError::file("read", file, err))?;
    let (mut model, mut side) = (None, None);
    for entry in Archive::new(GzDecoder::new(opened))
        .entries()
        .map_err(unreadable)?
    {
        let mut entry = entry.map_err(unreadable)?;
        let name = entry.path().map_err(unreadable)?.to_path_buf();
        let name = name.strip_prefix(".").unwrap_or(&name).to_owned();
        let slot = if name == Path::new(MODEL_FILE) {
            &mut model
        } else if name == Path::new(SIDE_DIR).join(SIDE_FILE) {
            &mut side
        } else {
            continue;
        };
        let mut bytes = Vec::new();
        entry
            .by_ref()
            .take(MAX_MODEL_BYTES)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        *slot = Some(bytes);
    }
    let missing = || CliError::Model {
        path: file.to_owned(),
        reason: format!("the archive holds no `{MODEL_FILE}`"),
    };
    Ok((model.ok_or_else(missing)?, side))
}
