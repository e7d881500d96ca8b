//! Tells a person how a job goes on: statuses, log lines, and the metric lines in moderation.
//!
//! On a terminal the metrics are one line that is redrawn, with a bar; elsewhere about `SHOWN` of the metric lines are
//! printed, spread over the rounds, and always the last. `-v` prints all of them.

use crate::command::events::status_line;
use crate::follow::{Event, Line};
use crate::output::Printer;
use crate::style::{FAINT, WARN, paint};

/// Metric lines that are printed where nothing can be redrawn.
const SHOWN: u64 = 20;

/// Tells events as they come.
#[derive(Debug)]
pub struct Narrator<'p> {
    printer: &'p mut Printer,
    n_rounds: u64,
    many_hosts: bool,
    /// The last metric line, while it was not printed.
    held: Option<String>,
    bar_started: bool,
}

impl<'p> Narrator<'p> {
    /// A narrator for a job of `n_rounds` rounds, 0 where that is not known.
    pub fn new(printer: &'p mut Printer, n_rounds: u64, many_hosts: bool) -> Self {
        Self {
            printer,
            n_rounds,
            many_hosts,
            held: None,
            bar_started: false,
        }
    }

    /// Tells one event.
    pub fn tell(&mut self, event: &Event) {
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
    pub fn end(mut self) {
        self.release();
        self.printer.end_bar();
    }

    fn line(&mut self, line: &Line) {
        let text = if self.many_hosts {
            format!(
                "  {} {}",
                paint(FAINT, format_args!("{} │", line.host)),
                line.text
            )
        } else {
            format!("  {}", line.text)
        };
        let Some((round, values)) = metric_line(&line.text) else {
            self.release();
            self.printer.say(&text);
            return;
        };
        if self.printer.verbosity() > 0 {
            self.printer.say(&text);
        } else if self.printer.is_live() {
            self.redraw(round, values);
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

    fn redraw(&mut self, round: u64, values: &str) {
        if !self.bar_started {
            self.bar_started = true;
            self.printer
                .start_bar(self.n_rounds, "  round {pos:>4}/{len} {bar:24} {msg}");
        }
        self.printer
            .move_bar(round + 1, &values.replace('\t', "  ").replace(':', " "));
    }

    /// Prints the metric line that was held back: it turned out to be the last.
    fn release(&mut self) {
        if self.bar_started {
            self.printer.end_bar();
            self.bar_started = false;
        }
        if let Some(text) = self.held.take() {
            self.printer.say(&text);
        }
    }
}

/// Round and values of `[12]\ttrain-rmse:3.1\tvalidation-rmse:3.4`; other writers put text before the bracket.
fn metric_line(text: &str) -> Option<(u64, &str)> {
    let (head, values) = text.split_once("]\t")?;
    let round = head.rsplit_once('[')?.1.parse().ok()?;
    values.contains(':').then_some((round, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_line_is_told_by_its_form() {
        assert_eq!(
            metric_line("[12]\ttrain-rmse:3.1"),
            Some((12, "train-rmse:3.1"))
        );
        assert_eq!(
            metric_line("[10:02:11] [3]\ttrain-rmse:3.1"),
            Some((3, "train-rmse:3.1"))
        );
        assert_eq!(metric_line("Train matrix has 10 rows"), None);
        assert_eq!(metric_line("[x]\tno"), None);
    }
}
