//! Whether the values of features of categories are codes.
//!
//! Invariant: of several values that are none, the one in the first row is told.
//!
//! Source: XGBoost `src/common/categorical.h`; XGBoost cuts fractions off, where here they are refused: a number with a
//! fraction is a quantity that was taken for a category.

use crate::tree::MAX_CATEGORIES;

use super::{Dataset, DatasetError, Origin, Tile, TileFeatures};

impl Tile {
    /// Checks that the values of the features `categorical` are codes of categories.
    pub(crate) fn check_categories(&self, categorical: &[u32]) -> Result<(), DatasetError> {
        check(&self.features, self.labels.len(), &self.origin, categorical)
    }
}

impl Dataset {
    /// Checks that the values of the features `categorical` are codes of categories.
    ///
    /// # Errors
    /// [`DatasetError::Category`] for the first value that is none.
    pub fn check_categories(&self, categorical: &[u32]) -> Result<(), DatasetError> {
        let mut chunks = self.chunks.iter();
        chunks.try_for_each(|it| check(&it.features, it.rows.len(), &it.origin, categorical))
    }
}

fn check(
    features: &TileFeatures,
    n_rows: usize,
    origin: &Origin,
    categorical: &[u32],
) -> Result<(), DatasetError> {
    let found = match features {
        _ if categorical.is_empty() => None,
        TileFeatures::Dense { n_features, values } => {
            let first = |&feature: &u32| {
                let feature = feature as usize;
                let column = values.get(feature * n_rows..(feature + 1) * n_rows)?;
                let row = column.iter().position(|&value| !is_code(value))?;
                Some((row, feature, column[row]))
            };
            let there = categorical
                .iter()
                .filter(|&&it| (it as usize) < *n_features);
            let found = there.filter_map(first);
            found.min_by_key(|&(row, feature, _)| (row, feature))
        }
        TileFeatures::Csr {
            indptr,
            indices,
            values,
        } => {
            let mut entries = indices.iter().zip(values).enumerate();
            let found = entries
                .find(|(_, (feature, value))| categorical.contains(feature) && !is_code(**value));
            found.map(|(entry, (&feature, &value))| {
                let row = indptr.partition_point(|&begin| begin <= entry) - 1;
                (row, feature as usize, value)
            })
        }
    };
    match found {
        None => Ok(()),
        Some((row, feature, value)) => Err(DatasetError::Category {
            object: origin.object.to_string(),
            row: origin.first_row + row as u64,
            feature,
            value,
        }),
    }
}

/// Whether a value is missing or the code of a category.
fn is_code(value: f32) -> bool {
    value.is_nan() || (value >= 0.0 && value < MAX_CATEGORIES as f32 && value.fract() == 0.0)
}

#[cfg(test)]
mod tests {
    use super::is_code;

    #[test]
    fn codes_are_whole_numbers_from_0_below_two_to_the_24() {
        for value in [0.0, -0.0, 7.0, 16_777_215.0, f32::NAN] {
            assert!(is_code(value), "{value}");
        }
        for value in [-1.0, 0.5, 16_777_216.0, 1e30] {
            assert!(!is_code(value), "{value}");
        }
    }
}
