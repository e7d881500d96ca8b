//! Some columns of a table, for whoever reads a few of many: a model of a hundred trees asks for little of a table of
//! fifty thousand columns.
//!
//! Invariant: `places[features[column]] == column`, and [`NOWHERE`] elsewhere; features ascend. Features from [`MAX_PLACES`]
//! on have no place and are searched for, so that a model's largest feature does not decide how much memory is taken.

use std::ops::Range;

use super::{Chunk, Dataset, TileFeatures};

/// The place of a feature that is not selected.
const NOWHERE: u32 = u32::MAX;

/// Features that have a place.
const MAX_PLACES: usize = 1 << 22;

/// Features that are to be read, each with its column in what is read.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    features: Vec<u32>,
    places: Vec<u32>,
}

impl Selection {
    /// Selects `features`, in any order and with repetitions.
    pub(crate) fn new(mut features: Vec<u32>) -> Self {
        features.sort_unstable();
        features.dedup();
        let n_places = features.last().map_or(0, |&last| last as usize + 1);
        let n_places = n_places.min(MAX_PLACES);
        let mut places = vec![NOWHERE; n_places];
        for (column, &feature) in features.iter().enumerate() {
            if let Some(place) = places.get_mut(feature as usize) {
                *place = column as u32;
            }
        }
        Self { features, places }
    }

    /// The features by column, ascending.
    pub(crate) fn features(&self) -> &[u32] {
        &self.features
    }

    /// The column of a feature; `None` if it is not selected.
    #[inline]
    pub(crate) fn column(&self, feature: u32) -> Option<usize> {
        match self.places.get(feature as usize) {
            Some(&NOWHERE) => None,
            Some(&column) => Some(column as usize),
            None => self.column_without_place(feature),
        }
    }

    #[cold]
    fn column_without_place(&self, feature: u32) -> Option<usize> {
        self.features.binary_search(&feature).ok()
    }
}

impl Dataset {
    /// Fills `out` with `rows` of the selected features, column-major `(n_selected, stride)` with `stride` at least
    /// `rows.len()`; NaN where a value is missing, the table has no such column, or there is no row.
    ///
    /// # Panics
    /// If `rows` reaches beyond the table, or `out` has not `n_selected * stride` entries.
    pub(crate) fn copy_selected(
        &self,
        rows: Range<usize>,
        selection: &Selection,
        stride: usize,
        out: &mut [f32],
    ) {
        out.fill(f32::NAN);
        let first = self.chunks.partition_point(|it| it.rows.end <= rows.start);
        for chunk in self.chunks[first..]
            .iter()
            .take_while(|it| it.rows.start < rows.end)
        {
            let shared = rows.start.max(chunk.rows.start)..rows.end.min(chunk.rows.end);
            let target = shared.start - rows.start;
            let local = shared.start - chunk.rows.start..shared.end - chunk.rows.start;
            chunk.copy_selected(local, selection, stride, &mut out[target..]);
        }
    }
}

impl Chunk {
    fn copy_selected(
        &self,
        rows: Range<usize>,
        selection: &Selection,
        stride: usize,
        out: &mut [f32],
    ) {
        match &self.features {
            TileFeatures::Dense { n_features, values } => {
                let n_rows = self.rows.len();
                let features = selection.features.iter().map(|&it| it as usize);
                for (column, feature) in features.enumerate().take_while(|it| it.1 < *n_features) {
                    let source = &values[feature * n_rows..][rows.clone()];
                    out[column * stride..][..rows.len()].copy_from_slice(source);
                }
            }
            TileFeatures::Csr {
                indptr,
                indices,
                values,
            } => {
                for (target, row) in rows.enumerate() {
                    for entry in indptr[row]..indptr[row + 1] {
                        if let Some(column) = selection.column(indices[entry]) {
                            out[column * stride + target] = values[entry];
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_features_however_large() {
        let large = MAX_PLACES as u32;
        let selection = Selection::new(vec![7, u32::MAX, large, 7, 0, large - 1]);
        assert_eq!(selection.features(), [0, 7, large - 1, large, u32::MAX]);
        for (column, &feature) in selection.features().iter().enumerate() {
            assert_eq!(selection.column(feature), Some(column));
        }
        for feature in [1, 8, large + 1, u32::MAX - 1] {
            assert_eq!(selection.column(feature), None);
        }
    }
}
