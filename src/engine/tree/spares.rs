//! Histograms that are used again, from node to node and from tree to tree: fresh memory is slow memory.

use std::sync::{Mutex, PoisonError};

/// What is kept of histograms that nobody uses.
const MOST_BYTES: usize = 512 << 20;

/// Histograms of no use at the moment. Threads share them.
#[derive(Debug)]
pub(crate) struct Spares<C>(Mutex<Vec<Vec<C>>>);

impl<C> Default for Spares<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<C: Clone + Default> Spares<C> {
    /// A histogram of `n_cells` zeros.
    pub(crate) fn take(&self, n_cells: usize) -> Vec<C> {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut histogram = spare.unwrap_or_default();
        histogram.truncate(n_cells);
        histogram.fill(C::default());
        histogram.resize(n_cells, C::default());
        histogram
    }

    /// Takes a histogram back.
    pub(crate) fn put(&self, histogram: Vec<C>) {
        let mut spares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if (spares.len() + 1) * histogram.len() * size_of::<C>() <= MOST_BYTES {
            spares.push(histogram);
        }
    }
}
