//! Two channels as one: cross-validation deals out the rows of both together.
//!
//! Invariant: the second channel's rows come behind all of the first, with the numbers that follow.

use std::cell::Cell;

use crate::data::bad_rows::Skipped;
use crate::data::{Batch, DataError, TileReader};

/// Opens a channel, or gives nothing if it holds no row.
pub(super) type Opening<'a> = Box<dyn Fn() -> Result<Option<Box<dyn TileReader>>, DataError> + 'a>;

/// What came of the first channel.
#[derive(Debug, Default)]
pub(super) struct OfFirst {
    /// Its rows.
    pub(super) n_rows: Cell<usize>,
    /// Its rows that were left out.
    pub(super) n_skipped: Cell<u64>,
}

/// A reader of one channel, then of another.
pub(super) struct Joined<'a> {
    /// `None` once it has been read.
    first: Option<Box<dyn TileReader>>,
    second: Box<dyn TileReader>,
    /// Opens the first one again, where the second one has to start again.
    reopen: Opening<'a>,
    /// Parts of the first one.
    n_parts: usize,
    /// The rows that were left out of it.
    skipped: Skipped,
    /// For whoever made this reader.
    of_first: &'a OfFirst,
    expected_rows: usize,
    n_rows: Option<u64>,
}

impl<'a> Joined<'a> {
    /// `first`, which `reopen` opens again, then `second`; the rows of `first` are counted in `of_first`.
    pub(super) fn new(
        first: Box<dyn TileReader>,
        second: Box<dyn TileReader>,
        reopen: Opening<'a>,
        of_first: &'a OfFirst,
    ) -> Self {
        Self {
            expected_rows: first.expected_rows() + second.expected_rows(),
            n_rows: first.n_rows().zip(second.n_rows()).map(|(a, b)| a + b),
            first: Some(first),
            second,
            reopen,
            n_parts: 0,
            skipped: Skipped::default(),
            of_first,
        }
    }

    fn forget(&mut self) {
        self.n_parts = 0;
        self.of_first.n_rows.set(0);
    }
}

impl TileReader for Joined<'_> {
    fn read(&mut self) -> Result<Batch, DataError> {
        if let Some(first) = &mut self.first {
            match first.read()? {
                Batch::Parts(parts) => {
                    for part in &parts {
                        self.n_parts = self.n_parts.max(part.number + 1);
                        let n_rows: usize = part.tiles.iter().map(|it| it.labels.len()).sum();
                        let n_before = self.of_first.n_rows.get();
                        self.of_first.n_rows.set(n_before + n_rows);
                    }
                    return Ok(Batch::Parts(parts));
                }
                Batch::StartAgain => {
                    self.forget();
                    return Ok(Batch::StartAgain);
                }
                Batch::End => {
                    self.skipped = first.skipped();
                    self.of_first.n_skipped.set(self.skipped.n_rows);
                    self.first = None;
                }
            }
        }
        match self.second.read()? {
            Batch::Parts(mut parts) => {
                for part in &mut parts {
                    part.number += self.n_parts;
                }
                Ok(Batch::Parts(parts))
            }
            Batch::StartAgain => {
                self.forget();
                self.first = (self.reopen)()?;
                Ok(Batch::StartAgain)
            }
            Batch::End => Ok(Batch::End),
        }
    }

    fn in_sample(&self) -> bool {
        self.first.as_ref().unwrap_or(&self.second).in_sample()
    }

    fn expected_rows(&self) -> usize {
        self.expected_rows
    }

    fn n_rows(&self) -> Option<u64> {
        self.n_rows
    }

    fn skipped(&self) -> Skipped {
        let of_second = self.second.skipped();
        Skipped {
            n_rows: self.skipped.n_rows + of_second.n_rows,
            first: self.skipped.first.clone().or(of_second.first),
        }
    }
}
