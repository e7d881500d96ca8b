//! A block of rows as the trees read it: only the features that they ask for, column after column.
//!
//! Invariant: `value(row, column)` is NaN for what is missing, for a feature that the table does not have, and for rows
//! between `n_rows` and `stride`. A model without splits has one column, in which nothing is known.

use std::ops::Range;

use crate::dataset::{Dataset, Selection};

/// Rows that can be read, a block at a time.
pub(super) trait Rows: Sync {
    /// How many there are.
    fn n_rows(&self) -> usize;

    /// Fills `out`, column-major `(n_selected, stride)`, with `rows`; what is not there becomes NaN.
    fn read(&self, rows: Range<usize>, selection: &Selection, stride: usize, out: &mut [f32]);
}

impl Rows for Dataset {
    fn n_rows(&self) -> usize {
        Self::n_rows(self)
    }

    fn read(&self, rows: Range<usize>, selection: &Selection, stride: usize, out: &mut [f32]) {
        self.copy_selected(rows, selection, stride, out);
    }
}

/// A row-major slice, `(n_rows, n_features)`.
pub(super) struct RowMajor<'a> {
    pub(super) values: &'a [f32],
    pub(super) n_features: usize,
    pub(super) n_rows: usize,
}

impl Rows for RowMajor<'_> {
    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn read(&self, rows: Range<usize>, selection: &Selection, stride: usize, out: &mut [f32]) {
        let n_rows = rows.len();
        let values = &self.values[rows.start * self.n_features..rows.end * self.n_features];
        let columns = selection.features().iter().zip(out.chunks_mut(stride));
        for (&feature, column) in columns {
            let cells = values[feature as usize..].iter().step_by(self.n_features);
            for (target, &value) in column.iter_mut().zip(cells) {
                *target = value;
            }
            column[n_rows..].fill(f32::NAN);
        }
    }
}

/// Rows in memory; see the module.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) values: &'a [f32],
    pub(super) stride: usize,
    pub(super) n_rows: usize,
}

impl<'a> Block<'a> {
    /// Reads `rows` into `memory`.
    pub(super) fn read(
        source: &impl Rows,
        rows: Range<usize>,
        selection: &Selection,
        stride: usize,
        memory: &'a mut Vec<f32>,
    ) -> Self {
        let n_rows = rows.len();
        memory.resize(selection.features().len().max(1) * stride, f32::NAN);
        let used = selection.features().len() * stride;
        source.read(rows, selection, stride, &mut memory[..used]);
        Self {
            values: memory,
            stride,
            n_rows,
        }
    }
}
