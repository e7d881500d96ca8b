//! Which calls meet a fault, and what they are told.

use super::{CallRule, RuleFault, Scenario};
use crate::wire::{AwsError, ErrorCode};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallFault {
    Throttling,
    ResourceLimit,
    InternalServer,
    ExpiredToken,
    /// The operation is done, and the connection closed without an answer.
    LostAnswer,
}

impl CallFault {
    /// All, as a scenario names them.
    pub(super) const ALL: [Self; 5] = [
        Self::Throttling,
        Self::ResourceLimit,
        Self::InternalServer,
        Self::ExpiredToken,
        Self::LostAnswer,
    ];

    /// The error's code, or the scenario's word for an answer that does not come.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Throttling => "ThrottlingException",
            Self::ResourceLimit => "ResourceLimitExceeded",
            Self::InternalServer => "InternalServerError",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::LostAnswer => "LostAnswer",
        }
    }

    /// What the client is told instead of an answer; `None` if it is told nothing.
    pub(crate) fn error(self) -> Option<AwsError> {
        let (code, text) = match self {
            Self::Throttling => (ErrorCode::Throttling, "Rate exceeded"),
            Self::ResourceLimit => (
                ErrorCode::ResourceLimitExceeded,
                "You have exceeded a limit of your account",
            ),
            Self::InternalServer => (
                ErrorCode::InternalServer,
                "We encountered an internal error. Please try again.",
            ),
            Self::ExpiredToken => (
                ErrorCode::ExpiredToken,
                "The security token included in the request is expired",
            ),
            Self::LostAnswer => return None,
        };
        Some(AwsError::new(code, text))
    }
}

/// What has been counted of one rule.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    calls: u64,
    met: u64,
    /// Calls that may still come at once, and when that was so.
    allowance: Option<(f64, Instant)>,
}

/// The calls so far, rule by rule.
#[derive(Debug)]
pub(crate) struct Calls {
    rules: Vec<CallRule>,
    counted: Mutex<Vec<Counted>>,
}

impl Calls {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let rules = scenario.calls.clone();
        let counted = Mutex::new(vec![Counted::default(); rules.len()]);
        Self { rules, counted }
    }

    /// Counts a call, and gives the fault that it meets.
    pub(crate) fn meet(&self, operation: &str) -> Option<CallFault> {
        if self.rules.is_empty() {
            return None;
        }
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut met = None;
        for (rule, counted) in self.rules.iter().zip(counted.iter_mut()) {
            if rule.operation.as_deref().is_some_and(|it| it != operation) {
                continue;
            }
            counted.calls += 1;
            let is_due = counted.calls > rule.skip && rule.times.is_none_or(|it| counted.met < it);
            if met.is_some() || !is_due {
                continue;
            }
            met = match rule.fault {
                RuleFault::Always(fault) => Some(fault),
                RuleFault::Rate(rate) => counted.is_faster(rate).then_some(CallFault::Throttling),
            };
            counted.met += u64::from(met.is_some());
        }
        met
    }
}

impl Counted {
    /// Whether this call is one more than `rate` a second allows; a bucket of one second's calls, at least one.
    fn is_faster(&mut self, rate: f64) -> bool {
        let now = Instant::now();
        let full = rate.max(1.0);
        let (left, at) = self.allowance.unwrap_or((full, now));
        let left = (left + (now - at).as_secs_f64() * rate).min(full);
        let is_faster = left < 1.0;
        self.allowance = Some((if is_faster { left } else { left - 1.0 }, now));
        is_faster
    }
}
