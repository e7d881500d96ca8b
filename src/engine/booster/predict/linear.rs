//! Linear models: each row's values times the features' weights.
//!
//! Invariant: a sum begins with base score and bias and takes the features in their order, leaving out missing values, so
//! that it is XGBoost's bit for bit.
//!
//! Source: XGBoost `src/gbm/gblinear.cc`, `Pred`.

use super::super::{Booster, LinearModel};
use super::block::Block;

/// A linear model made ready; its columns are all features.
#[derive(Clone, Debug)]
pub(super) struct LinearRows {
    linear: LinearModel,
    n_features: usize,
}

impl LinearRows {
    pub(super) fn new(linear: &LinearModel, booster: &Booster) -> Self {
        Self {
            linear: linear.clone(),
            n_features: booster.n_features(),
        }
    }

    /// Adds bias and features to `out`, `(n_rows, n_groups)` row-major.
    pub(super) fn add_all(&self, block: &Block<'_>, n_groups: usize, out: &mut [f32]) {
        let biases = self.linear.of(self.n_features, n_groups);
        for row in out.chunks_exact_mut(n_groups) {
            for (sum, bias) in row.iter_mut().zip(biases) {
                *sum += bias;
            }
        }
        for feature in 0..self.n_features {
            let weights = self.linear.of(feature, n_groups);
            let column = &block.values[feature * block.stride..][..block.n_rows];
            for (row, &value) in out.chunks_exact_mut(n_groups).zip(column) {
                if value.is_nan() {
                    continue;
                }
                for (sum, weight) in row.iter_mut().zip(weights) {
                    *sum += value * weight;
                }
            }
        }
    }
}
