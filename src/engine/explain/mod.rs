//! Explanations: what a model asks, and what each feature adds to a prediction.
//!
//! Invariants: sums are in `f64`, tree after tree in the model's order, and rows do not see each other, so nothing depends
//! on threads; contributions of a row add up to its margin. Values are of margins, before the objective's transform,
//! except where [`Scale`] says otherwise. Weights of dart, categorical splits and trees with several outputs count.
//!
//! Source: Lundberg, Erion, Lee, "Consistent Individualized Feature Attribution for Tree Ensembles" (2018); XGBoost
//! `src/predictor/treeshap.cc`, `src/gbm/gbtree.h`.

mod dependence;
mod error;
mod importance;
mod linear;
mod path;
mod rows;
mod saabas;
mod shapley;

pub use dependence::{Dependence, DependenceParams, Scale};
pub use error::ExplainError;
pub use importance::{ImportanceType, UnknownImportance};

use crate::booster::{Booster, BoosterKind};
use crate::dataset::Dataset;
use crate::threads::Threads;

impl Booster {
    /// What each feature adds to each row's margin: exact Shapley values under the trees' own shares of rows (XGBoost's
    /// `pred_contribs`). `(n_rows, n_groups, n_features + 1)` row-major; the last column is what no feature adds: where the
    /// row starts from, and the trees' means.
    ///
    /// # Errors
    /// [`ExplainError`] if the table does not fit the model, or a tree is too deep.
    pub fn predict_contributions(
        &self,
        data: &Dataset,
        threads: &Threads,
    ) -> Result<Vec<f64>, ExplainError> {
        let start = self.start_margins(data)?;
        let mut out = match &self.kind {
            BoosterKind::GbLinear(model) => linear::contributions(self, model, data, threads),
            BoosterKind::GbTree | BoosterKind::Dart { .. } => {
                shapley::contributions(self, data, threads)?
            }
        };
        add_start(&start, self.n_features() + 1, &mut out);
        Ok(out)
    }

    /// What each pair of features adds together (XGBoost's `pred_interactions`): `(n_rows, n_groups, n_features + 1,
    /// n_features + 1)` row-major and symmetric; a row of the matrix adds up to the feature's contribution.
    ///
    /// A linear model has its contributions on the diagonal, where XGBoost gives zeros.
    ///
    /// # Errors
    /// As [`Booster::predict_contributions`].
    pub fn predict_interactions(
        &self,
        data: &Dataset,
        threads: &Threads,
    ) -> Result<Vec<f64>, ExplainError> {
        let start = self.start_margins(data)?;
        let n_columns = self.n_features() + 1;
        let mut out = match &self.kind {
            BoosterKind::GbLinear(model) => {
                let alone = linear::contributions(self, model, data, threads);
                linear::interactions(&alone, n_columns)
            }
            BoosterKind::GbTree | BoosterKind::Dart { .. } => {
                shapley::interactions(self, data, threads)?
            }
        };
        add_start(&start, n_columns * n_columns, &mut out);
        Ok(out)
    }

    /// What each split on a row's way adds to the mean of the node before it (Saabas; XGBoost's `approx_contribs`): faster
    /// than [`Booster::predict_contributions`], of the same shape, and unfair to features that are asked early.
    ///
    /// # Errors
    /// As [`Booster::predict_contributions`].
    pub fn predict_approximate_contributions(
        &self,
        data: &Dataset,
        threads: &Threads,
    ) -> Result<Vec<f64>, ExplainError> {
        let start = self.start_margins(data)?;
        let mut out = match &self.kind {
            BoosterKind::GbLinear(model) => linear::contributions(self, model, data, threads),
            BoosterKind::GbTree | BoosterKind::Dart { .. } => {
                saabas::contributions(self, data, threads)
            }
        };
        add_start(&start, self.n_features() + 1, &mut out);
        Ok(out)
    }
}

/// Adds what rows start from, `(n_rows, n_groups)`, to the last of each `width` numbers of `out`: what no feature adds.
fn add_start(start: &[f32], width: usize, out: &mut [f64]) {
    for (numbers, &margin) in out.chunks_exact_mut(width).zip(start) {
        numbers[width - 1] += f64::from(margin);
    }
}
