//! The cells of CSV lines, one after the other.
//!
//! Invariant: a walk stands at the start of a cell or at what ends one; a cell in quotes may hold delimiters and line ends.

use std::borrow::Cow;

use super::csv::CsvProblem;
use super::number::{NumberError, parse_cell, shown};

/// A walk over the cells of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
    pub(crate) delimiter: u8,
}

impl<'a> Cells<'a> {
    /// Goes to the first cell of the next row; false at the end. Lines of nothing but white space are no rows.
    pub(super) fn start_row(&mut self) -> bool {
        loop {
            let rest = &self.bytes[self.at..];
            let blank = |it: &u8| *it == b' ' || (*it == b'\t' && self.delimiter != b'\t');
            let n_blank = rest.iter().position(|it| !blank(it)).unwrap_or(rest.len());
            match rest.get(n_blank) {
                None => return false,
                Some(b'\n' | b'\r') => self.at += n_blank + 1,
                Some(_) => {
                    // With blanks as delimiter, those before the first cell do not separate it from anything.
                    self.at += if self.delimiter == b' ' { n_blank } else { 0 };
                    return true;
                }
            }
        }
    }

    /// Whether a cell ends at `at`.
    pub(crate) fn ends(&self, at: usize) -> bool {
        self.bytes
            .get(at)
            .is_none_or(|&it| it == self.delimiter || it == b'\n' || it == b'\r')
    }

    /// Reads the cell here, and stops behind it, at its delimiter or line end.
    pub(crate) fn cell(&mut self) -> Result<f32, CsvProblem> {
        while self.bytes.get(self.at) == Some(&b' ') && self.delimiter != b' ' {
            self.at += 1;
        }
        if self.ends(self.at) {
            return Ok(f32::NAN);
        }
        if let Ok((value, n_bytes)) = fast_float2::parse_partial::<f32, _>(&self.bytes[self.at..])
            && self.ends(self.at + n_bytes)
            && value.is_finite()
        {
            self.at += n_bytes;
            return Ok(value);
        }
        if self.bytes.get(self.at) == Some(&b'"') {
            return self.quoted();
        }
        let start = self.at;
        self.skip_plain();
        Ok(parse_cell(&self.bytes[start..self.at])?)
    }

    /// Reads the cell here as text, and stops behind it.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, [u8]>, CsvProblem> {
        while self.bytes.get(self.at) == Some(&b' ') && self.delimiter != b' ' {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'"') {
            return Ok(Cow::Owned(self.quoted_text()?));
        }
        let start = self.at;
        self.skip_plain();
        Ok(Cow::Borrowed(&self.bytes[start..self.at]))
    }

    /// Reads a number in double quotes.
    fn quoted(&mut self) -> Result<f32, CsvProblem> {
        Ok(parse_cell(&self.quoted_text()?)?)
    }

    /// Reads a cell in double quotes; two quotes inside stand for one.
    fn quoted_text(&mut self) -> Result<Vec<u8>, CsvProblem> {
        let start = self.at;
        let mut text = Vec::new();
        loop {
            let from = self.at + 1;
            let Some(n_bytes) = memchr::memchr(b'"', &self.bytes[from..]) else {
                return Err(CsvProblem::OpenQuote(shown(&self.bytes[start..])));
            };
            text.extend_from_slice(&self.bytes[from..from + n_bytes]);
            self.at = from + n_bytes + 1;
            if self.bytes.get(self.at) != Some(&b'"') {
                break;
            }
            text.push(b'"');
        }
        while self.bytes.get(self.at) == Some(&b' ') && self.delimiter != b' ' {
            self.at += 1;
        }
        if !self.ends(self.at) {
            self.skip_plain();
            return Err(NumberError::Text(shown(&self.bytes[start..self.at])).into());
        }
        Ok(text)
    }

    fn skip_plain(&mut self) {
        while !self.ends(self.at) {
            self.at += 1;
        }
    }

    /// Steps over what ends the cell here; true if it was the row's last.
    pub(crate) fn end_cell(&mut self) -> bool {
        if self.delimiter == b' ' {
            while self.bytes.get(self.at) == Some(&b' ') {
                self.at += 1;
            }
            if !matches!(self.bytes.get(self.at), None | Some(b'\n' | b'\r')) {
                return false;
            }
        }
        match self.bytes.get(self.at) {
            None => true,
            Some(&it) if it == self.delimiter => {
                self.at += 1;
                false
            }
            Some(_) => {
                self.at += 1 + usize::from(self.bytes[self.at..].starts_with(b"\r\n"));
                true
            }
        }
    }

    /// How many cells the row here has, whatever they hold.
    pub(super) fn count_row(mut self) -> usize {
        self.skip_row()
    }

    /// Steps over the row here, whatever its cells hold, and gives how many they are.
    pub(super) fn skip_row(&mut self) -> usize {
        let mut n_cells = 1;
        loop {
            let is_quoted = self.bytes.get(self.at) == Some(&b'"');
            if is_quoted && matches!(self.quoted(), Err(CsvProblem::OpenQuote(_))) {
                self.at = self.bytes.len();
                return n_cells;
            }
            self.skip_plain();
            if self.end_cell() {
                return n_cells;
            }
            n_cells += 1;
        }
    }
}
