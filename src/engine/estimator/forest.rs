//! Random forests: one round of many trees, each grown on a part of the rows and columns.
//!
//! Source: XGBoost, "Random Forests in XGBoost"; the defaults are those of its `XGBRFRegressor`, with columns drawn for
//! each tree.

use crate::booster::Booster;
use crate::params::BoosterParams;

/// Share of the rows, and of the columns, that each tree sees.
const SHARE: f32 = 0.8;

/// Leaves are nearly the plain means of their rows.
const REG_LAMBDA: f32 = 1e-5;

impl Booster {
    /// Parameters of a random forest of `n_trees` trees, to be set further and then fitted.
    ///
    /// ```
    /// use engine::booster::Booster;
    /// use linfa::{Dataset, traits::Fit};
    /// use ndarray::Array;
    ///
    /// let x = Array::from_shape_fn((60, 2), |(row, column)| (row * (column + 1) % 60) as f32);
    /// let y = x.column(0).mapv(|it| it * 0.5);
    /// let forest = Booster::random_forest(20).seed(1).fit(&Dataset::new(x, y)).unwrap();
    /// assert_eq!((forest.n_rounds(), forest.trees.len()), (1, 20));
    /// ```
    pub fn random_forest(n_trees: u32) -> BoosterParams {
        Self::params()
            .num_round(1)
            .num_parallel_tree(n_trees)
            .learning_rate(1.0)
            .subsample(SHARE)
            .colsample_bytree(SHARE)
            .reg_lambda(REG_LAMBDA)
    }
}
