//! Which jobs meet a fault: decided when a job is created, by the order of creation.

use super::{JobFault, JobRule, Scenario, Silence};
use crate::config::Interruption;
use std::sync::{Mutex, PoisonError};

/// How a job fails without training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlannedFailure {
    /// There are no machines. A job on spot capacity waits for some as long as it may.
    Capacity,
    InternalServer,
}

impl PlannedFailure {
    /// All.
    pub(super) const ALL: [Self; 2] = [Self::Capacity, Self::InternalServer];

    /// What the reason begins with.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Capacity => "CapacityError",
            Self::InternalServer => "InternalServerError",
        }
    }

    /// `FailureReason`, as the service words it.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Capacity => {
                "CapacityError: Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry using a different ML instance type or after some time."
            }
            Self::InternalServer => {
                "InternalServerError: We encountered an internal error. Please try again."
            }
        }
    }
}

/// What befalls one job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JobPlan {
    pub(crate) failure: Option<PlannedFailure>,
    pub(crate) interruption: Option<Interruption>,
    pub(crate) silences: Vec<Silence>,
}

/// The jobs so far, rule by rule.
#[derive(Debug)]
pub(crate) struct Jobs {
    rules: Vec<JobRule>,
    met: Mutex<Vec<u64>>,
}

impl Jobs {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let rules = scenario.jobs.clone();
        let met = Mutex::new(vec![0; rules.len()]);
        Self { rules, met }
    }

    /// Counts a job that has just been created, and says what befalls it.
    pub(crate) fn meet(&self, name: &str, instance_type: &str, is_spot: bool) -> JobPlan {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let mut plan = JobPlan::default();
        for (rule, met) in self.rules.iter().zip(met.iter_mut()) {
            let is_of_type = rule
                .instance_type
                .as_deref()
                .is_none_or(|it| it == instance_type);
            let is_used_up = rule.jobs.is_some_and(|it| *met >= it);
            if is_used_up || !is_of_type || !name.starts_with(&rule.name_prefix) {
                continue;
            }
            let is_taken = match &rule.fault {
                JobFault::Fails(failure) => fill(&mut plan.failure, *failure),
                JobFault::Interrupted(it) => is_spot && fill(&mut plan.interruption, *it),
                JobFault::Silent(silence) => {
                    plan.silences.push(silence.clone());
                    true
                }
            };
            *met += u64::from(is_taken);
        }
        plan
    }
}

/// Fills what is empty; whether it was.
fn fill<T>(place: &mut Option<T>, value: T) -> bool {
    let is_empty = place.is_none();
    place.get_or_insert(value);
    is_empty
}
