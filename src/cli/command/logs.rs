//! `logs`: a job's lines on stdout. With `-f` it goes on until the job has ended, and ends with the job's exit code.
//!
//! Invariant: stdout holds lines and nothing else; silence of the job never ends the command, a reader that goes away does.

use std::time::Duration;

use contract::exit;
use contract::job::{JobName, TrainingJobDescription};
use regex::Regex;
use serde::Serialize;
use tokio::sync::Notify;

use crate::args::Global;
use crate::bill;
use crate::command::outcome;
use crate::ending::Telling;
use crate::error::CliError;
use crate::events::{EventLine, status_line};
use crate::follow::{self, Ended, Event, Line, LineFilter, Wish};
use crate::github;
use crate::live::{Facts, LiveView};
use crate::output::{Format, Printer};
use crate::report::JobReport;
use crate::session::Session;
use crate::style::{COMMAND, FAINT, paint};
use crate::units::{self, parse_duration};

/// Lines that are shown of a job that failed.
const LAST_LINES: usize = 40;

/// Print a job's log.
#[derive(Debug, clap::Args)]
pub struct Logs {
    /// Name, beginning of a name, ARN, or @last
    #[arg(default_value = "@last")]
    job: String,
    /// Go on until the job has ended; the exit code tells how
    #[arg(short, long)]
    follow: bool,
    /// Of the lines that are there, only the last N
    #[arg(long, value_name = "N")]
    tail: Option<usize>,
    /// Only lines that are younger than this, such as 90s, 10m or 2h
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    since: Option<Duration>,
    /// Only lines of this host, such as algo-2; may be given again for more hosts
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// Only lines in which this regular expression is found
    #[arg(long, value_name = "REGEX")]
    grep: Option<Regex>,
    /// Leave the host's name out where there are several
    #[arg(long, visible_alias = "raw")]
    no_prefix: bool,
    #[command(flatten)]
    telling: Telling,
}

/// A line as JSON; `--json` prints one object a line, since a log has no end.
#[derive(Serialize)]
struct JsonLine<'a> {
    timestamp_ms: i64,
    host: &'a str,
    message: &'a str,
}

/// How lines are printed.
#[derive(Clone, Copy)]
struct Style {
    with_host: bool,
    telling: Telling,
}

impl Logs {
    /// Prints the lines.
    ///
    /// # Errors
    /// If there is no such job, or its log may not be read.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let session = Session::open(global, Some(&self.job)).await?;
        let name = session.find(&self.job).await?;
        let job = session.jobs().describe(&name).await?;
        let style = Style {
            with_host: !self.no_prefix && job.resource_config.instance_count.unwrap_or(1) > 1,
            telling: self.telling,
        };
        let wish = Wish {
            logs: true,
            timeout: None,
            tail: self.tail,
            filter: LineFilter {
                since_ms: self
                    .since
                    .and_then(|it| LineFilter::since(units::now(), it)),
                hosts: self.host,
                grep: self.grep,
            },
        };
        let code = if self.follow {
            follow_lines(&session, (&name, &job), (&wish, style), printer).await?
        } else {
            let n_lines = print_log(&session, &name, (&wish, style), printer).await?;
            if n_lines == 0 {
                let which = if is_narrowed(&wish) { "such" } else { "log" };
                printer.say(&format!(
                    "{name} has no {which} lines ({})",
                    job.secondary_status
                ));
            }
            exit::SUCCESS
        };
        session.close(printer).await?;
        Ok(code)
    }
}

fn is_narrowed(wish: &Wish) -> bool {
    wish.tail == Some(0)
        || wish.filter.since_ms.is_some()
        || !wish.filter.hosts.is_empty()
        || wish.filter.grep.is_some()
}

/// Prints what there is while it is read, and says how many lines it was. A reader that goes away ends it.
async fn print_log(
    session: &Session,
    name: &JobName,
    (wish, style): (&Wish, Style),
    printer: &mut Printer,
) -> Result<usize, CliError> {
    let gone = Notify::new();
    let (mut broken, mut n_lines) = (None, 0);
    let mut on_line = |line: Line| {
        n_lines += 1;
        if broken.is_none()
            && let Err(err) = print_line(name, &line, style, printer)
        {
            broken = Some(err);
            gone.notify_one();
        }
    };
    tokio::select! {
        read = follow::tell_log(session.follow(), name, &session.pace, wish, &mut on_line) => read?,
        () = gone.notified() => {}
    }
    broken.map_or(Ok(n_lines), Err)
}

async fn follow_lines(
    session: &Session,
    (name, job): (&JobName, &TrainingJobDescription),
    (wish, style): (&Wish, Style),
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let view = view(session, job, style, printer);
    let again = format!("linden logs -f {name}{}", session.flag());
    let gone = Notify::new();
    let mut broken = None;
    let mut on_event = |event: Event| {
        let result = print_event(name, &event, style, printer);
        if let Some(view) = &view {
            view.take(&event, printer);
        }
        if let Err(err) = result {
            broken = broken.take().or(Some(err));
            gone.notify_one();
        }
    };
    let ended = tokio::select! {
        ended = follow::until_ended(session.follow(), name, &session.pace, wish, &mut on_event) => {
            Some(ended.map_err(|err| CliError::lost_touch(err, again.clone()))?)
        }
        () = gone.notified() => None,
        _ = tokio::signal::ctrl_c() => None,
    };
    printer.end_bar();
    if let Some(err) = broken {
        return Err(err);
    }
    let Some(Ended::Terminal(job) | Ended::TimedOut(job)) = ended else {
        let again = paint(COMMAND, again);
        printer.say(&format!("The job keeps running. Go on with: {again}"));
        return Ok(exit::INTERRUPTED);
    };
    style.telling.tell_end(&JobReport::of(&job), printer)?;
    Ok(outcome::exit_code(&job))
}

/// A status area, where the lines go to a terminal that a person watches.
fn view(
    session: &Session,
    job: &TrainingJobDescription,
    style: Style,
    printer: &mut Printer,
) -> Option<LiveView> {
    if !printer.is_shown() || style.telling.jsonl || printer.format() == Format::Json {
        return None;
    }
    // A table of prices that cannot be read is no reason not to follow.
    let rate = bill::rate_of(job, session).ok().flatten();
    LiveView::start(Facts::of(job, rate.map(|it| it.usd_per_hour)), printer)
}

fn print_event(
    name: &JobName,
    event: &Event,
    style: Style,
    printer: &mut Printer,
) -> Result<(), CliError> {
    if style.telling.jsonl {
        return EventLine::of(name.as_str(), event).print(printer);
    }
    match event {
        Event::Line(line) => {
            print_line(name, line, style, printer)?;
            printer.flush()
        }
        Event::Status(it) => {
            printer.say(&status_line(it));
            Ok(())
        }
        Event::LogRefused(err) => {
            printer.say(&format!("the log may not be read: {}", err.message));
            Ok(())
        }
    }
}

fn print_line(
    name: &JobName,
    line: &Line,
    style: Style,
    printer: &mut Printer,
) -> Result<(), CliError> {
    if style.telling.jsonl {
        return EventLine::of(name.as_str(), &Event::Line(line.clone())).print(printer);
    }
    if printer.format() == Format::Json {
        let line = JsonLine {
            timestamp_ms: line.timestamp_ms,
            host: &line.host,
            message: &line.text,
        };
        let text = serde_json::to_string(&line).map_err(|err| CliError::Output(err.into()))?;
        return printer.line(&text);
    }
    let text = if style.telling.github {
        github::harmless(&line.text)
    } else {
        line.text.as_str().into()
    };
    if style.with_host {
        let host = paint(FAINT, format_args!("{} │", line.host));
        printer.line(&format!("{host} {text}"))
    } else {
        printer.line(&text)
    }
}

/// Says the last lines of a job that failed: mostly they tell more than the reason. Where they cannot be had nothing is
/// said, since they are only an addition.
pub(super) async fn say_last_lines(session: &Session, name: &JobName, printer: &mut Printer) {
    let wish = Wish {
        tail: Some(LAST_LINES),
        ..Wish::everything()
    };
    let lines = follow::read_log(session.follow(), name, &session.pace, &wish).await;
    let lines = lines.unwrap_or_default();
    if !lines.is_empty() {
        printer.say(&paint(FAINT, format_args!("the last lines of {name}:")));
    }
    for line in lines {
        printer.say(&format!("  {}", github::harmless(&line.text)));
    }
}
