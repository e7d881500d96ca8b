//! Some rows of a binned table as a table of their own, and what stands for the values that are gone.
//!
//! Invariants: the cuts are those of the whole table. A stand-in lies in the bin of the value that it stands for, so a
//! tree whose splits are cuts of the table leads both to the same leaf.

use std::ops::Range;

use crate::threads::Threads;

use super::{BinnedDataset, Codes};

impl BinnedDataset {
    /// The table of these rows, in this order, with what stands beside them.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn select(&self, rows: &[u32], threads: &Threads) -> Self {
        let gather = |values: &[f32]| rows.iter().map(|&row| values[row as usize]).collect();
        let leaves_of = |leaves: &[u32]| {
            let n_trees = leaves.len() / self.n_rows();
            let of_row = |&row: &u32| &leaves[row as usize * n_trees..][..n_trees];
            rows.iter().flat_map(of_row).copied().collect()
        };
        Self {
            cuts: self.cuts.clone(),
            matrix: self.matrix.select(rows, threads),
            labels: gather(&self.labels),
            weights: self.weights.as_deref().map(gather),
            side: self.side.select(rows, self.n_rows()),
            start_leaves: self.start_leaves.as_deref().map(leaves_of),
        }
    }

    /// Fills `out` with values that stand for `rows`, row-major `(rows.len(), n_features)`: NaN where a value is missing.
    ///
    /// # Panics
    /// If `rows` reaches beyond the table.
    pub(crate) fn copy_stand_ins(&self, rows: Range<usize>, out: &mut Vec<f32>) {
        let n_features = self.n_features();
        out.clear();
        out.resize(rows.len() * n_features, f32::NAN);
        if let Codes::Sparse(codes) = self.matrix.codes() {
            let (indptr, slots) = codes.lists();
            for (row, out) in rows.zip(out.chunks_exact_mut(n_features.max(1))) {
                for &slot in &slots[indptr[row]..indptr[row + 1]] {
                    let feature = codes.feature_of(slot);
                    let code = slot as usize - codes.first_slot(feature as u32);
                    out[feature] = self.stand_in(feature, code);
                }
            }
            return;
        }
        for (row, out) in rows.zip(out.chunks_exact_mut(n_features.max(1))) {
            for (feature, out) in out.iter_mut().enumerate() {
                let missing = self.cuts.n_bins(feature);
                let code = usize::from(self.matrix.code(row, feature as u32, missing as u16));
                if code < missing {
                    *out = self.stand_in(feature, code);
                }
            }
        }
    }

    /// A value of a bin: its lower end, or one below all cuts; of categories the code, or one that no category has.
    fn stand_in(&self, feature: usize, code: usize) -> f32 {
        if let Some(categories) = self.cuts.categories(feature) {
            let code = categories.codes().get(code);
            return code.map_or(-1.0, |&code| code as f32);
        }
        match code {
            0 => f32::MIN,
            _ => self.cuts.cuts(feature)[code - 1],
        }
    }
}
