//! `logs`: a job's lines on stdout. With `-f` it goes on until the job has ended, and ends with the job's exit code.

use contract::exit;
use serde::Serialize;

use crate::args::Global;
use crate::command::{events, outcome};
use crate::error::CliError;
use crate::follow::{self, Ended, Event, Line, Wish};
use crate::output::{Format, Printer};
use crate::session::Session;
use crate::style::{COMMAND, FAINT, paint};

/// Print a job's log.
#[derive(Debug, clap::Args)]
pub struct Logs {
    /// Name, beginning of a name, ARN, or @last
    #[arg(default_value = "@last")]
    job: String,
    /// Go on until the job has ended; the exit code tells how
    #[arg(short, long)]
    follow: bool,
    /// Only the last lines of those that are there
    #[arg(long, value_name = "N", conflicts_with = "follow")]
    tail: Option<usize>,
}

/// A line as JSON; `--json` prints one object a line, since a log has no end.
#[derive(Serialize)]
struct JsonLine<'a> {
    timestamp_ms: i64,
    host: &'a str,
    message: &'a str,
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
        let many_hosts = job.resource_config.instance_count.unwrap_or(1) > 1;
        let code = if self.follow {
            let ended = tokio::select! {
                ended = follow_lines(&session, &name, many_hosts, printer) => ended?,
                _ = tokio::signal::ctrl_c() => None,
            };
            ended.unwrap_or_else(|| {
                let again = paint(
                    COMMAND,
                    format_args!("linden logs -f {name}{}", session.flag()),
                );
                printer.say(&format!("The job keeps running. Go on with: {again}"));
                exit::INTERRUPTED
            })
        } else {
            let lines = follow::read_log(session.follow(), &name, &session.pace).await?;
            let skip = self.tail.map_or(0, |it| lines.len().saturating_sub(it));
            for line in &lines[skip..] {
                print_line(line, many_hosts, printer)?;
            }
            if lines.is_empty() {
                printer.say(&format!(
                    "{name} has no log lines ({})",
                    job.secondary_status
                ));
            }
            exit::SUCCESS
        };
        session.close(printer).await?;
        Ok(code)
    }
}

async fn follow_lines(
    session: &Session,
    name: &contract::job::JobName,
    many_hosts: bool,
    printer: &mut Printer,
) -> Result<Option<u8>, CliError> {
    let wish = Wish {
        logs: true,
        timeout: None,
    };
    let mut broken = None;
    let mut on_event = |event: Event| match event {
        Event::Line(line) => {
            let result = print_line(&line, many_hosts, printer).and_then(|()| printer.flush());
            broken = broken.take().or(result.err());
        }
        Event::Status(it) => printer.say(&events::status_line(&it)),
        Event::LogRefused(err) => printer.say(&format!("the log may not be read: {}", err.message)),
    };
    let ended =
        follow::until_ended(session.follow(), name, &session.pace, &wish, &mut on_event).await?;
    if let Some(err) = broken {
        return Err(err);
    }
    let (Ended::Terminal(job) | Ended::TimedOut(job)) = ended;
    Ok(Some(outcome::exit_code(&job)))
}

fn print_line(line: &Line, many_hosts: bool, printer: &mut Printer) -> Result<(), CliError> {
    match printer.format() {
        Format::Json => {
            let line = JsonLine {
                timestamp_ms: line.timestamp_ms,
                host: &line.host,
                message: &line.text,
            };
            let text = serde_json::to_string(&line).map_err(|err| CliError::Output(err.into()))?;
            printer.line(&text)
        }
        Format::Text if many_hosts => printer.line(&format!(
            "{} {}",
            paint(FAINT, format_args!("{} │", line.host)),
            line.text
        )),
        Format::Text => printer.line(&line.text),
    }
}
