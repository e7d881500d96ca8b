//! Trees: gradient boosting, random forests and single trees, in XGBoost's terms.
//!
//! Invariant: this crate computes. It reads no file, socket, clock or environment, prints nothing, and knows no word of
//! SageMaker's. Whoever calls it brings the tiles and takes the bytes of the model away.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a kernel is not compiled for the kernel's instructions"
)]

pub mod bin;
pub mod booster;
pub mod dataset;
pub mod estimator;
pub mod explain;
pub mod export;
pub mod linear;
pub mod memory;
pub mod metric;
pub mod model;
pub mod objective;
pub mod params;
mod quantile;
pub(crate) mod ranking;
pub mod simd;
pub mod threads;
pub mod tree;
