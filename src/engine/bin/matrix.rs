//! Codes: one byte for each row and feature, row-major, or a list of what is present where little is.
//!
//! Invariants: a code below `cuts.n_bins(f)` is a bin, that number itself is "missing". A row of the dense form takes
//! `stride` bytes, at least the features' count ([`row_stride`]), and the padding is 0. Two bytes a code are only
//! used for a feature of 256 bins with missing values, which a table that made its own cuts never has.

use crate::dataset::{Chunk, Dataset, TileFeatures};
use crate::threads::Threads;

use super::HistogramCuts;
use super::aligned::{AlignedBytes, LINE};

/// Codes that a byte can hold.
pub(crate) const CODES: usize = 256;

/// A table with a smaller share of values present is kept as lists: a listed code takes four bytes and more time than a
/// dense one, so lists pay below about a third.
const SPARSE_BELOW: f64 = 0.25;

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
/// are counted through.
#[derive(Clone, Debug)]
pub(crate) struct SparseCodes {
    indptr: Vec<usize>,
    slots: Vec<u32>,
    /// The first slot of each feature, and behind the last one the number of slots.
    first_slots: Vec<u32>,
}

impl SparseCodes {
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
    /// Bins `data`, which has as many features as `cuts`. Its values are gone then: each tile's as soon as it is binned,
    /// so that a table is never in memory twice.
    pub(crate) fn new(data: &mut Dataset, cuts: &HistogramCuts, threads: &Threads) -> Self {
        let (n_rows, n_features) = (data.n_rows(), data.n_features());
        let stride = row_stride(n_features);
        let searches: Vec<Search> = (0..n_features)
            .map(|feature| Search::new(cuts.cuts(feature)))
            .collect();
        let n_present: usize = threads
            .map(data.chunks().iter().collect(), n_present)
            .into_iter()
            .sum();
        let codes = if (n_present as f64) < SPARSE_BELOW * n_rows as f64 * n_features as f64 {
            Codes::Sparse(sparse(data.take_chunks(), &searches))
        } else if has_unfit_missing(data, cuts) {
            let mut codes = vec![0; n_rows * stride];
            dense(data.take_chunks(), &searches, &mut codes, threads);
            Codes::Wide(codes)
        } else {
            let mut codes = AlignedBytes::zeros(n_rows * stride);
            dense(data.take_chunks(), &searches, &mut codes, threads);
            Codes::Dense(codes)
        };
        Self {
            n_rows,
            n_features,
            stride,
            codes,
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

/// Finds bins in a feature's cuts, in eight steps and without a branch.
struct Search {
    cuts: Box<[f32; CODES]>,
    missing: u16,
}

impl Search {
    fn new(feature_cuts: &[f32]) -> Self {
        let mut cuts = Box::new([f32::INFINITY; CODES]);
        let n_below_sentinel = feature_cuts.len() - 1;
        cuts[..n_below_sentinel].copy_from_slice(&feature_cuts[..n_below_sentinel]);
        Self {
            cuts,
            missing: feature_cuts.len() as u16,
        }
    }

    /// The number of cuts, but for the sentinel, that are not above the value.
    fn code(&self, value: f32) -> u16 {
        let mut at = 0_usize;
        for step in [128, 64, 32, 16, 8, 4, 2, 1] {
            at += if self.cuts[(at + step - 1) & 255] <= value {
                step
            } else {
                0
            };
        }
        if value.is_nan() {
            self.missing
        } else {
            at as u16
        }
    }
}

/// A code in memory.
trait Code: Copy + Default + Send {
    fn of(code: u16) -> Self;
}

impl Code for u8 {
    fn of(code: u16) -> Self {
        code as Self
    }
}

impl Code for u16 {
    fn of(code: u16) -> Self {
        code
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

/// Fills `codes`, row-major, with what `chunks` hold.
fn dense<C: Code>(chunks: Vec<Chunk>, searches: &[Search], mut rest: &mut [C], threads: &Threads) {
    let stride = row_stride(searches.len());
    let mut tiles = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let (own, after) = rest.split_at_mut(chunk.rows.len() * stride);
        rest = after;
        tiles.push((chunk, own));
    }
    threads.for_each(tiles, |(chunk, own)| {
        fill_tile(&chunk, own, searches, stride);
    });
}

fn fill_tile<C: Code>(chunk: &Chunk, codes: &mut [C], searches: &[Search], stride: usize) {
    let n_rows = chunk.rows.len();
    let absent_from = match &chunk.features {
        TileFeatures::Dense { n_features, .. } => *n_features,
        TileFeatures::Csr { .. } => 0,
    };
    for row_codes in codes.chunks_exact_mut(stride.max(1)) {
        for (code, search) in row_codes.iter_mut().zip(searches).skip(absent_from) {
            *code = C::of(search.missing);
        }
    }
    match &chunk.features {
        TileFeatures::Dense { n_features, values } => {
            for feature in 0..*n_features {
                let search = &searches[feature];
                let column = &values[feature * n_rows..(feature + 1) * n_rows];
                for (row, &value) in column.iter().enumerate() {
                    codes[row * stride + feature] = C::of(search.code(value));
                }
            }
        }
        TileFeatures::Csr {
            indptr,
            indices,
            values,
        } => {
            for (row, bounds) in indptr.windows(2).enumerate() {
                for entry in bounds[0]..bounds[1] {
                    let feature = indices[entry] as usize;
                    codes[row * stride + feature] = C::of(searches[feature].code(values[entry]));
                }
            }
        }
    }
}

fn sparse(chunks: Vec<Chunk>, searches: &[Search]) -> SparseCodes {
    let n_rows = chunks.last().map_or(0, |chunk| chunk.rows.end);
    let mut indptr = Vec::with_capacity(n_rows + 1);
    let mut slots = Vec::new();
    indptr.push(0);
    let mut first_slots = vec![0];
    for search in searches {
        first_slots.push(first_slots[first_slots.len() - 1] + u32::from(search.missing));
    }
    let mut push = |feature: usize, value: f32| {
        if !value.is_nan() {
            slots.push(first_slots[feature] + u32::from(searches[feature].code(value)));
        }
        slots.len()
    };
    for chunk in chunks {
        let n_rows = chunk.rows.len();
        for row in 0..n_rows {
            let mut end = indptr.last().copied().unwrap_or(0);
            match &chunk.features {
                TileFeatures::Dense { n_features, values } => {
                    for feature in 0..*n_features {
                        end = push(feature, values[feature * n_rows + row]);
                    }
                }
                TileFeatures::Csr {
                    indptr,
                    indices,
                    values,
                } => {
                    for entry in indptr[row]..indptr[row + 1] {
                        end = push(indices[entry] as usize, values[entry]);
                    }
                }
            }
            indptr.push(end);
        }
    }
    SparseCodes {
        indptr,
        slots,
        first_slots,
    }
}

fn n_present(chunk: &Chunk) -> usize {
    let (TileFeatures::Dense { values, .. } | TileFeatures::Csr { values, .. }) = &chunk.features;
    values.iter().filter(|value| !value.is_nan()).count()
}

/// Whether a feature that has no code left for "missing" is missing somewhere.
fn has_unfit_missing(data: &Dataset, cuts: &HistogramCuts) -> bool {
    let full: Vec<usize> = (0..cuts.n_features())
        .filter(|&feature| cuts.n_bins(feature) == CODES)
        .collect();
    let misses = |chunk: &Chunk, feature: usize| match &chunk.features {
        TileFeatures::Dense { n_features, values } => {
            let n_rows = chunk.rows.len();
            feature >= *n_features
                || values[feature * n_rows..][..n_rows]
                    .iter()
                    .any(|value| value.is_nan())
        }
        TileFeatures::Csr {
            indices, values, ..
        } => {
            let entries = indices.iter().zip(values);
            let present = entries.filter(|&(&at, value)| at as usize == feature && !value.is_nan());
            present.count() < chunk.rows.len()
        }
    };
    full.iter()
        .any(|&feature| data.chunks().iter().any(|chunk| misses(chunk, feature)))
}
