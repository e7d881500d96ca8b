//! A model as a job left it: `xgboost-model` with its side files beside it, or SageMaker's archive of both.
//!
//! Invariants: which of the two a file is tell its first bytes; nothing but the model and its side file is taken out of an
//! archive, and nothing of it touches the disk. What is too large is refused, not cut, whatever a header says of its size;
//! and an archive that unpacks to more than any job leaves is not read to its end.

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use engine::dataset::SideColumn;
use flate2::read::GzDecoder;
use serde::Deserialize;
use tar::Archive;

use super::{MODEL_FILE, REQUIRED_INPUTS, SIDE_DIR, SIDE_FILE};

/// The largest model that is read: beyond every tree model, and it would not fit in memory twice.
pub const MAX_MODEL_BYTES: u64 = 8 << 30;

/// The largest side file: names of a million columns are less.
const MAX_SIDE_BYTES: u64 = 256 << 20;

/// What all that is in an archive may have beside the model. Long names are read into memory too.
const MAX_OTHER_BYTES: u64 = 1 << 30;

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
    /// The file, or one in the archive, has more bytes than are read.
    #[error("the {what} is larger than {max_bytes} bytes, the most that is read")]
    TooLarge {
        /// Which file.
        what: &'static str,
        /// What it may have.
        max_bytes: u64,
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

/// Where the side file of the model at `model` is, unless that is an archive.
pub fn side_path(model: &Path) -> PathBuf {
    model.with_file_name(SIDE_DIR).join(SIDE_FILE)
}

impl StoredModel {
    /// Reads a file, be it a model or an archive with one, of a model of at most `max_bytes`, for which
    /// [`MAX_MODEL_BYTES`] stands where there is no reason for less. `side` reads the file at [`side_path`], and is asked
    /// for a model only; a model of another program has none.
    ///
    /// # Errors
    /// [`StoredModelError`]. Whether the bytes are a model is for `engine::model::load` to say.
    pub fn read(
        mut file: impl Read,
        max_bytes: u64,
        side: impl FnOnce() -> io::Result<Vec<u8>>,
    ) -> Result<Self, StoredModelError> {
        let mut head = Vec::new();
        let begun = file.by_ref().take(GZIP.len() as u64).read_to_end(&mut head);
        begun.map_err(StoredModelError::Read)?;
        let file = head.as_slice().chain(file);
        if head == GZIP {
            let max_unpacked = max_bytes.saturating_add(MAX_OTHER_BYTES);
            return Self::from_archive(file, max_bytes, max_unpacked);
        }
        let bytes = read_within(file, MODEL, max_bytes)?;
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
    fn from_archive(
        archive: impl Read,
        max_bytes: u64,
        max_unpacked: u64,
    ) -> Result<Self, StoredModelError> {
        let mut archive = Archive::new(GzDecoder::new(archive).take(max_unpacked));
        match Self::from_entries(&mut archive, max_bytes) {
            // Cut off here, and not by whoever wrote it.
            Err(StoredModelError::Archive(_)) if archive.into_inner().limit() == 0 => {
                Err(StoredModelError::TooLarge {
                    what: "archive's content",
                    max_bytes: max_unpacked,
                })
            }
            read => read,
        }
    }

    fn from_entries(
        archive: &mut Archive<impl Read>,
        max_bytes: u64,
    ) -> Result<Self, StoredModelError> {
        let side_path = Path::new(SIDE_DIR).join(SIDE_FILE);
        let (mut model, mut side) = (None, None);
        for entry in archive.entries().map_err(of_archive)? {
            let entry = entry.map_err(of_archive)?;
            let name = entry.path().map_err(of_archive)?;
            // Archives of a folder's content begin each path with `./`.
            let name = name.strip_prefix(".").unwrap_or(&name);
            let (slot, what, max_bytes) = if name == Path::new(MODEL_FILE) {
                (&mut model, MODEL, max_bytes)
            } else if name == side_path {
                (&mut side, "side file", MAX_SIDE_BYTES)
            } else {
                continue;
            };
            // A link leads to nothing here.
            if !entry.header().entry_type().is_file() {
                continue;
            }
            if entry.size() > max_bytes {
                return Err(StoredModelError::TooLarge { what, max_bytes });
            }
            let bytes = read_within(entry, what, max_bytes).map_err(|err| match err {
                StoredModelError::Read(err) => of_archive(err),
                err => err,
            });
            *slot = Some(bytes?);
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

/// A file's bytes, of which there may be so many.
fn read_within(
    file: impl Read,
    what: &'static str,
    max_bytes: u64,
) -> Result<Vec<u8>, StoredModelError> {
    let mut bytes = Vec::new();
    let read = file
        .take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes);
    read.map_err(StoredModelError::Read)?;
    if bytes.len() as u64 > max_bytes {
        return Err(StoredModelError::TooLarge { what, max_bytes });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{EntryType, Header};

    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_refused_and_not_cut() {
        assert_eq!(read_within(b"1234".as_slice(), MODEL, 4).unwrap(), b"1234");
        let said = read_within(b"12345".as_slice(), MODEL, 4).unwrap_err();
        assert_eq!(
            said.to_string(),
            "the model is larger than 4 bytes, the most that is read"
        );
    }

    #[test]
    fn an_archive_that_wants_all_memory_is_not_read_to_its_end() {
        // A name that is as long as memory is large.
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::GNULongName);
        header.set_size(1 << 33);
        header.set_cksum();
        let name = io::repeat(b'a').take(1 << 24);
        let mut archive = header.as_bytes().chain(name);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        io::copy(&mut archive, &mut gzip).unwrap();
        let bytes = gzip.finish().unwrap();
        let said = StoredModel::from_archive(bytes.as_slice(), 100, 1 << 20).unwrap_err();
        assert_eq!(
            said.to_string(),
            "the archive's content is larger than 1048576 bytes, the most that is read"
        );
    }
}
