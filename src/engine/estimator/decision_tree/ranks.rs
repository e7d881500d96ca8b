//! A table in which every value is replaced by its rank in its column, from 0.
//!
//! Invariant: equal values have one rank and different values differ by at least 1, whatever the column's scale.
//! linfa-trees takes values closer than 1e-5 for equal, which no two ranks are.

use crate::dataset::Dataset;

/// Rows that are read at a time.
const BLOCK_ROWS: usize = 1024;

/// The ranks, column-major, and what they stand for.
pub(super) struct Ranks {
    n_rows: usize,
    cells: Vec<u32>,
    /// Each column's different values, ascending.
    values: Vec<Vec<f32>>,
}

impl Ranks {
    /// Ranks a table, or gives the row and the column of the first value that is missing.
    pub(super) fn new(data: &Dataset) -> Result<Self, (usize, usize)> {
        let (n_rows, n_features) = (data.n_rows(), data.n_features());
        let mut columns = vec![Vec::with_capacity(n_rows); n_features];
        let mut block = Vec::new();
        for first in (0..n_rows).step_by(BLOCK_ROWS) {
            data.copy_rows(first..n_rows.min(first + BLOCK_ROWS), &mut block);
            if let Some(at) = block.iter().position(|value| value.is_nan()) {
                return Err((first + at / n_features, at % n_features));
            }
            for row in block.chunks_exact(n_features.max(1)) {
                columns
                    .iter_mut()
                    .zip(row)
                    .for_each(|(column, &it)| column.push(it));
            }
        }
        let mut cells = Vec::with_capacity(n_rows * n_features);
        let mut values = Vec::with_capacity(n_features);
        for column in columns {
            let mut distinct = column.clone();
            distinct.sort_unstable_by(f32::total_cmp);
            // `==`, so that 0 and -0 are one value, as they are for a split.
            distinct.dedup();
            let rank = |value: f32| distinct.partition_point(|&it| it < value) as u32;
            cells.extend(column.into_iter().map(rank));
            values.push(distinct);
        }
        Ok(Self {
            n_rows,
            cells,
            values,
        })
    }

    pub(super) fn n_features(&self) -> usize {
        self.values.len()
    }

    /// The ranks of all rows in a column.
    pub(super) fn column(&self, feature: usize) -> &[u32] {
        &self.cells[feature * self.n_rows..(feature + 1) * self.n_rows]
    }

    /// A threshold `t` with `low < t` and not `high < t`, halfway between the values that two ranks stand for.
    pub(super) fn threshold(&self, feature: usize, low: u32, high: u32) -> f32 {
        let value = |rank: u32| self.values[feature][rank as usize];
        let (low, high) = (value(low), value(high));
        let halfway = f64::midpoint(f64::from(low), f64::from(high)) as f32;
        if low < halfway && halfway <= high {
            halfway
        } else {
            high
        }
    }
}
