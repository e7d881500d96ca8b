//! How the events of a followed job are told: a line for people, or a JSON object a line for programs.
//!
//! The objects have a member `event` (`status`, `line`, `log_refused`, `running`, `ended`) and a member `job`; members are
//! added and never change their meaning. A metric line has its round and its values besides.

use std::collections::BTreeMap;

use contract::job::SecondaryStatusTransition;
use serde::Serialize;

use crate::error::CliError;
use crate::follow::Event;
use crate::output::Printer;
use crate::report::JobReport;
use crate::round;
use crate::style::{FAINT, STRONG, paint};
use crate::units;

/// `10:05:40 Training     Training in-progress`.
pub fn status_line(it: &SecondaryStatusTransition) -> String {
    let time = paint(FAINT, units::time_of_day(it.start_time));
    let message = it.status_message.as_deref().unwrap_or_default();
    let line = format!(
        "{time} {} {message}",
        paint(STRONG, format_args!("{:<12}", it.status.to_string()))
    );
    line.trim_end().to_owned()
}

/// An event as a program reads it.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventLine<'a> {
    /// The job has a new secondary status.
    Status {
        /// The job.
        job: &'a str,
        /// Since when, in seconds since 1970.
        time: f64,
        /// The secondary status.
        status: String,
        /// What SageMaker says about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<&'a str>,
    },
    /// A line of the log.
    Line {
        /// The job.
        job: &'a str,
        /// Milliseconds since 1970, by the host's clock.
        timestamp_ms: i64,
        /// The host.
        host: &'a str,
        /// The line.
        message: &'a str,
        /// The round, where it is a metric line.
        #[serde(skip_serializing_if = "Option::is_none")]
        round: Option<u64>,
        /// The values of that round.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        values: BTreeMap<String, f64>,
    },
    /// The log may not be read.
    LogRefused {
        /// The job.
        job: &'a str,
        /// Why.
        message: &'a str,
    },
    /// The command ends and the job does not.
    Running {
        /// The job.
        job: &'a str,
        /// Its secondary status.
        status: &'a str,
    },
    /// The job has ended.
    Ended {
        /// The job.
        job: &'a str,
        /// How.
        #[serde(flatten)]
        report: &'a JobReport,
    },
}

impl<'a> EventLine<'a> {
    /// An event of `job`.
    pub fn of(job: &'a str, event: &'a Event) -> Self {
        match event {
            Event::Status(it) => Self::Status {
                job,
                time: it.start_time,
                status: it.status.to_string(),
                message: it.status_message.as_deref(),
            },
            Event::Line(line) => {
                let read = round::parse(&line.text);
                Self::Line {
                    job,
                    timestamp_ms: line.timestamp_ms,
                    host: &line.host,
                    message: &line.text,
                    round: read.as_ref().map(|it| it.number),
                    values: read.map_or_else(BTreeMap::new, |it| it.values.into_iter().collect()),
                }
            }
            Event::LogRefused(err) => Self::LogRefused {
                job,
                message: &err.message,
            },
        }
    }

    /// The end of a job, or that it runs.
    pub fn of_report(report: &'a JobReport) -> Self {
        let job = &report.name;
        if report.has_ended() {
            Self::Ended { job, report }
        } else {
            Self::Running {
                job,
                status: &report.secondary_status,
            }
        }
    }

    /// Prints the event on stdout, at once.
    ///
    /// # Errors
    /// If stdout cannot be written, or was closed by its reader.
    pub fn print(&self, printer: &mut Printer) -> Result<(), CliError> {
        let text = serde_json::to_string(self).map_err(|err| CliError::Output(err.into()))?;
        printer.line(&text)?;
        printer.flush()
    }
}
