//! Codes: one byte for each row and feature, row-major, or a list of what is present where little is.
//!
//! Invariants: a code below `cuts.n_bins(f)` is a bin, that number itself is "missing". A row of the dense form takes
//! `stride` bytes, at least the features' count ([`row_stride`]), and the padding is 0. Two bytes a code are only
//! used for a feature of 256 bins with missing values, which a table that made its own cuts never has. Rows are added at
//! the end and columns at the right; columns that come late have one bin, and code 1 for "missing".

use crate::threads::Threads;

use super::HistogramCuts;
use super::aligned::{AlignedBytes, LINE};
use super::tile::{Form, TileCodes};

/// Codes that a byte can hold.
pub(crate) const CODES: usize = 256;

/// Rows that are transposed at a time, so that their bytes stay in the first cache.
const ROWS_AT_A_TIME: usize = 64;

/// Codes of `(n_rows, n_features)`.
#[derive(Clone, Debug)]
pub(crate) struct BinnedMatrix {
    n_rows: usize,
    n_features: usize,
    stride: usize,
    codes: Codes,
}

/// The forms that codes are kept in.
#[derive(Clone, Debug)]
pub(crate) enum Codes {
    /// Row-major `(n_rows, stride)`.
    Dense(AlignedBytes),
    /// The same, where a code does not fit a byte. Can be followed, but not trained on.
    Wide(Vec<u16>),
    /// What is present, row by row.
    Sparse(SparseCodes),
}

/// Present codes, row by row, the features ascending. A slot is a number for feature and bin: the bins of all features
/// are counted through. While rows are added it is `feature * 256 + code`, since there may be more columns to come.
#[derive(Clone, Debug)]
pub(crate) struct SparseCodes {
    indptr: Vec<usize>,
    slots: Vec<u32>,
    /// The first slot of each feature, and behind the last one the number of slots; empty while rows are added.
    first_slots: Vec<u32>,
}

impl SparseCodes {
    /// Counts the bins through, `n_bins` for each feature.
    fn number(&mut self, n_bins: impl Iterator<Item = usize>) {
        let mut n_slots = 0;
        self.first_slots = vec![0];
        for n_bins in n_bins {
            n_slots += n_bins as u32;
            self.first_slots.push(n_slots);
        }
        for slot in &mut self.slots {
            *slot = self.first_slots[*slot as usize / CODES] + (*slot & (CODES as u32 - 1));
        }
    }

    /// Where each row's slots begin, `(n_rows + 1,)`, and the slots.
    pub(crate) fn lists(&self) -> (&[usize], &[u32]) {
        (&self.indptr, &self.slots)
    }

    /// Slots that are listed, of all rows.
    pub(crate) fn n_listed(&self) -> usize {
        self.slots.len()
    }

    /// Bins of all features.
    pub(crate) fn n_slots(&self) -> usize {
        self.first_slots.last().map_or(0, |&end| end as usize)
    }

    /// The slot of a feature's first bin.
    pub(crate) fn first_slot(&self, feature: u32) -> usize {
        self.first_slots[feature as usize] as usize
    }

    /// The feature that a slot belongs to.
    pub(super) fn feature_of(&self, slot: u32) -> usize {
        self.first_slots.partition_point(|&first| first <= slot) - 1
    }

    /// Codes of rows `(feature, code)` that ascend, with `n_bins` for each feature.
    #[cfg(test)]
    pub(crate) fn of_rows(rows: impl Iterator<Item = Vec<(u32, u8)>>, n_bins: &[usize]) -> Self {
        let mut codes = Self {
            indptr: vec![0],
            slots: Vec::new(),
            first_slots: Vec::new(),
        };
        for row in rows {
            let slots = row
                .iter()
                .map(|&(feature, code)| feature * CODES as u32 + u32::from(code));
            codes.slots.extend(slots);
            codes.indptr.push(codes.slots.len());
        }
        codes.number(n_bins.iter().copied());
        codes
    }

    /// The code of a feature in a row, `None` where it is missing.
    pub(crate) fn code(&self, row: usize, feature: u32) -> Option<u8> {
        let slots = &self.slots[self.indptr[row]..self.indptr[row + 1]];
        let first = self.first_slots[feature as usize];
        let end = self.first_slots[feature as usize + 1];
        let at = slots.partition_point(|&slot| slot < first);
        slots
            .get(at)
            .filter(|&&slot| slot < end)
            .map(|&slot| (slot - first) as u8)
    }
}

impl BinnedMatrix {
    /// A table without rows, and with room for some.
    pub(super) fn new(form: Form, n_features: usize, n_rows: usize) -> Self {
        let stride = row_stride(n_features);
        let codes = match form {
            Form::Dense => Codes::Dense(AlignedBytes::with_capacity(n_rows * stride)),
            Form::Sparse => Codes::Sparse(SparseCodes {
                indptr: vec![0],
                slots: Vec::new(),
                first_slots: Vec::new(),
            }),
        };
        Self {
            n_rows: 0,
            n_features,
            stride,
            codes,
        }
    }

    /// Adds rows, of which those that are dense may have more columns than those before, or fewer.
    pub(super) fn append(&mut self, n_rows: usize, tile: &TileCodes) {
        match tile {
            TileCodes::Dense { n_features, .. } => self.widen(*n_features),
            TileCodes::Wide { n_features, .. } => {
                self.widen(*n_features);
                self.make_wide();
            }
            TileCodes::Sparse { .. } => {}
        }
        let (to, n_more) = (self.shape(), n_rows * self.stride);
        match (&mut self.codes, tile) {
            (
                Codes::Dense(codes),
                TileCodes::Dense {
                    n_features,
                    codes: from,
                },
            ) => {
                copy_rows(
                    (from, Shape::of(*n_features)),
                    (codes.grow(n_more), to),
                    |code| code,
                );
            }
            (
                Codes::Wide(codes),
                TileCodes::Dense {
                    n_features,
                    codes: from,
                },
            ) => {
                let own = grow(codes, n_more);
                copy_rows((from, Shape::of(*n_features)), (own, to), u16::from);
            }
            (
                Codes::Wide(codes),
                TileCodes::Wide {
                    n_features,
                    codes: from,
                },
            ) => {
                let own = grow(codes, n_more);
                copy_rows((from, Shape::of(*n_features)), (own, to), |code| code);
            }
            (Codes::Sparse(codes), TileCodes::Sparse { ends, slots }) => {
                let begin = codes.slots.len();
                codes.slots.extend_from_slice(slots);
                codes.indptr.extend(ends.iter().map(|end| begin + end));
            }
            _ => unreachable!("a table's tiles are binned in the table's form"),
        }
        self.n_rows += n_rows;
    }

    /// Adds columns without values until there are `n_features`; does nothing if there are that many.
    pub(super) fn widen(&mut self, n_features: usize) {
        if n_features <= self.n_features {
            return;
        }
        let (from, to) = (self.shape(), Shape::of(n_features));
        (self.n_features, self.stride) = (n_features, to.stride);
        match &mut self.codes {
            Codes::Dense(codes) => {
                let mut wider = AlignedBytes::with_capacity(self.n_rows * to.stride);
                copy_rows(
                    (codes, from),
                    (wider.grow(self.n_rows * to.stride), to),
                    |code| code,
                );
                *codes = wider;
            }
            Codes::Wide(codes) => {
                let mut wider = vec![0; self.n_rows * to.stride];
                copy_rows((codes, from), (&mut wider, to), |code| code);
                *codes = wider;
            }
            Codes::Sparse(codes) => {
                // Once the slots are numbered, late columns take the numbers behind the last one.
                while let Some(&end) = codes.first_slots.last()
                    && codes.first_slots.len() <= n_features
                {
                    codes.first_slots.push(end + 1);
                }
            }
        }
    }

    /// Ends the adding of rows.
    pub(super) fn close(&mut self, cuts: &HistogramCuts) {
        if let Codes::Sparse(codes) = &mut self.codes {
            codes.number((0..cuts.n_features()).map(|feature| cuts.n_bins(feature)));
        }
    }

    /// The table of these rows, in this order.
    pub(super) fn select(&self, rows: &[u32], threads: &Threads) -> Self {
        let codes = match &self.codes {
            Codes::Dense(codes) => {
                let mut selected = AlignedBytes::zeros(rows.len() * self.stride);
                self.select_rows((codes, &mut selected), rows, threads);
                Codes::Dense(selected)
            }
            Codes::Wide(codes) => {
                let mut selected = vec![0; rows.len() * self.stride];
                self.select_rows((codes, &mut selected), rows, threads);
                Codes::Wide(selected)
            }
            Codes::Sparse(codes) => {
                let of_row = |&row: &u32| {
                    let row = row as usize;
                    &codes.slots[codes.indptr[row]..codes.indptr[row + 1]]
                };
                let mut indptr = vec![0];
                let mut slots = Vec::new();
                for of_row in rows.iter().map(of_row) {
                    slots.extend_from_slice(of_row);
                    indptr.push(slots.len());
                }
                let first_slots = codes.first_slots.clone();
                Codes::Sparse(SparseCodes {
                    indptr,
                    slots,
                    first_slots,
                })
            }
        };
        Self {
            n_rows: rows.len(),
            codes,
            ..*self
        }
    }

    fn select_rows<T: Copy + Send + Sync>(
        &self,
        (from, to): (&[T], &mut [T]),
        rows: &[u32],
        threads: &Threads,
    ) {
        /// Rows that one thread copies at a time.
        const ROWS: usize = 1 << 12;
        let stride = self.stride;
        if stride == 0 {
            return;
        }
        let parts = to.chunks_mut(ROWS * stride).zip(rows.chunks(ROWS));
        threads.for_each(parts.collect(), |(to, rows): (&mut [T], &[u32])| {
            for (to, &row) in to.chunks_exact_mut(stride).zip(rows) {
                to.copy_from_slice(&from[row as usize * stride..][..stride]);
            }
        });
    }

    fn make_wide(&mut self) {
        if let Codes::Dense(codes) = &self.codes {
            self.codes = Codes::Wide(codes.iter().copied().map(u16::from).collect());
        }
    }

    fn shape(&self) -> Shape {
        Shape {
            n_features: self.n_features,
            stride: self.stride,
        }
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Entries of a dense row.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    pub(crate) fn codes(&self) -> &Codes {
        &self.codes
    }

    /// The code of a row's feature; `missing` is the feature's code for that.
    pub(crate) fn code(&self, row: usize, feature: u32, missing: u16) -> u16 {
        let at = row * self.stride + feature as usize;
        match &self.codes {
            Codes::Dense(codes) => u16::from(codes[at]),
            Codes::Wide(codes) => codes[at],
            Codes::Sparse(codes) => codes.code(row, feature).map_or(missing, u16::from),
        }
    }

    /// A column-major copy `(n_features, n_rows)` of the dense form, for reading one feature of many rows.
    pub(crate) fn columns(&self, threads: &Threads) -> AlignedBytes {
        let Codes::Dense(codes) = &self.codes else {
            return AlignedBytes::zeros(0);
        };
        let mut columns = AlignedBytes::zeros(self.n_rows * self.n_features);
        let quads = columns.chunks_mut(4 * self.n_rows).enumerate().collect();
        threads.for_each(quads, |(quad, columns): (usize, &mut [u8])| {
            // Of a table that nobody wants any more.
            if threads.is_stopped() {
                return;
            }
            for first in (0..self.n_rows).step_by(ROWS_AT_A_TIME) {
                let rows = first..self.n_rows.min(first + ROWS_AT_A_TIME);
                for (offset, column) in columns.chunks_exact_mut(self.n_rows).enumerate() {
                    let from = codes[first * self.stride + 4 * quad + offset..]
                        .iter()
                        .step_by(self.stride);
                    column[rows.clone()]
                        .iter_mut()
                        .zip(from)
                        .for_each(|(code, &from)| *code = from);
                }
            }
        });
        columns
    }
}

/// How a dense row lies in memory.
#[derive(Clone, Copy)]
struct Shape {
    n_features: usize,
    stride: usize,
}

impl Shape {
    fn of(n_features: usize) -> Self {
        Self {
            n_features,
            stride: row_stride(n_features),
        }
    }
}

/// Adds zeros, and gives them to be written to.
fn grow(codes: &mut Vec<u16>, n_more: usize) -> &mut [u16] {
    let begin = codes.len();
    codes.resize(begin + n_more, 0);
    &mut codes[begin..]
}

/// The code of "missing" in a column that came late, whose values are all in one bin.
const LATE_MISSING: u8 = 1;

/// Copies dense rows; columns that are only in `to` are missing.
fn copy_rows<A: Copy, B: Copy + From<u8>>(
    (from, from_shape): (&[A], Shape),
    (to, to_shape): (&mut [B], Shape),
    code: impl Fn(A) -> B,
) {
    if from_shape.stride == 0 && to_shape.stride == 0 {
        return;
    }
    if from_shape.n_features == to_shape.n_features {
        for (to, &from) in to.iter_mut().zip(from) {
            *to = code(from);
        }
        return;
    }
    for (row, to) in to.chunks_exact_mut(to_shape.stride).enumerate() {
        let from = &from[row * from_shape.stride..][..from_shape.n_features];
        for (to, &from) in to.iter_mut().zip(from) {
            *to = code(from);
        }
        to[from_shape.n_features..to_shape.n_features].fill(LATE_MISSING.into());
    }
}

/// Bytes of a dense row: a part of a line where that costs little more than the features, so that a row never lies in
/// more lines than it must.
pub(crate) fn row_stride(n_features: usize) -> usize {
    let quads = n_features.next_multiple_of(4);
    let lines = match quads {
        0..=LINE => quads.next_power_of_two(),
        _ => quads.next_multiple_of(LINE),
    };
    if 5 * lines <= 6 * quads { lines } else { quads }
}
