//! The program in the image: channels in, model, metrics and evaluation out.
//!
//! Invariants: what is read is refused with its place or taken as it stands, never guessed at; the same bytes, parameters
//! and seed give the same model, whatever the number of threads; every way out leaves either a model or a reason.

pub mod data;
