//! One node's histogram and its best split, on one thread or on all.
//!
//! Invariant: parts of rows and parts of columns are put together in their order; sums are whole numbers and of equal gains
//! the lowest column wins, so how the work was parted does not show.

use crate::threads::Threads;

use super::cell::Cell;
use super::constraint::Scope;
use super::grow::Grower;
use super::record::Record;
use super::sample::Path;
use super::spares::Spares;
use super::split::{Search, Sides, SplitEntry};

/// Columns that one thread scans at least.
const SCAN_ALONE: usize = 128;

impl Grower<'_> {
    /// The best split of a node among the columns that it sees.
    pub(super) fn best<C: Cell>(
        &self,
        histogram: &[C],
        (total, path, scope): (C, Path, &Scope),
        on: Option<&Threads>,
    ) -> Option<SplitEntry<C>> {
        let search = self.search(total);
        if self.constraints.are_monotone() {
            let search = search.within(self.constraints, scope.bounds);
            self.best_of(&search, histogram, (path, scope), on)
        } else {
            self.best_of(&search, histogram, (path, scope), on)
        }
    }

    fn best_of<C: Cell, S: Sides + Sync>(
        &self,
        search: &Search<'_, C, S>,
        histogram: &[C],
        (path, scope): (Path, &Scope),
        on: Option<&Threads>,
    ) -> Option<SplitEntry<C>> {
        let n_features = self.view.features().len();
        let simd = self.threads.simd();
        let allowed = self.columns.allowed(self.view.features(), path);
        let allowed = scope.narrow(allowed, self.view.features());
        let allowed = allowed.as_deref();
        let Some(threads) = on.filter(|_| n_features >= 2 * SCAN_ALONE) else {
            return search.best(self.view, histogram, (0..n_features, allowed), simd);
        };
        let parts = (0..n_features).step_by(SCAN_ALONE);
        let parts = parts
            .map(|first| first..n_features.min(first + SCAN_ALONE))
            .collect();
        let entries = threads.map(parts, |part| {
            search.best(self.view, histogram, (part, allowed), simd)
        });
        // Parts ascend, so the first of equal gains has the lowest feature.
        entries.into_iter().flatten().reduce(|best, next| {
            if next.loss_change > best.loss_change {
                next
            } else {
                best
            }
        })
    }

    /// The sums of a node's records, by column and bin.
    pub(super) fn build<C: Cell>(
        &self,
        records: &[Record<C::Unit>],
        spares: &Spares<C>,
        on: Option<&Threads>,
    ) -> Vec<C> {
        let Some(threads) = on else {
            let mut histogram = self.empty(spares);
            self.view.add(records, &mut histogram, self.threads);
            return histogram;
        };
        let part = records.len().div_ceil(threads.n_threads()).max(1);
        let parts = records
            .chunks(part)
            .map(|records| (records, self.empty(spares)))
            .collect();
        let mut parts = threads.map(parts, |(records, mut histogram)| {
            self.view.add(records, &mut histogram, self.threads);
            histogram
        });
        let mut histogram = parts.pop().unwrap_or_else(|| self.empty(spares));
        for part in parts {
            histogram
                .iter_mut()
                .zip(&part)
                .for_each(|(sum, &part)| *sum = sum.plus(part));
            spares.put(part);
        }
        histogram
    }

    /// A histogram of zeros.
    fn empty<C: Cell>(&self, spares: &Spares<C>) -> Vec<C> {
        spares.take(self.view.n_cells())
    }

    /// Looks for splits of a node of this `total`.
    pub(super) fn search<C: Cell>(&self, total: C) -> Search<'_, C> {
        Search::new(self.penalty, self.scales, total, self.largest_sum)
    }
}

/// Leaves the sibling of `part`.
pub(super) fn subtract<C: Cell>(histogram: &mut [C], part: &[C]) {
    for (cell, &part) in histogram.iter_mut().zip(part) {
        *cell = cell.minus(part);
    }
}
