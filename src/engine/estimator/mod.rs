//! Estimators: linfa's traits over the booster, random forests, and the single decision tree.
//!
//! Invariant: everything here is a way to [`Booster`](crate::booster::Booster) or from it; nothing here trains but
//! through [`booster::train`](crate::booster::train) or linfa-trees.

mod decision_tree;
mod forest;
mod linfa_booster;
mod target;

pub use decision_tree::{
    DecisionTree, DecisionTreeError, DecisionTreeParams, MAX_EXACT_VALUES, Obstacle, TreeSearch,
    fit_decision_tree,
};
pub use linfa_booster::FitError;
pub use target::Target;
