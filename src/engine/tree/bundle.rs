//! Features of few codes share a byte: one addition to a histogram then serves all of them.
//!
//! Invariant: nothing is lost. A bundle's codes stand for the combinations of its members' codes that occur in the table,
//! at most 256 of them, so every member's code can be read off the bundle's. Which features are bundled decides nothing
//! but time: a member's cells are the sums of the bundle's cells, and sums of whole numbers do not depend on their order.
//!
//! One-hot columns, which exclude each other, and columns that depend on each other need few codes. Source of the idea:
//! exclusive feature bundling, Ke et al. 2017, "LightGBM", section 4; counting the combinations that occur allows any
//! columns, and no conflict.

use crate::bin::{AlignedBytes, CODES};
use crate::threads::Threads;

/// A feature of more codes than this is left alone: it would share with next to nothing.
const MOST_CODES: usize = 64;

/// Bundles that a feature is tried with. Trying costs a look at every row at most.
const TRIES: usize = 4;

/// Rows below which bundles do not pay: reading a member's cells off its bundle costs more than adding them.
const LEAST_ROWS: usize = 1 << 14;

/// Columns that bundling must save, as a share of all: less is not worth a second copy of the table.
const LEAST_SAVING: f64 = 0.2;

/// Where a feature's codes are.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Its column among the bundled ones.
    pub(crate) column: usize,
    /// The feature's code for each code of the column; `None` if it has the column to itself.
    pub(crate) digits: Option<Box<[u8; CODES]>>,
}

/// A table's columns, bundled.
#[derive(Debug)]
pub(crate) struct Bundles {
    /// `(n_columns, n_rows)`.
    pub(crate) columns: AlignedBytes,
    pub(crate) n_columns: usize,
    /// One for each feature.
    pub(crate) members: Vec<Member>,
}

/// A bundle that still grows.
struct Bundle {
    features: Vec<usize>,
    /// The members' codes for each code of the bundle.
    digits: Vec<Vec<u8>>,
    codes: Vec<u8>,
}

impl Bundles {
    /// Bundles `columns`, `(n_features, n_rows)`; `None` if there is nothing to gain.
    pub(crate) fn of(columns: &[u8], n_rows: usize, threads: &Threads) -> Option<Self> {
        if n_rows < LEAST_ROWS {
            return None;
        }
        let features: Vec<&[u8]> = columns.chunks_exact(n_rows).collect();
        let n_codes = threads.map(features.clone(), |column| {
            usize::from(column.iter().copied().max().unwrap_or(0)) + 1
        });
        let mut few: Vec<usize> = (0..features.len())
            .filter(|&it| n_codes[it] <= MOST_CODES)
            .collect();
        few.sort_by_key(|&feature| n_codes[feature]);
        let mut bundles: Vec<Bundle> = Vec::new();
        for feature in few {
            let column = features[feature];
            let mut candidates = bundles.iter_mut().rev().take(TRIES);
            if !candidates.any(|bundle| bundle.take(feature, column, n_codes[feature])) {
                bundles.push(Bundle::alone(feature, column, n_codes[feature]));
            }
        }
        bundles.retain(|bundle| bundle.features.len() > 1);
        let n_saved: usize = bundles.iter().map(|bundle| bundle.features.len() - 1).sum();
        (n_saved > 0 && n_saved as f64 >= LEAST_SAVING * features.len() as f64)
            .then(|| Self::lay_out(&features, &bundles))
    }

    fn lay_out(features: &[&[u8]], bundles: &[Bundle]) -> Self {
        let n_rows = features[0].len();
        let n_bundled: usize = bundles.iter().map(|bundle| bundle.features.len()).sum();
        let n_columns = features.len() - n_bundled + bundles.len();
        let mut columns = AlignedBytes::zeros(n_columns * n_rows);
        let mut places = columns.chunks_exact_mut(n_rows).enumerate();
        let mut members: Vec<Option<Member>> = vec![None; features.len()];
        for (bundle, (column, codes)) in bundles.iter().zip(&mut places) {
            codes.copy_from_slice(&bundle.codes);
            for (&feature, digits) in bundle.features.iter().zip(&bundle.digits) {
                let mut all = Box::new([0; CODES]);
                all[..digits.len()].copy_from_slice(digits);
                members[feature] = Some(Member {
                    column,
                    digits: Some(all),
                });
            }
        }
        let members = members.into_iter().zip(features).map(|(member, feature)| {
            member.or_else(|| {
                let (column, codes) = places.next()?;
                codes.copy_from_slice(feature);
                Some(Member {
                    column,
                    digits: None,
                })
            })
        });
        let members = members.map(|it| it.expect("a column for each feature that has no bundle"));
        Self {
            members: members.collect(),
            columns,
            n_columns,
        }
    }
}

impl Bundle {
    fn alone(feature: usize, column: &[u8], n_codes: usize) -> Self {
        Self {
            features: vec![feature],
            digits: vec![(0..n_codes).map(|code| code as u8).collect()],
            codes: column.to_vec(),
        }
    }

    /// Takes a feature of `n_codes` codes in, if no more than 256 combinations occur.
    fn take(&mut self, feature: usize, column: &[u8], n_codes: usize) -> bool {
        let n_old = self.digits[0].len();
        let Some(numbers) = combinations(&self.codes, column, (n_old, n_codes)) else {
            return false;
        };
        for (code, &digit) in self.codes.iter_mut().zip(column) {
            *code = numbers[usize::from(*code) * n_codes + usize::from(digit)] as u8;
        }
        // Numbers ascend, so each new code's parts come in its order.
        let occurring = (0..numbers.len()).filter(|&it| numbers[it] != ABSENT);
        let parts: Vec<_> = occurring
            .map(|it| (it / n_codes, (it % n_codes) as u8))
            .collect();
        for digits in &mut self.digits {
            *digits = parts.iter().map(|&(old, _)| digits[old]).collect();
        }
        self.digits
            .push(parts.iter().map(|&(_, digit)| digit).collect());
        self.features.push(feature);
        true
    }
}

/// The number of a combination that does not occur.
const ABSENT: u16 = u16::MAX;

/// Numbers for the combinations of two columns' codes that occur, ascending; `None` if there are more than 256.
fn combinations(
    first: &[u8],
    second: &[u8],
    (n_first, n_second): (usize, usize),
) -> Option<Vec<u16>> {
    /// Rows between two looks at how many there are.
    const PATIENCE: usize = 4096;
    let mut numbers = vec![ABSENT; n_first * n_second];
    for (first, second) in first.chunks(PATIENCE).zip(second.chunks(PATIENCE)) {
        for (&a, &b) in first.iter().zip(second) {
            numbers[usize::from(a) * n_second + usize::from(b)] = 0;
        }
        if numbers.iter().filter(|&&it| it == 0).count() > CODES {
            return None;
        }
    }
    let occurring = numbers.iter_mut().filter(|it| **it == 0);
    for (number, slot) in occurring.enumerate() {
        *slot = number as u16;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::Bundles;
    use crate::threads::Threads;

    /// A table, column-major: one-hot columns, one of 200 codes, some of few.
    fn table(n_rows: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
        let hash = |row: usize, salt: usize| (row * 2_654_435_761 + salt * 40_503) >> 7;
        let mut columns: Vec<Vec<u8>> = (0..40)
            .map(|it| {
                (0..n_rows)
                    .map(|row| u8::from(hash(row, 1) % 41 == it))
                    .collect()
            })
            .collect();
        columns.push((0..n_rows).map(|row| (hash(row, 2) % 200) as u8).collect());
        for salt in 3..9 {
            columns.push(
                (0..n_rows)
                    .map(|row| (hash(row, salt) % (2 * salt)) as u8)
                    .collect(),
            );
        }
        let flat = columns.concat();
        (columns, flat)
    }

    #[test]
    fn every_code_can_be_read_off_its_bundle() {
        let n_rows = 20_000;
        let (columns, flat) = table(n_rows);
        let bundles = Bundles::of(&flat, n_rows, &Threads::single()).unwrap();
        assert!(bundles.n_columns < 8, "{}", bundles.n_columns);
        for (member, column) in bundles.members.iter().zip(&columns) {
            let codes = &bundles.columns[member.column * n_rows..][..n_rows];
            for (&code, &expected) in codes.iter().zip(column) {
                let read = member
                    .digits
                    .as_ref()
                    .map_or(code, |digits| digits[usize::from(code)]);
                assert_eq!(read, expected);
            }
        }
    }

    #[test]
    fn a_table_of_full_columns_is_left_alone() {
        let n_rows = 20_000;
        let columns: Vec<u8> = (0..3 * n_rows).map(|it| (it * 31) as u8).collect();
        assert!(Bundles::of(&columns, n_rows, &Threads::single()).is_none());
        assert!(Bundles::of(&columns[..300], 100, &Threads::single()).is_none());
    }
}
