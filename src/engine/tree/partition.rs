//! Rows of a node become rows of its children.
//!
//! Invariant: the partition is stable, so a node's rows ascend; whatever is summed over a leaf's rows is summed in that
//! order, for any number of threads.

use crate::bin::{BinnedMatrix, CODES, Codes};
use crate::threads::Threads;

/// Which codes of a feature go left.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    feature: u32,
    missing: u16,
    goes_left: [bool; CODES],
}

impl Rule {
    /// Bins up to `bin` go left, and so does what is missing if `default_left`.
    pub(crate) fn new(feature: u32, bin: u16, n_bins: usize, default_left: bool) -> Self {
        let mut goes_left = [false; CODES];
        goes_left[..=usize::from(bin)].fill(true);
        if let Some(missing) = goes_left.get_mut(n_bins) {
            *missing = default_left;
        }
        Self {
            feature,
            missing: n_bins as u16,
            goes_left,
        }
    }
}

/// What a partition reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns<'a> {
    pub(crate) matrix: &'a BinnedMatrix,
    /// The column-major copy of a dense matrix.
    pub(crate) dense: &'a [u8],
}

impl Columns<'_> {
    /// Puts the rows that go left first and gives their number. Both halves keep their order. `spare` is overwritten.
    pub(crate) fn partition(&self, rule: &Rule, rows: &mut [u32], spare: &mut Vec<u32>) -> usize {
        spare.resize(rows.len().max(spare.len()), 0);
        match self.matrix.codes() {
            Codes::Dense(_) => {
                let n_rows = self.matrix.n_rows();
                let column = &self.dense[rule.feature as usize * n_rows..][..n_rows];
                divide(rows, spare, |row| {
                    rule.goes_left[usize::from(column[row as usize])]
                })
            }
            Codes::Sparse(codes) => divide(rows, spare, |row| {
                let code = codes
                    .code(row as usize, rule.feature)
                    .map_or(rule.missing, u16::from);
                rule.goes_left[usize::from(code)]
            }),
            Codes::Wide(_) => unreachable!("training refuses codes of two bytes"),
        }
    }

    /// The same on several threads.
    pub(crate) fn partition_on(
        &self,
        rule: &Rule,
        rows: &mut [u32],
        spare: &mut Vec<u32>,
        threads: &Threads,
    ) -> usize {
        if threads.n_threads() == 1 {
            return self.partition(rule, rows, spare);
        }
        let part = rows.len().div_ceil(4 * threads.n_threads()).max(1);
        let parts = rows.chunks_mut(part).collect();
        let n_left = threads.map(parts, |rows| self.partition(rule, rows, &mut Vec::new()));
        spare.resize(rows.len().max(spare.len()), 0);
        let total: usize = n_left.iter().sum();
        let (mut left, mut right) = spare[..rows.len()].split_at_mut(total);
        let mut moves = Vec::with_capacity(2 * n_left.len());
        for (rows, &n_left) in rows.chunks(part).zip(&n_left) {
            let (from_left, from_right) = rows.split_at(n_left);
            let (to_left, after_left) = left.split_at_mut(from_left.len());
            let (to_right, after_right) = right.split_at_mut(from_right.len());
            (left, right) = (after_left, after_right);
            moves.push((from_left, to_left));
            moves.push((from_right, to_right));
        }
        threads.for_each(moves, |(from, to): (&[u32], &mut [u32])| {
            to.copy_from_slice(from);
        });
        let back = rows.chunks_mut(part).zip(spare.chunks(part)).collect();
        threads.for_each(back, |(to, from): (&mut [u32], &[u32])| {
            to.copy_from_slice(&from[..to.len()]);
        });
        total
    }
}

/// Divides without a branch: each row is written to both sides, and one side's end moves.
fn divide(rows: &mut [u32], spare: &mut [u32], goes_left: impl Fn(u32) -> bool) -> usize {
    let mut n_left = 0;
    let mut n_right = 0;
    for idx in 0..rows.len() {
        let row = rows[idx];
        let left = goes_left(row);
        rows[n_left] = row;
        spare[n_right] = row;
        n_left += usize::from(left);
        n_right += usize::from(!left);
    }
    rows[n_left..].copy_from_slice(&spare[..n_right]);
    n_left
}
