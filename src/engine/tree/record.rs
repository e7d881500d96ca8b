//! Rows on their way down a tree: each with what it brings to a histogram, so that nothing is looked up by row but codes.
//!
//! Invariant: the records of a node ascend by row. Margins are updated in that order, range by range.

use crate::objective::GradientPair;
use crate::simd::{Kernel, dispatch};
use crate::threads::Threads;

use super::cell::Cell;
use super::quantise::{BLOCK, Scales};
use super::sample::Draw;

/// Which rows a tree sees.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen {
    All,
    /// A share of them, drawn.
    Share(Draw, f32),
    /// Those that have a gradient or a hessian left.
    WithGradient,
}

impl Seen {
    /// Whether the tree sees a row of this pair.
    #[inline(always)]
    pub(crate) fn has(self, row: u32, pair: GradientPair) -> bool {
        match self {
            Self::All => true,
            Self::Share(draw, share) => draw.has(row, share),
            Self::WithGradient => pair.grad != 0.0 || pair.hess != 0.0,
        }
    }
}

/// Rows that one thread makes records of at a time.
const ROWS_AT_A_TIME: usize = 8 * BLOCK;

/// A row and its units.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Record<U> {
    pub(crate) row: u32,
    pub(crate) unit: U,
}

/// A node's records, and room for as many.
#[derive(Debug)]
pub(crate) struct Rows<'r, C: Cell> {
    pub(crate) records: &'r mut [Record<C::Unit>],
    pub(crate) spare: &'r mut [Record<C::Unit>],
}

/// The records of the rows that a tree sees, a second buffer of the same length, and the sum of all.
#[derive(Debug)]
pub(crate) struct Records<C: Cell> {
    drawn: Vec<Record<C::Unit>>,
    spare: Vec<Record<C::Unit>>,
    total: C,
}

impl<C: Cell> Default for Records<C> {
    fn default() -> Self {
        Self {
            drawn: Vec::new(),
            spare: Vec::new(),
            total: C::default(),
        }
    }
}

impl<C: Cell> Records<C> {
    /// Makes the records of one group's gradients, `(n_rows,)`, for the rows that a tree draws.
    pub(crate) fn fill(
        &mut self,
        pairs: &[GradientPair],
        scales: Scales,
        seen: Seen,
        threads: &Threads,
    ) {
        let blocks = pairs.chunks(ROWS_AT_A_TIME).enumerate();
        let totals = if let Seen::All = seen {
            self.drawn.resize(pairs.len(), Record::default());
            let blocks = blocks.zip(self.drawn.chunks_mut(ROWS_AT_A_TIME)).collect();
            threads.map(blocks, |((block, pairs), records)| {
                let first = block * ROWS_AT_A_TIME;
                dispatch(
                    threads.simd(),
                    Quantised::<C> {
                        first,
                        pairs,
                        scales,
                        records,
                    },
                )
            })
        } else {
            let drawn = threads.map(blocks.collect(), |(block, pairs)| {
                let rows = block * ROWS_AT_A_TIME..;
                let drawn = rows
                    .zip(pairs)
                    .filter(|&(row, &pair)| seen.has(row as u32, pair));
                drawn
                    .map(|(row, &pair)| Record {
                        row: row as u32,
                        unit: scales.quantise::<C>(pair),
                    })
                    .collect::<Vec<_>>()
            });
            self.drawn.clear();
            for drawn in &drawn {
                self.drawn.extend_from_slice(drawn);
            }
            drawn.iter().map(|drawn| sum::<C>(drawn)).collect()
        };
        self.total = totals.into_iter().fold(C::default(), C::plus);
        // Buffers of an earlier, larger tree stay as they are: a smaller one uses their begin.
        if self.spare.len() < self.drawn.len() {
            self.spare.resize(self.drawn.len(), Record::default());
        }
    }

    /// The records and a buffer as long.
    pub(crate) fn rows(&mut self) -> Rows<'_, C> {
        let spare = &mut self.spare[..self.drawn.len()];
        Rows {
            records: &mut self.drawn,
            spare,
        }
    }

    /// What the records sum to.
    pub(crate) fn total(&self) -> C {
        self.total
    }
}

/// Makes the records of the rows from `first` on, and gives their sum.
struct Quantised<'a, C: Cell> {
    first: usize,
    pairs: &'a [GradientPair],
    scales: Scales,
    records: &'a mut [Record<C::Unit>],
}

impl<C: Cell> Kernel for Quantised<'_, C> {
    type Output = C;

    #[inline(always)]
    fn run(self) -> C {
        let mut sum = C::default();
        let rows = self.records.iter_mut().zip(self.pairs).enumerate();
        for (offset, (record, &pair)) in rows {
            let unit = self.scales.quantise::<C>(pair);
            *record = Record {
                row: (self.first + offset) as u32,
                unit,
            };
            sum = sum.plus(C::of(unit));
        }
        sum
    }
}

fn sum<C: Cell>(records: &[Record<C::Unit>]) -> C {
    records
        .iter()
        .fold(C::default(), |sum, record| sum.plus(C::of(record.unit)))
}
