//! Histograms that are used again, from node to node and from tree to tree: fresh memory is slow memory.
//!
//! Invariant: no more than a number of nodes that wait keep theirs, nor than [`MOST_BYTES`]. A node without one has its
//! children's sums added up from their rows, both of them, which gives the same sums: memory is traded for time, and nothing
//! of it shows in a tree.
//!
//! Source of the number: XGBoost's `max_cached_hist_node`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// What nodes that wait keep, and what is kept of histograms that nobody uses. With a hundred columns that is 5,000 nodes.
pub(crate) const MOST_BYTES: usize = 1 << 30;

/// Histograms of no use at the moment, and how many wait with their nodes. Threads share them.
#[derive(Debug)]
pub(crate) struct Spares<C> {
    unused: Mutex<Vec<Vec<C>>>,
    n_waiting: AtomicUsize,
    most_waiting: usize,
}

impl<C: Clone + Default> Spares<C> {
    /// No histograms; at most so many will wait.
    pub(crate) fn new(most_waiting: usize) -> Self {
        Self {
            unused: Mutex::default(),
            n_waiting: AtomicUsize::new(0),
            most_waiting,
        }
    }

    /// A histogram of `n_cells` zeros.
    pub(crate) fn take(&self, n_cells: usize) -> Vec<C> {
        let mut unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner);
        let mut histogram = unused.pop().unwrap_or_default();
        drop(unused);
        histogram.truncate(n_cells);
        histogram.fill(C::default());
        histogram.resize(n_cells, C::default());
        histogram
    }

    /// Takes a histogram back.
    pub(crate) fn put(&self, histogram: Vec<C>) {
        let mut unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner);
        let n_kept = unused.len() + self.n_waiting.load(Ordering::Relaxed);
        if n_kept < most_within_bytes::<C>(histogram.len()) {
            unused.push(histogram);
        }
    }

    /// Lets the histogram of a node wait with it, or takes it back where too many wait.
    pub(crate) fn wait(&self, histogram: Vec<C>) -> Option<Vec<C>> {
        let most = most_within_bytes::<C>(histogram.len()).min(self.most_waiting);
        if self.n_waiting.fetch_add(1, Ordering::Relaxed) < most {
            return Some(histogram);
        }
        self.n_waiting.fetch_sub(1, Ordering::Relaxed);
        self.put(histogram);
        None
    }

    /// Ends the waiting of a node, whose histogram this is if it kept it.
    pub(crate) fn end_wait(&self, histogram: Option<Vec<C>>) -> Option<Vec<C>> {
        if histogram.is_some() {
            self.n_waiting.fetch_sub(1, Ordering::Relaxed);
        }
        histogram
    }

    /// Takes back the histogram of a node that is not split after all.
    pub(crate) fn put_waiting(&self, histogram: Option<Vec<C>>) {
        if let Some(histogram) = self.end_wait(histogram) {
            self.put(histogram);
        }
    }
}

/// Histograms of this many cells that [`MOST_BYTES`] hold.
fn most_within_bytes<C>(n_cells: usize) -> usize {
    MOST_BYTES / (n_cells * size_of::<C>()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_histograms_wait_than_may_by_number_and_by_bytes() {
        let spares = Spares::<u64>::new(2);
        let kept: Vec<_> = (0..3).map(|_| spares.wait(spares.take(8))).collect();
        let n_kept = kept.iter().flatten().count();
        assert_eq!((n_kept, kept[2].is_none()), (2, true));
        for histogram in kept {
            spares.put_waiting(histogram);
        }
        assert!(spares.wait(spares.take(8)).is_some());
        let n_cells = MOST_BYTES / size_of::<u64>() + 1;
        assert_eq!(most_within_bytes::<u64>(n_cells), 0);
    }
}
