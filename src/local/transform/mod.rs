//! Transform jobs: objects through a model, request by request, and what it answers as objects beside their names.
//!
//! ```text
//! objects under S3Uri ─> records (SplitType) ─> InputFilter ─> requests (BatchStrategy, MaxPayloadInMB) ─> /invocations
//!     ─> rows (JoinSource, OutputFilter) ─> AssembleWith ─> S3OutputPath/<name>.out
//! ```
//! Invariants: an object's records keep their order, and requests come one after the other; an object's output is there as a
//! whole or not at all. What is not here (`TFRecord`, filters beyond [`filter`]) is refused at the start.
//!
//! Source: SageMaker API, `CreateTransformJob`; developer guide, "Use Batch Transform" and "Associate Prediction Results with
//! Input Records".

mod filter;
mod records;
mod request;
mod rows;
mod run;
mod submit;

pub(crate) use submit::{create, describe, list, stop};
