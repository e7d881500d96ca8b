//! Where a job's lines go: each host's to its log stream, all of them to the metrics.
//!
//! Invariants: every start of a job's hosts has streams of its own, `<job>/<host>-<seconds since 1970>`. A host that a
//! scenario keeps silent has no stream until its lines come.

use super::layout::Host;
use super::now;
use super::process::Sink;
use super::runner::{Halt, Runner};
use crate::logs::LogStore;
use contract::job::TrainingJobDescription;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The log of one host.
#[derive(Debug)]
struct HostLog {
    stream: String,
    store: Arc<LogStore>,
    silence: Option<Silent>,
}

/// Lines that are held back.
#[derive(Debug)]
struct Silent {
    /// `None` is for ever.
    until: Option<Instant>,
    held: Mutex<Vec<String>>,
}

impl Runner {
    /// Sends every line to its host's log stream and to the metrics.
    pub(super) fn sink(&self, job: &TrainingJobDescription, hosts: &[Host]) -> Result<Sink, Halt> {
        let names = |epoch: u64| -> Vec<String> {
            let name = |it: &Host| format!("{}/{}-{epoch}", job.training_job_name, it.name);
            hosts.iter().map(name).collect()
        };
        let mut epoch = now() as u64;
        let mut streams = names(epoch);
        // A job that was deleted may have had this name in this second, and its log stays.
        while streams.iter().any(|it| self.logs.has(it)) {
            epoch += 1;
            streams = names(epoch);
        }
        let mut host_logs = Vec::new();
        for (stream, host) in streams.into_iter().zip(hosts) {
            let silence = self.plan.silences.iter().find(|it| it.host == host.name);
            let silence = silence.map(|it| Silent {
                until: it.until.map(|it| Instant::now() + it),
                held: Mutex::default(),
            });
            if silence.is_none() {
                self.logs.create(&stream).map_err(Halt::internal)?;
            }
            let store = self.logs.clone();
            host_logs.push(HostLog {
                stream,
                store,
                silence,
            });
        }
        let metrics = self.metrics.clone();
        Ok(Arc::new(move |rank: usize, line: &str| {
            metrics.observe(line, now());
            host_logs[rank].take(line);
        }))
    }
}

impl HostLog {
    fn take(&self, line: &str) {
        let Some(silence) = &self.silence else {
            return self.write(line);
        };
        // Nobody will ever ask for what is silent for ever.
        let Some(until) = silence.until else { return };
        let mut held = silence.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.push(line.to_owned());
        if until <= Instant::now() {
            held.drain(..).for_each(|it| self.write(&it));
        }
    }

    fn write(&self, line: &str) {
        let stream = &self.stream;
        let made = if self.store.has(stream) {
            Ok(())
        } else {
            self.store.create(stream)
        };
        let written: io::Result<()> = made.and_then(|()| self.store.append(stream, line));
        // A log that cannot be written must not end a training that can.
        if let Err(err) = written {
            tracing::warn!(stream, %err, "a log line was lost");
        }
    }
}

impl Drop for HostLog {
    fn drop(&mut self) {
        // What was late comes at the latest when the host has ended.
        let Some(Silent {
            until: Some(_),
            held,
        }) = &self.silence
        else {
            return;
        };
        let held = std::mem::take(&mut *held.lock().unwrap_or_else(PoisonError::into_inner));
        for line in &held {
            self.write(line);
        }
    }
}
