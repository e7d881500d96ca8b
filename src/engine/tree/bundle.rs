//! Features of few codes share a byte: one addition to a histogram then serves all of them.
//!
//! Invariant: nothing is lost. A bundle's codes stand for the combinations of its members' codes that occur in the table,
//! at most 256 of them, so every member's code can be read off the bundle's. Which features are bundled decides nothing
//! but time: a member's cells are the sums of the bundle's cells, and sums of whole numbers do not depend on their order.
//!
//! One-hot columns, which exclude each other, and columns that depend on each other need few codes. Source of the idea:
//! exclusive feature bundling, Ke et al. 2017, "LightGBM", section 4; counting the combinations that occur allows any
//! columns, and no conflict. Of a table of few features those are bundled that depend on each other most: a route and its
//! distance, an hour and the time of departure.

use std::borrow::Cow;

use crate::bin::{AlignedBytes, CODES};
use crate::threads::Threads;

/// In a table of many features, one of more codes than this is left alone: it would share with next to nothing.
const MOST_CODES: usize = 64;

/// Bundles that a feature of such a table is tried with. Trying costs a look at every row at most.
const TRIES: usize = 4;

/// Features up to which every pair is looked at.
const MOST_PAIRED: usize = 64;

/// Rows that tell which pairs may be worth a look at every row.
const SAMPLE_ROWS: usize = 4096;

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
    pub(crate) digits: Option<Digits>,
}

/// A feature's code for each code of its column.
#[derive(Clone, Debug)]
pub(crate) struct Digits {
    of_codes: Box<[u8; CODES]>,
    n_codes: usize,
}

impl Digits {
    fn new(digits: &[u8]) -> Self {
        let mut of_codes = Box::new([0; CODES]);
        of_codes[..digits.len()].copy_from_slice(digits);
        Self {
            of_codes,
            n_codes: digits.len(),
        }
    }

    /// Those of the codes that the column has.
    pub(crate) fn occurring(&self) -> &[u8] {
        &self.of_codes[..self.n_codes]
    }

    /// Those of all codes that a byte can be.
    pub(crate) fn of_codes(&self) -> &[u8; CODES] {
        &self.of_codes
    }
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
struct Bundle<'c> {
    features: Vec<usize>,
    /// The members' codes for each code of the bundle.
    digits: Vec<Vec<u8>>,
    /// The feature's own column until there is a second feature.
    codes: Cow<'c, [u8]>,
}

impl Bundles {
    /// Bundles `columns`, `(n_features, n_rows)`; `None` if there is nothing to gain.
    pub(crate) fn of(columns: &[u8], n_rows: usize, threads: &Threads) -> Option<Self> {
        if n_rows < LEAST_ROWS {
            return None;
        }
        let features: Vec<&[u8]> = columns.chunks_exact(n_rows).collect();
        let n_codes = threads.map(features.clone(), |column| {
            usize::from(column.iter().fold(0, |most, &code| code.max(most))) + 1
        });
        let mut bundles = if features.len() <= MOST_PAIRED {
            in_pairs(&features, &n_codes, threads)
        } else {
            in_passing(&features, &n_codes)
        };
        bundles.retain(|bundle| bundle.features.len() > 1);
        let n_saved: usize = bundles.iter().map(|bundle| bundle.features.len() - 1).sum();
        (n_saved > 0 && n_saved as f64 >= LEAST_SAVING * features.len() as f64)
            .then(|| Self::lay_out(&features, &bundles))
    }

    fn lay_out(features: &[&[u8]], bundles: &[Bundle<'_>]) -> Self {
        let n_rows = features[0].len();
        let n_bundled: usize = bundles.iter().map(|bundle| bundle.features.len()).sum();
        let n_columns = features.len() - n_bundled + bundles.len();
        let mut columns = AlignedBytes::zeros(n_columns * n_rows);
        let mut places = columns.chunks_exact_mut(n_rows).enumerate();
        let mut members: Vec<Option<Member>> = vec![None; features.len()];
        for (bundle, (column, codes)) in bundles.iter().zip(&mut places) {
            codes.copy_from_slice(&bundle.codes);
            for (&feature, digits) in bundle.features.iter().zip(&bundle.digits) {
                members[feature] = Some(Member {
                    column,
                    digits: Some(Digits::new(digits)),
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

/// Bundles features of few codes, in one pass from the fewest on.
fn in_passing<'c>(features: &[&'c [u8]], n_codes: &[usize]) -> Vec<Bundle<'c>> {
    let mut few: Vec<usize> = (0..features.len())
        .filter(|&it| n_codes[it] <= MOST_CODES)
        .collect();
    few.sort_by_key(|&feature| n_codes[feature]);
    let mut bundles: Vec<Bundle<'c>> = Vec::new();
    for feature in few {
        let alone = Bundle::alone(feature, features[feature], n_codes[feature]);
        let mut candidates = bundles.iter_mut().rev().take(TRIES);
        if !candidates.any(|bundle| bundle.take(&alone)) {
            bundles.push(alone);
        }
    }
    bundles
}

/// Bundles the two that depend on each other most, again and again: those of whose combinations the least share occurs.
fn in_pairs<'c>(features: &[&'c [u8]], n_codes: &[usize], threads: &Threads) -> Vec<Bundle<'c>> {
    let mut bundles: Vec<Option<Bundle<'_>>> = (0..features.len())
        .map(|it| Some(Bundle::alone(it, features[it], n_codes[it])))
        .collect();
    let stride = features[0].len().div_ceil(SAMPLE_ROWS);
    let share = |first: &Option<Bundle<'_>>, second: &Option<Bundle<'_>>| {
        first.as_ref()?.share_with(second.as_ref()?, stride)
    };
    // What is known of each pair `(a, b)` with `b < a`.
    let mut shares = threads.map((0..bundles.len()).collect(), |a| {
        let earlier = bundles[..a].iter();
        earlier.map(|b| share(&bundles[a], b)).collect::<Vec<_>>()
    });
    loop {
        let pairs = (0..bundles.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
        let least = pairs
            .filter_map(|(a, b)| Some((shares[a][b]?, a, b)))
            .min_by(|first, second| first.0.total_cmp(&second.0));
        let Some((_, a, b)) = least else {
            return bundles.into_iter().flatten().collect();
        };
        shares[a][b] = None;
        let (before, rest) = bundles.split_at_mut(a);
        let taken = match (&mut before[b], &rest[0]) {
            (Some(taker), Some(other)) => taker.take(other),
            (Some(_) | None, _) => false,
        };
        if taken {
            bundles[a] = None;
            for other in 0..bundles.len() {
                if let Some(gone) = shares[a.max(other)].get_mut(a.min(other)) {
                    *gone = None;
                }
                if other != b {
                    shares[b.max(other)][b.min(other)] = share(&bundles[b], &bundles[other]);
                }
            }
        }
    }
}

impl<'c> Bundle<'c> {
    /// The share of the combinations with `other` that occurs in every `stride`-th row; `None` if more than 256 do.
    fn share_with(&self, other: &Self, stride: usize) -> Option<f64> {
        let (n_first, n_second) = (self.n_codes(), other.n_codes());
        let mut occurs = vec![false; n_first * n_second];
        let mut n = 0;
        for (&a, &b) in self.codes.iter().zip(other.codes.iter()).step_by(stride) {
            let occurs = &mut occurs[usize::from(a) * n_second + usize::from(b)];
            n += usize::from(!*occurs);
            *occurs = true;
        }
        (n <= CODES).then(|| n as f64 / (n_first * n_second) as f64)
    }

    fn n_codes(&self) -> usize {
        self.digits[0].len()
    }

    fn alone(feature: usize, column: &'c [u8], n_codes: usize) -> Self {
        Self {
            features: vec![feature],
            digits: vec![(0..n_codes).map(|code| code as u8).collect()],
            codes: Cow::Borrowed(column),
        }
    }

    /// Takes another's features in, if no more than 256 combinations occur.
    fn take(&mut self, other: &Self) -> bool {
        let n_codes = other.n_codes();
        let Some(numbers) = combinations(&self.codes, &other.codes, (self.n_codes(), n_codes))
        else {
            return false;
        };
        for (code, &digit) in self.codes.to_mut().iter_mut().zip(other.codes.iter()) {
            *code = numbers[usize::from(*code) * n_codes + usize::from(digit)] as u8;
        }
        // Numbers ascend, so each new code's parts come in its order.
        let occurring = (0..numbers.len()).filter(|&it| numbers[it] != ABSENT);
        let parts: Vec<_> = occurring.map(|it| (it / n_codes, it % n_codes)).collect();
        for digits in &mut self.digits {
            *digits = parts.iter().map(|&(own, _)| digits[own]).collect();
        }
        for digits in &other.digits {
            self.digits
                .push(parts.iter().map(|&(_, its)| digits[its]).collect());
        }
        self.features.extend(&other.features);
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

    fn hash(row: usize, salt: usize) -> usize {
        let mixed = (row + 1).wrapping_mul(salt * 2 + 0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33
    }

    /// A table, column-major: one-hot columns, one of 200 codes, some of few.
    fn table(n_rows: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
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
                    .map_or(code, |digits| digits.occurring()[usize::from(code)]);
                assert_eq!(read, expected);
            }
        }
    }

    #[test]
    fn columns_that_depend_on_each_other_share_one_whatever_their_codes() {
        let n_rows = 20_000;
        let whole = (0..n_rows).map(|row| hash(row, 1) % 240);
        let columns = [
            whole.clone().map(|it| it as u8).collect::<Vec<u8>>(),
            (0..n_rows).map(|row| (hash(row, 2) % 250) as u8).collect(),
            whole.clone().map(|it| (it / 2) as u8).collect(),
            whole.map(|it| (it % 7 + it / 100) as u8).collect(),
        ];
        let bundles = Bundles::of(&columns.concat(), n_rows, &Threads::single()).unwrap();
        assert_eq!(bundles.n_columns, 2);
        let column = |feature: usize| bundles.members[feature].column;
        assert_eq!([column(2), column(3)], [column(0); 2]);
        assert_ne!(column(1), column(0));
    }

    #[test]
    fn a_table_of_full_columns_is_left_alone() {
        let n_rows = 20_000;
        let columns: Vec<u8> = (0..3 * n_rows)
            .map(|it| (hash(it % n_rows, it / n_rows) % 256) as u8)
            .collect();
        assert!(Bundles::of(&columns, n_rows, &Threads::single()).is_none());
        assert!(Bundles::of(&columns[..300], 100, &Threads::single()).is_none());
    }
}
