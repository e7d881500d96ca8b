//! Tells a person how a job goes on: statuses, log lines, and the metric lines in moderation.
//!
//! On a terminal the metrics are a curve in the status area; elsewhere about `SHOWN` of the metric lines are printed, spread
//! over the rounds, and always the last. `-v` prints all of them.

use crate::ending::Telling;
use crate::error::CliError;
use crate::events::{EventLine, status_line};
use crate::follow::{Event, Line};
use crate::github;
use crate::live::{Facts, LiveView};
use crate::output::Printer;
use crate::round;
use crate::style::{FAINT, WARN, paint};

/// Metric lines that are printed where nothing can be redrawn.
const SHOWN: u64 = 20;

/// Tells events as they come.
#[derive(Debug)]
pub struct Narrator<'p> {
    printer: &'p mut Printer,
    n_rounds: u64,
    many_hosts: bool,
    telling: Telling,
    /// The last metric line, while it was not printed.
    held: Option<String>,
    view: Option<LiveView>,
    broken: Option<CliError>,
}

impl<'p> Narrator<'p> {
    /// A narrator for a job of `n_rounds` rounds, 0 where that is not known.
    pub fn new(printer: &'p mut Printer, n_rounds: u64, many_hosts: bool) -> Self {
        Self {
            printer,
            n_rounds,
            many_hosts,
            telling: Telling::default(),
            held: None,
            view: None,
            broken: None,
        }
    }

    /// Tells programs and CI systems in their ways.
    #[must_use]
    pub fn telling(mut self, telling: Telling) -> Self {
        self.telling = telling;
        self
    }

    /// Shows a status area, where a person watches a terminal and not a program.
    #[must_use]
    pub fn showing(mut self, facts: Facts) -> Self {
        if !self.telling.jsonl {
            self.view = LiveView::start(facts, self.printer);
        }
        self
    }

    /// Tells one event of `job`.
    pub fn tell(&mut self, job: &str, event: &Event) {
        if self.telling.jsonl {
            let result = EventLine::of(job, event).print(self.printer);
            self.broken = self.broken.take().or(result.err());
            return;
        }
        if let Some(view) = &self.view {
            view.take(event, self.printer);
        }
        match event {
            Event::Status(it) => self.printer.say(&status_line(it)),
            Event::LogRefused(err) => {
                let text = format!(
                    "{} the log may not be read: {}",
                    paint(WARN, "warning:"),
                    err.message
                );
                self.printer.say(&text);
            }
            Event::Line(line) => self.line(line),
        }
    }

    /// Ends the telling: nothing stays held back.
    ///
    /// # Errors
    /// If stdout could not be written.
    pub fn end(mut self) -> Result<(), CliError> {
        self.release();
        self.printer.end_bar();
        self.broken.map_or(Ok(()), Err)
    }

    fn line(&mut self, line: &Line) {
        let said = if self.telling.github {
            github::harmless(&line.text)
        } else {
            line.text.as_str().into()
        };
        let text = if self.many_hosts {
            format!("  {} {said}", paint(FAINT, format_args!("{} │", line.host)))
        } else {
            format!("  {said}")
        };
        let Some((round, _)) = round::split(&line.text) else {
            self.release();
            self.printer.say(&text);
            return;
        };
        if self.printer.verbosity() > 0 {
            self.printer.say(&text);
        } else if self.view.is_some() {
            self.held = Some(text);
        } else {
            let every = (self.n_rounds / SHOWN).max(1);
            self.held = if round.is_multiple_of(every) {
                None
            } else {
                Some(text.clone())
            };
            if self.held.is_none() {
                self.printer.say(&text);
            }
        }
    }

    /// Prints the metric line that was held back: it turned out to be the last.
    fn release(&mut self) {
        if let Some(text) = self.held.take() {
            self.printer.say(&text);
        }
    }
}
