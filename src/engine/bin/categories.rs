//! The bins of features whose values are codes of categories, which have no order.
//!
//! Invariants: bin `i` is the category `codes()[i]`, and the bin behind the last of them is all others: the rare ones where
//! there are more than [`MOST_CATEGORIES`], and those that no row had when the bins were made. No split sends that bin right,
//! so to a model its categories are ones that it does not know, in training as in prediction. Which categories have bins
//! depends on the rows alone, not on their order.
//!
//! Source: XGBoost `src/common/quantile.cc`, `AddCategories`: a category for each code up to the largest.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::dataset::Names;

use super::CODES;
use super::sort::{sort_by_key, unordered};

/// Categories of a feature that have a bin each: a byte has a code for each, for the others, and for what is missing.
pub const MOST_CATEGORIES: usize = CODES - 2;

/// The categories of a feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Categories {
    codes: Vec<u32>,
    n_codes: u32,
    n_grouped: usize,
    are_counted: bool,
    names: Option<Arc<Names>>,
}

impl Categories {
    /// The categories of a feature from the keys of its values, which are codes, in any order.
    pub(super) fn of_keys(mut keys: Vec<u32>, names: Option<Arc<Names>>) -> Self {
        sort_by_key(&mut keys, |key| key);
        let runs = keys.chunk_by(|a, b| a == b);
        let mut found: Vec<(u32, usize)> = runs
            .map(|run| (unordered(run[0]) as u32, run.len()))
            .collect();
        let n_codes = found.last().map_or(0, |&(code, _)| code + 1);
        if n_codes as usize <= MOST_CATEGORIES {
            return Self {
                codes: (0..n_codes).collect(),
                n_codes,
                n_grouped: 0,
                are_counted: true,
                names,
            };
        }
        let n_grouped = found.len().saturating_sub(MOST_CATEGORIES);
        if n_grouped > 0 {
            // Of equally frequent ones the smaller code.
            found.sort_by_key(|&(code, n_rows)| (Reverse(n_rows), code));
            found.truncate(MOST_CATEGORIES);
        }
        let mut codes: Vec<u32> = found.into_iter().map(|(code, _)| code).collect();
        codes.sort_unstable();
        Self {
            codes,
            n_codes,
            n_grouped,
            are_counted: false,
            names,
        }
    }

    /// The names of the categories, by code, where they have some.
    pub fn names(&self) -> Option<&Arc<Names>> {
        self.names.as_ref()
    }

    /// The codes that have a bin, ascending.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// One more than the largest code that a row has: what XGBoost takes for the number of categories.
    pub fn n_codes(&self) -> u32 {
        self.n_codes
    }

    /// Categories that occur and have no bin of their own.
    pub fn n_grouped(&self) -> usize {
        self.n_grouped
    }

    /// The codes, where a bin's number is not its category's code.
    pub(super) fn listed(&self) -> Option<&[u32]> {
        (!self.are_counted).then_some(&self.codes)
    }

    /// Cuts between the bins' numbers: bin `i` holds `i <= x < i + 1`, and the last one the rest.
    pub(super) fn cuts(&self) -> Vec<f32> {
        let inner = (1..=self.codes.len()).map(|bin| bin as f32);
        inner.chain([super::SENTINEL]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sort::ordered;
    use super::*;

    fn of_codes(codes: impl Iterator<Item = u32>) -> Categories {
        Categories::of_keys(codes.map(|code| ordered(code as f32)).collect(), None)
    }

    #[test]
    fn every_code_up_to_the_largest_has_a_bin_while_there_is_room() {
        let few = of_codes([3, 0, 3].into_iter());
        assert_eq!(few.codes(), [0, 1, 2, 3]);
        assert_eq!(few.cuts(), [1.0, 2.0, 3.0, 4.0, super::super::SENTINEL]);
        assert_eq!((few.n_codes(), few.n_grouped(), few.listed()), (4, 0, None));
        assert_eq!(of_codes([253].into_iter()).codes().len(), MOST_CATEGORIES);
        assert!(of_codes(std::iter::empty()).codes().is_empty());
    }

    #[test]
    fn of_large_codes_those_that_occur_have_one_and_of_many_the_most_frequent() {
        let large = of_codes([16_000_000, 7, 254].into_iter());
        assert_eq!(large.codes(), [7, 254, 16_000_000]);
        assert_eq!((large.n_codes(), large.n_grouped()), (16_000_001, 0));
        // The even ones twice, and of the odd ones the smaller.
        let many = of_codes((0..400).chain((0..400).step_by(2)));
        assert_eq!(many.n_grouped(), 400 - MOST_CATEGORIES);
        assert!((0..400).step_by(2).all(|code| many.codes().contains(&code)));
        assert!(many.codes().contains(&107) && !many.codes().contains(&109));
    }
}
