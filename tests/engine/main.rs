//! The engine, as a crate that uses it sees it.

mod bin;
mod constrained;
mod dataset;
mod decision_tree;
mod determinism;
mod explain;
mod grow;
mod ingest;
mod linfa;
mod metric;
mod model;
mod model_lightgbm;
mod model_peers;
mod objective;
mod objective_train;
mod params;
mod predict;
mod ranking;
mod reference;
mod resume;
mod sampled;
mod side;
mod storage;
mod table;
mod targets;
mod train;
