//! Categories that a split tells apart.
//!
//! Invariants: the categories of a set are the ones that go *right*, as XGBoost stores them, ascending and different; a
//! value that is no category (negative, or 2^24 and beyond) and a category that is not in the set go left; a missing value
//! takes the default direction. A set costs as much memory as its categories, however large their codes are.
//!
//! Source: XGBoost `src/common/categorical.h`.

/// The codes of categories are below it: every smaller whole number is an `f32`.
pub const MAX_CATEGORIES: u32 = 1 << 24;

/// A code that is not below [`MAX_CATEGORIES`], or a set without categories.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CategoryError {
    /// The code is too large.
    #[error("category {0} is not below {MAX_CATEGORIES}")]
    TooLarge(u32),
    /// No category at all: such a split sends every row left.
    #[error("a categorical split names no category")]
    Empty,
}

/// The categories that a split sends right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategorySet {
    codes: Vec<u32>,
}

impl CategorySet {
    /// A set of `codes`, in any order and with repetitions.
    ///
    /// # Errors
    /// [`CategoryError`] if there is none, or one is not below [`MAX_CATEGORIES`].
    pub fn new(mut codes: Vec<u32>) -> Result<Self, CategoryError> {
        codes.sort_unstable();
        codes.dedup();
        match codes.last() {
            None => Err(CategoryError::Empty),
            Some(&last) if last >= MAX_CATEGORIES => Err(CategoryError::TooLarge(last)),
            Some(_) => Ok(Self { codes }),
        }
    }

    /// The codes, ascending.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// Whether a value that is not missing goes right.
    #[inline]
    pub fn contains(&self, value: f32) -> bool {
        value >= 0.0
            && value < MAX_CATEGORIES as f32
            && self.codes.binary_search(&(value as u32)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_members_go_right() {
        let set = CategorySet::new(vec![5, 0, 5, 40]).unwrap();
        assert_eq!(set.codes(), [0, 5, 40]);
        for (value, expected) in [
            (0.0, true),
            (-0.0, true),
            (5.9, true),
            (1.0, false),
            (-1.0, false),
            (41.0, false),
            (1e30, false),
            (f32::INFINITY, false),
            (f32::NAN, false),
        ] {
            assert_eq!(set.contains(value), expected, "{value}");
        }
    }

    #[test]
    fn refuses_sets_that_xgboost_refuses() {
        assert_eq!(CategorySet::new(Vec::new()), Err(CategoryError::Empty));
        let large = CategorySet::new(vec![1, MAX_CATEGORIES]);
        assert_eq!(large, Err(CategoryError::TooLarge(MAX_CATEGORIES)));
    }
}
