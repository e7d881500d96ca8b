//! The ledger of this machine's runs: `$LINDEN_HOME/runs.jsonl`, a JSON object a line, written at the end and never changed.
//!
//! A run is written when it is submitted and again when it has ended; the last word counts. Invariants: a line goes into
//! the file in one piece, and one that is damaged costs itself alone; a ledger that cannot be written stops no run.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use contract::job::JobName;
use serde::{Deserialize, Serialize};

use crate::output::Printer;
use crate::report::JobReport;
use crate::session::{self, Session};
use crate::style::{WARN, paint};
use crate::units;

/// The version of the lines.
const SCHEMA: u32 = 1;
/// The region of the SageMaker on this machine.
const LOCAL: &str = "local";
/// The outcome of a run that is not over, as far as this machine knows.
pub const SUBMITTED: &str = "Submitted";
/// The outcome of a run that past costs are taken from.
const COMPLETED: &str = "Completed";

/// A run, or what has become of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The version of this line.
    pub schema: u32,
    /// The job.
    pub name: String,
    /// The first digits of the specification's hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_hash: Option<String>,
    /// The job file, as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_file: Option<String>,
    /// When this was written, in seconds since 1970.
    pub at: f64,
    /// The region; `local` for the SageMaker on this machine.
    pub region: String,
    /// `Submitted`, or the status in which the job ended.
    pub outcome: String,
    /// The exit code of the command that followed it to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// What it ran on and was paid for, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// What a run was paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The instance type.
    pub instance_type: String,
    /// How many of it.
    pub instances: u64,
    /// Seconds that were paid for on each.
    pub billable_seconds: i64,
}

impl Run {
    /// A run that has just been submitted.
    pub fn submitted(name: &str, region: &str) -> Self {
        Self {
            schema: SCHEMA,
            name: name.to_owned(),
            spec_hash: None,
            job_file: None,
            at: units::now(),
            region: region.to_owned(),
            outcome: SUBMITTED.to_owned(),
            exit_code: None,
            usage: None,
        }
    }

    /// The same run, ended.
    #[must_use]
    pub fn ended(self, outcome: &str, exit_code: u8) -> Self {
        Self {
            at: units::now(),
            outcome: outcome.to_owned(),
            exit_code: Some(exit_code),
            ..self
        }
    }
}

/// The file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger(PathBuf);

/// What the file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// The runs, oldest first, each as it was last told.
    pub runs: Vec<Run>,
    /// Numbers of lines, from 1, that are no runs.
    pub damaged: Vec<usize>,
}

impl Ledger {
    /// The ledger of this machine.
    pub fn of_this_machine() -> Self {
        let local = session::state_dir(|name| std::env::var(name).ok());
        Self::at(local.parent().unwrap_or(Path::new(".")).join("runs.jsonl"))
    }

    /// The ledger in that file.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a line.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn append(&self, run: &Run) -> io::Result<()> {
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(&self.0)?;
        let mut line = if ends_within_a_line(&mut file)? {
            "\n".to_owned()
        } else {
            String::new()
        };
        line.push_str(&serde_json::to_string(run)?);
        line.push('\n');
        file.write_all(line.as_bytes())
    }

    /// Writes a line, and says so if it cannot be: no run fails for it.
    pub fn note(&self, run: &Run, printer: &mut Printer) {
        if let Err(err) = self.append(run) {
            printer.say(&format!(
                "{} the ledger `{}` cannot be written: {err}",
                paint(WARN, "warning:"),
                self.0.display()
            ));
        }
    }

    /// Writes how a job ended, if it is one of this machine's runs and its end is not known yet.
    pub fn note_end(&self, report: &JobReport, session: &Session, printer: &mut Printer) {
        let place = place(session);
        let known = self.read().unwrap_or_default();
        let known = known
            .runs
            .into_iter()
            .find(|it| it.name == report.name && it.region == place && it.outcome == SUBMITTED);
        if let Some(run) = known
            && report.has_ended()
        {
            let usage = usage(report);
            let ended = Run {
                usage,
                ..run.ended(&report.status, report.exit_code)
            };
            self.note(&ended, printer);
        }
    }

    /// Seconds that the last completed runs of jobs named `<name>-…` were paid for on such machines in that region, newest
    /// first, `most` of them.
    pub fn past_seconds(
        &self,
        name: &str,
        place: &str,
        wanted: (&str, u64),
        most: usize,
    ) -> Vec<i64> {
        let stem = format!("{name}-");
        let runs = self.read().unwrap_or_default().runs;
        let completed = runs.iter().rev().filter(|it| {
            it.outcome == COMPLETED && it.region == place && it.name.starts_with(&stem)
        });
        let usages = completed.filter_map(|it| it.usage.as_ref());
        usages
            .filter(|it| (it.instance_type.as_str(), it.instances) == wanted)
            .map(|it| it.billable_seconds)
            .take(most)
            .collect()
    }

    /// The job file that a run was submitted with, where it is one of this machine's and the file is known.
    pub fn job_file(&self, name: &JobName, place: &str) -> Option<String> {
        let known = self.read().unwrap_or_default();
        let run = known
            .runs
            .into_iter()
            .find(|it| it.name == name.as_str() && it.region == place)?;
        run.job_file
    }

    /// Reads what is there; a file that is not there holds nothing.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(&self) -> io::Result<Content> {
        let bytes = match fs::read(&self.0) {
            Err(err) if err.kind() == ErrorKind::NotFound => return Ok(Content::default()),
            other => other?,
        };
        let mut content = Content::default();
        for (idx, line) in bytes.split(|it| *it == b'\n').enumerate() {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match serde_json::from_slice::<Run>(line) {
                Ok(run) if run.schema == SCHEMA => content.take_in(run),
                Ok(_) | Err(_) => content.damaged.push(idx + 1),
            }
        }
        Ok(content)
    }

    /// Reads what is there, and tells of lines that are damaged.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn tell(&self, printer: &mut Printer) -> io::Result<Vec<Run>> {
        let content = self.read()?;
        for line in &content.damaged {
            printer.say(&format!(
                "{} {}:{line} is no run and was passed over",
                paint(WARN, "warning:"),
                self.0.display()
            ));
        }
        Ok(content.runs)
    }
}

impl Content {
    /// Jobs of the same name in another region are others.
    fn take_in(&mut self, run: Run) {
        let known = self
            .runs
            .iter_mut()
            .find(|it| it.name == run.name && it.region == run.region);
        let Some(known) = known else {
            return self.runs.push(run);
        };
        let (spec_hash, job_file) = (known.spec_hash.take(), known.job_file.take());
        *known = Run {
            spec_hash: run.spec_hash.clone().or(spec_hash),
            job_file: run.job_file.clone().or(job_file),
            ..run
        };
    }
}

/// What a report says about the machines and what was paid.
fn usage(report: &JobReport) -> Option<Usage> {
    Some(Usage {
        instance_type: report.instance_type.clone()?,
        instances: u64::try_from(report.hosts).ok()?,
        billable_seconds: report.billable_seconds?,
    })
}

/// What a run's region is called.
pub fn place(session: &Session) -> &str {
    if session.is_local {
        LOCAL
    } else {
        session.region()
    }
}

/// Whether the last line has no end: whoever wrote it was killed.
fn ends_within_a_line(file: &mut File) -> io::Result<bool> {
    let end = file.seek(SeekFrom::End(0))?;
    if end == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_told_as_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::at(folder.path().join("state/runs.jsonl"));
        assert_eq!(ledger.read().unwrap(), Content::default());
        let first = Run {
            spec_hash: Some("3fa91c02".to_owned()),
            ..Run::submitted("usage-1", "eu-west-1")
        };
        let second = Run::submitted("usage-2", "local");
        ledger.append(&first).unwrap();
        ledger.append(&second).unwrap();
        let ended = first.ended("Completed", 0);
        let without_hash = Run {
            spec_hash: None,
            ..ended.clone()
        };
        ledger.append(&without_hash).unwrap();
        assert_eq!(ledger.read().unwrap().runs, [ended, second]);
    }

    #[test]
    fn past_runs_on_the_same_machines_are_remembered_by_what_was_paid() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::at(folder.path().join("runs.jsonl"));
        let run = |name: &str, region: &str, outcome: &str, seconds| Run {
            usage: Some(Usage {
                instance_type: "ml.m5.large".to_owned(),
                instances: 2,
                billable_seconds: seconds,
            }),
            ..Run::submitted(name, region).ended(outcome, 0)
        };
        for it in [
            run("usage-a-1", "eu-west-1", "Completed", 100),
            run("usage-a-2", "eu-west-1", "Failed", 5),
            run("usage-b-1", "eu-west-1", "Completed", 200),
            run("usage-b-2", "local", "Completed", 1),
            run("other-b-2", "eu-west-1", "Completed", 1),
            Run::submitted("usage-c-1", "eu-west-1").ended("Completed", 0),
        ] {
            ledger.append(&it).unwrap();
        }
        let past = |wanted, most| ledger.past_seconds("usage", "eu-west-1", wanted, most);
        assert_eq!(past(("ml.m5.large", 2), 5), [200, 100]);
        assert_eq!(past(("ml.m5.large", 2), 1), [200]);
        assert!(past(("ml.m5.large", 1), 5).is_empty());
        assert_eq!(ledger.read().unwrap().damaged, [] as [usize; 0]);
    }

    #[test]
    fn a_damaged_line_costs_itself_alone() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::at(folder.path().join("runs.jsonl"));
        let run = Run::submitted("usage-1", "local");
        ledger.append(&run).unwrap();
        let mut file = OpenOptions::new().append(true).open(ledger.path()).unwrap();
        // A line that broke off, of bytes that are no text.
        file.write_all(b"{\"schema\":1,\"name\":\"us\xff").unwrap();
        let next = Run::submitted("usage-2", "local");
        ledger.append(&next).unwrap();
        let content = ledger.read().unwrap();
        assert_eq!(content.runs, [run, next]);
        assert_eq!(content.damaged, [2]);
    }
}
