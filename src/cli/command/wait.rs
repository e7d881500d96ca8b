//! `wait`: until jobs have ended. Its exit code is the first that is not 0, so CI can stand on it.

use std::fmt;
use std::time::Duration;

use contract::exit;
use contract::job::JobName;
use serde::Serialize;

use crate::args::Global;
use crate::error::CliError;
use crate::follow::{self, Ended, Event, Wish};
use crate::output::Printer;
use crate::report::JobReport;
use crate::session::Session;
use crate::style::{COMMAND, paint};

/// Wait until jobs have ended; the exit code tells how.
#[derive(Debug, clap::Args)]
pub struct Wait {
    /// Names, beginnings of names, ARNs, or @last
    #[arg(required = true)]
    jobs: Vec<String>,
    /// Give up after this time, such as 50m or 2h; the job goes on, the exit code is 10
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    timeout: Option<Duration>,
}

/// `90`, `90s`, `50m`, `2h`, `1d`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err("allowed is a whole number with s, m, h or d".to_owned()),
    };
    let number: u32 = digits
        .parse()
        .map_err(|_| "allowed is a whole number with s, m, h or d".to_owned())?;
    Ok(Duration::from_secs(u64::from(number) * unit))
}

#[derive(Serialize)]
#[serde(transparent)]
struct Reports(Vec<JobReport>);

impl fmt::Display for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, it) in self.0.iter().enumerate() {
            write!(f, "{}{it}", if idx == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl Wait {
    /// Waits for every job.
    ///
    /// # Errors
    /// If a job is not there, or SageMaker cannot be asked.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let session = Session::open(global, self.jobs.first().map(String::as_str)).await?;
        let mut names = Vec::new();
        for job in &self.jobs {
            names.push(session.find(job).await?);
        }
        let mut reports = Vec::new();
        let mut code = exit::SUCCESS;
        let start = session.follow().clock.now();
        for name in names {
            let used = session.follow().clock.now().saturating_sub(start);
            let left = self.timeout.map(|it| it.saturating_sub(used));
            let (report, timed_out) = wait_for(&session, &name, left, printer).await?;
            let own = if timed_out {
                exit::TIMEOUT
            } else {
                report.exit_code
            };
            code = if code == exit::SUCCESS { own } else { code };
            reports.push(report);
        }
        printer.print(&Reports(reports))?;
        session.close(printer).await?;
        Ok(code)
    }
}

/// Waits for one job; says each new status.
async fn wait_for(
    session: &Session,
    name: &JobName,
    timeout: Option<Duration>,
    printer: &mut Printer,
) -> Result<(JobReport, bool), CliError> {
    let wish = Wish {
        logs: false,
        timeout,
    };
    let mut on_event = |event: Event| {
        if let Event::Status(it) = event {
            printer.say(&super::events::status_line(&it));
        }
    };
    let ended =
        follow::until_ended(session.follow(), name, &session.pace, &wish, &mut on_event).await?;
    Ok(match ended {
        Ended::Terminal(job) => (JobReport::of(&job), false),
        Ended::TimedOut(job) => {
            let again = paint(
                COMMAND,
                format_args!("linden wait {name}{}", session.flag()),
            );
            printer.say(&format!("{name} still runs. Wait on with: {again}"));
            (JobReport::of(&job), true)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("50m"), Ok(Duration::from_mins(50)));
        assert_eq!(parse_duration("90"), Ok(Duration::from_secs(90)));
        assert!(
            parse_duration("soon").is_err()
                && parse_duration("-1s").is_err()
                && parse_duration("1w").is_err()
        );
    }
}
