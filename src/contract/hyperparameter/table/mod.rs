//! The table: every hyperparameter that the built-in algorithm accepts, and Linden's own.
//!
//! A new hyperparameter is one row and the parameter that it sets. [`IMPLEMENTED`], [`FEATURES`] and [`RANKING`] do something; [`INHERITED`] are the
//! built-in algorithm's others, accepted where they would change nothing and refused where they would.
//!
//! Source: sagemaker-xgboost-container, `hyperparameter_validation.py`; XGBoost 3.x, "XGBoost Parameters".

mod boosters;
mod checkpoints;
mod features;
mod implemented;
mod inherited;
mod ranking;

pub use boosters::BOOSTERS;
pub use checkpoints::CHECKPOINTS;
pub use features::FEATURES;
pub use implemented::IMPLEMENTED;
pub use inherited::INHERITED;
pub use ranking::RANKING;

use super::spec::{Interval, Spec};

/// All rows, in the order of the documentation.
pub fn table() -> impl Iterator<Item = &'static Spec> {
    IMPLEMENTED
        .iter()
        .chain(BOOSTERS)
        .chain(CHECKPOINTS)
        .chain(FEATURES)
        .chain(RANKING)
        .chain(INHERITED)
}

/// The row of a hyperparameter, by its name or an alias.
pub fn row(name: &str) -> Option<&'static Spec> {
    table().find(|it| it.name == name || it.aliases.contains(&name))
}

const BOOLEAN: &[&str] = &["true", "false"];
const ZERO_OR_ONE: Interval = Interval::closed(0.0, 1.0);
const NON_NEGATIVE: Interval = Interval::at_least(0.0);
const POSITIVE_COUNT: Interval = Interval::at_least(1.0);
