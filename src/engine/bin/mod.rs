//! A table in bins: what training and evaluation read instead of values.
//!
//! Invariant: two values of a feature have the same code exactly if no cut lies between them, so a tree that is followed
//! by codes and one that is followed by values end in the same leaf.

mod aligned;
mod categories;
mod content;
mod cuts;
mod ingest;
mod matrix;
mod ranks;
mod sample;
mod search;
mod select;
mod sort;
mod tile;

use std::sync::Arc;

use crate::dataset::{Dataset, DatasetError, Side, beside_features};
use crate::params::MAX_BIN;
use crate::threads::Threads;

pub(crate) use aligned::AlignedBytes;
pub use categories::{Categories, MOST_CATEGORIES};
pub use cuts::{HistogramCuts, SENTINEL};
pub use ingest::Ingest;
pub(crate) use matrix::{BinnedMatrix, CODES, Codes, SparseCodes, row_stride};
pub(crate) use sample::SPARSE_BELOW;
pub use sample::{SAMPLE_VALUES, Sample};
pub(crate) use tile::n_present;

/// A binned table with labels, perhaps weights, and perhaps margins to start from. The raw values are gone.
#[derive(Clone, Debug)]
pub struct BinnedDataset {
    cuts: Arc<HistogramCuts>,
    matrix: BinnedMatrix,
    labels: Vec<f32>,
    weights: Option<Vec<f32>>,
    side: Side,
    start_leaves: Option<Vec<u32>>,
}

/// Why a table could not be binned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BinError {
    /// `max_bin` out of range.
    #[error("`max_bin` is `{max_bin}`, allowed is 2 to {MAX_BIN}")]
    MaxBin {
        /// What was asked for.
        max_bin: u32,
    },
    /// The table has other columns than the cuts.
    #[error("the table has {found} columns, the cuts have {expected}")]
    Columns {
        /// Columns of the table.
        found: usize,
        /// Columns of the cuts.
        expected: usize,
    },
    /// A value that is no code of a category, in a feature of categories.
    #[error(transparent)]
    Category(#[from] DatasetError),
    /// A base margin of another shape than the table, or one that is not finite.
    #[error(
        "base margin has {found} finite entries for {n_rows} rows, expected a multiple of the rows"
    )]
    BaseMargin {
        /// Finite entries found.
        found: usize,
        /// Rows of the table.
        n_rows: usize,
    },
    /// Leaves of another shape than the table.
    #[error("{found} leaves for {n_rows} rows, expected a multiple of the rows")]
    StartLeaves {
        /// Leaves found.
        found: usize,
        /// Rows of the table.
        n_rows: usize,
    },
}

impl Dataset {
    /// Puts every value in its bin, and lets the values go.
    ///
    /// # Errors
    /// - [`BinError::Columns`] if the table and the cuts differ in columns; see [`Dataset::widen`].
    /// - [`BinError::Category`] for the first value that is no code, in a feature that the cuts have categories of.
    pub fn bin(
        self,
        cuts: &Arc<HistogramCuts>,
        threads: &Threads,
    ) -> Result<BinnedDataset, BinError> {
        if self.n_features() != cuts.n_features() {
            return Err(BinError::Columns {
                found: self.n_features(),
                expected: cuts.n_features(),
            });
        }
        self.check_categories(&cuts.categorical())?;
        Ok(ingest::bin_all(self, cuts, threads))
    }
}

beside_features!(BinnedDataset);

impl BinnedDataset {
    /// The same table, starting from `margin`, `(n_rows, n_groups)` row-major, in place of the base score.
    ///
    /// # Errors
    /// [`BinError::BaseMargin`] if the shape does not fit the rows, or an entry is not finite.
    pub fn with_base_margin(mut self, margin: Vec<f32>) -> Result<Self, BinError> {
        let found = margin.iter().filter(|margin| margin.is_finite()).count();
        if found != margin.len() || found == 0 || found % self.n_rows() != 0 {
            return Err(BinError::BaseMargin {
                found,
                n_rows: self.n_rows(),
            });
        }
        self.side.base_margin = Some(margin);
        Ok(self)
    }

    /// The same table, whose rows reach these `leaves`, `(n_rows, n_trees)` row-major, in the trees of a booster that
    /// training continues from: what `Booster::predict_leaf` gives, for `dart`, which may leave any of those trees out.
    ///
    /// # Errors
    /// [`BinError::StartLeaves`] if the shape does not fit the rows.
    pub fn with_start_leaves(mut self, leaves: Vec<u32>) -> Result<Self, BinError> {
        let (found, n_rows) = (leaves.len(), self.n_rows());
        if found == 0 || found % n_rows != 0 {
            return Err(BinError::StartLeaves { found, n_rows });
        }
        self.start_leaves = Some(leaves);
        Ok(self)
    }

    /// Adds columns without values until there are `n_features`; does nothing if there are that many.
    pub fn widen(&mut self, n_features: usize) {
        if n_features > self.n_features() {
            self.cuts = Arc::new(self.cuts.widened(n_features));
            self.matrix.widen(n_features);
        }
    }

    /// Columns.
    pub fn n_features(&self) -> usize {
        self.cuts.n_features()
    }

    /// The cuts that the table was binned with.
    pub fn cuts(&self) -> &Arc<HistogramCuts> {
        &self.cuts
    }

    /// The leaves that rows reach in the trees of the booster that training continues from, `(n_rows, n_trees)`
    /// row-major, where the table was told.
    pub fn start_leaves(&self) -> Option<&[u32]> {
        self.start_leaves.as_deref()
    }

    pub(crate) fn matrix(&self) -> &BinnedMatrix {
        &self.matrix
    }
}
