//! Cells of columns of categories: a code, a word, or a number that is no code; and the words of a block.
//!
//! Invariant: a word's number is its place among the words of its block or row group, so it depends on their rows alone; the
//! engine, which sees all of them, gives words their codes.

use std::collections::HashMap;
use std::sync::Arc;

use engine::dataset::{FeatureWords, Word, is_code};

use super::number::{NumberError, parse_cell};

/// The words of a column, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct ColumnWords {
    numbers: HashMap<Box<str>, u32>,
    words: Vec<Word>,
}

impl ColumnWords {
    /// What stands for a word: -1 for the first one, and so on.
    pub(super) fn value(&mut self, text: &str, is_number: bool) -> f32 {
        let number = self.numbers.get(text).copied().unwrap_or_else(|| {
            let number = self.words.len() as u32;
            self.words.push(Word {
                text: text.into(),
                is_number,
            });
            self.numbers.insert(text.into(), number);
            number
        });
        -1.0 - number as f32
    }

    /// The value of a cell that is not a plain number: a code, missing, or what stands for a word.
    pub(super) fn cell(&mut self, cell: &[u8]) -> f32 {
        let cell = cell.trim_ascii();
        match parse_cell(cell) {
            Ok(value) if is_code(value) => value,
            // As a number is spelled among names.
            Ok(value) => self.value(&value.to_string(), true),
            Err(err) => {
                let is_number = matches!(err, NumberError::Infinite(_));
                self.value(&String::from_utf8_lossy(cell), is_number)
            }
        }
    }

    /// The words so far, of this feature; `None` if there are none.
    pub(super) fn of_feature(&self, feature: u32) -> Option<FeatureWords> {
        let words: Arc<[Word]> = self.words.as_slice().into();
        (!words.is_empty()).then_some(FeatureWords { feature, words })
    }

    /// How many words there are.
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// Forgets the words behind the first `n_words`.
    pub(super) fn truncate(&mut self, n_words: usize) {
        for word in self.words.drain(n_words..) {
            self.numbers.remove(&*word.text);
        }
    }

    /// Forgets all words.
    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.words.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_numbers_and_the_rest_is_words() {
        let mut words = ColumnWords::default();
        for (cell, expected) in [
            ("7", 7.0),
            (" 7.0 ", 7.0),
            ("North", -1.0),
            ("South", -2.0),
            ("North ", -1.0),
            ("-1", -3.0),
            ("-1.0", -3.0),
            ("1.5", -4.0),
            ("16777216", -5.0),
        ] {
            assert_eq!(words.cell(cell.as_bytes()), expected, "{cell}");
        }
        assert!(
            ["", "NA", "nan"]
                .iter()
                .all(|it| words.cell(it.as_bytes()).is_nan())
        );
        let found = words.of_feature(3).unwrap();
        let numbers: Vec<&str> = found
            .words
            .iter()
            .filter(|it| it.is_number)
            .map(|it| &*it.text)
            .collect();
        assert_eq!((found.feature, numbers), (3, vec!["-1", "1.5", "16777216"]));
    }
}
