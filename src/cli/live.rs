//! The status area below a followed job: what it does and since when, its machines, its cost so far, how its metric moves.
//!
//! It is drawn on a terminal only and drawn over in place; what was said stays above it, and it is gone when the command
//! ends. Invariants: a line is never wider than the terminal, so nothing wraps; what is kept does not grow with the job.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contract::job::{SecondaryStatus, TrainingJobDescription};

use crate::follow::Event;
use crate::output::Printer;
use crate::round;
use crate::spark::spark;
use crate::style::{FAINT, STRONG, paint};
use crate::units;

/// Values of a metric that are kept; every second one goes when there are more.
const MAX_POINTS: usize = 512;
/// The widest curve.
const MAX_SPARK: usize = 32;
/// The narrowest one that tells something.
const MIN_SPARK: usize = 4;

/// What does not change while a job is followed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The machines: `2 × ml.m5.large`.
    pub machines: String,
    /// How many.
    pub hosts: usize,
    /// Rounds that it trains, 0 where that is not known.
    pub n_rounds: u64,
    /// US dollars an hour of all machines; `None` where no price is known or nothing is paid.
    pub usd_per_hour: Option<f64>,
}

impl Facts {
    /// What a description says; `rate` is what an hour of one machine costs, where that is known.
    pub fn of(job: &TrainingJobDescription, rate: Option<f64>) -> Self {
        let hosts = job.resource_config.instance_count.unwrap_or(1).max(1);
        let instance_type = job.resource_config.instance_type.as_deref();
        let n_rounds = job.hyper_parameters.get("num_round");
        Self {
            machines: format!("{hosts} × {}", instance_type.unwrap_or("instance")),
            hosts: usize::try_from(hosts).unwrap_or(1),
            n_rounds: n_rounds
                .and_then(|it| it.trim_matches('"').parse().ok())
                .unwrap_or(0),
            usd_per_hour: rate.map(|it| it * hosts as f64),
        }
    }
}

/// The area; dropping it leaves the drawing to the printer, which takes it away.
#[derive(Debug)]
pub struct LiveView {
    state: Arc<Mutex<State>>,
}

impl LiveView {
    /// Starts to draw, where a person watches a terminal.
    pub fn start(facts: Facts, printer: &mut Printer) -> Option<Self> {
        if !printer.is_live() {
            return None;
        }
        let state = Arc::new(Mutex::new(State::new(facts)));
        let drawn = Arc::clone(&state);
        printer.start_area(move |width| locked(&drawn).text(width, units::now()));
        Some(Self { state })
    }

    /// Takes an event in and draws anew.
    pub fn take(&self, event: &Event, printer: &Printer) {
        locked(&self.state).take(event);
        printer.redraw();
    }
}

/// A panic while drawing is no reason to stop following.
fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is known of the job.
#[derive(Debug)]
struct State {
    facts: Facts,
    /// The secondary status and its start.
    status: Option<(String, f64)>,
    /// When the machines began to be paid.
    paid_since: Option<f64>,
    hosts: BTreeSet<String>,
    round: Option<u64>,
    metric: Metric,
}

/// The metric that is drawn: the first one of the validation data, else the first.
#[derive(Debug, Default)]
struct Metric {
    name: String,
    last: f64,
    points: Vec<f64>,
    /// How many values make a point.
    every: usize,
    n_seen: usize,
}

impl State {
    fn new(facts: Facts) -> Self {
        Self {
            facts,
            status: None,
            paid_since: None,
            hosts: BTreeSet::new(),
            round: None,
            metric: Metric::default(),
        }
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Status(it) => {
                if self.paid_since.is_none() && is_paid(&it.status) {
                    self.paid_since = Some(it.start_time);
                }
                self.status = Some((it.status.to_string(), it.start_time));
            }
            Event::Line(line) => {
                if self.hosts.len() < self.facts.hosts && !self.hosts.contains(&line.host) {
                    self.hosts.insert(line.host.clone());
                }
                if let Some(round) = round::parse(&line.text) {
                    self.round = Some(round.number);
                    self.metric.take(&round.values);
                }
            }
            Event::LogRefused(_) => {}
        }
    }

    /// The lines, none wider than `width`.
    fn text(&self, width: usize, now: f64) -> String {
        let mut first: Vec<String> = vec![];
        if let Some((status, since)) = &self.status {
            let age = units::whole_seconds((now - since).max(0.0) as i64);
            first.push(format!("{} {age}", paint(STRONG, status)));
        } else {
            first.push(paint(STRONG, "waiting"));
        }
        if !self.facts.machines.is_empty() {
            first.push(self.facts.machines.clone());
        }
        if self.facts.hosts > 1 {
            first.push(format!(
                "{} of {} hosts log",
                self.hosts.len(),
                self.facts.hosts
            ));
        }
        if let (Some(rate), Some(since)) = (self.facts.usd_per_hour, self.paid_since) {
            let usd = rate * (now - since).max(0.0) / 3600.0;
            first.push(format!("about {} so far", crate::cost::usd(usd)));
        }
        let mut text = fitted(&first, width);
        let second = self.second(width);
        if !second.is_empty() {
            // Writing to a string does not fail.
            let _ = write!(text, "\n{second}");
        }
        text
    }

    fn second(&self, width: usize) -> String {
        let Some(round) = self.round else {
            return String::new();
        };
        let rounds = match self.facts.n_rounds {
            0 => format!("round {round}"),
            n => format!("round {}/{n}", round + 1),
        };
        let value = format!("{} {}", self.metric.name, units::metric(self.metric.last));
        let mut parts = vec![rounds, value];
        let used: usize = parts.iter().map(|it| it.chars().count() + SEPARATOR).sum();
        let columns = width.saturating_sub(used + INDENT.len()).min(MAX_SPARK);
        if columns >= MIN_SPARK && self.metric.points.len() > 1 {
            parts.push(spark(&self.metric.points, columns));
        }
        fitted(&parts, width)
    }
}

/// Machines are paid from the moment that they are there.
fn is_paid(status: &SecondaryStatus) -> bool {
    match status {
        SecondaryStatus::Downloading
        | SecondaryStatus::DownloadingTrainingImage
        | SecondaryStatus::Training
        | SecondaryStatus::Uploading => true,
        SecondaryStatus::Starting
        | SecondaryStatus::LaunchingMLInstances
        | SecondaryStatus::PreparingTrainingStack
        | SecondaryStatus::Pending
        | SecondaryStatus::Interrupted
        | SecondaryStatus::Restarting
        | SecondaryStatus::Updating
        | SecondaryStatus::Stopping
        | SecondaryStatus::Stopped
        | SecondaryStatus::MaxRuntimeExceeded
        | SecondaryStatus::MaxWaitTimeExceeded
        | SecondaryStatus::Completed
        | SecondaryStatus::Failed
        | SecondaryStatus::Other(_) => false,
    }
}

impl Metric {
    fn take(&mut self, values: &[(String, f64)]) {
        let wanted = values
            .iter()
            .find(|it| it.0 == self.name)
            .or_else(|| values.iter().find(|it| it.0.starts_with("validation:")))
            .or_else(|| values.first());
        let Some((name, value)) = wanted else {
            return;
        };
        if *name != self.name {
            *self = Self {
                name: name.clone(),
                every: 1,
                ..Self::default()
            };
        }
        self.last = *value;
        if value.is_finite() && self.n_seen.is_multiple_of(self.every) {
            self.points.push(*value);
        }
        self.n_seen += 1;
        if self.points.len() > MAX_POINTS {
            let mut keep = false;
            self.points.retain(|_| {
                keep = !keep;
                keep
            });
            self.every *= 2;
        }
    }
}

/// What stands before a line, and between its parts.
const INDENT: &str = "  ";
const BETWEEN: &str = " · ";
const SEPARATOR: usize = 3;

/// As many of the parts as fit; of the first one as much as fits.
fn fitted(parts: &[String], width: usize) -> String {
    let mut text = INDENT.to_owned();
    let mut used = INDENT.len();
    for (idx, part) in parts.iter().enumerate() {
        let plain = anstream::adapter::strip_str(part).to_string();
        let needed = plain.chars().count() + if idx == 0 { 0 } else { SEPARATOR };
        if used + needed > width {
            if idx == 0 {
                let room = width.saturating_sub(used);
                text.extend(plain.chars().take(room));
            }
            break;
        }
        if idx > 0 {
            text.push_str(&paint(FAINT, BETWEEN));
        }
        text.push_str(part);
        used += needed;
    }
    text.chars()
        .take(if width < INDENT.len() {
            width
        } else {
            usize::MAX
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::follow::Line;
    use contract::job::SecondaryStatusTransition;

    fn status(text: &str, start_time: f64) -> Event {
        Event::Status(SecondaryStatusTransition {
            status: SecondaryStatus::from(text),
            start_time,
            end_time: None,
            status_message: None,
        })
    }

    fn line(host: &str, text: &str) -> Event {
        Event::Line(Line {
            timestamp_ms: 0,
            host: host.to_owned(),
            text: text.to_owned(),
        })
    }

    fn state() -> State {
        let mut state = State::new(Facts {
            machines: "2 × ml.m5.large".to_owned(),
            hosts: 2,
            n_rounds: 40,
            usd_per_hour: Some(0.46),
        });
        state.take(&status("Starting", 0.0));
        state.take(&status("Training", 100.0));
        for round in 0..20 {
            let value = 20.0 - f64::from(round);
            state.take(&line(
                "algo-1",
                &format!("[{round}]\ttrain-rmse:1\tvalidation-rmse:{value}"),
            ));
        }
        state
    }

    fn plain(state: &State, width: usize, now: f64) -> Vec<String> {
        let text = anstream::adapter::strip_str(&state.text(width, now)).to_string();
        text.lines().map(ToOwned::to_owned).collect()
    }

    #[test]
    fn the_area_tells_status_machines_hosts_cost_and_the_validation_metric() {
        let lines = plain(&state(), 120, 292.0);
        assert_eq!(
            lines[0],
            "  Training 3m 12s · 2 × ml.m5.large · 1 of 2 hosts log · about $0.025 so far"
        );
        assert!(
            lines[1].starts_with("  round 20/40 · validation:rmse 1.0000 · █"),
            "{}",
            lines[1]
        );
        assert!(lines[1].ends_with('▁'), "{}", lines[1]);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_what_matters_most_stays_longest() {
        let state = state();
        for width in 1..130 {
            for line in plain(&state, width, 292.0) {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
        assert_eq!(plain(&state, 20, 292.0)[0], "  Training 3m 12s");
        assert!(!plain(&state, 60, 292.0)[0].contains("so far"));
    }

    #[test]
    fn a_long_job_does_not_grow_what_is_kept() {
        let mut state = state();
        for round in 0..100_000 {
            state.take(&line(
                "algo-2",
                &format!("[{round}]\tvalidation-rmse:{round}"),
            ));
        }
        assert!(state.metric.points.len() <= MAX_POINTS);
        assert_eq!(state.hosts.len(), 2);
        assert!(plain(&state, 120, 292.0)[1].ends_with('█'));
    }
}
