//! How large a table is, and what it takes as values and as codes.
//!
//! Invariant: sizes are those of the forms that tables have: [`crate::bin`] for codes, [`crate::dataset`] for values.

use crate::bin::{SPARSE_BELOW, n_present, row_stride};
use crate::dataset::{Part, TileFeatures};

use super::{Bytes, NUMBER};

/// Bytes that a value of a sparse table takes in its row's list and in its column's.
const LISTED: [u64; 2] = [4, 5];

/// Bytes of a row of a sparse table, beside its values.
const LIST: u64 = size_of::<usize>() as u64;

/// A table, as far as its size goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSize {
    /// Rows.
    pub n_rows: u64,
    /// Columns.
    pub n_features: u64,
    /// Values that are present, of all rows together.
    pub n_present: u64,
    /// Labels of a row.
    pub n_targets: u64,
    /// Numbers of a row beside its labels and features: a weight, margins, an exposure.
    pub n_beside: u64,
}

impl TableSize {
    /// What parts of a table add up to; how much of it is present is told by the first tile.
    pub fn of(parts: &[Part]) -> Self {
        let tiles = || parts.iter().flat_map(|part| &part.tiles);
        let widths = tiles().map(|tile| match &tile.features {
            TileFeatures::Dense { n_features, .. } => *n_features,
            TileFeatures::Csr { indices, .. } => {
                indices.iter().max().map_or(0, |&last| last as usize + 1)
            }
        });
        let n_rows: usize = tiles().map(|tile| tile.labels.len()).sum();
        let mut size = Self {
            n_rows: n_rows as u64,
            n_features: widths.max().unwrap_or(0) as u64,
            n_present: 0,
            n_targets: 1,
            n_beside: 0,
        };
        if let Some(first) = tiles().find(|tile| !tile.labels.is_empty()) {
            let in_first = first.labels.len();
            let [queries, margins, exposure, bound, labels] = first.side.widths(in_first);
            let weight = usize::from(first.weights.is_some());
            size.n_present = (n_present(first.features.view()) * n_rows / in_first) as u64;
            size.n_targets += labels as u64;
            size.n_beside = (queries + margins + exposure + bound + weight) as u64;
        }
        size
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            n_rows: self.n_rows + other.n_rows,
            n_features: self.n_features.max(other.n_features),
            n_present: self.n_present + other.n_present,
            n_targets: self.n_targets.max(other.n_targets),
            n_beside: self.n_beside.max(other.n_beside),
        }
    }

    /// A table of rows like these, of which there are `n_rows`.
    #[must_use]
    pub fn with_rows(&self, n_rows: u64) -> Self {
        self.share(n_rows, self.n_rows.max(1))
    }

    pub(super) fn is_sparse(&self) -> bool {
        (self.n_present as f64) < SPARSE_BELOW * (self.n_rows * self.n_features) as f64
    }

    /// Labels and what stands beside them.
    pub(super) fn beside(&self) -> Bytes {
        let one = self.n_rows * NUMBER;
        // Labels of several targets are kept again, one a cell.
        let labels = match self.n_targets {
            1 => 1,
            n_targets => 2 * n_targets,
        };
        Bytes {
            least: one * (labels + self.n_beside),
            most: one * 2 * (labels + self.n_beside + 1),
        }
    }

    pub(super) fn values(&self) -> Bytes {
        let bytes = if self.is_sparse() {
            2 * NUMBER * self.n_present + LIST * self.n_rows
        } else {
            NUMBER * self.n_rows * self.n_features
        };
        Bytes {
            least: bytes,
            // Columns are made of rows before the last rows are gone.
            most: 2 * bytes,
        }
    }

    /// Codes by row, and by column for whoever divides rows.
    pub(super) fn codes(&self, divides: bool) -> Bytes {
        if self.is_sparse() {
            let [by_row, by_column] = LISTED;
            let by_column = if divides { by_column } else { 0 };
            let lists = LIST * self.n_rows;
            return Bytes {
                least: (by_row + by_column) * self.n_present + lists,
                most: (2 * by_row + by_column) * self.n_present + 2 * lists,
            };
        }
        let by_row = self.n_rows * row_stride(self.n_features as usize) as u64;
        let by_column = self.n_rows * self.n_features;
        Bytes {
            least: by_row + by_column,
            // Columns that share bytes are laid out again, and a table whose length nobody knew is copied as it grows.
            most: by_row + 2 * by_column + by_row / 2,
        }
    }

    pub(super) fn share(&self, numerator: u64, denominator: u64) -> Self {
        let of = |n: u64| (u128::from(n) * u128::from(numerator) / u128::from(denominator)) as u64;
        Self {
            n_rows: of(self.n_rows),
            n_present: of(self.n_present),
            ..*self
        }
    }
}
