//! Categories by name: which columns of a request hold words, and the codes that the model knows them by.
//!
//! Invariants: columns are those of a request's rows, so what stands beside the features is counted too; a word that the
//! model does not know is missing, as in `linden model predict`.

use std::sync::Arc;

use engine::dataset::{CategoryNames, Names};

use super::side::SidePlan;
use crate::data::number::parse_cell;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Words(Vec<Option<Arc<Names>>>);

impl Words {
    /// The columns of rows that have `n_features` features and the plan's columns.
    pub(super) fn new(names: &CategoryNames, n_features: usize, side: &SidePlan) -> Self {
        if names.is_empty() {
            return Self::default();
        }
        let mut columns = Vec::new();
        let mut feature = 0;
        while (feature as usize) < n_features {
            if side.names(columns.len()) {
                columns.push(None);
                continue;
            }
            columns.push(names.of(feature).cloned());
            feature += 1;
        }
        Self(columns)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of a column.
    pub(super) fn of(&self, column: usize) -> Option<&Names> {
        self.0.get(column)?.as_deref()
    }
}

/// The code of a category; NaN for a missing one, and for one that the model does not know.
pub(super) fn code(text: &[u8], names: &Names) -> f32 {
    match parse_cell(text) {
        Ok(number) if number.is_nan() => number,
        Ok(number) => names.code_of_number(number),
        Err(_) => std::str::from_utf8(text.trim_ascii()).map_or(f32::NAN, |it| names.value(it)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_beside_the_features_are_counted() {
        let names = Names::new(vec!["blue".to_owned(), "red".to_owned(), "3".to_owned()]);
        let all: CategoryNames = [(1, Arc::new(names.clone()))].into_iter().collect();
        let side = SidePlan {
            exposure: Some(1),
            base_margin: Vec::new(),
        };
        let words = Words::new(&all, 3, &side);
        let columns: Vec<bool> = (0..5).map(|it| words.of(it).is_some()).collect();
        assert_eq!(columns, [false, false, true, false, false]);
        for (text, expected) in [("blue", 0.0), (" red ", 1.0), ("3", 2.0), ("3.0", 2.0)] {
            assert_eq!(code(text.as_bytes(), &names), expected, "{text}");
        }
        for text in ["", "nan", "green", "4"] {
            assert!(code(text.as_bytes(), &names).is_nan(), "{text}");
        }
    }
}
