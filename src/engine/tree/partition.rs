//! Records of a node become records of its children.
//!
//! Invariant: a division is stable, so a node's records ascend by row.

use crate::bin::CODES;
use crate::threads::Threads;

use super::bin_set::Cut;
use super::panel::View;
use super::record::Record;

/// Which codes of a feature go left.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    feature: u32,
    missing_goes_left: bool,
    goes_left: [bool; CODES],
}

impl Rule {
    /// What `cut` says of a feature of `n_bins` bins; what is missing goes left if `default_left`.
    pub(crate) fn new(feature: u32, cut: Cut, n_bins: usize, default_left: bool) -> Self {
        let mut goes_left = [false; CODES];
        match cut {
            Cut::Through(bin) => goes_left[..=usize::from(bin)].fill(true),
            Cut::Without(right) => {
                for (bin, goes_left) in (0..n_bins).zip(&mut goes_left) {
                    *goes_left = !right.contains(bin as u8);
                }
            }
        }
        if let Some(missing) = goes_left.get_mut(n_bins) {
            *missing = default_left;
        }
        Self {
            feature,
            missing_goes_left: default_left,
            goes_left,
        }
    }

    /// The same rule for codes of which `digits` are the feature's.
    pub(crate) fn for_codes(&self, digits: &[u8; CODES]) -> Self {
        Self {
            goes_left: digits.map(|digit| self.goes_left[usize::from(digit)]),
            ..*self
        }
    }

    pub(crate) fn feature(&self) -> u32 {
        self.feature
    }

    #[inline(always)]
    pub(crate) fn goes_left(&self, code: u8) -> bool {
        self.goes_left[usize::from(code)]
    }

    /// Where a feature goes that a row does not list.
    pub(crate) fn missing_goes_left(&self) -> bool {
        self.missing_goes_left
    }
}

/// As [`View::divide`], on several threads: each divides a part, then the parts' sides are moved together.
pub(crate) fn divide_on<U: Copy + Send + Sync>(
    view: &View<'_>,
    rule: &Rule,
    records: &mut [Record<U>],
    spare: &mut [Record<U>],
    threads: &Threads,
) -> usize {
    let part = records.len().div_ceil(2 * threads.n_threads()).max(1);
    let parts = records
        .chunks_mut(part)
        .zip(spare.chunks_mut(part))
        .collect();
    let n_left = threads.map(parts, |(records, spare): (&mut [_], &mut [_])| {
        view.divide(rule, records, spare)
    });
    let n_right = n_left.iter().enumerate().map(|(idx, n_left)| {
        let n_records = part.min(records.len() - idx * part);
        n_records - n_left
    });
    let sides = vec![(n_right.collect(), spare), (n_left.clone(), records)];
    threads.for_each(sides, |(lengths, side): (Vec<usize>, &mut [_])| {
        let mut end = 0;
        for (idx, length) in lengths.into_iter().enumerate() {
            side.copy_within(idx * part..idx * part + length, end);
            end += length;
        }
    });
    n_left.iter().sum()
}

/// Divides without a branch: each record is written to both sides, and one side's end moves. Those that go left are then
/// at the begin of `records`, those that go right at the begin of `spare`, each in their order. Gives how many go left.
#[inline(always)]
pub(crate) fn divide<U: Copy>(
    records: &mut [Record<U>],
    spare: &mut [Record<U>],
    mut goes_left: impl FnMut(u32) -> bool,
) -> usize {
    let spare = &mut spare[..records.len()];
    let mut n_left = 0;
    for idx in 0..records.len() {
        let record = records[idx];
        let left = goes_left(record.row);
        records[n_left] = record;
        spare[idx - n_left] = record;
        n_left += usize::from(left);
    }
    n_left
}
