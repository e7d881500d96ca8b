//! `metrics`: what a job measured, round by round, out of the job's own log: nothing is averaged by the minute, and
//! nothing is missing because a metric has no definition.
//!
//! Invariant: a round that an interrupted job repeats is told once, by its last value.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use contract::exit;
use contract::job::JobName;
use serde::{Serialize, Serializer};

use crate::args::Global;
use crate::chart::Chart;
use crate::command::outcome;
use crate::error::CliError;
use crate::follow::{self, Ended, Event, LineFilter, Wish};
use crate::output::{Format, Printer};
use crate::round::History;
use crate::session::Session;
use crate::style::{COMMAND, FAINT, paint};
use crate::table::Table;
use crate::units;

/// How often a chart is drawn anew.
const REDRAW: Duration = Duration::from_millis(300);

/// Show a job's metrics round by round.
#[derive(Debug, clap::Args)]
pub struct Metrics {
    /// Name, beginning of a name, ARN, or @last
    #[arg(default_value = "@last")]
    job: String,
    /// Go on until the job has ended; the exit code tells how
    #[arg(short, long)]
    follow: bool,
    /// Draw the values over the rounds, as wide as the terminal
    #[arg(long)]
    chart: bool,
    /// Only this metric, such as validation:rmse; may be given again for more
    #[arg(long, value_name = "DATA:METRIC")]
    name: Vec<String>,
}

/// What is printed of a job.
struct Told<'a> {
    job: &'a str,
    names: Vec<String>,
    history: &'a History,
}

#[derive(Serialize)]
struct Curve {
    metric: String,
    rounds: Vec<u64>,
    #[serde(serialize_with = "numbers")]
    values: Vec<f64>,
}

/// JSON has no word for a value that is not finite, so it is a text, as in the evaluation document.
fn numbers<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(|it| number(*it)))
}

fn number(value: f64) -> serde_json::Value {
    let text = || value.to_string().to_lowercase();
    serde_json::Number::from_f64(value).map_or_else(|| text().into(), Into::into)
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Document<'a> {
            job: &'a str,
            metrics: Vec<Curve>,
        }
        let curve = |name: &String| {
            let (rounds, values) = self.history.values(name).unzip();
            Curve {
                metric: name.clone(),
                rounds,
                values,
            }
        };
        Document {
            job: self.job,
            metrics: self.names.iter().map(curve).collect(),
        }
        .serialize(serializer)
    }
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right: Vec<usize> = (0..=self.names.len()).collect();
        let mut table = Table::new(0, &right);
        let heading = std::iter::once("round").chain(self.names.iter().map(String::as_str));
        table.row(heading.map(|it| paint(FAINT, it)));
        for (round, values) in &self.history.rounds {
            let cells = self.names.iter().map(|it| values.get(it));
            if cells.clone().all(|it| it.is_none()) {
                continue;
            }
            let cells = cells.map(|it| it.map_or_else(String::new, |it| units::metric(*it)));
            table.row(std::iter::once(round.to_string()).chain(cells));
        }
        table.fmt(f)
    }
}

impl Told<'_> {
    fn charts(&self, width: usize) -> String {
        let chart = |name: &String| {
            Chart {
                name,
                points: self.history.values(name).collect(),
                width,
            }
            .to_string()
        };
        self.names.iter().map(chart).collect::<Vec<_>>().join("\n")
    }
}

impl Metrics {
    /// Shows the metrics.
    ///
    /// # Errors
    /// If there is no such job or no such metric, or the log may not be read.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let session = Session::open(global, Some(&self.job)).await?;
        let name = session.find(&self.job).await?;
        let code = if self.follow {
            self.follow(&session, &name, printer).await?
        } else {
            let wish = Wish::everything();
            let lines = follow::read_log(session.follow(), &name, &session.pace, &wish).await?;
            let mut history = History::default();
            for line in &lines {
                history.take_in(&line.text);
            }
            self.print(&name, &history, printer)?;
            exit::SUCCESS
        };
        session.close(printer).await?;
        Ok(code)
    }

    /// The metrics that were asked for, or all.
    fn names(&self, job: &JobName, history: &History) -> Result<Vec<String>, CliError> {
        if self.name.is_empty() {
            return Ok(history.names.clone());
        }
        match self.name.iter().find(|it| !history.names.contains(it)) {
            None => Ok(self.name.clone()),
            Some(unknown) => Err(CliError::Missing {
                message: format!("`{job}` has printed no metric `{unknown}`"),
                fix: if history.names.is_empty() {
                    "its log has no metric lines yet; `linden logs` shows what it has".to_owned()
                } else {
                    format!("give one of {}", history.names.join(", "))
                },
            }),
        }
    }

    fn print(
        &self,
        job: &JobName,
        history: &History,
        printer: &mut Printer,
    ) -> Result<(), CliError> {
        let told = Told {
            job: job.as_str(),
            names: self.names(job, history)?,
            history,
        };
        if told.names.is_empty() {
            printer.say(&format!("{job} has printed no metrics"));
        }
        if printer.format() == Format::Json {
            printer.print(&told)
        } else if told.names.is_empty() {
            Ok(())
        } else if self.chart {
            let text = told.charts(printer.width());
            printer.line(text.trim_end())
        } else {
            printer.print(&told)
        }
    }

    async fn follow(
        &self,
        session: &Session,
        name: &JobName,
        printer: &mut Printer,
    ) -> Result<u8, CliError> {
        let again = format!("linden metrics -f {name}{}", session.flag());
        let wish = Wish {
            filter: LineFilter {
                // What can be no metric line is not kept.
                grep: regex::Regex::new(r"\]\t").ok(),
                ..LineFilter::default()
            },
            ..Wish::everything()
        };
        let mut live = Live::new(self, printer);
        let mut on_event = |event: Event| {
            if let Event::Line(line) = event {
                live.take_in(&line.text);
            }
        };
        let ended = tokio::select! {
            ended = follow::until_ended(session.follow(), name, &session.pace, &wish, &mut on_event) => {
                Some(ended.map_err(|err| CliError::lost_touch(err, again.clone()))?)
            }
            _ = tokio::signal::ctrl_c() => None,
        };
        let history = live.end()?;
        if self.chart && !printer.redraws() {
            self.print(name, &history, printer)?;
        }
        let Some(Ended::Terminal(job) | Ended::TimedOut(job)) = ended else {
            let again = paint(COMMAND, again);
            printer.say(&format!("The job keeps running. Go on with: {again}"));
            return Ok(exit::INTERRUPTED);
        };
        Ok(outcome::exit_code(&job))
    }
}

/// Rounds as they come: a row each, or charts that are drawn over.
struct Live<'a> {
    wish: &'a Metrics,
    printer: &'a mut Printer,
    history: History,
    /// The columns, once the first round has told them.
    columns: Vec<String>,
    /// Lines that were drawn, and when.
    drawn: Option<(usize, Instant)>,
    broken: Option<CliError>,
}

impl<'a> Live<'a> {
    fn new(wish: &'a Metrics, printer: &'a mut Printer) -> Self {
        Self {
            wish,
            printer,
            history: History::default(),
            columns: Vec::new(),
            drawn: None,
            broken: None,
        }
    }

    fn take_in(&mut self, text: &str) {
        let Some(round) = self.history.take_in(text) else {
            return;
        };
        let result = if self.wish.chart {
            self.redraw(false)
        } else {
            self.row(round)
        };
        self.broken = self.broken.take().or(result.err());
    }

    fn wanted(&self) -> Vec<String> {
        let names = self.history.names.iter();
        names
            .filter(|it| self.wish.name.is_empty() || self.wish.name.contains(it))
            .cloned()
            .collect()
    }

    fn row(&mut self, round: u64) -> Result<(), CliError> {
        let Some(values) = self.history.rounds.get(&round) else {
            return Ok(());
        };
        if self.printer.format() == Format::Json {
            let wanted = self.wanted();
            let values: BTreeMap<&String, serde_json::Value> = values
                .iter()
                .filter(|(name, _)| wanted.contains(name))
                .map(|(name, value)| (name, number(*value)))
                .collect();
            let line = serde_json::json!({ "round": round, "values": values });
            self.printer.line(&line.to_string())?;
            return self.printer.flush();
        }
        if self.columns.is_empty() {
            self.columns = self.wanted();
            let heading = self.columns.iter().map(|it| format!("  {it:>11}"));
            let heading = format!("{:>5}{}", "round", heading.collect::<String>());
            self.printer.line(&paint(FAINT, heading))?;
        }
        let cell = |name: &String| {
            let text = values
                .get(name)
                .map_or_else(String::new, |it| units::metric(*it));
            format!("  {text:>0$}", name.chars().count().max(11))
        };
        let cells: String = self.columns.iter().map(cell).collect();
        self.printer.line(&format!("{round:>5}{cells}"))?;
        self.printer.flush()
    }

    fn redraw(&mut self, at_once: bool) -> Result<(), CliError> {
        let is_recent = self.drawn.is_some_and(|it| it.1.elapsed() < REDRAW);
        if !self.printer.redraws() || is_recent && !at_once {
            return Ok(());
        }
        let told = Told {
            job: "",
            names: self.wanted(),
            history: &self.history,
        };
        let text = told.charts(self.printer.width());
        let text = text.trim_end();
        let back = self
            .drawn
            .map(|(n_lines, _)| format!("\u{1b}[{n_lines}A\u{1b}[J"));
        self.printer
            .line(&format!("{}{text}", back.unwrap_or_default()))?;
        self.drawn = Some((text.lines().count(), Instant::now()));
        self.printer.flush()
    }

    fn end(mut self) -> Result<History, CliError> {
        if self.wish.chart && !self.history.names.is_empty() {
            self.redraw(true)?;
        }
        self.broken.map_or(Ok(self.history), Err)
    }
}
