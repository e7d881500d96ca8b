//! Tiles become a table: what a tile must be is checked here, once.

use super::tile::{is_too_large, is_weight};
use super::{Chunk, Dataset, DatasetError, Origin, Tile, TileFeatures};

/// A table that still grows.
#[derive(Clone, Debug, Default)]
pub struct DatasetBuilder {
    n_features: usize,
    dense_features: Option<usize>,
    chunks: Vec<Chunk>,
    labels: Vec<f32>,
    weights: Option<Vec<f32>>,
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
        if self.labels.len() + n_rows > u32::MAX as usize {
            return Err(DatasetError::TooManyRows);
        }
        let weighted = tile.weights.is_some();
        if !self.labels.is_empty() && weighted != self.weights.is_some() {
            return Err(DatasetError::MixedWeights {
                origin: tile.origin,
            });
        }
        check_labels(&tile)?;
        let width = match &mut tile.features {
            TileFeatures::Dense { n_features, values } => {
                self.check_dense(*n_features, values, n_rows, &tile.origin)?;
                self.dense_features = Some(*n_features);
                *n_features
            }
            TileFeatures::Csr {
                indptr,
                indices,
                values,
            } => {
                check_pointers(indptr, indices, values, n_rows, &tile.origin)?;
                sort_rows(indptr, indices, values, &tile.origin)?
            }
        };
        let first = self.labels.len();
        self.n_features = self.n_features.max(width);
        self.labels.append(&mut tile.labels);
        if let Some(weights) = tile.weights {
            self.weights.get_or_insert_default().extend(weights);
        }
        self.chunks.push(Chunk {
            rows: first..first + n_rows,
            features: tile.features,
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
            ..
        } = self;
        Ok(Dataset {
            n_features,
            chunks,
            labels,
            weights,
        })
    }

    fn check_dense(
        &self,
        n_features: usize,
        values: &[f32],
        n_rows: usize,
        origin: &Origin,
    ) -> Result<(), DatasetError> {
        if values.len() != n_features * n_rows {
            let expected = n_features * n_rows;
            return Err(DatasetError::Shape {
                origin: origin.clone(),
                found: values.len(),
                expected,
            });
        }
        if let Some(expected) = self
            .dense_features
            .filter(|&expected| expected != n_features)
        {
            return Err(DatasetError::Columns {
                origin: origin.clone(),
                found: n_features,
                expected,
            });
        }
        match values.iter().position(|&value| is_too_large(value)) {
            Some(at) => Err(infinite(origin, at % n_rows, at / n_rows, values[at])),
            None => Ok(()),
        }
    }
}

fn check_labels(tile: &Tile) -> Result<(), DatasetError> {
    let object = || tile.origin.object.to_string();
    if let Some(row) = tile.labels.iter().position(|label| !label.is_finite()) {
        let value = tile.labels[row];
        return Err(DatasetError::Label {
            object: object(),
            row: tile.origin.first_row + row as u64,
            value,
        });
    }
    let Some(weights) = &tile.weights else {
        return Ok(());
    };
    if weights.len() != tile.labels.len() {
        let (found, expected) = (weights.len(), tile.labels.len());
        return Err(DatasetError::Shape {
            origin: tile.origin.clone(),
            found,
            expected,
        });
    }
    match weights.iter().position(|&weight| !is_weight(weight)) {
        Some(row) => {
            let value = weights[row];
            Err(DatasetError::Weight {
                object: object(),
                row: tile.origin.first_row + row as u64,
                value,
            })
        }
        None => Ok(()),
    }
}

fn check_pointers(
    indptr: &[usize],
    indices: &[u32],
    values: &[f32],
    n_rows: usize,
    origin: &Origin,
) -> Result<(), DatasetError> {
    let shape = |found, expected| {
        Err(DatasetError::Shape {
            origin: origin.clone(),
            found,
            expected,
        })
    };
    if indptr.len() != n_rows + 1 {
        return shape(indptr.len(), n_rows + 1);
    }
    if values.len() != indices.len() {
        return shape(values.len(), indices.len());
    }
    if indptr[0] != 0 || indptr[n_rows] != indices.len() || !indptr.is_sorted() {
        return shape(indices.len(), indptr[n_rows]);
    }
    for row in 0..n_rows {
        for entry in indptr[row]..indptr[row + 1] {
            if is_too_large(values[entry]) {
                return Err(infinite(
                    origin,
                    row,
                    indices[entry] as usize,
                    values[entry],
                ));
            }
        }
    }
    Ok(())
}

/// Puts each row's columns in order and gives the number of columns.
fn sort_rows(
    indptr: &[usize],
    indices: &mut [u32],
    values: &mut [f32],
    origin: &Origin,
) -> Result<usize, DatasetError> {
    for (row, bounds) in indptr.windows(2).enumerate() {
        let entries = bounds[0]..bounds[1];
        if !indices[entries.clone()].is_sorted() {
            let row_indices = indices[entries.clone()].iter().copied();
            let mut pairs: Vec<_> = row_indices
                .zip(values[entries.clone()].iter().copied())
                .collect();
            pairs.sort_by_key(|&(feature, _)| feature);
            for (entry, (feature, value)) in entries.clone().zip(pairs) {
                indices[entry] = feature;
                values[entry] = value;
            }
        }
        if let Some(pair) = indices[entries].windows(2).find(|pair| pair[0] == pair[1]) {
            let row = origin.first_row + row as u64;
            return Err(DatasetError::RepeatedColumn {
                object: origin.object.to_string(),
                row,
                feature: pair[0],
            });
        }
    }
    Ok(indices.iter().max().map_or(0, |&last| last as usize + 1))
}

fn infinite(origin: &Origin, row: usize, feature: usize, value: f32) -> DatasetError {
    DatasetError::Infinite {
        object: origin.object.to_string(),
        row: origin.first_row + row as u64,
        feature,
        value,
    }
}
