//! A Parquet file's bytes, for several threads at once, and its footer.
//!
//! Invariants: reads say where they read, so that threads share one open file without sharing its position; nothing is
//! allocated for bytes that the file does not have.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};

use super::super::error::DataError;
use super::super::files::DataFile;
use super::problem::{ParquetPlace, ParquetProblem, failed, guarded};

/// Page headers are read through a buffer of this size; most have less than 100 bytes.
const HEADER_BYTES: usize = 512;

/// An open file.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    file: Arc<File>,
    n_bytes: u64,
}

/// The operating system could not read, which is not the file's fault.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct ReadFailed(pub(super) io::Error);

impl Source {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn open(entry: &DataFile) -> Result<Self, DataError> {
        let opened = File::open(&entry.path).and_then(|file| {
            let n_bytes = file.metadata()?.len();
            Ok((file, n_bytes))
        });
        match opened {
            Ok((file, n_bytes)) => Ok(Self {
                path: entry.path.clone(),
                file: Arc::new(file),
                n_bytes,
            }),
            Err(source) => Err(DataError::Io {
                path: entry.path.clone(),
                source,
            }),
        }
    }

    /// The four bytes at `offset`.
    fn magic(&self, offset: u64) -> Result<[u8; 4], DataError> {
        let mut magic = [0; 4];
        self.file
            .read_exact_at(&mut magic, offset)
            .map_err(|source| DataError::Io {
                path: self.path.clone(),
                source,
            })?;
        Ok(magic)
    }
}

/// Opens a file and reads what its footer says.
///
/// # Errors
/// [`DataError::Parquet`] if there is no footer that can be read.
pub(super) fn open(entry: &DataFile) -> Result<(Source, ParquetMetaData), DataError> {
    const MAGIC: [u8; 4] = *b"PAR1";
    const ENCRYPTED: [u8; 4] = *b"PARE";
    /// Magic, length of the footer, magic.
    const SHORTEST: u64 = 12;
    let refuse = |problem| ParquetPlace::file(&entry.object).refuse(problem);
    let source = Source::open(entry)?;
    let first = match source.n_bytes {
        0..4 => [0; 4],
        _ => source.magic(0)?,
    };
    let last = match source.n_bytes {
        0..SHORTEST => [0; 4],
        n_bytes => source.magic(n_bytes - 4)?,
    };
    match (first, last) {
        (MAGIC, MAGIC) => {}
        (ENCRYPTED, _) | (MAGIC, ENCRYPTED) => return Err(refuse(ParquetProblem::Encrypted)),
        (MAGIC, _) => return Err(refuse(ParquetProblem::CutShort)),
        _ => return Err(refuse(ParquetProblem::NotParquet)),
    }
    let footer = guarded(|| ParquetMetaDataReader::new().parse_and_finish(&source));
    match footer {
        Ok(metadata) => Ok((source, metadata)),
        Err(err) => Err(failed(&source, err, |text| {
            refuse(ParquetProblem::Footer(text))
        })),
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.n_bytes
    }
}

impl ChunkReader for Source {
    type T = BufReader<Rest>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let rest = Rest {
            file: Arc::clone(&self.file),
            offset: start,
        };
        Ok(BufReader::with_capacity(HEADER_BYTES, rest))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|it| it > self.n_bytes) {
            return Err(ParquetError::EOF(format!(
                "{length} bytes from {start} are beyond the end of the file"
            )));
        }
        let mut buffer = vec![0; length];
        self.file
            .read_exact_at(&mut buffer, start)
            .map_err(|err| ParquetError::External(Box::new(ReadFailed(err))))?;
        Ok(buffer.into())
    }
}

/// The bytes of a file from somewhere on.
#[derive(Debug)]
pub(super) struct Rest {
    file: Arc<File>,
    offset: u64,
}

impl Read for Rest {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.file.read_at(buffer, self.offset)?;
        self.offset += n_read as u64;
        Ok(n_read)
    }
}
