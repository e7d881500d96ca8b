//! Training jobs: their records on disk, the statuses they walk, and the task that runs each.
//!
//! One task a job goes through layout, channels, processes and artifacts; a client sees it through the record alone.
//! Everything that a job does to its record is an edge of [`phase`], so a status can never go backwards.

mod artifacts;
mod attempt;
mod augmented;
mod billing;
mod channels;
mod failure;
mod layout;
mod log_lines;
mod metrics;
mod mirror;
mod orphan;
mod phase;
mod pipes;
mod process;
mod record;
mod runner;
mod spot;
mod upload;
mod variables;

pub(crate) use channels::{Asker, Bring, Source};
pub(crate) use failure::reason as failure_reason;
pub(crate) use layout::Host;
pub(crate) use metrics::Extractor;
pub(crate) use mirror::Mirror;
pub(crate) use orphan::kill_orphans;
pub(crate) use phase::{enter, first_transition, now};
pub(crate) use process::{Cause, Ended, Limits, Sink, Trainers, next_order, watch_host};
pub(crate) use record::{JobRecord, Jobs, Tuned};
pub(crate) use runner::{Order, Runner, fail_orphan};
pub(crate) use variables::{on_this_machine, streamed_channel};
