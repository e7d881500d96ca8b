//! The objects that a channel brings, one after the other: its files, or what comes through its pipe.
//!
//! Invariants: an object is read once, from its first byte to its last; what is compressed is told by its first bytes
//! and decompressed piece by piece, so that an archive of any ratio takes the memory of a block; a problem of the disk or
//! the network is never told as one of the data.
//!
//! Source: RFC 1952 (gzip), RFC 8878 (zstd); SageMaker developer guide, "Accessing Training Data".

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::vec;

use flate2::bufread::MultiGzDecoder;

use super::error::{DataError, RowPlace};
use super::files::DataFile;
use super::pipe::{Pipe, Piped};
use super::recordio::frame::FrameProblem;
use crate::store::in_turn::InTurn;

/// Compressed bytes that are read at a time.
const COMPRESSED_BYTES: usize = 64 << 10;

/// Where a channel's bytes come from.
#[derive(Debug)]
pub enum Input {
    /// Files, in their order.
    Files(Vec<DataFile>),
    /// A pipe, which can be read once.
    Pipe(Pipe),
}

impl Input {
    /// The files; none of a pipe.
    pub(super) fn files(&self) -> &[DataFile] {
        match self {
            Self::Files(files) => files,
            Self::Pipe(_) => &[],
        }
    }
}

/// How an object is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Gzip,
    Zstd,
}

impl Encoding {
    /// The longest of the first bytes that tell.
    const MAGIC_BYTES: usize = 4;

    /// What starts with these bytes.
    pub(super) fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or one to be skipped, as parallel compressors put in front.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// The operating system could not read, which is not the data's fault.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct ReadFailed(io::Error);

/// Marks errors of the operating system, so that those of a decompressor are told apart.
struct Marked<R>(R);

impl<R: Read> Read for Marked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|err| match err.kind() {
            io::ErrorKind::Interrupted => err,
            _ if is_of_frames(&err) => err,
            _ => io::Error::other(ReadFailed(err)),
        })
    }
}

fn is_of_frames(err: &io::Error) -> bool {
    let inner = err.get_ref();
    inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<FrameProblem>)
}

/// An object that is being read.
pub(super) struct Object {
    name: Arc<str>,
    path: PathBuf,
    encoding: Encoding,
    bytes: Box<dyn Read + Send + Sync>,
}

impl Object {
    fn open(
        name: Arc<str>,
        path: PathBuf,
        raw: impl Read + Send + Sync + 'static,
    ) -> Result<Self, DataError> {
        let mut raw = BufReader::with_capacity(COMPRESSED_BYTES, Marked(raw));
        let mut start = Vec::with_capacity(Encoding::MAGIC_BYTES);
        let read = (&mut raw)
            .take(Encoding::MAGIC_BYTES as u64)
            .read_to_end(&mut start);
        let encoding = Encoding::of(&start);
        let bytes = decoded(encoding, io::Cursor::new(start).chain(raw));
        let mut object = Self {
            bytes: Box::new(io::empty()),
            name,
            path,
            encoding,
        };
        match read.and(bytes) {
            Ok(bytes) => {
                object.bytes = bytes;
                Ok(object)
            }
            Err(err) => {
                let place = RowPlace::first_line(&object.name);
                Err(object.refused(err, place))
            }
        }
    }

    /// What messages call it.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.encoding != Encoding::Plain
    }

    /// Why reading failed, at the line or record that was to come next.
    pub(super) fn refused(&self, err: io::Error, place: RowPlace) -> DataError {
        let kind = err.kind();
        let text = err.to_string();
        let inner = match err.into_inner() {
            Some(inner) => inner,
            None if self.is_compressed() => return self.damaged(kind, &text, place),
            None => Box::new(ReadFailed(kind.into())),
        };
        match inner.downcast::<ReadFailed>() {
            Ok(failed) => DataError::of_io(&self.path, failed.0),
            Err(other) => match other.downcast::<FrameProblem>() {
                Ok(problem) => DataError::Frame {
                    place,
                    problem: *problem,
                },
                Err(_) => self.damaged(kind, &text, place),
            },
        }
    }

    fn damaged(&self, kind: io::ErrorKind, text: &str, place: RowPlace) -> DataError {
        DataError::Compressed {
            place,
            encoding: self.encoding.name(),
            problem: match kind {
                io::ErrorKind::UnexpectedEof => "it is cut short".to_owned(),
                _ => format!("it is damaged ({text})"),
            },
        }
    }
}

impl Read for Object {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("name", &self.name)
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}

/// Decompresses; several members or frames are one text.
fn decoded(
    encoding: Encoding,
    raw: impl BufRead + Send + Sync + 'static,
) -> io::Result<Box<dyn Read + Send + Sync>> {
    Ok(match encoding {
        Encoding::Plain => Box::new(raw),
        Encoding::Gzip => Box::new(MultiGzDecoder::new(raw)),
        Encoding::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(raw)?),
    })
}

/// The objects of an input.
#[derive(Debug)]
pub(super) enum Objects {
    Files(vec::IntoIter<DataFile>),
    Remote(vec::IntoIter<DataFile>, InTurn),
    Pipe(Piped),
}

impl Objects {
    pub(super) fn new(input: Input) -> Self {
        match input {
            Input::Files(files) => {
                let objects: Option<Vec<_>> = files.iter().map(|it| it.remote.clone()).collect();
                match objects {
                    Some(objects) if !objects.is_empty() => {
                        Self::Remote(files.into_iter(), InTurn::new(objects))
                    }
                    Some(_) | None => Self::Files(files.into_iter()),
                }
            }
            Input::Pipe(pipe) => Self::Pipe(Piped::new(pipe)),
        }
    }

    /// Opens the next object; `None` behind the last.
    pub(super) fn open_next(&mut self) -> Result<Option<Object>, DataError> {
        match self {
            Self::Files(files) => {
                let Some(entry) = files.next() else {
                    return Ok(None);
                };
                let bytes = entry.open()?.whole();
                Object::open(entry.object, entry.path, bytes).map(Some)
            }
            Self::Remote(files, in_turn) => {
                let Some(entry) = files.next() else {
                    return Ok(None);
                };
                Object::open(entry.object, entry.path, in_turn.next_object()).map(Some)
            }
            Self::Pipe(piped) => {
                let path = piped.path().to_owned();
                match piped.next_object()? {
                    Some((name, bytes)) => Object::open(name, path, bytes).map(Some),
                    None => Ok(None),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_is_told_by_the_first_bytes() {
        for (start, expected) in [
            (&b"\x1f\x8b\x08\x00"[..], Encoding::Gzip),
            (b"\x28\xb5\x2f\xfd", Encoding::Zstd),
            (b"\x5a\x2a\x4d\x18", Encoding::Zstd),
            (b"1,2\n", Encoding::Plain),
            (b"\x1f", Encoding::Plain),
            (b"", Encoding::Plain),
        ] {
            assert_eq!(Encoding::of(start), expected, "{start:?}");
        }
    }
}
