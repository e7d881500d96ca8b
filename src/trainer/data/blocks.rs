//! Objects cut into blocks of whole lines or records, so that an object of any size is read in bounded memory.
//!
//! Invariants: a block never spans two objects, never splits a line or a record, and never splits a quoted cell where
//! quotes count. Where blocks end depends on the bytes alone, so parsing them in parallel cannot change the order of the
//! rows. Bytes are read once and in their order: what comes through a pipe cannot be read again.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;

use super::error::{DataError, PARQUET, Place, RECORD_IO, RowPlace, Unit};
use super::objects::{Input, Object, Objects};
use super::recordio::frame;
use super::stored::Stored;

/// Bytes that are read at a time: large enough to keep a thread busy for milliseconds, small enough for its cache.
pub const BLOCK_BYTES: usize = 1 << 20;

/// The longest line that is read. A row of a million cells fits; a file without line ends is refused here.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// Whole lines, or whole records, of one object.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The object.
    pub object: &'a Arc<str>,
    /// The lines, the last perhaps without its end; or the records with their frames.
    pub bytes: &'a [u8],
    pub(super) before: LinesBefore<'a>,
}

/// How many lines or records of the object come before a block.
#[derive(Clone, Copy, Debug)]
pub(super) enum LinesBefore<'a> {
    /// So many.
    Known(u64),
    /// As many as end before this byte; they are counted when somebody asks.
    InFile(&'a Stored, u64),
}

impl Block<'_> {
    /// The place of the record that `n_before` records of the block come before.
    pub(super) fn row_place(&self, n_before: u64) -> RowPlace {
        let before = match self.before {
            LinesBefore::Known(n_records) => n_records,
            LinesBefore::InFile(..) => 0,
        };
        RowPlace {
            object: Arc::clone(self.object),
            unit: Unit::Record,
            number: before + n_before + 1,
        }
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

/// Whole lines or records of one object, with their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedBlock {
    object: Arc<str>,
    n_before: u64,
    n_units: u64,
    bytes: Vec<u8>,
}

impl OwnedBlock {
    /// The block without the ownership.
    pub fn view(&self) -> Block<'_> {
        Block {
            object: &self.object,
            bytes: &self.bytes,
            before: LinesBefore::Known(self.n_before),
        }
    }

    /// How many lines or records the block has, and at least 1.
    pub fn n_units(&self) -> usize {
        self.n_units.max(1) as usize
    }
}

/// Where a block may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Behind a line, but not at a line end inside double quotes: CSV.
    QuotedLines,
    /// Behind a line; quotes are bytes like others: libsvm and JSON Lines.
    Lines,
    /// Behind a record: `RecordIO`.
    Records,
}

/// The blocks of several objects, one after the other.
#[derive(Debug)]
pub struct Blocks {
    objects: Objects,
    open: Option<OpenObject>,
    /// Blocks that somebody has looked at; they come first.
    seen: VecDeque<OwnedBlock>,
    any_compressed: bool,
    cut: Cut,
    block_bytes: usize,
}

#[derive(Debug)]
struct OpenObject {
    object: Object,
    n_units: u64,
    /// Bytes after the last end that was seen.
    rest: Vec<u8>,
}

impl Blocks {
    /// Blocks of about [`BLOCK_BYTES`] of what `input` brings, in its order.
    pub fn new(input: Input, cut: Cut) -> Self {
        Self {
            objects: Objects::new(input),
            open: None,
            seen: VecDeque::new(),
            any_compressed: false,
            cut,
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
        Self::new(Input::Files(Vec::new()), Cut::Lines)
    }

    /// Takes back a block, which comes next then.
    pub(super) fn put_back(&mut self, block: OwnedBlock) {
        self.seen.push_front(block);
    }

    /// Whether an object was compressed of those that were opened so far.
    pub(super) fn any_compressed(&self) -> bool {
        self.any_compressed
    }

    fn next_block(&mut self) -> Result<Option<OwnedBlock>, DataError> {
        if let Some(block) = self.seen.pop_front() {
            return Ok(Some(block));
        }
        loop {
            if self.open.is_none() {
                let Some(object) = self.objects.open_next()? else {
                    return Ok(None);
                };
                self.any_compressed |= object.is_compressed();
                self.open = Some(OpenObject {
                    object,
                    n_units: 0,
                    rest: Vec::new(),
                });
            }
            if let Some(open) = &mut self.open
                && let Some(block) = open.next_block(self.block_bytes, self.cut)?
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

impl OpenObject {
    fn next_block(
        &mut self,
        block_bytes: usize,
        cut: Cut,
    ) -> Result<Option<OwnedBlock>, DataError> {
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.reserve(block_bytes);
        loop {
            let more = (&mut self.object)
                .take(block_bytes as u64)
                .read_to_end(&mut bytes);
            let n_read = more.map_err(|err| self.refused(err, &bytes, cut))?;
            if self.n_units == 0 && cut != Cut::Records {
                let n_mark = check_start(&bytes, self.object.name())?;
                bytes.drain(..n_mark);
            }
            if n_read == 0 && bytes.is_empty() {
                return Ok(None);
            }
            if cut == Cut::Records {
                let whole = frame::whole(&bytes);
                if whole.end > 0 {
                    self.rest = bytes.split_off(whole.end);
                    return Ok(Some(self.block(bytes, whole.n_records)));
                }
                if let Some(problem) = whole.problem(n_read == 0) {
                    return Err(DataError::Frame {
                        place: self.next_unit(Unit::Record),
                        problem,
                    });
                }
                continue;
            }
            let end = match n_read {
                0 => Some(bytes.len()),
                _ => last_line_end(&bytes, cut),
            };
            if let Some(end) = end {
                self.rest = bytes.split_off(end);
                let n_lines = count_lines(&bytes, line_end(&bytes));
                return Ok(Some(self.block(bytes, n_lines)));
            }
            if bytes.len() > MAX_LINE_BYTES {
                return Err(DataError::EndlessLine {
                    place: self.block(bytes, 0).view().place(0, None),
                    limit_mib: MAX_LINE_BYTES >> 20,
                });
            }
        }
    }

    fn block(&mut self, bytes: Vec<u8>, n_units: u64) -> OwnedBlock {
        let n_before = self.n_units;
        self.n_units += n_units;
        OwnedBlock {
            object: Arc::clone(self.object.name()),
            n_before,
            n_units,
            bytes,
        }
    }

    fn next_unit(&self, unit: Unit) -> RowPlace {
        RowPlace {
            object: Arc::clone(self.object.name()),
            unit,
            number: self.n_units + 1,
        }
    }

    /// Why there are no more bytes behind `bytes`.
    fn refused(&self, err: std::io::Error, bytes: &[u8], cut: Cut) -> DataError {
        let (unit, n_more) = match cut {
            Cut::Records => (Unit::Record, frame::whole(bytes).n_records),
            Cut::QuotedLines | Cut::Lines => (Unit::Line, count_lines(bytes, line_end(bytes))),
        };
        let mut place = self.next_unit(unit);
        place.number += n_more;
        self.object.refused(err, place)
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
    (&[0x1f, 0x8b], "a gzip file in a compressed file"),
    (b"PAR1", PARQUET),
    (b"PK\x03\x04", "a zip file"),
    (
        &[0x28, 0xb5, 0x2f, 0xfd],
        "a zstd file in a compressed file",
    ),
    (&[0xff, 0xfe], "UTF-16 text"),
    (&[0xfe, 0xff], "UTF-16 text"),
    (&[0x0a, 0x23, 0xd7, 0xce], RECORD_IO),
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
fn count_line_ends(file: &Stored, end: u64) -> [u64; 2] {
    let mut buffer = vec![0; BLOCK_BYTES];
    let mut rest = file.whole().take(end);
    let mut counts = [0, 0];
    while let Ok(n_read @ 1..) = rest.read(&mut buffer) {
        let bytes = &buffer[..n_read];
        counts[0] += count_lines(bytes, b'\n');
        counts[1] += count_lines(bytes, b'\r');
    }
    counts
}

/// The offset behind the last line end, if there is one that is surely one.
fn last_line_end(bytes: &[u8], cut: Cut) -> Option<usize> {
    if cut == Cut::QuotedLines && memchr::memchr(b'"', bytes).is_some() {
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
