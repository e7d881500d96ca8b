//! The trainer's promises: what the readers take and refuse, and what the program leaves behind.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod csv;
mod files;
mod libsvm;
mod properties;
mod table;
