//! Tests.

mod determinism;
mod model;
mod model_peers;
mod predict;
mod table;
