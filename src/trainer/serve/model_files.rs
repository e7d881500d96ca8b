//! The models of a folder: every plain file in it, in the order of their names.
//!
//! Invariants: folders and names that begin with a dot are passed over, as the built-in container does; so are archives beside
//! other files, because the Python SDK's local mode unpacks a job's archives where they lie; no link leads out of the folder;
//! a file that is no model is refused with what it is and how to come to a model that can be read.
//!
//! Source: sagemaker-xgboost-container `algorithm_mode/serve_utils.py`, `_get_full_model_paths`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use contract::artifact::{StoredModel, StoredModelError, side_path};
use engine::booster::Booster;
use engine::dataset::SideColumn;
use engine::model::ModelError;
use engine::threads::Threads;

use super::memory;
use super::model::{Model, UnfitModel};
use super::settings::{Members, Settings};

/// Why a folder gives no model.
#[derive(Debug, thiserror::Error)]
pub enum ModelFileError {
    /// The folder cannot be listed.
    #[error("cannot read `{}`: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The folder has no plain file.
    #[error("there is no model in `{}`", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// The file is a link to what others put elsewhere.
    #[error("`{}` is a link that leads outside of the model's folder", path.display())]
    OutsideLink {
        /// The link.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("Model {} cannot be loaded: {source}", path.display())]
    Stored {
        /// The file.
        path: PathBuf,
        /// Why.
        source: StoredModelError,
    },
    /// There is not enough memory for the file.
    #[error(
        "Model {} cannot be loaded: there is memory for a model of {room} bytes, and it has more",
        path.display()
    )]
    Memory {
        /// The file.
        path: PathBuf,
        /// Bytes that a model may have.
        room: u64,
    },
    /// The file is no model that is read.
    #[error("Model {} cannot be loaded: {what}{source}", path.display(), what = named(*foreign))]
    NotAModel {
        /// The file.
        path: PathBuf,
        /// What it is, where that is known.
        foreign: Option<Foreign>,
        /// Why.
        source: ModelError,
    },
    /// The models cannot answer.
    #[error("the model in `{}` cannot be served: {source}", path.display())]
    Unfit {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: UnfitModel,
    },
}

/// A model in a form that only the program that wrote it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// What Python's pickle writes; reading it runs whatever it says.
    Pickle,
    /// What XGBoost wrote before 2.1 where nobody asked for another form.
    Binary,
}

fn named(kind: Option<Foreign>) -> &'static str {
    match kind {
        Some(Foreign::Pickle) => "it is a Python pickle; ",
        Some(Foreign::Binary) => "it is in XGBoost's old binary format; ",
        None => "",
    }
}

impl Foreign {
    /// Tells by the first bytes.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            // `PROTO` and a version that there is.
            [0x80, 2..=5, ..] => Some(Self::Pickle),
            [b'b', b'i', b'n', b'f', ..] => Some(Self::Binary),
            _ => None,
        }
    }
}

impl ModelFileError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAModel {
                foreign: Some(Foreign::Pickle),
                ..
            } => Some(
                "unpickle it with the XGBoost that wrote it and call save_model(\"xgboost-model.json\") on the booster; \
                 put that file in its place as xgboost-model",
            ),
            Self::NotAModel {
                foreign: Some(Foreign::Binary),
                ..
            } => Some(
                "load it with XGBoost 1.7 to 3.0 and call save_model(\"xgboost-model.json\") on the booster; put that file \
                 in its place as xgboost-model",
            ),
            Self::Empty { .. } => Some("the model's archive must have xgboost-model at its top"),
            Self::NotAModel { foreign: None, .. } => {
                Some("nothing but models may lie at the top of the model's archive")
            }
            Self::Memory { .. } => {
                Some("take an instance with more memory, or unload other models")
            }
            Self::OutsideLink { .. } => Some("put the file itself into the model's archive"),
            Self::Folder { .. } | Self::Stored { .. } | Self::Unfit { .. } => None,
        }
    }
}

/// Loads the models of a folder.
///
/// # Errors
/// [`ModelFileError`] for the first file that gives none.
pub(super) fn load(folder: &Path, settings: &Settings) -> Result<Model, ModelFileError> {
    let mut files = files(folder)?;
    if settings.members == Members::First {
        files.truncate(1);
    }
    let mut boosters = Vec::new();
    let mut required: Vec<SideColumn> = Vec::new();
    for path in files {
        tracing::info!("Loading the model from {}", path.display());
        let (booster, inputs) = load_file(&path)?;
        boosters.push(booster);
        required.extend(inputs);
    }
    let threads = Threads::single();
    let threads = match settings.simd {
        Some(simd) => threads.with_simd(simd),
        None => threads,
    };
    let model = Model::new(&boosters, &required, settings.side.clone(), threads);
    let model = model.map_err(|source| ModelFileError::Unfit {
        path: folder.to_owned(),
        source,
    })?;
    tracing::info!(
        "Model objective : {}; {} features, {} models answer together",
        model.objective().name.as_str(),
        boosters[0].n_features(),
        model.n_members()
    );
    Ok(model)
}

/// The files of a folder that are taken for models. A file in the place of the folder is one itself.
fn files(folder: &Path) -> Result<Vec<PathBuf>, ModelFileError> {
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let unreadable = |source| ModelFileError::Folder {
        path: folder.to_owned(),
        source,
    };
    let inside = folder.canonicalize().map_err(unreadable)?;
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_hidden = path
            .file_name()
            .is_some_and(|it| it.as_encoded_bytes().starts_with(b"."));
        if !path.is_file() {
            continue;
        }
        if is_hidden {
            tracing::warn!(
                "Ignoring dotfile '{}' found in model directory - please exclude dotfiles from model archives",
                path.display()
            );
        } else if path.canonicalize().is_ok_and(|it| it.starts_with(&inside)) {
            files.push(path);
        } else {
            return Err(ModelFileError::OutsideLink { path });
        }
    }
    pass_over_archives(&mut files);
    if files.is_empty() {
        return Err(ModelFileError::Empty {
            path: folder.to_owned(),
        });
    }
    files.sort();
    Ok(files)
}

/// Leaves archives out where there are other files. Where there are none, they are the models.
fn pass_over_archives(files: &mut Vec<PathBuf>) {
    let is_archive = |path: &Path| path.as_os_str().as_encoded_bytes().ends_with(b".tar.gz");
    if files.iter().all(|it| is_archive(it)) {
        return;
    }
    files.retain(|path| {
        let is_archive = is_archive(path);
        if is_archive {
            tracing::warn!(
                "Ignoring '{}', an archive beside what is not packed",
                path.display()
            );
        }
        !is_archive
    });
}

fn load_file(path: &Path) -> Result<(Booster, Vec<SideColumn>), ModelFileError> {
    let stored = |source| ModelFileError::Stored {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(|err| stored(StoredModelError::Read(err)))?;
    let room = memory::room();
    let full = || ModelFileError::Memory {
        path: path.to_owned(),
        room,
    };
    // What is too large by far need not be read to know it.
    if file.metadata().is_ok_and(|it| it.len() > room) {
        return Err(full());
    }
    let model = StoredModel::read(file, room, || fs::read(side_path(path)));
    let model = model.map_err(|err| match err {
        StoredModelError::TooLarge { max_bytes, .. } if max_bytes == room => full(),
        err => stored(err),
    })?;
    let booster = engine::model::load(&model.bytes);
    let booster = booster.map_err(|source| ModelFileError::NotAModel {
        path: path.to_owned(),
        foreign: Foreign::of(&model.bytes),
        source,
    })?;
    Ok((booster, model.required_inputs))
}
