//! What can be known before a job is paid for, check by check, with a verdict and a way out. Nothing is changed.
//!
//! Invariant: what was not looked at is `unknown` with the reason, never `ok`. A check that fails has the exit code of what
//! the job itself would have failed with.

mod account;
mod image;
mod job;
mod need;
mod network;
mod permission;
mod quota;
mod role;
mod storage;
mod trust;
mod warm_pool;

use std::fmt;

use contract::exit;
use contract::job::file::JobFile;
use serde::Serialize;

use crate::aws::{AwsError, AwsErrorKind};
use crate::job_source::JobSource;
use crate::prices::Prices;
use crate::session::Session;
use crate::style::{BAD, FAINT, GOOD, WARN, paint};

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It was looked at and is right.
    Ok,
    /// It is allowed and probably not meant.
    Warn,
    /// The job would fail by it.
    Fail,
    /// It was not looked at, or nobody answered.
    Unknown,
}

/// Why something could not be looked at, as far as checks tell reasons apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unseen {
    /// It is not there.
    NotThere,
    /// The caller may not look at it.
    NotAllowed,
    /// Nobody knows the caller.
    Nobody,
    /// It was not answered.
    Unanswered,
}

impl Unseen {
    fn of(err: &AwsError) -> Self {
        match err.kind {
            AwsErrorKind::NotFound => Self::NotThere,
            AwsErrorKind::Denied => Self::NotAllowed,
            AwsErrorKind::Credentials => Self::Nobody,
            AwsErrorKind::Throttled
            | AwsErrorKind::Quota
            | AwsErrorKind::Capacity
            | AwsErrorKind::NameTaken
            | AwsErrorKind::Invalid
            | AwsErrorKind::Service
            | AwsErrorKind::Network
            | AwsErrorKind::Unexpected => Self::Unanswered,
        }
    }
}

/// A check and what it came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at: `credentials`, `channel train`.
    pub name: String,
    /// What it came to.
    pub verdict: Verdict,
    /// What was found, or why it is not known.
    pub detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    #[serde(skip)]
    code: u8,
}

impl Check {
    fn new(name: &str, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            verdict,
            detail: detail.into(),
            fix: None,
            code: exit::SUCCESS,
        }
    }

    pub(crate) fn ok(name: &str, detail: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, detail)
    }

    pub(crate) fn warn(name: &str, detail: impl Into<String>) -> Self {
        Self::new(name, Verdict::Warn, detail)
    }

    pub(crate) fn unknown(name: &str, reason: impl Into<String>) -> Self {
        Self::new(name, Verdict::Unknown, reason)
    }

    /// A check that fails, with the exit code of what would fail by it.
    pub(crate) fn fail(name: &str, code: u8, detail: impl Into<String>) -> Self {
        Self {
            code,
            ..Self::new(name, Verdict::Fail, detail)
        }
    }

    /// Whether the job would fail by it.
    pub fn is_bad(&self) -> bool {
        self.verdict == Verdict::Fail
    }

    pub(crate) fn with_fix(self, fix: impl Into<String>) -> Self {
        Self {
            fix: Some(fix.into()),
            ..self
        }
    }
}

/// All checks, in the order in which things go wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The checks.
    pub checks: Vec<Check>,
    /// Whether none failed.
    pub ok: bool,
}

impl Report {
    /// The report of these checks.
    pub fn of(checks: Vec<Check>) -> Self {
        let ok = checks.iter().all(|it| it.verdict != Verdict::Fail);
        Self { checks, ok }
    }

    /// The code of the first check that failed.
    pub fn exit_code(&self) -> u8 {
        let failed = self.checks.iter().find(|it| it.verdict == Verdict::Fail);
        failed.map_or(exit::SUCCESS, |it| it.code)
    }
}

/// Looks at everything: the account alone, or a job too.
pub async fn examine(session: &Session, source: Option<&JobSource>, prices: &Prices) -> Vec<Check> {
    let job: Option<&JobFile> = source.map(|it| &it.job);
    let mut checks = account::checks(session, job).await;
    if let Some(source) = source {
        checks.extend(image::check(session, &source.job).await);
        checks.extend(storage::checks(session, source).await);
        checks.extend(job::checks(source));
        checks.extend(machines(session, &source.job).await);
        checks.extend(job::cost(session, &source.job, prices));
    }
    checks
}

/// What a plan does not look at itself: the account, the image and the machines.
pub async fn examine_account(session: &Session, job: &JobFile) -> Vec<Check> {
    let mut checks = account::checks(session, Some(job)).await;
    checks.extend(image::check(session, job).await);
    checks.extend(machines(session, job).await);
    checks
}

/// Limits, pools, subnets and keys.
async fn machines(session: &Session, job: &JobFile) -> Vec<Check> {
    if session.is_local {
        return vec![];
    }
    let mut checks = quota::checks(session, job).await;
    checks.extend(warm_pool::check(session, job).await);
    checks.extend(network::checks(job, session.region()));
    checks
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.checks.iter().map(|it| it.name.chars().count()).max();
        let width = width.unwrap_or(0);
        for it in &self.checks {
            let (style, mark) = match it.verdict {
                Verdict::Ok => (GOOD, "✓"),
                Verdict::Warn => (WARN, "!"),
                Verdict::Fail => (BAD, "✗"),
                Verdict::Unknown => (FAINT, "?"),
            };
            let unknown = if it.verdict == Verdict::Unknown {
                "unknown: "
            } else {
                ""
            };
            let mark = paint(style, mark);
            writeln!(f, "{mark} {:<width$}  {unknown}{}", it.name, it.detail)?;
            if let Some(fix) = &it.fix {
                let label = format!("{:<width$}", "fix");
                writeln!(f, "  {}  {fix}", paint(FAINT, label))?;
            }
        }
        Ok(())
    }
}
