//! The rows of each sparse feature: what a division by it has to look at.
//!
//! A row of a sparse table lists few features, so nearly every row of a node goes where missing values go. Looking for a
//! feature in every row's list costs a search a row; a feature's own list of rows is met in one walk beside the node's.
//!
//! Invariant: a feature's rows ascend, as a node's records do.

use crate::bin::SparseCodes;

use super::partition::Rule;
use super::record::Record;

/// How many times longer than the records a list may be, for a walk along it to be worth more than searches in rows.
const LONGEST_WALK: usize = 8;

/// Each feature's rows that have a value, and their codes.
#[derive(Debug)]
pub(crate) struct ListedColumns {
    /// Where each feature's list begins, and the end of the last.
    begins: Vec<usize>,
    rows: Vec<u32>,
    codes: Vec<u8>,
}

impl ListedColumns {
    pub(crate) fn new(sparse: &SparseCodes, n_features: usize) -> Self {
        let (indptr, slots) = sparse.lists();
        let features: Vec<u32> = (0..n_features as u32)
            .flat_map(|it| vec![it; sparse.first_slot(it + 1) - sparse.first_slot(it)])
            .collect();
        let mut begins = vec![0; n_features + 1];
        for &slot in slots {
            begins[features[slot as usize] as usize + 1] += 1;
        }
        for feature in 0..n_features {
            begins[feature + 1] += begins[feature];
        }
        let (mut rows, mut codes) = (vec![0; slots.len()], vec![0; slots.len()]);
        let mut ends = begins.clone();
        for (row, list) in indptr.windows(2).enumerate() {
            for &slot in &slots[list[0]..list[1]] {
                let feature = features[slot as usize];
                let end = &mut ends[feature as usize];
                rows[*end] = row as u32;
                codes[*end] = (slot as usize - sparse.first_slot(feature)) as u8;
                *end += 1;
            }
        }
        Self {
            begins,
            rows,
            codes,
        }
    }

    /// How rows that ascend from the first of `records` to the last are divided by `rule`.
    pub(crate) fn sides<'l, U>(
        &'l self,
        sparse: &'l SparseCodes,
        rule: &'l Rule,
        records: &[Record<U>],
    ) -> Sides<'l> {
        let feature = rule.feature() as usize;
        let list = self.begins[feature]..self.begins[feature + 1];
        let (mut rows, mut codes) = (&self.rows[list.clone()], &self.codes[list]);
        if let [first, ..] = records {
            let begin = rows.partition_point(|&row| row < first.row);
            (rows, codes) = (&rows[begin..], &codes[begin..]);
        }
        if let [.., last] = records {
            let end = rows.partition_point(|&row| row <= last.row);
            (rows, codes) = (&rows[..end], &codes[..end]);
        }
        let walks = rows.len() <= LONGEST_WALK * records.len();
        Sides {
            sparse,
            rule,
            rows,
            codes,
            walks,
        }
    }
}

/// Answers for rows that ascend.
#[derive(Debug)]
pub(crate) struct Sides<'l> {
    sparse: &'l SparseCodes,
    rule: &'l Rule,
    /// What is ahead of the feature's list.
    rows: &'l [u32],
    codes: &'l [u8],
    walks: bool,
}

impl Sides<'_> {
    /// Whether the row goes left; rows are asked for in ascending order.
    #[inline(always)]
    pub(crate) fn goes_left(&mut self, row: u32) -> bool {
        if !self.walks {
            let code = self.sparse.code(row as usize, self.rule.feature());
            return code.map_or(self.rule.missing_goes_left(), |code| {
                self.rule.goes_left(code)
            });
        }
        while let ([listed, rows @ ..], [code, codes @ ..]) = (self.rows, self.codes) {
            if *listed > row {
                break;
            }
            (self.rows, self.codes) = (rows, codes);
            if *listed == row {
                return self.rule.goes_left(*code);
            }
        }
        self.rule.missing_goes_left()
    }
}

#[cfg(test)]
mod tests {
    use super::super::bin_set::Cut;
    use super::*;

    /// 300 rows; feature 0 in every row, 1 in every seventh, 2 in none, 3 in every second.
    fn sparse() -> SparseCodes {
        let listed = |row: usize| {
            let of = |feature: u32, every: usize, n_bins: usize| {
                row.is_multiple_of(every)
                    .then_some((feature, (row * 13 % n_bins) as u8))
            };
            [of(0, 1, 9), of(1, 7, 3), of(3, 2, 2)]
                .into_iter()
                .flatten()
                .collect()
        };
        SparseCodes::of_rows((0..300).map(listed), &[9, 3, 1, 2])
    }

    #[test]
    fn a_walk_and_searches_give_every_row_the_same_side() {
        let sparse = sparse();
        let columns = ListedColumns::new(&sparse, 4);
        // All rows, few rows between long lists, and none.
        for step in [1, 3, 50, 299, 1000] {
            let rows = (step % 7..300).step_by(step);
            let records: Vec<Record<u32>> = rows
                .map(|row| Record {
                    row: row as u32,
                    unit: 0,
                })
                .collect();
            for (feature, bin, n_bins) in [(0, 4, 9), (1, 1, 3), (2, 0, 1), (3, 0, 2)] {
                for default_left in [false, true] {
                    let rule = Rule::new(feature, Cut::Through(bin), n_bins, default_left);
                    let mut sides = columns.sides(&sparse, &rule, &records);
                    for record in &records {
                        let code = sparse.code(record.row as usize, feature);
                        let expected = code.map_or(default_left, |code| u16::from(code) <= bin);
                        assert_eq!(
                            sides.goes_left(record.row),
                            expected,
                            "{feature} {}",
                            record.row
                        );
                    }
                }
            }
        }
    }
}
