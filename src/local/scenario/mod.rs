//! Faults on request: what AWS does to a client on a bad day, by a file.
//!
//! ```toml
//! [[call]]                              # calls of one operation, or of all ("*")
//! operation = "CreateTrainingJob"
//! error = "ThrottlingException"         # or per_second = 2.5: whatever is faster is throttled
//! times = 3                             # default: every call
//! skip = 1                              # calls that pass before
//!
//! [[job]]                               # jobs, in the order of their creation
//! instance_type = "ml.m5.large"         # default: any; name_prefix likewise
//! jobs = 2                              # default: every job
//! fails_with = "CapacityError"          # or interrupt_after = "30s", or silent_host = "algo-2"
//!
//! [[quota]]
//! instance_type = "ml.m5.4xlarge"
//! usage = "spot training job"
//! instances = 0
//!
//! [logs]
//! group_after = "20s"                   # the log group is not there before
//! ```
//!
//! A call meets the first fault that is due, a job the first of each kind. Invariants: reading reports every problem at once
//! with its line, and an unknown key is one; counts begin anew with every server; a server without a scenario has no faults.

mod calls;
mod jobs;
mod quota;
mod read;
mod section;

pub(crate) use calls::{CallFault, Calls};
pub(crate) use jobs::{JobPlan, Jobs, PlannedFailure};
pub(crate) use quota::check as check_quota;

use crate::config::Interruption;
use std::fmt;
use std::time::Duration;

/// Faults that a server has on request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    calls: Vec<CallRule>,
    jobs: Vec<JobRule>,
    quotas: Vec<Quota>,
    log_group_after: Option<Duration>,
}

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// Every problem of the text, in its order.
    pub fn parse(text: &str) -> Result<Self, ScenarioProblems> {
        read::scenario(text)
    }

    /// How long after its first stream the log group appears.
    pub(crate) fn log_group_after(&self) -> Option<Duration> {
        self.log_group_after
    }
}

/// One problem of a scenario file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioProblem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what is allowed.
    pub message: String,
}

/// All problems of a scenario file; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioProblems(pub Vec<ScenarioProblem>);

impl fmt::Display for ScenarioProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n_before, ScenarioProblem { line, message }) in self.0.iter().enumerate() {
            let separator = if n_before > 0 { "\n" } else { "" };
            write!(f, "{separator}line {line}: {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ScenarioProblems {}

/// What befalls calls.
#[derive(Clone, Debug, PartialEq)]
struct CallRule {
    /// `None` for every operation.
    operation: Option<String>,
    fault: RuleFault,
    skip: u64,
    times: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum RuleFault {
    Always(CallFault),
    /// Calls a second, with as many at once.
    Rate(f64),
}

/// What befalls jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct JobRule {
    name_prefix: String,
    instance_type: Option<String>,
    jobs: Option<u64>,
    fault: JobFault,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum JobFault {
    Fails(PlannedFailure),
    Interrupted(Interruption),
    Silent(Silence),
}

/// A host whose lines do not come, or come late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Silence {
    pub(crate) host: String,
    /// `None`: they never come.
    pub(crate) until: Option<Duration>,
}

/// An account's limit on machines of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Quota {
    instance_type: String,
    usage: Usage,
    instances: i64,
}

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usage {
    OnDemand,
    Spot,
    WarmPool,
}

impl Usage {
    const ALL: [(&'static str, Self); 3] = [
        ("training job", Self::OnDemand),
        ("spot training job", Self::Spot),
        ("training warm pool", Self::WarmPool),
    ];

    /// As Service Quotas spells it before the word "usage".
    fn name(self) -> &'static str {
        match self {
            Self::OnDemand => "training job",
            Self::Spot => "spot training job",
            Self::WarmPool => "training warm pool",
        }
    }
}
