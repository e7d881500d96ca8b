//! The log side of following: streams, their tokens, and lines that wait for older ones of other hosts.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::job::JobName;

use super::line::{host_of, lines_of};
use super::{Event, Line, Pace, Ports, back_off};
use crate::aws::{AwsError, AwsErrorKind, LogEvent};

/// The log side: streams, their tokens, and lines that wait for older ones.
pub(super) struct Tail<'a> {
    ports: Ports<'a>,
    prefix: String,
    pace: Pace,
    tokens: BTreeMap<String, Option<String>>,
    waiting: Vec<Waiting>,
    hosts: usize,
    pub(super) due: Duration,
    discover_due: Duration,
    failures: u32,
    refused: bool,
    n_read: u64,
}

/// A line in the hold-back window.
struct Waiting {
    arrived: Duration,
    seq: u64,
    line: Line,
}

impl<'a> Tail<'a> {
    pub(super) fn new(ports: Ports<'a>, job: &JobName, pace: &Pace) -> Self {
        let now = ports.clock.now();
        Self {
            ports,
            prefix: format!("{job}/"),
            pace: pace.clone(),
            tokens: BTreeMap::new(),
            waiting: Vec::new(),
            hosts: 1,
            due: now,
            discover_due: now,
            failures: 0,
            refused: false,
            n_read: 0,
        }
    }

    pub(super) fn expect_hosts(&mut self, hosts: usize) {
        self.hosts = hosts;
    }

    /// Looks for streams and reads each of them once, if it is time to.
    pub(super) async fn round(
        &mut self,
        status_changed: bool,
        on_event: &mut (dyn FnMut(Event) + Send),
    ) {
        let now = self.ports.clock.now();
        if self.refused || now < self.due && !status_changed {
            return;
        }
        self.due = now + self.pace.logs;
        let result = self.read_round(status_changed).await;
        self.settle(result, on_event);
        let now = self.ports.clock.now();
        self.emit(now.saturating_sub(self.pace.hold_back), on_event);
    }

    async fn read_round(&mut self, status_changed: bool) -> Result<(), AwsError> {
        let now = self.ports.clock.now();
        if status_changed || self.tokens.len() < self.hosts || now >= self.discover_due {
            self.discover_due = now + self.pace.discover;
            self.discover().await?;
        }
        self.read_all().await
    }

    pub(super) async fn discover(&mut self) -> Result<(), AwsError> {
        for stream in self.ports.logs.streams(&self.prefix).await? {
            self.tokens.entry(stream).or_default();
        }
        Ok(())
    }

    /// Reads every stream up to its end of now.
    pub(super) async fn read_all(&mut self) -> Result<(), AwsError> {
        let streams: Vec<String> = self.tokens.keys().cloned().collect();
        for stream in streams {
            loop {
                let sent = self.tokens.get(&stream).cloned().flatten();
                let page = match self.ports.logs.page(&stream, sent.as_deref()).await {
                    // Listed, but not there yet.
                    Err(err) if err.kind == AwsErrorKind::NotFound => break,
                    other => other?,
                };
                let host = host_of(&stream, &self.prefix);
                for event in page.events {
                    self.take_in(host, &event);
                }
                let at_end = page.next.is_none() || page.next == sent;
                if page.next.is_some() {
                    self.tokens.insert(stream.clone(), page.next);
                }
                if !self.pace.call_gap.is_zero() {
                    self.ports.clock.sleep(self.pace.call_gap).await;
                }
                if at_end {
                    break;
                }
            }
        }
        Ok(())
    }

    fn take_in(&mut self, host: &str, event: &LogEvent) {
        let arrived = self.ports.clock.now();
        for text in lines_of(&event.message) {
            self.n_read += 1;
            let line = Line {
                timestamp_ms: event.timestamp_ms,
                host: host.to_owned(),
                text,
            };
            self.waiting.push(Waiting {
                arrived,
                seq: self.n_read,
                line,
            });
        }
    }

    /// Decides what a failed round means: wait, go on without the log, or simply try again.
    fn settle(&mut self, result: Result<(), AwsError>, on_event: &mut (dyn FnMut(Event) + Send)) {
        let Err(err) = result else {
            self.failures = 0;
            return;
        };
        match err.kind {
            // Nothing was logged yet.
            AwsErrorKind::NotFound => {}
            AwsErrorKind::Throttled | AwsErrorKind::Service | AwsErrorKind::Network => {
                self.failures += 1;
                self.due = self.ports.clock.now() + back_off(self.pace.logs, self.failures);
            }
            _ => {
                self.refused = true;
                on_event(Event::LogRefused(err));
            }
        }
    }

    /// Gives out the lines that arrived up to `until`, and what is older than they are, by time.
    pub(super) fn emit(&mut self, until: Duration, on_event: &mut (dyn FnMut(Event) + Send)) {
        self.waiting.sort_by(|a, b| {
            (a.line.timestamp_ms, &a.line.host, a.seq).cmp(&(
                b.line.timestamp_ms,
                &b.line.host,
                b.seq,
            ))
        });
        let ready = self
            .waiting
            .iter()
            .rposition(|it| it.arrived <= until)
            .map_or(0, |idx| idx + 1);
        for it in self.waiting.drain(..ready) {
            on_event(Event::Line(it.line));
        }
    }

    /// Reads until two rounds in a row have brought nothing: the service shows the last lines late.
    pub(super) async fn drain(&mut self, on_event: &mut (dyn FnMut(Event) + Send)) {
        let end = self.ports.clock.now() + self.pace.drain_cap;
        let mut quiet = 0;
        while quiet < 2 && !self.refused && self.ports.clock.now() < end {
            let before = self.n_read;
            let result = self.read_round(true).await;
            let failed = result.is_err();
            self.settle(result, on_event);
            // A job that has ended without ever having logged has nothing to wait for.
            quiet = if self.n_read == before && (!failed || self.tokens.is_empty()) {
                quiet + 1
            } else {
                0
            };
            if quiet < 2 {
                self.ports.clock.sleep(self.pace.drain_gap).await;
            }
        }
        self.emit(Duration::MAX, on_event);
    }
}
