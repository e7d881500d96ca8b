//! Files cut into ranges of bytes, each of which any thread can read by itself.
//!
//! Invariants: the block of a range holds the lines that start in it, so each line is in one block, whatever the ranges'
//! length. That is only right while no line end stands between quotes; [`Ranges::read`] tells when one may, and then the
//! file must be read from its start ([`super::blocks`]).

use std::collections::{HashMap, VecDeque};
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::blocks::{Block, Cut, LinesBefore, MAX_LINE_BYTES, check_start};
use super::error::DataError;
use super::files::DataFile;
use super::objects::Encoding;
use super::stored::Stored;
use crate::store::download::Download;

/// Bytes that are read behind a range at first, for the end of its last line.
const TAIL_BYTES: usize = 16 << 10;

/// Files that are kept open: more than threads read at a time where files are large.
const OPEN_FILES: usize = 64;

/// Ranges of objects in S3 that are asked for before somebody reads them: 32 MiB, where a block is one.
pub(super) const RANGES_AHEAD: usize = 32;

/// The ranges of several files, numbered from 0 in the order of their bytes.
#[derive(Debug)]
pub struct Ranges {
    files: Vec<DataFile>,
    /// The number of each file's first range, and at the end the number of all ranges.
    firsts: Vec<usize>,
    cut: Cut,
    block_bytes: usize,
    open: Mutex<VecDeque<(usize, Stored)>>,
    /// What is under way from S3, by the ranges' numbers.
    ahead: Mutex<HashMap<usize, Download<Vec<u8>>>>,
}

/// Why a range was not read.
#[derive(Debug)]
pub enum RangeError {
    /// It cannot be.
    Data(DataError),
    /// A line has an open quote, so the line's end may be none.
    OpenQuote,
    /// The file is compressed, so that no range of it can be read by itself.
    Compressed,
}

/// Room for the bytes of a range, used again for the next one.
#[derive(Debug, Default)]
pub struct Buffer(Vec<u8>);

/// Where the lines of a range are in a [`Buffer`] and in their file.
#[derive(Debug)]
pub struct Lines {
    object: Arc<str>,
    file: Stored,
    /// Where the first line begins in the file.
    begin: u64,
    in_buffer: Range<usize>,
}

impl Lines {
    /// The lines, in the buffer that they were read into.
    pub fn block<'a>(&'a self, buffer: &'a Buffer) -> Block<'a> {
        Block {
            object: &self.object,
            bytes: &buffer.0[self.in_buffer.clone()],
            before: LinesBefore::InFile(&self.file, self.begin),
        }
    }
}

impl Ranges {
    /// Ranges of `block_bytes` of `files`, in their order.
    pub fn new(files: Vec<DataFile>, cut: Cut, block_bytes: usize) -> Self {
        let block_bytes = block_bytes.max(1);
        let mut firsts = vec![0];
        let mut n_ranges = 0;
        for file in &files {
            n_ranges += file.n_bytes.div_ceil(block_bytes as u64) as usize;
            firsts.push(n_ranges);
        }
        Self {
            files,
            firsts,
            cut,
            block_bytes,
            open: Mutex::default(),
            ahead: Mutex::default(),
        }
    }

    /// Asks for ranges that are read soon, where they are in S3. At most [`RANGES_AHEAD`] are under way.
    pub(super) fn read_ahead(&self, numbers: impl Iterator<Item = usize>) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        for number in numbers {
            let (idx, begin) = self.place(number);
            let Some(object) = &self.files[idx].remote else {
                return;
            };
            if ahead.len() >= RANGES_AHEAD {
                return;
            }
            let span = begin.saturating_sub(1)..begin + (self.block_bytes + TAIL_BYTES) as u64;
            ahead.entry(number).or_insert_with(|| object.download(span));
        }
    }

    /// Drops what was asked for and is not read.
    pub(super) fn forget(&self) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        ahead.clear();
    }

    /// The file of a range, and where the range begins in it.
    fn place(&self, number: usize) -> (usize, u64) {
        let idx = self.firsts.partition_point(|&first| first <= number) - 1;
        let begin = (number - self.firsts[idx]) as u64 * self.block_bytes as u64;
        (idx, begin)
    }

    /// How many ranges there are.
    pub fn n_ranges(&self) -> usize {
        self.firsts[self.files.len()]
    }

    /// Reads the lines that start in a range.
    ///
    /// # Errors
    /// [`RangeError`] if the file cannot be read or is no text, a line has no end, or may end elsewhere.
    pub fn read(&self, number: usize, buffer: &mut Buffer) -> Result<Lines, RangeError> {
        let (idx, begin) = self.place(number);
        let entry = &self.files[idx];
        let io = |source| RangeError::Data(DataError::of_io(&entry.path, source));
        let file = self.file(idx).map_err(RangeError::Data)?;
        let mut window = Window {
            file: &file,
            // A line starts at `begin` if one ends with the byte before.
            begin: begin.saturating_sub(1),
            bytes: &mut buffer.0,
            n_read: 0,
            at_end: false,
        };
        let end = (begin - window.begin) as usize + self.block_bytes;
        let ahead = self
            .ahead
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&number);
        if let Some(download) = ahead {
            window.take(download.wait().map_err(io)?);
        }
        window.read_on(end + TAIL_BYTES).map_err(io)?;
        if begin == 0 && Encoding::of(window.read()) != Encoding::Plain {
            return Err(RangeError::Compressed);
        }
        let first = match begin {
            0 => check_start(window.read(), &entry.object).map_err(RangeError::Data)?,
            _ => window
                .next_line(0, end)
                .map_err(io)?
                .map_or(end, |it| it.min(end)),
        };
        let is_last = number + 1 == self.firsts[idx + 1];
        let last = match is_last {
            // The file may have grown since it was listed.
            true => window.last().map(Some),
            false if begin == 0 || first < end => window.next_line(end - 1, end + MAX_LINE_BYTES),
            false => Ok(Some(first)),
        };
        let (last, begin) = (last.map_err(io)?, window.begin);
        let lines = Lines {
            object: Arc::clone(&entry.object),
            begin: begin + first as u64,
            in_buffer: first..last.unwrap_or(end).max(first),
            file,
        };
        let block = lines.block(buffer);
        if last.is_none() {
            let offset = memchr::memrchr2(b'\n', b'\r', block.bytes).map_or(0, |it| it + 1);
            return Err(RangeError::Data(DataError::EndlessLine {
                place: block.place(offset, None),
                limit_mib: MAX_LINE_BYTES >> 20,
            }));
        }
        if self.cut == Cut::QuotedLines && has_open_quote(block.bytes) {
            return Err(RangeError::OpenQuote);
        }
        Ok(lines)
    }

    /// Opens a file, or finds it open.
    fn file(&self, idx: usize) -> Result<Stored, DataError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = open.iter().find(|(it, _)| *it == idx) {
            return Ok(file.clone());
        }
        let file = self.files[idx].open()?;
        if open.len() == OPEN_FILES {
            open.pop_front();
        }
        open.push_back((idx, file.clone()));
        Ok(file)
    }
}

/// Bytes of a file from some place on.
struct Window<'a> {
    file: &'a Stored,
    begin: u64,
    /// Longer than what was read: making it shorter for one range and longer for the next would take time.
    bytes: &'a mut Vec<u8>,
    n_read: usize,
    /// Whether the file ends with what was read.
    at_end: bool,
}

impl Window<'_> {
    fn read(&self) -> &[u8] {
        &self.bytes[..self.n_read]
    }

    /// Starts with bytes that are there already.
    fn take(&mut self, bytes: Vec<u8>) {
        self.n_read = bytes.len();
        *self.bytes = bytes;
    }

    /// Reads on until there are `n_bytes`, or the file ends.
    fn read_on(&mut self, n_bytes: usize) -> io::Result<()> {
        while self.n_read < n_bytes && !self.at_end {
            // No more room than there are bytes, and one that shows the end: a small file does not pay for a large buffer.
            let left = self.file.n_bytes()?.saturating_sub(self.begin) + 1;
            let room =
                usize::try_from(left).map_or(n_bytes, |it| it.clamp(self.n_read + 1, n_bytes));
            if self.bytes.len() < room {
                self.bytes.resize(room, 0);
            }
            let at = self.begin + self.n_read as u64;
            match self.file.read_at(&mut self.bytes[self.n_read..room], at) {
                Ok(0) => self.at_end = true,
                Ok(n_more) => self.n_read += n_more,
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => return Err(err),
            }
        }
        Ok(())
    }

    /// Reads on until the file ends, and gives its end.
    fn last(&mut self) -> io::Result<usize> {
        while !self.at_end {
            self.read_on(2 * self.n_read.max(TAIL_BYTES))?;
        }
        Ok(self.n_read)
    }

    /// Where the first line behind the byte `at` starts, or the file ends; `None` if that is not before `limit`.
    fn next_line(&mut self, at: usize, limit: usize) -> io::Result<Option<usize>> {
        let mut from = at;
        loop {
            let found = memchr::memchr2(
                b'\n',
                b'\r',
                &self.bytes[from.min(self.n_read)..self.n_read],
            );
            let start = found.map(|it| from + it + 1);
            match start {
                // Behind a `\r` at the end of what was read there may be the `\n` that belongs to it.
                Some(start)
                    if start < self.n_read || self.bytes[start - 1] == b'\n' || self.at_end =>
                {
                    let is_pair = self.read()[start - 1..].starts_with(b"\r\n");
                    return Ok(Some(start + usize::from(is_pair)));
                }
                _ if self.at_end => return Ok(Some(self.n_read)),
                _ if self.n_read >= limit => return Ok(None),
                _ => {
                    from = start.map_or(self.n_read, |start| start - 1);
                    self.read_on(2 * self.n_read.max(TAIL_BYTES))?;
                }
            }
        }
    }
}

/// Whether a line has an odd number of quotes.
fn has_open_quote(lines: &[u8]) -> bool {
    if memchr::memchr(b'"', lines).is_none() {
        return false;
    }
    let mut open = false;
    for at in memchr::memchr3_iter(b'"', b'\n', b'\r', lines) {
        match lines[at] {
            b'"' => open = !open,
            _ if open => return true,
            _ => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_in_one_block_wherever_ranges_end() {
        let dir = tempfile::tempdir().unwrap();
        for text in [
            "1,2\n3\n\n4444444444\n5",
            "1\r\n22\r\n\r\n3",
            "1\r2\r\r33\r",
            "\n\r\r\n\n\r",
            "x",
        ] {
            let path = dir.path().join("a.csv");
            std::fs::write(&path, text).unwrap();
            for block_bytes in 1..20 {
                let file = DataFile {
                    path: path.clone(),
                    object: Arc::from("train/a.csv"),
                    n_bytes: text.len() as u64,
                    remote: None,
                };
                let ranges = Ranges::new(vec![file], Cut::QuotedLines, block_bytes);
                let mut buffer = Buffer::default();
                let mut joined = Vec::new();
                for number in 0..ranges.n_ranges() {
                    let lines = ranges.read(number, &mut buffer).unwrap();
                    let block = lines.block(&buffer);
                    let before = joined.ends_with(b"\n")
                        || (joined.ends_with(b"\r") && !block.bytes.starts_with(b"\n"));
                    assert!(
                        joined.is_empty() || before || block.bytes.is_empty(),
                        "{text:?} {block_bytes}"
                    );
                    joined.extend_from_slice(block.bytes);
                }
                assert_eq!(joined, text.as_bytes(), "{block_bytes}");
            }
        }
    }

    #[test]
    fn a_line_with_an_odd_number_of_quotes_may_not_end_where_it_seems_to() {
        let cases = [
            ("1,2\n", false),
            ("\"1\",\"2\"\n\"3\"\n", false),
            ("1,\"2\n3\"\n", true),
            ("\"", true),
        ];
        for (lines, expected) in cases {
            assert_eq!(has_open_quote(lines.as_bytes()), expected, "{lines:?}");
        }
    }
}
