//! A Parquet file's bytes, for several threads at once, and its footer.
//!
//! Invariants: reads say where they read, so that threads share one open file without sharing its position; nothing is
//! allocated for bytes that the file does not have. A file in S3 is read by large ranges: its end at first, then a row group
//! at once where that is small, else each column by itself.

use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use parquet::file::reader::{ChunkReader, Length};

use super::super::error::DataError;
use super::super::files::DataFile;
use super::super::stored::Stored;
use super::problem::{ParquetPlace, ParquetProblem, failed, guarded};
use crate::store::download::RemoteObject;
use crate::store::windows::Windows;

/// Page headers are read through a buffer of this size; most have less than 100 bytes.
const HEADER_BYTES: usize = 512;

/// Bytes at the end of a file in S3 that are read at once; most footers are shorter.
const FOOTER_BYTES: u64 = 256 << 10;

/// Bytes of a row group in S3 that are asked for before they are decoded, in all its columns together.
const AHEAD_BYTES: u64 = 32 << 20;

/// The shortest and the longest range that is asked for of a column.
const WINDOW_BYTES: Range<u64> = 64 << 10..4 << 20;

/// Ranges of a row group that is read at once.
const GROUP_WINDOW_BYTES: u64 = 2 << 20;

/// Bytes of a row group in S3 that are asked for before they are decoded.
pub(super) fn bytes_ahead(group: &RowGroupMetaData) -> u64 {
    // What a footer says may be nonsense, which is refused where it matters.
    u64::try_from(group.compressed_size()).map_or(0, |it| it.min(AHEAD_BYTES))
}

/// An open file.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    n_bytes: u64,
    bytes: Arc<Reach>,
}

/// A file, and the part of it that is read now, where it is in S3.
#[derive(Debug)]
struct Reach {
    file: Stored,
    part: Option<Windows>,
}

impl Reach {
    /// Reads bytes from `offset` on, and tells how many; none at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match &self.part {
            Some(part) if part.covers(&(offset..offset + 1)) => {
                let bytes = part.read(offset..offset + buffer.len() as u64)?;
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            Some(_) | None => self.file.read_at(buffer, offset),
        }
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut n_read = 0;
        while n_read < buffer.len() {
            match self.read_at(&mut buffer[n_read..], offset + n_read as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n_more) => n_read += n_more,
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => return Err(err),
            }
        }
        Ok(())
    }
}

/// The operating system or S3 could not read, which is not the file's fault.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct ReadFailed(pub(super) io::Error);

impl Source {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn open(entry: &DataFile) -> Result<Self, DataError> {
        let file = entry.open()?;
        let n_bytes = file.n_bytes();
        let n_bytes = n_bytes.map_err(|err| DataError::of_io(&entry.path, err))?;
        let part = match &file {
            Stored::File(_) => None,
            Stored::Remote(object) => {
                let end = n_bytes.saturating_sub(FOOTER_BYTES)..n_bytes;
                Some(Windows::whole(object.clone(), end, FOOTER_BYTES))
            }
        };
        Ok(Self {
            path: entry.path.clone(),
            n_bytes,
            bytes: Arc::new(Reach { file, part }),
        })
    }

    /// The four bytes at `offset`.
    fn magic(&self, offset: u64) -> Result<[u8; 4], DataError> {
        let mut magic = [0; 4];
        let read = self.bytes.read_exact_at(&mut magic, offset);
        read.map_err(|source| DataError::of_io(&self.path, source))?;
        Ok(magic)
    }

    /// The file for whoever reads all columns of a row group.
    pub(super) fn for_group(self: &Arc<Self>, group: &RowGroupMetaData) -> Arc<Self> {
        // Offsets that cannot be are refused where the column is opened that has them.
        let span = guarded(|| {
            let ranges = group.columns().iter().map(ColumnChunkMetaData::byte_range);
            let ranges = ranges.map(|(start, n_bytes)| start..start.saturating_add(n_bytes));
            Ok(ranges.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)))
        });
        match span.ok().flatten() {
            Some(span) if span.end - span.start <= AHEAD_BYTES => self
                .reading(span, |object, span| {
                    Windows::whole(object, span, GROUP_WINDOW_BYTES)
                }),
            Some(_) | None => Arc::clone(self),
        }
    }

    /// The file for whoever reads the bytes of one column, of so many that are read in step.
    pub(super) fn for_column(
        self: &Arc<Self>,
        (start, n_bytes): (u64, u64),
        n_columns: usize,
    ) -> Arc<Self> {
        let share = AHEAD_BYTES / (2 * n_columns.max(1) as u64);
        let window_bytes = share.clamp(WINDOW_BYTES.start, WINDOW_BYTES.end);
        self.reading(start..start.saturating_add(n_bytes), |object, part| {
            Windows::forward(object, part, window_bytes)
        })
    }

    /// The file for whoever reads a part of it. A part that it does not have is left to the reader to refuse.
    fn reading(
        self: &Arc<Self>,
        part: Range<u64>,
        windows: impl FnOnce(RemoteObject, Range<u64>) -> Windows,
    ) -> Arc<Self> {
        let Reach { file, part: known } = &*self.bytes;
        match file {
            Stored::Remote(object)
                if part.end <= self.n_bytes
                    && !known.as_ref().is_some_and(|it| it.covers(&part)) =>
            {
                Arc::new(Self {
                    path: self.path.clone(),
                    n_bytes: self.n_bytes,
                    bytes: Arc::new(Reach {
                        file: file.clone(),
                        part: Some(windows(object.clone(), part)),
                    }),
                })
            }
            Stored::File(_) | Stored::Remote(_) => Arc::clone(self),
        }
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
            bytes: Arc::clone(&self.bytes),
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
        let failed = |err| ParquetError::External(Box::new(ReadFailed(err)));
        let range = start..start + length as u64;
        if let Some(part) = self.bytes.part.as_ref().filter(|it| it.covers(&range)) {
            return part.read(range).map_err(failed);
        }
        let mut buffer = vec![0; length];
        let read = self.bytes.read_exact_at(&mut buffer, start);
        read.map_err(failed)?;
        Ok(buffer.into())
    }
}

/// The bytes of a file from somewhere on.
#[derive(Debug)]
pub(super) struct Rest {
    bytes: Arc<Reach>,
    offset: u64,
}

impl Read for Rest {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.bytes.read_at(buffer, self.offset)?;
        self.offset += n_read as u64;
        Ok(n_read)
    }
}
