//! Rows in blocks, each with its part of the result.
//!
//! Invariant: a block holds the features that splits ask for, column after column; NaN is missing, and so is 0 where the
//! model says so.

use crate::booster::{Booster, ZERO_THRESHOLD};
use crate::dataset::{Dataset, Selection};
use crate::threads::Threads;

/// Rows of a block.
const BLOCK_ROWS: usize = 64;

/// The rows of a table as a model's splits see them.
pub(super) struct SplitRows<'a> {
    data: &'a Dataset,
    selection: Selection,
    /// Columns in which 0 is missing.
    zero_is_missing: Vec<usize>,
}

/// A block's values.
pub(super) struct RowBlock {
    values: Vec<f32>,
    n_rows: usize,
}

impl RowBlock {
    pub(super) fn value(&self, row: usize, column: usize) -> f32 {
        self.values[column * self.n_rows + row]
    }
}

impl<'a> SplitRows<'a> {
    pub(super) fn new(booster: &Booster, data: &'a Dataset) -> Self {
        let nodes = booster.trees.iter().flat_map(|tree| &tree.nodes);
        let splits = nodes.filter(|node| node.left.is_some());
        let selection = Selection::new(splits.map(|node| node.split_index).collect());
        let zeros = booster.zero_is_missing.iter();
        Self {
            data,
            zero_is_missing: zeros.filter_map(|&it| selection.column(it)).collect(),
            selection,
        }
    }

    /// The column of a feature that a split asks for.
    pub(super) fn column(&self, feature: u32) -> u32 {
        self.selection.column(feature).unwrap_or(0) as u32
    }

    /// The feature of each column.
    pub(super) fn features(&self) -> &[u32] {
        self.selection.features()
    }

    /// Calls `work` with each row, the block that it is in, its number there, and its part of `out`, which is
    /// `(n_rows, width)` row-major.
    pub(super) fn for_each<S>(
        &self,
        out: &mut [f64],
        threads: &Threads,
        scratch: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, &RowBlock, usize, &mut [f64]) + Sync + Send,
    ) {
        let width = out.len() / self.data.n_rows();
        let tasks: Vec<_> = out.chunks_mut(BLOCK_ROWS * width).enumerate().collect();
        threads.for_each(tasks, |(number, out)| {
            let block = self.block(number * BLOCK_ROWS, out.len() / width);
            let mut scratch = scratch();
            for (row, out) in out.chunks_exact_mut(width).enumerate() {
                work(&mut scratch, &block, row, out);
            }
        });
    }

    fn block(&self, first: usize, n_rows: usize) -> RowBlock {
        let mut values = vec![f32::NAN; self.selection.features().len() * n_rows];
        let rows = first..first + n_rows;
        self.data
            .copy_selected(rows, &self.selection, n_rows, &mut values);
        for &column in &self.zero_is_missing {
            for value in &mut values[column * n_rows..(column + 1) * n_rows] {
                if value.abs() <= ZERO_THRESHOLD {
                    *value = f32::NAN;
                }
            }
        }
        RowBlock { values, n_rows }
    }
}
