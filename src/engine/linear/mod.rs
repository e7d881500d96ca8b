//! Linear boosting (`gblinear`): weights that are improved one by one, by the gradients of any objective.
//!
//! It is our own, since linfa-elasticnet knows the squared error and the multi-task one and nothing of gradients, and
//! since the model has to be XGBoost's: the same steps in the same order, in the same precision.
//!
//! Invariant: sums are those of fixed blocks of rows, added in order, so threads do not show. XGBoost's `shotgun` lets its
//! threads race for the gradients; here it is what one thread alone does, every time.
//!
//! Source: XGBoost 3.2 `src/linear/coordinate_common.h`, `updater_shotgun.cc`, `updater_coordinate.cc`.

mod descent;
mod kernel;
mod margins;
mod select;
mod table;

pub(crate) use descent::{Descent, Penalties};
pub(crate) use margins::add_margins;
pub(crate) use table::Column;
pub use table::ColumnTable;
