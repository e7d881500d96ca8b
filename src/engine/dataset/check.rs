//! What a tile must be, and what tiles that follow one another must have in common.
//!
//! Invariant: a tile that passed [`Tile::check`] has arrays that agree, values that trees can tell apart, and sparse rows
//! whose columns ascend. [`Continuity`] then holds what its rows share with those before them.

use super::side::Widths;
use super::tile::{is_too_large, is_weight};
use super::{DatasetError, Origin, SideColumn, Tile, TileFeatures};

impl Tile {
    /// Checks the tile by itself, puts each sparse row's columns in order, and gives the number of columns.
    pub(crate) fn check(&mut self) -> Result<usize, DatasetError> {
        check_labels(self)?;
        self.side.check(&self.labels, &self.origin)?;
        let n_rows = self.labels.len();
        match &mut self.features {
            TileFeatures::Dense { n_features, values } => {
                check_dense(*n_features, values, n_rows, &self.origin)?;
                Ok(*n_features)
            }
            TileFeatures::Csr {
                indptr,
                indices,
                values,
            } => {
                check_pointers(indptr, indices, values, n_rows, &self.origin)?;
                sort_rows(indptr, indices, values, &self.origin)
            }
        }
    }

    /// What the rows after this tile have to have in common with it.
    pub(crate) fn traits(&self) -> Traits {
        Traits {
            n_rows: self.labels.len(),
            weighted: self.weights.is_some(),
            side: self.side.widths(self.labels.len()),
            dense_features: match &self.features {
                TileFeatures::Dense { n_features, .. } => Some(*n_features),
                TileFeatures::Csr { .. } => None,
            },
        }
    }
}

/// What a tile shares with its neighbours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    pub(crate) n_rows: usize,
    weighted: bool,
    side: Widths,
    /// Columns, where the tile is dense.
    pub(crate) dense_features: Option<usize>,
}

/// What the rows so far have in common.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Continuity {
    n_rows: usize,
    weighted: bool,
    side: Widths,
    dense_features: Option<usize>,
}

impl Continuity {
    /// What the rows have in common with those of the next tile, which has some, or why that cannot follow.
    pub(crate) fn followed_by(self, tile: Traits, origin: &Origin) -> Result<Self, DatasetError> {
        if self.n_rows + tile.n_rows > u32::MAX as usize {
            return Err(DatasetError::TooManyRows);
        }
        if self.n_rows > 0 && tile.weighted != self.weighted {
            return Err(DatasetError::MixedWeights {
                origin: origin.clone(),
            });
        }
        let mut widths = SideColumn::ALL.into_iter().zip(tile.side).zip(self.side);
        if let Some(((column, _), _)) = widths.find(|((_, found), expected)| found != expected)
            && self.n_rows > 0
        {
            return Err(DatasetError::MixedSide {
                origin: origin.clone(),
                column,
            });
        }
        if let (Some(expected), Some(found)) = (self.dense_features, tile.dense_features)
            && expected != found
        {
            return Err(DatasetError::Columns {
                origin: origin.clone(),
                found,
                expected,
            });
        }
        Ok(Self {
            n_rows: self.n_rows + tile.n_rows,
            weighted: tile.weighted,
            side: tile.side,
            dense_features: self.dense_features.or(tile.dense_features),
        })
    }
}

fn check_dense(
    n_features: usize,
    values: &[f32],
    n_rows: usize,
    origin: &Origin,
) -> Result<(), DatasetError> {
    if values.len() != n_features * n_rows {
        return Err(DatasetError::Shape {
            origin: origin.clone(),
            found: values.len(),
            expected: n_features * n_rows,
        });
    }
    // A look at all values at once is a fraction of a search that may stop at each.
    let any = |values: &[f32]| values.iter().fold(false, |any, &it| any | is_too_large(it));
    if !any(values) {
        return Ok(());
    }
    match values.iter().position(|&value| is_too_large(value)) {
        Some(at) => Err(infinite(origin, at % n_rows, at / n_rows, values[at])),
        None => Ok(()),
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
