//! The program in the image: channels in, model, metrics and evaluation out.
//!
//! Invariants: what is read is refused with its place or taken as it stands, never guessed at; the same bytes, parameters
//! and seed give the same model, whatever the number of threads; every way out leaves either a model or a reason.

pub mod command;
pub mod data;
pub mod error;
pub mod failure;
pub mod log;
pub mod signal;
pub mod train;
