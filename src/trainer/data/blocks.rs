//! Files cut into blocks of whole lines, so that a file of any size is read in bounded memory.
//!
//! Invariants: a block never spans two files, never splits a line, and never splits a quoted cell where quotes count.
//! Where blocks end depends on the bytes alone, so parsing them in parallel cannot change the order of the rows.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::vec;

use super::error::{DataError, PARQUET, Place};
use super::files::DataFile;

/// Bytes that are read at a time: large enough to keep a thread busy for milliseconds, small enough for its cache.
pub const BLOCK_BYTES: usize = 1 << 20;

/// The longest line that is read. A row of a million cells fits; a file without line ends is refused here.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// Whole lines of one file.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The file.
    pub object: &'a Arc<str>,
    /// The lines, the last perhaps without its end.
    pub bytes: &'a [u8],
    pub(super) before: LinesBefore<'a>,
}

/// How many lines of the file come before a block.
#[derive(Clone, Copy, Debug)]
pub(super) enum LinesBefore<'a> {
    /// So many.
    Known(u64),
    /// As many as end before this byte; they are counted when somebody asks.
    InFile(&'a File, u64),
}

impl Block<'_> {
    /// How many lines end in the block, and at least 1.
    pub fn n_lines(&self) -> usize {
        count_lines(self.bytes, line_end(self.bytes)).max(1) as usize
    }

    /// The place of the byte at `offset`, in the cell `column` (from 0) of its line.
    pub fn place(&self, offset: usize, column: Option<usize>) -> Place {
        let own = &self.bytes[..offset];
        let before = match self.before {
            LinesBefore::Known(n_lines) => n_lines + count_lines(own, line_end(self.bytes)),
            LinesBefore::InFile(file, end) => {
                let [n_line_feeds, n_returns] = count_line_ends(file, end);
                match line_end(self.bytes) {
                    b'\r' if n_line_feeds == 0 => n_returns + count_lines(own, b'\r'),
                    _ => n_line_feeds + count_lines(own, b'\n'),
                }
            }
        };
        Place {
            object: Arc::clone(self.object),
            line: before + 1,
            column: column.map(|it| it as u64 + 1),
        }
    }
}

/// Whole lines of one file, with their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedBlock {
    object: Arc<str>,
    n_lines_before: u64,
    bytes: Vec<u8>,
}

impl OwnedBlock {
    /// The block without the ownership.
    pub fn view(&self) -> Block<'_> {
        Block {
            object: &self.object,
            bytes: &self.bytes,
            before: LinesBefore::Known(self.n_lines_before),
        }
    }
}

/// Whether a line end inside double quotes ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quotes {
    /// It does not: CSV.
    Hold,
    /// Quotes are bytes like others: libsvm.
    Ignore,
}

/// The blocks of several files, one after the other.
#[derive(Debug)]
pub struct Blocks {
    files: vec::IntoIter<DataFile>,
    open: Option<OpenFile>,
    quotes: Quotes,
    block_bytes: usize,
}

#[derive(Debug)]
struct OpenFile {
    entry: DataFile,
    file: File,
    n_lines: u64,
    /// Bytes after the last line end that was seen.
    rest: Vec<u8>,
}

impl Blocks {
    /// Blocks of about [`BLOCK_BYTES`] of `files`, in their order.
    pub fn new(files: Vec<DataFile>, quotes: Quotes) -> Self {
        Self {
            files: files.into_iter(),
            open: None,
            quotes,
            block_bytes: BLOCK_BYTES,
        }
    }

    /// Reads `block_bytes` at a time; tests use it to put block ends in odd places.
    #[must_use]
    pub fn with_block_bytes(mut self, block_bytes: usize) -> Self {
        self.block_bytes = block_bytes.max(1);
        self
    }

    /// No block at all.
    pub fn none() -> Self {
        Self::new(Vec::new(), Quotes::Ignore)
    }

    fn next_block(&mut self) -> Result<Option<OwnedBlock>, DataError> {
        loop {
            if self.open.is_none() {
                let Some(entry) = self.files.next() else {
                    return Ok(None);
                };
                self.open = Some(OpenFile::open(entry)?);
            }
            if let Some(open) = &mut self.open
                && let Some(block) = open.next_block(self.block_bytes, self.quotes)?
            {
                return Ok(Some(block));
            }
            self.open = None;
        }
    }
}

impl Iterator for Blocks {
    type Item = Result<OwnedBlock, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = self.next_block().transpose();
        if matches!(block, Some(Err(_))) {
            *self = Self::none();
        }
        block
    }
}

impl OpenFile {
    fn open(entry: DataFile) -> Result<Self, DataError> {
        match File::open(&entry.path) {
            Ok(file) => Ok(Self {
                entry,
                file,
                n_lines: 0,
                rest: Vec::new(),
            }),
            Err(source) => Err(DataError::Io {
                path: entry.path,
                source,
            }),
        }
    }

    fn next_block(
        &mut self,
        block_bytes: usize,
        quotes: Quotes,
    ) -> Result<Option<OwnedBlock>, DataError> {
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.reserve(block_bytes);
        loop {
            let more = (&self.file)
                .take(block_bytes as u64)
                .read_to_end(&mut bytes);
            let n_read = more.map_err(|source| DataError::Io {
                path: self.entry.path.clone(),
                source,
            })?;
            if self.n_lines == 0 {
                let n_mark = check_start(&bytes, &self.entry.object)?;
                bytes.drain(..n_mark);
            }
            if n_read == 0 {
                return Ok((!bytes.is_empty()).then(|| self.block(bytes)));
            }
            if let Some(end) = last_line_end(&bytes, quotes) {
                self.rest = bytes.split_off(end);
                return Ok(Some(self.block(bytes)));
            }
            if bytes.len() > MAX_LINE_BYTES {
                return Err(DataError::EndlessLine {
                    place: self.block(bytes).view().place(0, None),
                    limit_mib: MAX_LINE_BYTES >> 20,
                });
            }
        }
    }

    fn block(&mut self, bytes: Vec<u8>) -> OwnedBlock {
        let n_lines_before = self.n_lines;
        self.n_lines += count_lines(&bytes, line_end(&bytes));
        OwnedBlock {
            object: Arc::clone(&self.entry.object),
            n_lines_before,
            bytes,
        }
    }
}

/// Refuses what is plainly another format, and gives the length of the UTF-8 byte order mark, if there is one.
pub(super) fn check_start(bytes: &[u8], object: &Arc<str>) -> Result<usize, DataError> {
    const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
    let n_mark = if bytes.starts_with(UTF8_MARK) {
        UTF8_MARK.len()
    } else {
        0
    };
    let found = FOREIGN
        .iter()
        .find(|(magic, _)| bytes[n_mark..].starts_with(magic));
    match found {
        Some(&(_, found)) => Err(DataError::Foreign {
            object: Arc::clone(object),
            found,
        }),
        None => Ok(n_mark),
    }
}

/// First bytes that no line of numbers starts with.
const FOREIGN: &[(&[u8], &str)] = &[
    (&[0x1f, 0x8b], "a gzip file"),
    (b"PAR1", PARQUET),
    (b"PK\x03\x04", "a zip file"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "a zstd file"),
    (&[0xff, 0xfe], "UTF-16 text"),
    (&[0xfe, 0xff], "UTF-16 text"),
    (&[0x0a, 0x23, 0xd7, 0xce], "a RecordIO file"),
];

/// What ends a line: `\n`, or `\r` where there is none.
fn line_end(bytes: &[u8]) -> u8 {
    match memchr::memchr(b'\n', bytes) {
        Some(_) => b'\n',
        None => b'\r',
    }
}

fn count_lines(bytes: &[u8], line_end: u8) -> u64 {
    memchr::memchr_iter(line_end, bytes).count() as u64
}

/// How many `\n` and `\r` stand in the first `end` bytes of a file. Bytes that cannot be read any more hold none.
fn count_line_ends(file: &File, end: u64) -> [u64; 2] {
    let mut buffer = vec![0; BLOCK_BYTES];
    let (mut at, mut counts) = (0, [0, 0]);
    while at < end {
        let n_wanted = (end - at).min(BLOCK_BYTES as u64) as usize;
        let Ok(n_read @ 1..) = file.read_at(&mut buffer[..n_wanted], at) else {
            break;
        };
        let bytes = &buffer[..n_read];
        counts[0] += count_lines(bytes, b'\n');
        counts[1] += count_lines(bytes, b'\r');
        at += n_read as u64;
    }
    counts
}

/// The offset behind the last line end, if there is one that is surely one.
fn last_line_end(bytes: &[u8], quotes: Quotes) -> Option<usize> {
    if quotes == Quotes::Hold && memchr::memchr(b'"', bytes).is_some() {
        return last_unquoted_line_end(bytes);
    }
    if let Some(at) = memchr::memrchr(b'\n', bytes) {
        return Some(at + 1);
    }
    // A `\r` at the very end may be half of `\r\n`.
    let (_, but_last) = bytes.split_last()?;
    memchr::memrchr(b'\r', but_last).map(|at| at + 1)
}

fn last_unquoted_line_end(bytes: &[u8]) -> Option<usize> {
    let mut quoted = false;
    let mut end = None;
    for at in memchr::memchr3_iter(b'"', b'\n', b'\r', bytes) {
        match bytes[at] {
            b'"' => quoted = !quoted,
            b'\r' if bytes.get(at + 1).is_none_or(|&next| next == b'\n') => {}
            _ if quoted => {}
            _ => end = Some(at + 1),
        }
    }
    end
}
