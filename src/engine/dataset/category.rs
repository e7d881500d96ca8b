//! Whether the values of features of categories are codes, and codes in the place of words.
//!
//! Invariant: of several values that are none, the one in the first row is told.
//!
//! Source: XGBoost `src/common/categorical.h`; XGBoost cuts fractions off, where here they are refused: a number with a
//! fraction is a quantity that was taken for a category.

use crate::tree::MAX_CATEGORIES;

use super::words::{word, words_of};
use super::{
    CategoryNames, Dataset, DatasetError, FeatureWords, FeaturesView, NameSearch, Origin, Tile,
};

impl Tile {
    /// Puts codes in the place of the words and numbers of the features that have `names`; a word without a name is missing.
    pub fn code_words(&mut self, names: &CategoryNames) {
        let n_rows = self.labels.len();
        self.features.code_words(n_rows, &self.words, names);
        self.words.retain(|it| names.of(it.feature).is_none());
    }

    /// Checks that the values of the features `categorical` are codes of categories.
    pub(crate) fn check_categories(&self, categorical: &[u32]) -> Result<(), DatasetError> {
        let features = (self.features.view(), self.words.as_slice());
        check_categories(features, self.labels.len(), &self.origin, categorical)
    }
}

impl Dataset {
    /// Checks that the values of the features `categorical` are codes of categories.
    ///
    /// # Errors
    /// [`DatasetError::Category`] for the first value that is none.
    pub fn check_categories(&self, categorical: &[u32]) -> Result<(), DatasetError> {
        let mut chunks = self.chunks.iter();
        chunks.try_for_each(|it| {
            let features = (it.features.view(), it.words.as_slice());
            check_categories(features, it.rows.len(), &it.origin, categorical)
        })
    }

    /// The names of the categories of the table's words, and of what numbers stand among them.
    pub fn category_names(&self) -> CategoryNames {
        let words = self.chunks.iter().flat_map(|it| &it.words);
        let mut search = NameSearch::new(words);
        for feature in search.features() {
            for chunk in &self.chunks {
                search.add_numbers(
                    feature,
                    chunk.features.view().column(feature, chunk.rows.len()),
                );
            }
        }
        search.finish()
    }

    /// Puts codes in the place of the words and numbers of the features that have `names`; a word without a name is missing.
    pub fn code_words(&mut self, names: &CategoryNames) {
        for chunk in &mut self.chunks {
            let n_rows = chunk.rows.len();
            chunk.features.code_words(n_rows, &chunk.words, names);
            chunk.words.retain(|it| names.of(it.feature).is_none());
        }
    }
}

/// Checks that the values of the features `categorical` of `n_rows` rows are codes of categories.
pub(crate) fn check_categories(
    (features, words): (FeaturesView<'_>, &[FeatureWords]),
    n_rows: usize,
    origin: &Origin,
    categorical: &[u32],
) -> Result<(), DatasetError> {
    let found = match features {
        _ if categorical.is_empty() => None,
        FeaturesView::Dense { n_features, values } => {
            let first = |&feature: &u32| {
                let feature = feature as usize;
                let column = values.get(feature * n_rows..(feature + 1) * n_rows)?;
                let row = column.iter().position(|&value| !is_code(value))?;
                Some((row, feature, column[row]))
            };
            let there = categorical.iter().filter(|&&it| (it as usize) < n_features);
            let found = there.filter_map(first);
            found.min_by_key(|&(row, feature, _)| (row, feature))
        }
        FeaturesView::Csr {
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
            value: match word(value, words_of(words, feature as u32)) {
                Some(word) => word.text.to_string(),
                None => value.to_string(),
            },
        }),
    }
}

/// Whether a value is missing or the code of a category.
pub fn is_code(value: f32) -> bool {
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
