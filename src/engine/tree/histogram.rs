//! Histograms: for each column of a tree and each code, the sum of the gradient pairs of a node's rows.
//!
//! Invariants: column `k` belongs to feature `columns[k]`; the code after a feature's last bin holds what is missing;
//! both forms of a matrix give the same cells. Only the child with fewer rows is built from rows, its sibling is the
//! parent minus it, exactly, since cells are whole numbers.

use crate::bin::{BinnedMatrix, CODES, Codes, HistogramCuts, SparseCodes};

use super::cell::Cell;
use super::prefetch::{ROWS_AHEAD, prefetch};

/// A node's cells, `(n_columns, 256)`; columns beyond the tree's own, if any, are padding.
#[derive(Clone, Debug)]
pub(crate) struct Histogram<C>(Vec<[C; CODES]>);

/// What histograms of a tree are built from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a, C> {
    pub(crate) matrix: &'a BinnedMatrix,
    pub(crate) cuts: &'a HistogramCuts,
    /// The tree's features, ascending.
    pub(crate) columns: &'a [u32],
    /// One cell a row of the matrix.
    pub(crate) cells: &'a [C],
}

impl<C: Cell> Histogram<C> {
    pub(crate) fn column(&self, column: usize) -> &[C; CODES] {
        &self.0[column]
    }

    /// Adds another part of the same node.
    pub(crate) fn add(&mut self, part: &Self) {
        for (column, part) in self.0.iter_mut().zip(&part.0) {
            for (cell, &part) in column.iter_mut().zip(part) {
                *cell = cell.plus(part);
            }
        }
    }

    /// Leaves the sibling of `part`.
    pub(crate) fn subtract(&mut self, part: &Self) {
        for (column, part) in self.0.iter_mut().zip(&part.0) {
            for (cell, &part) in column.iter_mut().zip(part) {
                *cell = cell.minus(part);
            }
        }
    }
}

impl<C: Cell> Source<'_, C> {
    /// A histogram of zeros, in `spare` if there is one.
    pub(crate) fn empty(&self, spare: Option<Histogram<C>>) -> Histogram<C> {
        let n_columns = self.columns.len().max(self.matrix.stride());
        match spare {
            Some(mut histogram) => {
                histogram
                    .0
                    .iter_mut()
                    .for_each(|column| column.fill(C::default()));
                histogram
            }
            None => Histogram(vec![[C::default(); CODES]; n_columns]),
        }
    }

    /// Adds `rows` to `histogram`; what is missing from a sparse matrix is left to [`Source::complete`].
    pub(crate) fn accumulate(&self, rows: &[u32], histogram: &mut Histogram<C>) {
        match self.matrix.codes() {
            Codes::Dense(codes) if self.columns.len() == self.cuts.n_features() => {
                add_whole_rows(
                    codes,
                    self.matrix.stride(),
                    self.cells,
                    rows,
                    &mut histogram.0,
                );
            }
            Codes::Dense(codes) => {
                let stride = self.matrix.stride();
                for &row in rows {
                    let cell = self.cells[row as usize];
                    let row_codes = &codes[row as usize * stride..][..stride];
                    for (column, &feature) in histogram.0.iter_mut().zip(self.columns) {
                        let sum = &mut column[usize::from(row_codes[feature as usize])];
                        *sum = sum.plus(cell);
                    }
                }
            }
            Codes::Sparse(codes) => self.add_listed(codes, rows, &mut histogram.0),
            Codes::Wide(_) => unreachable!("training refuses codes of two bytes"),
        }
    }

    /// Fills in what is missing from a sparse matrix, for a node of this `total`.
    pub(crate) fn complete(&self, total: C, histogram: &mut Histogram<C>) {
        if !matches!(self.matrix.codes(), Codes::Sparse(_)) {
            return;
        }
        for (column, &feature) in histogram.0.iter_mut().zip(self.columns) {
            let n_bins = self.cuts.n_bins(feature as usize);
            let present = column[..n_bins]
                .iter()
                .fold(C::default(), |sum, &cell| sum.plus(cell));
            if let Some(missing) = column.get_mut(n_bins) {
                *missing = total.minus(present);
            }
        }
    }

    fn add_listed(&self, codes: &SparseCodes, rows: &[u32], histogram: &mut [[C; CODES]]) {
        let all = self.columns.len() == self.cuts.n_features();
        for &row in rows {
            let cell = self.cells[row as usize];
            for &slot in codes.row(row as usize) {
                let feature = slot >> 8;
                let column = if all {
                    Ok(feature as usize)
                } else {
                    self.columns.binary_search(&feature)
                };
                if let Ok(column) = column {
                    let sum = &mut histogram[column][slot as usize & (CODES - 1)];
                    *sum = sum.plus(cell);
                }
            }
        }
    }
}

/// Adds rows of which every column counts. `codes` is `(n_rows, stride)`, `histogram` has `stride` columns.
fn add_whole_rows<C: Cell>(
    codes: &[u8],
    stride: usize,
    cells: &[C],
    rows: &[u32],
    histogram: &mut [[C; CODES]],
) {
    let (columns, _) = histogram.as_chunks_mut::<4>();
    for (idx, &row) in rows.iter().enumerate() {
        if let Some(&ahead) = rows.get(idx + ROWS_AHEAD) {
            let first = ahead as usize * stride;
            prefetch(cells, ahead as usize);
            prefetch(codes, first);
            prefetch(codes, first + stride - 1);
        }
        let cell = cells[row as usize];
        let (quads, _) = codes[row as usize * stride..][..stride].as_chunks::<4>();
        for (columns, codes) in columns.iter_mut().zip(quads) {
            for (column, &code) in columns.iter_mut().zip(codes) {
                let sum = &mut column[usize::from(code)];
                *sum = sum.plus(cell);
            }
        }
    }
}
