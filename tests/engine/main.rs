//! Tests.

mod model;
mod model_peers;
mod predict;
