//! Tiles become a table.

use super::check::Continuity;
use super::{Chunk, Dataset, DatasetError, GrowingSide, Tile};

/// A table that still grows.
#[derive(Clone, Debug, Default)]
pub struct DatasetBuilder {
    n_features: usize,
    continuity: Continuity,
    chunks: Vec<Chunk>,
    labels: Vec<f32>,
    weights: Option<Vec<f32>>,
    side: GrowingSide,
}

impl DatasetBuilder {
    /// Adds a tile below the rows that are there. A tile without rows is passed over.
    ///
    /// # Errors
    /// [`DatasetError`] for the first thing in the tile that is not allowed; the table is then as it was before.
    pub fn push(&mut self, mut tile: Tile) -> Result<(), DatasetError> {
        let n_rows = tile.labels.len();
        if n_rows == 0 {
            return Ok(());
        }
        let width = tile.check()?;
        let continuity = self.continuity.followed_by(tile.traits(), &tile.origin)?;
        self.side.append(tile.side, n_rows, &tile.origin)?;
        self.continuity = continuity;
        let first = self.labels.len();
        self.n_features = self.n_features.max(width);
        self.labels.append(&mut tile.labels);
        if let Some(weights) = tile.weights {
            self.weights.get_or_insert_default().extend(weights);
        }
        self.chunks.push(Chunk {
            rows: first..first + n_rows,
            features: tile.features,
            words: tile.words,
            origin: tile.origin,
        });
        Ok(())
    }

    /// The rows that were pushed.
    ///
    /// # Errors
    /// [`DatasetError::Empty`] if there are none.
    pub fn finish(self) -> Result<Dataset, DatasetError> {
        if self.labels.is_empty() {
            return Err(DatasetError::Empty);
        }
        let Self {
            n_features,
            chunks,
            labels,
            weights,
            side,
            ..
        } = self;
        Ok(Dataset {
            n_features,
            chunks,
            labels,
            weights,
            side: side.finish(),
        })
    }
}
