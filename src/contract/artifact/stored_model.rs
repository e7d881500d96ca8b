//! A model as a job left it: `xgboost-model` with its side files beside it, or SageMaker's archive of both.
//!
//! Invariants: which of the two a file is tell its first bytes; nothing but the model and its side file is taken out of an
//! archive. What is too large is refused, not cut.

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use engine::dataset::SideColumn;
use flate2::read::GzDecoder;
use serde::Deserialize;
use tar::Archive;

use super::{MODEL_FILE, REQUIRED_INPUTS, SIDE_DIR, SIDE_FILE};

/// The largest model that is read, in GiB: beyond every tree model, and it would not fit in memory twice.
pub const MAX_MODEL_GIB: u64 = 8;

/// What messages call the model.
const MODEL: &str = "model";

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
    /// The file, or the side file beside it, cannot be read.
    #[error("{0}")]
    Read(io::Error),
    /// The file begins like an archive, and is damaged.
    #[error("the archive is damaged: {0}")]
    Archive(io::Error),
    /// The archive holds other files.
    #[error("the archive holds no `{MODEL_FILE}`")]
    NoModel,
    /// The file, or one in the archive, is larger than any model.
    #[error("the {0} is larger than {MAX_MODEL_GIB} GiB, the most that is read")]
    TooLarge(&'static str),
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

/// Where the side file of the model at `model` is, unless that is an archive.
pub fn side_path(model: &Path) -> PathBuf {
    model.with_file_name(SIDE_DIR).join(SIDE_FILE)
}

impl StoredModel {
    /// Reads a file, be it a model or an archive with one. `side` reads the file at [`side_path`], and is asked for a model
    /// only; a model of another program has none.
    ///
    /// # Errors
    /// [`StoredModelError`]. Whether the bytes are a model is for `engine::model::load` to say.
    pub fn read(
        mut file: impl Read,
        side: impl FnOnce() -> io::Result<Vec<u8>>,
    ) -> Result<Self, StoredModelError> {
        let mut head = Vec::new();
        let begun = file.by_ref().take(GZIP.len() as u64).read_to_end(&mut head);
        begun.map_err(StoredModelError::Read)?;
        let file = head.as_slice().chain(file);
        if head == GZIP {
            return Self::from_archive(file);
        }
        let bytes = read_within(file, MAX_MODEL_GIB << 30)?;
        let side = match side() {
            Ok(side) => Some(side),
            // What has the folder's name may be a file.
            Err(err) if matches!(err.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                None
            }
            Err(err) => return Err(StoredModelError::Read(err)),
        };
        Self::new(bytes, side.as_deref())
    }

    /// Reads SageMaker's archive of a model folder.
    fn from_archive(archive: impl Read) -> Result<Self, StoredModelError> {
        let side_path = Path::new(SIDE_DIR).join(SIDE_FILE);
        let (mut model, mut side) = (None, None);
        let mut archive = Archive::new(GzDecoder::new(archive));
        for entry in archive.entries().map_err(of_archive)? {
            let mut entry = entry.map_err(of_archive)?;
            let name = entry.path().map_err(of_archive)?;
            // Archives of a folder's content begin each path with `./`.
            let name = name.strip_prefix(".").unwrap_or(&name);
            let (slot, what) = if name == Path::new(MODEL_FILE) {
                (&mut model, MODEL)
            } else if name == side_path {
                (&mut side, "side file")
            } else {
                continue;
            };
            if entry.size() > MAX_MODEL_GIB << 30 {
                return Err(StoredModelError::TooLarge(what));
            }
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(of_archive)?;
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

/// Tells a disk that fails from an archive that is damaged: only the operating system's errors have a number.
fn of_archive(err: io::Error) -> StoredModelError {
    match err.raw_os_error() {
        Some(_) => StoredModelError::Read(err),
        None => StoredModelError::Archive(err),
    }
}

/// A model's bytes, of which there may be so many.
fn read_within(file: impl Read, max_bytes: u64) -> Result<Vec<u8>, StoredModelError> {
    let mut bytes = Vec::new();
    let read = file.take(max_bytes + 1).read_to_end(&mut bytes);
    read.map_err(StoredModelError::Read)?;
    if bytes.len() as u64 > max_bytes {
        return Err(StoredModelError::TooLarge(MODEL));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_refused_and_not_cut() {
        assert_eq!(read_within(b"1234".as_slice(), 4).unwrap(), b"1234");
        let said = read_within(b"12345".as_slice(), 4).unwrap_err().to_string();
        assert_eq!(
            said,
            "the model is larger than 8 GiB, the most that is read"
        );
    }
}
