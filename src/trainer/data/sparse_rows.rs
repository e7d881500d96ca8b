//! Rows of a sparse table while a block is parsed, and the tile that becomes of them.

use std::sync::Arc;

use engine::dataset::{Origin, SideColumn, SideColumns, Tile, TileFeatures};

use super::side::{self, SideProblem};

#[derive(Debug)]
pub(super) struct SparseRows {
    pub(super) indptr: Vec<usize>,
    pub(super) indices: Vec<u32>,
    pub(super) values: Vec<f32>,
    pub(super) labels: Vec<f32>,
    pub(super) weights: Vec<f32>,
    pub(super) query_ids: Vec<u64>,
    /// `(n_rows, n_side)` row-major, in the order in which the format has these columns.
    pub(super) side: Vec<f32>,
}

impl SparseRows {
    pub(super) fn new() -> Self {
        Self {
            indptr: vec![0],
            indices: Vec::new(),
            values: Vec::new(),
            labels: Vec::new(),
            weights: Vec::new(),
            query_ids: Vec::new(),
            side: Vec::new(),
        }
    }

    /// Rows that are complete.
    pub(super) fn n_rows(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Takes away what came behind the first `n_rows` rows, each of which has `n_side` values beside the features.
    pub(super) fn truncate(&mut self, n_rows: usize, n_side: usize) {
        self.indptr.truncate(n_rows + 1);
        let n_entries = self.indptr[n_rows];
        self.indices.truncate(n_entries);
        self.values.truncate(n_entries);
        self.labels.truncate(n_rows);
        self.weights.truncate(n_rows);
        self.query_ids.truncate(n_rows);
        self.side.truncate(n_rows * n_side);
    }

    /// Takes what is no feature out of the last row, whose entries begin at `first` and whose label is there.
    pub(super) fn take_side(
        &mut self,
        first: usize,
        side: &[(u32, SideColumn)],
    ) -> Result<(), SideProblem> {
        let label = self.labels.last().copied().unwrap_or(f32::NAN);
        for &(index, column) in side {
            let mut value = f32::NAN;
            if let Ok(at) = self.indices[first..].binary_search(&index) {
                self.indices.remove(first + at);
                value = self.values.remove(first + at);
            }
            side::check(column, value, label)?;
            self.side.push(value);
        }
        Ok(())
    }

    /// The tile; `side` says what stands beside the features.
    pub(super) fn into_tile(
        self,
        side: &[(u32, SideColumn)],
        first_row: usize,
        object: &Arc<str>,
    ) -> Tile {
        let columns = side.iter().enumerate();
        let columns: Vec<_> = columns.map(|(at, (_, column))| (at, *column)).collect();
        Tile {
            side: SideColumns {
                query_ids: (!self.query_ids.is_empty()).then_some(self.query_ids),
                ..side::gather(&self.side, side.len(), &columns)
            },
            features: TileFeatures::Csr {
                indptr: self.indptr,
                indices: self.indices,
                values: self.values,
            },
            labels: self.labels,
            weights: (!self.weights.is_empty()).then_some(self.weights),
            words: Vec::new(),
            origin: Origin {
                object: Arc::clone(object),
                first_row: first_row as u64,
            },
        }
    }
}
