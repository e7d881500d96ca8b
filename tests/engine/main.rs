//! Tests.

mod model;
mod predict;
