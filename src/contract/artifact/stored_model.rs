//! A model as a job left it: `xgboost-model` with its side files beside it, or SageMaker's archive of both.
//!
//! Invariants: which of the two a file is tell its first bytes; an archive is never unpacked to the disk, and nothing but
//! the model and its side file is taken out of it. A file that is too large is refused, not cut.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use engine::dataset::SideColumn;
use flate2::read::GzDecoder;
use serde::Deserialize;
use tar::Archive;

use super::{MODEL_FILE, REQUIRED_INPUTS, SIDE_DIR, SIDE_FILE};

/// The largest model that is read, in GiB: beyond every tree model, and it would not fit in memory twice.
pub const MAX_MODEL_GIB: u64 = 8;

/// First bytes of a gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The bytes of a model, and what its side file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredModel {
    /// The model's document.
    pub bytes: Vec<u8>,
    /// What a row must bring beside its features; nothing where there is no side file.
    pub required_inputs: Vec<SideColumn>,
}

/// Why a model could not be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredModelError {
    /// A file could not be opened or read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file begins like an archive, and is damaged.
    #[error("the archive is damaged: {0}")]
    Archive(io::Error),
    /// The archive holds other files.
    #[error("the archive holds no `{MODEL_FILE}`")]
    NoModel,
    /// The file, or an entry of the archive, is larger than any model.
    #[error("`{name}` has {bytes} bytes, allowed are up to {MAX_MODEL_GIB} GiB")]
    TooLarge {
        /// The entry, or the name of the file.
        name: String,
        /// Its size.
        bytes: u64,
    },
    /// The side file is not what a trainer writes.
    #[error("`{SIDE_DIR}/{SIDE_FILE}` beside the model is damaged: {0}")]
    Side(serde_json::Error),
    /// The side file asks for a column that nobody here knows.
    #[error(
        "the model needs a column `{name}`, which this version does not know; known are {}",
        known()
    )]
    Input {
        /// What the side file calls it.
        name: String,
    },
}

fn known() -> String {
    let names: Vec<&str> = REQUIRED_INPUTS.iter().map(|(_, name)| *name).collect();
    names.join(", ")
}

/// What the side file is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Side {
    required_inputs: Vec<String>,
}

impl StoredModel {
    /// Reads the file at `path`, be it a model or an archive with one.
    ///
    /// # Errors
    /// [`StoredModelError`]. Whether the bytes are a model is for `engine::model::load` to say.
    pub fn read(path: &Path) -> Result<Self, StoredModelError> {
        let unreadable = |source| StoredModelError::Read {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let mut head = Vec::new();
        let begun = file.by_ref().take(GZIP.len() as u64).read_to_end(&mut head);
        begun.map_err(unreadable)?;
        if head == GZIP {
            return Self::from_archive(head.as_slice().chain(file));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        check_size(&name, file.metadata().map_err(unreadable)?.len())?;
        let mut bytes = head;
        file.read_to_end(&mut bytes).map_err(unreadable)?;
        let side = side_beside(path)?;
        Self::new(bytes, side.as_deref())
    }

    /// Reads SageMaker's archive of a model folder.
    ///
    /// # Errors
    /// [`StoredModelError`], but not [`StoredModelError::Read`].
    pub fn from_archive(archive: impl Read) -> Result<Self, StoredModelError> {
        let side_path = Path::new(SIDE_DIR).join(SIDE_FILE);
        let (mut model, mut side) = (None, None);
        let mut archive = Archive::new(GzDecoder::new(archive));
        for entry in archive.entries().map_err(StoredModelError::Archive)? {
            let mut entry = entry.map_err(StoredModelError::Archive)?;
            let name = entry.path().map_err(StoredModelError::Archive)?;
            // Archives of a folder's content begin each path with `./`.
            let name = name.strip_prefix(".").unwrap_or(&name).to_owned();
            let slot = if name == Path::new(MODEL_FILE) {
                &mut model
            } else if name == side_path {
                &mut side
            } else {
                continue;
            };
            check_size(&name.to_string_lossy(), entry.size())?;
            let mut bytes = Vec::new();
            let read = entry.read_to_end(&mut bytes);
            read.map_err(StoredModelError::Archive)?;
            *slot = Some(bytes);
        }
        Self::new(model.ok_or(StoredModelError::NoModel)?, side.as_deref())
    }

    fn new(bytes: Vec<u8>, side: Option<&[u8]>) -> Result<Self, StoredModelError> {
        let side: Side = match side {
            Some(side) => serde_json::from_slice(side).map_err(StoredModelError::Side)?,
            None => Side::default(),
        };
        let names = side.required_inputs.into_iter();
        Ok(Self {
            bytes,
            required_inputs: names.map(input).collect::<Result<_, _>>()?,
        })
    }
}

fn input(name: String) -> Result<SideColumn, StoredModelError> {
    match REQUIRED_INPUTS.iter().find(|(_, it)| *it == name) {
        Some((column, _)) => Ok(*column),
        None => Err(StoredModelError::Input { name }),
    }
}

/// The side file beside a model; a model of another program has none.
fn side_beside(model: &Path) -> Result<Option<Vec<u8>>, StoredModelError> {
    let path = model.with_file_name(SIDE_DIR).join(SIDE_FILE);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        // The folder's name may be a file's, too.
        Err(err)
            if matches!(
                err.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(source) => Err(StoredModelError::Read { path, source }),
    }
}

fn check_size(name: &str, bytes: u64) -> Result<(), StoredModelError> {
    if bytes <= MAX_MODEL_GIB << 30 {
        return Ok(());
    }
    Err(StoredModelError::TooLarge {
        name: name.to_owned(),
        bytes,
    })
}
