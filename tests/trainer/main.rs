//! The trainer's promises: what the readers take and refuse, and what the program leaves behind.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod bad_content;
mod bad_input;
mod boosters;
mod categories;
mod category_words;
mod checkpoints;
mod columns;
mod constraints;
mod content;
mod csv;
mod faults;
mod files;
mod hyperparameters;
mod injection;
mod job;
mod libsvm;
mod memory;
mod modes;
mod parquet;
mod parquet_damage;
mod parquet_file;
mod properties;
mod ranking;
mod record;
mod serve;
mod signal;
mod streams;
mod table;
mod targets;
mod train;
