//! Tests.

mod decision_tree;
mod determinism;
mod linfa;
mod model;
mod model_peers;
mod predict;
mod table;
