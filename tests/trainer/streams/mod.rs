//! Channels that are read from a store instead of a disk: the same model, and nothing lost on the way.

mod faults;
#[cfg(feature = "s3")]
mod http;
#[cfg(feature = "s3")]
mod program;
mod reading;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use contract::paths::MlRoot;
use contract::streamed::StreamedChannel;
use trainer::error::TrainerError;
use trainer::store::download::Policy;
use trainer::train::{self, Outcome, Streams};

use self::store::MemoryStore;
use crate::job::Job;

/// As patient as the trainer is, but in a hurry.
pub(crate) fn policy() -> Policy {
    Policy {
        first_wait: Duration::from_micros(100),
        longest_wait: Duration::from_millis(1),
        ..Policy::default()
    }
}

/// The channels at these addresses of `store`.
pub(crate) fn streams(
    store: &Arc<MemoryStore>,
    channels: &[(&'static str, &str, &str)],
) -> Streams {
    let channel = |&(name, s3, content_type): &(&'static str, &str, &str)| {
        let content_type = (!content_type.is_empty()).then(|| content_type.parse().unwrap());
        let s3 = s3.parse().unwrap();
        (name, StreamedChannel { s3, content_type })
    };
    Streams {
        channels: channels.iter().map(channel).collect::<BTreeMap<_, _>>(),
        store: Some(Arc::clone(store) as _),
        policy: policy(),
    }
}

/// A job of three rounds, without a channel on its disk.
pub(crate) fn job() -> Job {
    let job = Job::new(&[("num_round", "3"), ("nthread", "2")]);
    job.write_documents();
    job
}

pub(crate) fn run(job: &Job, streams: Streams) -> Result<Outcome, TrainerError> {
    let stop = Arc::new(AtomicBool::new(false));
    run_until(job, streams, &stop)
}

pub(crate) fn run_until(
    job: &Job,
    streams: Streams,
    stop: &Arc<AtomicBool>,
) -> Result<Outcome, TrainerError> {
    let root = MlRoot::at(job.path("."));
    let mut stdout = Vec::new();
    train::run_with(&root, &mut stdout, stop, streams)
}

/// The model of a job that went well.
pub(crate) fn model(job: &Job, streams: Streams) -> Vec<u8> {
    assert_eq!(run(job, streams).unwrap(), Outcome::Trained);
    std::fs::read(job.path("model/xgboost-model")).unwrap()
}
