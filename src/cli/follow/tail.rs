//! The log side of following: streams, how far each was read, and lines that wait for older ones of other hosts.
//!
//! Invariants: what a filter refuses is read and not told, so "nothing more comes" is judged by what was read; how many
//! lines wait does not grow with the log.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::job::JobName;

use super::line::{host_of, lines_of};
use super::place::Place;
use super::{Event, Line, Pace, Ports, SETTLED, Wish, back_off};
use crate::aws::{AwsError, AwsErrorKind, LogEvent};

/// Of a stream whose end was seen a look is one page, since the second would only say that there is no more. After so many
/// looks in a row that brought lines it is read to its end again: the service may cut a page short.
const MAX_MOVED: u32 = 4;
/// A page of so many events or bytes may have another one behind it: half of what `GetLogEvents` gives at most.
const FULL_EVENTS: usize = 5000;
const FULL_BYTES: usize = 500_000;
/// So many lines wait for older ones of other hosts before they are looked through.
const CROWD: usize = 10_000;

/// How far streams are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// To the end of now.
    End,
    /// A page, where the end was seen before.
    Look,
}

/// The log side: streams, how far each was read, and lines that wait for older ones.
pub(super) struct Tail<'a> {
    ports: Ports<'a>,
    prefix: String,
    pace: Pace,
    wish: Wish,
    /// Whether the streams that were there at first have been begun, at their ends where the wish says so.
    begun: bool,
    streams: BTreeMap<String, Place>,
    waiting: Vec<Waiting>,
    hosts: usize,
    start: Duration,
    pub(super) due: Duration,
    discover_due: Duration,
    failures: u32,
    refused: bool,
    /// Lines that were read, wanted or not.
    n_read: u64,
    /// Lines that were put into the window.
    n_waited: u64,
}

/// A line in the hold-back window.
struct Waiting {
    arrived: Duration,
    seq: u64,
    line: Line,
}

impl<'a> Tail<'a> {
    pub(super) fn new(ports: Ports<'a>, job: &JobName, pace: &Pace, wish: &Wish) -> Self {
        let now = ports.clock.now();
        Self {
            ports,
            prefix: format!("{job}/"),
            pace: pace.clone(),
            wish: wish.clone(),
            begun: false,
            streams: BTreeMap::new(),
            waiting: Vec::new(),
            hosts: 1,
            start: now,
            due: now,
            discover_due: now,
            failures: 0,
            refused: false,
            n_read: 0,
            n_waited: 0,
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
        self.due = now + self.pause(now);
        let result = self.read_round(status_changed, Reach::Look, on_event).await;
        self.settle(result, on_event);
        if self.begun {
            let now = self.ports.clock.now();
            self.emit(now.saturating_sub(self.pace.hold_back), on_event);
        }
    }

    fn pause(&self, now: Duration) -> Duration {
        if now.saturating_sub(self.start) >= SETTLED {
            self.pace.logs_later
        } else {
            self.pace.logs
        }
    }

    async fn read_round(
        &mut self,
        status_changed: bool,
        reach: Reach,
        on_event: &mut (dyn FnMut(Event) + Send),
    ) -> Result<(), AwsError> {
        let now = self.ports.clock.now();
        let expected = match self.wish.filter.hosts.len() {
            0 => self.hosts,
            wanted => wanted.min(self.hosts),
        };
        // A first look that broke off is looked again, since it says where streams are begun.
        let is_due = status_changed || now >= self.discover_due;
        if !self.begun || is_due || self.streams.len() < expected {
            self.discover_due = now + self.pace.discover;
            self.discover().await?;
        }
        self.read_all(reach, on_event).await
    }

    /// Looks for streams. Those of the first look are begun near their ends where the wish asks for the last lines;
    /// one that is opened later is read from its beginning.
    pub(super) async fn discover(&mut self) -> Result<(), AwsError> {
        for stream in self.ports.logs.streams(&self.prefix).await? {
            let host = host_of(&stream, &self.prefix);
            if self.wish.filter.takes_host(host) {
                self.streams.entry(stream).or_default();
            }
        }
        if !self.begun && self.wish.begins_near_the_end() {
            // What is left of a look that broke off is read again.
            self.waiting.clear();
            for stream in self.streams.keys().cloned().collect::<Vec<_>>() {
                self.begin_near_the_end(&stream).await?;
            }
            self.keep_newest();
        }
        self.begun = true;
        Ok(())
    }

    /// Reads a stream backwards until there are as many lines as are wanted, or none that is young enough.
    async fn begin_near_the_end(&mut self, stream: &str) -> Result<(), AwsError> {
        let wanted = self.wish.tail.unwrap_or(usize::MAX);
        let mut newest_first: Vec<Line> = Vec::new();
        let mut before: Option<String> = None;
        loop {
            let page = match self.ports.logs.newest(stream, before.as_deref()).await {
                Err(err) if err.kind == AwsErrorKind::NotFound => return Ok(()),
                other => other?,
            };
            if before.is_none() {
                let place = self.streams.entry(stream.to_owned()).or_default();
                for event in &page.events {
                    place.is_new(event.timestamp_ms);
                }
                place.token.clone_from(&page.next);
            }
            let lines = page.events.iter().rev().flat_map(|event| {
                let mut lines = self.lines(stream, event);
                lines.reverse();
                lines
            });
            newest_first.extend(lines.filter(|it| self.wish.filter.takes(it)));
            self.gap().await;
            let oldest = page.events.first().map(|it| it.timestamp_ms);
            let is_past = oldest.is_some_and(|it| self.wish.filter.is_too_old(it));
            let at_start = page.back.is_none() || page.back == before;
            if at_start || is_past || newest_first.len() >= wanted {
                break;
            }
            before = page.back;
        }
        newest_first.truncate(wanted);
        for line in newest_first.into_iter().rev() {
            self.wait(line);
        }
        Ok(())
    }

    /// Of the last lines of every stream, the last ones by time.
    pub(super) fn keep_newest(&mut self) {
        self.sort();
        let wanted = self.wish.tail.unwrap_or(usize::MAX);
        let n_older = self.waiting.len().saturating_sub(wanted);
        self.waiting.drain(..n_older);
    }

    /// Reads every stream, page by page, always the one that is furthest behind: so none has to wait for long.
    pub(super) async fn read_all(
        &mut self,
        reach: Reach,
        on_event: &mut (dyn FnMut(Event) + Send),
    ) -> Result<(), AwsError> {
        let mut behind: Vec<String> = self.streams.keys().cloned().collect();
        let read_to = |it: &String, streams: &BTreeMap<String, Place>| {
            streams.get(it).and_then(Place::read_to)
        };
        while let Some(at) = (0..behind.len()).min_by_key(|at| read_to(&behind[*at], &self.streams))
        {
            if !self.read_page(&behind[at].clone(), reach).await? {
                behind.swap_remove(at);
            }
            if self.waiting.len() >= CROWD
                && let Some(bound) = behind.iter().map(|it| read_to(it, &self.streams)).min()
            {
                self.tell_before(bound, on_event);
            }
        }
        Ok(())
    }

    /// Tells the lines that are older than everything that a stream may still bring; whoever asks for the last lines has
    /// to wait for them.
    fn tell_before(&mut self, bound: Option<i64>, on_event: &mut (dyn FnMut(Event) + Send)) {
        let Some(bound) = bound.filter(|_| self.begun && self.wish.tail.is_none()) else {
            return;
        };
        self.sort();
        let ready = self
            .waiting
            .partition_point(|it| it.line.timestamp_ms < bound);
        for it in self.waiting.drain(..ready) {
            on_event(Event::Line(it.line));
        }
    }

    /// Reads a page, and says whether another one is to be read.
    async fn read_page(&mut self, stream: &str, reach: Reach) -> Result<bool, AwsError> {
        let sent = self.streams.get(stream).and_then(|it| it.token.clone());
        let page = match self.ports.logs.page(stream, sent.as_deref()).await {
            // Listed, but not there yet.
            Err(err) if err.kind == AwsErrorKind::NotFound => return Ok(false),
            // The token has outlived its day.
            Err(err) if err.kind == AwsErrorKind::Invalid && sent.is_some() => {
                if let Some(place) = self.streams.get_mut(stream) {
                    place.lose_token();
                }
                return Ok(true);
            }
            other => other?,
        };
        for event in &page.events {
            let place = self.streams.entry(stream.to_owned()).or_default();
            if place.is_new(event.timestamp_ms) {
                self.take_in(stream, event);
            }
        }
        let at_end = page.next.is_none() || page.next == sent;
        let bytes: usize = page.events.iter().map(|it| it.message.len()).sum();
        let is_full = page.events.len() >= FULL_EVENTS || bytes >= FULL_BYTES;
        let place = self.streams.entry(stream.to_owned()).or_default();
        if page.next.is_some() {
            place.token = page.next;
        }
        let goes_on = if at_end {
            (place.is_caught_up, place.n_moved) = (true, 0);
            false
        } else {
            place.n_moved += 1;
            if is_full || place.n_moved >= MAX_MOVED {
                place.is_caught_up = false;
            }
            reach == Reach::End || !place.is_caught_up
        };
        self.gap().await;
        Ok(goes_on)
    }

    /// Account-wide limits are low, so calls keep apart.
    async fn gap(&self) {
        if !self.pace.call_gap.is_zero() {
            self.ports.clock.sleep(self.pace.call_gap).await;
        }
    }

    fn lines(&self, stream: &str, event: &LogEvent) -> Vec<Line> {
        let host = host_of(stream, &self.prefix);
        lines_of(&event.message)
            .into_iter()
            .map(|text| Line {
                timestamp_ms: event.timestamp_ms,
                host: host.to_owned(),
                text,
            })
            .collect()
    }

    fn take_in(&mut self, stream: &str, event: &LogEvent) {
        for line in self.lines(stream, event) {
            self.n_read += 1;
            if self.wish.filter.takes(&line) {
                self.wait(line);
            }
        }
    }

    /// Puts a line into the hold-back window.
    fn wait(&mut self, line: Line) {
        self.n_waited += 1;
        self.waiting.push(Waiting {
            arrived: self.ports.clock.now(),
            seq: self.n_waited,
            line,
        });
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
                let now = self.ports.clock.now();
                self.due = now + back_off(self.pause(now), self.failures);
            }
            _ => {
                self.refused = true;
                self.due = Duration::MAX;
                on_event(Event::LogRefused(err));
            }
        }
    }

    /// Gives out the lines that arrived up to `until`, and what is older than they are, by time.
    pub(super) fn emit(&mut self, until: Duration, on_event: &mut (dyn FnMut(Event) + Send)) {
        self.sort();
        let ready = self
            .waiting
            .iter()
            .rposition(|it| it.arrived <= until)
            .map_or(0, |idx| idx + 1);
        for it in self.waiting.drain(..ready) {
            on_event(Event::Line(it.line));
        }
    }

    fn sort(&mut self) {
        self.waiting.sort_by(|a, b| {
            (a.line.timestamp_ms, &a.line.host, a.seq).cmp(&(
                b.line.timestamp_ms,
                &b.line.host,
                b.seq,
            ))
        });
    }

    /// Reads until two rounds in a row have brought nothing: the service shows the last lines late.
    pub(super) async fn drain(&mut self, on_event: &mut (dyn FnMut(Event) + Send)) {
        let end = self.ports.clock.now() + self.pace.drain_cap;
        let mut quiet = 0;
        while quiet < 2 && !self.refused && self.ports.clock.now() < end {
            let before = self.n_read;
            let result = self.read_round(true, Reach::End, on_event).await;
            let failed = result.is_err();
            self.settle(result, on_event);
            // A job that has ended without ever having logged has nothing to wait for.
            quiet = if self.n_read == before && (!failed || self.streams.is_empty()) {
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
