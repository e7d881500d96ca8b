//! The raw table: features, labels, weights and what else a row brings, before it is cut into bins.
//!
//! Invariants: rows are kept in the order in which tiles were pushed; every label is finite, every weight finite and not
//! negative, no feature infinite; NaN is missing; the columns of a sparse row ascend. A row's origin is known, so that
//! messages can name the object and the row in it.

mod beside;
mod build;
mod category;
mod check;
pub(crate) mod content;
mod folds;
mod part;
mod select;
mod side;
mod targets;
mod tile;
mod words;

use std::ops::Range;

pub(crate) use beside::beside_features;
pub use build::DatasetBuilder;
pub(crate) use category::check_categories;
pub use category::is_code;
pub(crate) use check::{Continuity, Traits};
pub use folds::{Fold, FoldError, FoldPlan, Strata};
pub(crate) use part::ObjectRows;
pub use part::{Part, PartsBuilder};
pub(crate) use select::Selection;
pub(crate) use side::{GrowingSide, Side};
pub use side::{SideColumn, SideColumns};
pub use targets::Targets;
pub(crate) use tile::FeaturesView;
pub use tile::{DatasetError, Origin, TILE_ROWS, Tile, TileFeatures};
pub use words::{CategoryNames, FeatureWords, Names, Word};
pub(crate) use words::{NameSearch, code_column, words_of};

/// A table of `(n_rows, n_features)` with a label, and perhaps a weight, for each row.
#[derive(Clone, Debug)]
pub struct Dataset {
    n_features: usize,
    chunks: Vec<Chunk>,
    labels: Vec<f32>,
    weights: Option<Vec<f32>>,
    side: Side,
}

/// A tile's features, and where its rows begin in the table.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub(crate) rows: Range<usize>,
    pub(crate) features: TileFeatures,
    pub(crate) words: Vec<FeatureWords>,
    pub(crate) origin: Origin,
}

beside_features!(Dataset);

impl Dataset {
    /// Starts a table without rows.
    pub fn builder() -> DatasetBuilder {
        DatasetBuilder::default()
    }

    /// A dense table from memory. `row_major` is `(n_rows, n_features)`, `labels` is `(n_rows,)`.
    ///
    /// # Errors
    /// [`DatasetError`] if the shapes do not agree, there is no row, or a value or label is not allowed.
    pub fn from_rows(
        n_features: usize,
        row_major: &[f32],
        labels: &[f32],
    ) -> Result<Self, DatasetError> {
        let object: std::sync::Arc<str> = "memory".into();
        if row_major.len() != labels.len() * n_features {
            let origin = Origin {
                object,
                first_row: 0,
            };
            return Err(DatasetError::Shape {
                origin,
                found: row_major.len(),
                expected: labels.len() * n_features,
            });
        }
        let mut builder = Self::builder();
        for first_row in (0..labels.len()).step_by(TILE_ROWS) {
            let rows = first_row..labels.len().min(first_row + TILE_ROWS);
            let n_rows = rows.len();
            let mut values = vec![f32::NAN; n_rows * n_features];
            for (row, row_values) in row_major[rows.start * n_features..rows.end * n_features]
                .chunks_exact(n_features.max(1))
                .enumerate()
            {
                for (feature, &value) in row_values.iter().enumerate() {
                    values[feature * n_rows + row] = value;
                }
            }
            builder.push(Tile {
                features: TileFeatures::Dense { n_features, values },
                labels: labels[rows].to_vec(),
                weights: None,
                side: SideColumns::default(),
                words: Vec::new(),
                origin: Origin {
                    object: object.clone(),
                    first_row: first_row as u64,
                },
            })?;
        }
        builder.finish()
    }

    /// The same table with `weights`, `(n_rows,)`, in place of those that it had.
    ///
    /// # Errors
    /// [`DatasetError`] if there is not one weight a row, or a weight is negative or not finite.
    pub fn with_weights(mut self, weights: Vec<f32>) -> Result<Self, DatasetError> {
        if weights.len() != self.n_rows() {
            let origin = self.chunks[0].origin.clone();
            return Err(DatasetError::Shape {
                origin,
                found: weights.len(),
                expected: self.n_rows(),
            });
        }
        if let Some(row) = weights.iter().position(|&weight| !tile::is_weight(weight)) {
            let (object, row_in_object) = self.origin(row);
            return Err(DatasetError::Weight {
                object: object.to_owned(),
                row: row_in_object,
                value: weights[row],
            });
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// The same table with `columns` beside its features, in place of those that it had.
    ///
    /// # Errors
    /// [`DatasetError`] if a column is not as long as the table, holds a value that is not allowed, or the rows of a
    /// query are not adjacent; origins are those of the table's first row.
    pub fn with_side_columns(mut self, columns: SideColumns) -> Result<Self, DatasetError> {
        let origin = &self.chunks[0].origin;
        columns.check(&self.labels, origin)?;
        let mut growing = GrowingSide::default();
        growing.append(columns, self.labels.len(), origin)?;
        self.side = growing.finish();
        Ok(self)
    }

    /// Columns.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Whether some rows are sparse, so that columns may be missing at their end.
    pub fn is_sparse(&self) -> bool {
        let mut features = self.chunks.iter().map(|chunk| &chunk.features);
        features.any(|it| matches!(it, TileFeatures::Csr { .. }))
    }

    /// One value; NaN is missing. Slow for a sparse table; [`Dataset::copy_rows`] is the way to read many.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn value(&self, row: usize, feature: usize) -> f32 {
        let chunk = self.chunk(row);
        chunk
            .features
            .value(row - chunk.rows.start, chunk.rows.len(), feature)
    }

    /// Fills `out` with `rows`, row-major `(rows.len(), n_features)`, NaN where a value is missing.
    ///
    /// # Panics
    /// If `rows` reaches beyond the table.
    pub fn copy_rows(&self, rows: Range<usize>, out: &mut Vec<f32>) {
        out.clear();
        out.resize(rows.len() * self.n_features, f32::NAN);
        let mut row = rows.start;
        while row < rows.end {
            let chunk = self.chunk(row);
            let end = chunk.rows.end.min(rows.end);
            let local = row - chunk.rows.start..end - chunk.rows.start;
            let target = &mut out
                [(row - rows.start) * self.n_features..(end - rows.start) * self.n_features];
            chunk
                .features
                .copy_rows(local, chunk.rows.len(), self.n_features, target);
            row = end;
        }
    }

    /// Where a row came from: the object, and the row's number in it.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn origin(&self, row: usize) -> (&str, u64) {
        let chunk = self.chunk(row);
        (
            &chunk.origin.object,
            chunk.origin.first_row + (row - chunk.rows.start) as u64,
        )
    }

    /// Adds columns without values until there are `n_features`; does nothing if there are that many.
    pub fn widen(&mut self, n_features: usize) {
        self.n_features = self.n_features.max(n_features);
    }

    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The features of all rows; the table is left without, and has only labels and weights.
    pub(crate) fn take_chunks(&mut self) -> Vec<Chunk> {
        std::mem::take(&mut self.chunks)
    }

    /// Labels, weights and what stands beside the features.
    pub(crate) fn into_targets(self) -> (Vec<f32>, Option<Vec<f32>>, Side) {
        (self.labels, self.weights, self.side)
    }

    fn chunk(&self, row: usize) -> &Chunk {
        let idx = self.chunks.partition_point(|chunk| chunk.rows.end <= row);
        self.chunks.get(idx).expect("the row is in the table")
    }
}
