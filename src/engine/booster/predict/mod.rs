//! Prediction: a model's trees, laid out for many rows side by side, and added up in `f32`, tree after tree.
//!
//! Invariants: a row's sum begins with the base margin and takes the trees in the model's order, as XGBoost does, so
//! margins are the same bit for bit; neither threads nor blocks nor the layout of the trees change them. A missing value
//! is NaN and takes the split's default direction. Dart's weights are multiplied into the leaves, which gives the same
//! products; models with categories, with several outputs a tree, or without trees have slower ways of their own.
//!
//! Source: XGBoost `src/predictor/cpu_predictor.cc`.

mod block;
mod code;
mod coded;
mod lanes;
mod linear;
mod mixed;
mod part;
mod predictor;
mod walk;

use crate::bin::BinnedDataset;
use crate::dataset::Dataset;
use crate::linear::{ColumnTable, add_margins};
use crate::threads::Threads;

use super::start::Start;
use super::{Booster, BoosterKind};

pub use predictor::Predictor;

/// Why a table cannot be predicted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PredictError {
    /// The table has another number of columns than the model was trained on.
    #[error(
        "the data has {found} columns, the model was trained on {expected}; only a sparse table may have fewer"
    )]
    Columns {
        /// Columns of the table.
        found: usize,
        /// Columns of the model.
        expected: usize,
    },
    /// A base margin that is not `(n_rows, n_groups)`.
    #[error("base margin has {found} entries, expected {expected}")]
    BaseMargin {
        /// Entries found.
        found: usize,
        /// Rows times groups.
        expected: usize,
    },
    /// Values or predictions are not as many as the other one's rows ask for.
    #[error("{values} values and {outputs} predictions are not the same number of rows")]
    Rows {
        /// Values that were given.
        values: usize,
        /// Predictions that were asked for.
        outputs: usize,
    },
    /// Trees tell what is missing from 0, and a table by columns does not.
    #[error("booster `{booster}` has trees, and a table by columns is for `gblinear`")]
    NotLinear {
        /// The booster.
        booster: &'static str,
    },
    /// A linear model has no leaves.
    #[error("booster `gblinear` has no trees, so rows reach no leaves")]
    NoLeaves,
}

impl Booster {
    /// Margins, `(n_rows, n_groups)` row-major: what the row starts from (its own base margin, else the base score's, and
    /// the logarithm of its exposure) and the leaves, before the objective's transform.
    ///
    /// # Errors
    /// - [`PredictError::Columns`] if the table is wider than the model, or is dense and narrower.
    /// - [`PredictError::BaseMargin`] if the table's base margin is not `(n_rows, n_groups)`.
    pub fn predict_margin(
        &self,
        data: &Dataset,
        threads: &Threads,
    ) -> Result<Vec<f32>, PredictError> {
        Predictor::for_rows(self, data.n_rows()).predict_margin(data, threads)
    }

    /// Margins of a table in bins, as [`Booster::predict_margin`] gives them for its values. The splits of the booster must
    /// be cuts of the table, as they are where it was trained with them.
    ///
    /// # Errors
    /// As [`Booster::predict_margin`].
    pub fn predict_margin_binned(
        &self,
        data: &BinnedDataset,
        threads: &Threads,
    ) -> Result<Vec<f32>, PredictError> {
        Predictor::for_rows(self, data.n_rows()).predict_margin_binned(data, threads)
    }

    /// Margins of a table by columns, as [`Booster::predict_margin`] gives them for its values.
    ///
    /// # Errors
    /// As [`Booster::predict_margin`], and [`PredictError::NotLinear`] if the model has trees.
    pub fn predict_margin_columns(
        &self,
        data: &ColumnTable,
        threads: &Threads,
    ) -> Result<Vec<f32>, PredictError> {
        let BoosterKind::GbLinear(linear) = &self.kind else {
            let booster = self.kind.as_str();
            return Err(PredictError::NotLinear { booster });
        };
        let (found, expected) = (data.n_features(), self.n_features());
        if found != expected {
            return Err(PredictError::Columns { found, expected });
        }
        let start = Start {
            base_margin: data.base_margin(),
            exposure: data.exposure(),
        };
        let n_groups = self.n_groups();
        let mut margins = start.margins(self.base_margin(), data.n_rows(), n_groups)?;
        add_margins(data, linear, (&mut margins, n_groups), threads);
        Ok(margins)
    }

    /// Predictions after the objective's transform, `(n_rows, n_groups)` row-major; `multi:softmax` gives `(n_rows,)`
    /// class numbers.
    ///
    /// # Errors
    /// As [`Booster::predict_margin`].
    pub fn predict(&self, data: &Dataset, threads: &Threads) -> Result<Vec<f32>, PredictError> {
        let mut predictions = self.predict_margin(data, threads)?;
        self.objective.transform(&mut predictions);
        Ok(self.objective.decide(predictions))
    }

    /// The leaf that each row reaches in each tree, `(n_rows, n_trees)` row-major, as the node's index in its tree.
    ///
    /// # Errors
    /// As [`Booster::predict_margin`], and [`PredictError::NoLeaves`] for a linear model.
    pub fn predict_leaf(
        &self,
        data: &Dataset,
        threads: &Threads,
    ) -> Result<Vec<u32>, PredictError> {
        Predictor::for_rows(self, 0).predict_leaf(data, threads)
    }

    /// Whether a table has the model's columns. A sparse one may be narrower: what it does not have is missing.
    pub(crate) fn check_columns(&self, data: &Dataset) -> Result<(), PredictError> {
        let (found, expected) = (data.n_features(), self.n_features());
        if found == expected || (found < expected && data.is_sparse()) {
            return Ok(());
        }
        Err(PredictError::Columns { found, expected })
    }

    /// What each row's margin starts from, `(n_rows, n_groups)` row-major: its own base margin, else the base score's, and
    /// the logarithm of its exposure.
    pub(crate) fn start_margins(&self, data: &Dataset) -> Result<Vec<f32>, PredictError> {
        self.check_columns(data)?;
        let start = Start {
            base_margin: data.base_margin(),
            exposure: data.exposure(),
        };
        start.margins(self.base_margin(), data.n_rows(), self.n_groups())
    }
}
