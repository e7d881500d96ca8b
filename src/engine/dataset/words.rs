//! Words in the place of codes: what readers find in columns of categories, until it is known which codes they have.
//!
//! Invariants: the value `-1 - k` of such a column stands for the `k`-th of its words, and every other value that is not
//! missing for a code. A feature has names where one of its words is no number; then its codes are names too, spelled as
//! numbers are: 7 and 7.0 are one category. A word without a name is missing, in training as in prediction. Names are in
//! the order of their bytes, so which codes they have does not depend on the order of rows or on threads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::TileFeatures;

/// A cell that is no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The cell's text.
    pub text: Box<str>,
    /// Whether it is a number, though not one that is a code.
    pub is_number: bool,
}

/// The words of one feature of a tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureWords {
    /// The feature.
    pub feature: u32,
    /// The value `-1 - k` stands for the `k`-th.
    pub words: Arc<[Word]>,
}

/// The names of a feature's categories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// By code.
    names: Vec<String>,
    /// The codes in the order of their names.
    order: Vec<u32>,
}

impl Names {
    /// Names by code; of a name that is there twice the first code counts.
    pub fn new(names: Vec<String>) -> Self {
        let mut order: Vec<u32> = (0..names.len() as u32).collect();
        order.sort_by(|&a, &b| names[a as usize].cmp(&names[b as usize]));
        order.dedup_by(|later, first| names[*later as usize] == names[*first as usize]);
        Self { names, order }
    }

    /// The names by code.
    pub fn as_slice(&self) -> &[String] {
        &self.names
    }

    /// The code of a name; `None` if no category has it.
    pub fn code(&self, name: &str) -> Option<u32> {
        let found = self
            .order
            .binary_search_by(|&code| self.names[code as usize].as_str().cmp(name));
        found.ok().map(|at| self.order[at])
    }

    /// The code of a number among names; NaN if no category is called so.
    pub fn code_of_number(&self, number: f32) -> f32 {
        self.value(&spelled(number))
    }

    /// The code of a name as a value; NaN if no category has it.
    pub fn value(&self, name: &str) -> f32 {
        self.code(name).map_or(f32::NAN, |code| code as f32)
    }
}

/// How a number is spelled as a name.
fn spelled(number: f32) -> String {
    // -0 is 0.
    format!("{}", number + 0.0)
}

/// The names of categories, of the features whose categories have some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CategoryNames(BTreeMap<u32, Arc<Names>>);

impl CategoryNames {
    /// Whether no feature has names.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A feature's names.
    pub fn of(&self, feature: u32) -> Option<&Arc<Names>> {
        self.0.get(&feature)
    }

    /// Features with names, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Names)> {
        self.0.iter().map(|(&feature, names)| (feature, &**names))
    }
}

impl FromIterator<(u32, Arc<Names>)> for CategoryNames {
    fn from_iter<I: IntoIterator<Item = (u32, Arc<Names>)>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

/// Looks for the names of features of categories, in two looks at a table.
#[derive(Debug)]
pub(crate) struct NameSearch(BTreeMap<u32, BTreeSet<Box<str>>>);

impl NameSearch {
    /// The features that have names, as the words of all tiles show, and those words.
    pub(crate) fn new<'a>(words: impl Iterator<Item = &'a FeatureWords>) -> Self {
        let mut found: BTreeMap<u32, (bool, BTreeSet<Box<str>>)> = BTreeMap::new();
        for of_feature in words {
            let (has_names, names) = found.entry(of_feature.feature).or_default();
            for word in of_feature.words.iter() {
                *has_names |= !word.is_number;
                if !names.contains(&word.text) {
                    names.insert(word.text.clone());
                }
            }
        }
        let named = found.into_iter().filter(|(_, (has_names, _))| *has_names);
        Self(
            named
                .map(|(feature, (_, names))| (feature, names))
                .collect(),
        )
    }

    /// The features that have names.
    pub(crate) fn features(&self) -> Vec<u32> {
        self.0.keys().copied().collect()
    }

    /// Adds the numbers among the values of a feature that has names.
    pub(crate) fn add_numbers(&mut self, feature: u32, values: impl Iterator<Item = f32>) {
        let Some(names) = self.0.get_mut(&feature) else {
            return;
        };
        let mut last = f32::NAN;
        for value in values.filter(|it| *it >= 0.0) {
            if value != last {
                names.insert(spelled(value).into());
                last = value;
            }
        }
    }

    /// The names.
    pub(crate) fn finish(self) -> CategoryNames {
        let named = self.0.into_iter().map(|(feature, names)| {
            let names = names.into_iter().map(String::from).collect();
            (feature, Arc::new(Names::new(names)))
        });
        named.collect()
    }
}

/// What a cell's value is by code: itself where its feature has no names.
pub(crate) fn coded(value: f32, words: &[Word], names: &Names) -> f32 {
    if value.is_nan() {
        return value;
    }
    match word(value, words) {
        Some(word) => names.value(&word.text),
        None => names.code_of_number(value),
    }
}

/// The word that a value stands for, if it is one.
pub(crate) fn word(value: f32, words: &[Word]) -> Option<&Word> {
    if value < 0.0 {
        words.get((-1.0 - value) as usize)
    } else {
        None
    }
}

/// The words of a feature among those of a tile.
pub(crate) fn words_of(words: &[FeatureWords], feature: u32) -> &[Word] {
    let found = words.iter().find(|it| it.feature == feature);
    found.map_or(&[], |it| &it.words)
}

impl TileFeatures {
    /// Puts codes in the place of the words and numbers of the features that have `names`.
    pub(crate) fn code_words(
        &mut self,
        n_rows: usize,
        words: &[FeatureWords],
        names: &CategoryNames,
    ) {
        for (&feature, names) in &names.0 {
            let words = words_of(words, feature);
            match self {
                Self::Dense { n_features, values } => {
                    let feature = feature as usize;
                    if feature < *n_features {
                        let column = &mut values[feature * n_rows..(feature + 1) * n_rows];
                        code_column(column, words, names);
                    }
                }
                Self::Csr {
                    indices, values, ..
                } => {
                    let entries = indices.iter().zip(values.iter_mut());
                    for (_, value) in entries.filter(|(it, _)| **it == feature) {
                        *value = coded(*value, words, names);
                    }
                }
            }
        }
    }
}

/// Puts codes in the place of a column's words and numbers.
pub(crate) fn code_column(column: &mut [f32], words: &[Word], names: &Names) {
    // A word is looked up once, not for every row.
    let codes: Vec<f32> = words.iter().map(|it| names.value(&it.text)).collect();
    for value in column {
        *value = if *value < 0.0 {
            codes
                .get((-1.0 - *value) as usize)
                .copied()
                .unwrap_or(f32::NAN)
        } else {
            coded(*value, words, names)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(texts: &[(&str, bool)]) -> FeatureWords {
        let words = texts.iter().map(|&(text, is_number)| Word {
            text: text.into(),
            is_number,
        });
        FeatureWords {
            feature: 2,
            words: words.collect(),
        }
    }

    #[test]
    fn names_are_sorted_and_numbers_among_them_are_names_too() {
        let found = words(&[("pear", false), ("-1", true), ("apple", false)]);
        let mut search = NameSearch::new([&found].into_iter());
        search.add_numbers(2, [7.0, 10.0, 7.0, -1.0, f32::NAN].into_iter());
        let names = search.finish();
        let names = names.of(2).unwrap();
        assert_eq!(names.as_slice(), ["-1", "10", "7", "apple", "pear"]);
        let mut column = [-1.0, -3.0, 7.0, f32::NAN, 8.0, -2.0];
        code_column(&mut column, &found.words, names);
        assert!(column[3].is_nan() && column[4].is_nan());
        assert_eq!(
            [column[0], column[1], column[2], column[5]],
            [4.0, 3.0, 2.0, 0.0]
        );
    }

    #[test]
    fn numbers_alone_are_no_names() {
        let found = words(&[("-1", true), ("1.5", true)]);
        assert!(NameSearch::new([&found].into_iter()).finish().is_empty());
    }

    #[test]
    fn names_in_any_order_are_found_by_the_code_that_they_have() {
        let names = Names::new(["b", "a", "c", "a"].map(str::to_owned).to_vec());
        let codes = ["a", "b", "c", "d"].map(|it| names.code(it));
        assert_eq!(codes, [Some(1), Some(0), Some(2), None]);
    }
}
