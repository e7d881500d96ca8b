//! A tree's leaves are added to the margins of the rows that it was grown on.
//!
//! Invariant: each row gets one leaf, once; threads take ranges of rows, and since the rows of a stretch ascend, those
//! within a range are a part of it.

use crate::threads::Threads;
use crate::tree::Tree;
use crate::tree::cell::Cell;
use crate::tree::panel::View;
use crate::tree::quantise::BLOCK;
use crate::tree::record::Record;
use crate::tree::sprout::{Grown, Stretch};

/// Rows that one thread takes at a time, at least.
const ROWS_AT_A_TIME: usize = 8 * BLOCK;

/// Rows whose margins stay in the first cache while all leaves are added to them.
const ROWS_IN_CACHE: usize = 1 << 12;

/// The leaves of one tree for the rows of one group.
pub(super) struct Update<'t, U> {
    stretches: &'t [Stretch<'t, U>],
    tree: &'t Tree,
    /// The tree's group, and how many there are.
    group: (usize, usize),
}

impl<'t, U: Copy + Send + Sync> Update<'t, U> {
    pub(super) fn new<C: Cell<Unit = U>>(
        grown: &'t Grown<'t, C>,
        tree: &'t Tree,
        group: (usize, usize),
    ) -> Self {
        Self {
            stretches: &grown.stretches,
            tree,
            group,
        }
    }

    /// Adds the leaves to `margins`, `(n_rows, n_groups)` row-major.
    pub(super) fn add(&self, margins: &mut [f32], view: &View<'_>, threads: &Threads) {
        let (_, n_groups) = self.group;
        let n_rows = margins.len() / n_groups;
        let range = n_rows.div_ceil(4 * threads.n_threads()).max(ROWS_AT_A_TIME);
        let ranges = margins.chunks_mut(range * n_groups).enumerate().collect();
        threads.for_each(ranges, |(idx, margins): (usize, &mut [f32])| {
            let mut first = idx * range;
            let begin =
                |records: &[Record<U>]| records.partition_point(|it| (it.row as usize) < first);
            let mut begins: Vec<usize> = self
                .stretches
                .iter()
                .map(|it| begin(it.records()))
                .collect();
            for margins in margins.chunks_mut(ROWS_IN_CACHE * n_groups) {
                self.add_block(first, margins, &mut begins, view);
                first += margins.len() / n_groups;
            }
        });
    }

    /// Adds the leaves of the rows from `first` on. `begins` says where each stretch's records of these rows begin, and
    /// is moved behind them.
    fn add_block(&self, first: usize, margins: &mut [f32], begins: &mut [usize], view: &View<'_>) {
        let (group, n_groups) = self.group;
        let end = first + margins.len() / n_groups;
        let mut add = |row: u32, value: f32| {
            margins[(row as usize - first) * n_groups + group] += value;
        };
        for (stretch, begin) in self.stretches.iter().zip(begins) {
            let records = &stretch.records()[*begin..];
            let n_records = records
                .iter()
                .take_while(|it| (it.row as usize) < end)
                .count();
            let records = &records[..n_records];
            *begin += n_records;
            match stretch {
                Stretch::Leaf(leaf, _) => {
                    let value = self.value(*leaf);
                    for record in records {
                        add(record.row, value);
                    }
                }
                Stretch::Undivided(left, rule, _) => {
                    let (left, right) =
                        (self.value(*left).to_bits(), self.value(left + 1).to_bits());
                    view.for_each_side(rule, records, |row, goes_left| {
                        // By bits, since a branch here is one that no processor can guess.
                        let mask = u32::from(goes_left).wrapping_neg();
                        add(row, f32::from_bits(left & mask | right & !mask));
                    });
                }
            }
        }
    }

    fn value(&self, leaf: usize) -> f32 {
        self.tree.nodes[leaf].split_condition
    }

    /// Adds `value(row)` where there is one.
    pub(super) fn add_left_out(
        &self,
        margins: &mut [f32],
        threads: &Threads,
        value: impl Fn(usize) -> Option<f32> + Sync + Send,
    ) {
        let (group, n_groups) = self.group;
        let parts = margins
            .chunks_mut(ROWS_AT_A_TIME * n_groups)
            .enumerate()
            .collect();
        threads.for_each(parts, |(idx, margins): (usize, &mut [f32])| {
            for (offset, margins) in margins.chunks_exact_mut(n_groups).enumerate() {
                if let Some(value) = value(idx * ROWS_AT_A_TIME + offset) {
                    margins[group] += value;
                }
            }
        });
    }
}
