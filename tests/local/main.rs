//! The local SageMaker over HTTP, as any client sees it.
//!
//! Clients are written here by hand, so that a test can send what an SDK would not; `tests/peers/test_local.py` says the
//! same things through boto3.

#![expect(
    clippy::unwrap_used,
    reason = "whatever is unexpected here ends the test that meets it"
)]

mod channels;
mod client;
mod hosting;
mod listing;
mod logs;
mod objects;
mod pipes;
mod processing;
mod real_trainer;
mod requests;
mod scenario;
mod search;
mod spot;
mod state;
mod statuses;
mod tuning;
mod warm_pools;
