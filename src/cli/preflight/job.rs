//! The job itself: hyperparameters, spot, what its file allows and does not mean, cost.

use contract::job::file::JobFile;

use super::Check;
use crate::cost::{self, Cost};
use crate::job_source::JobSource;
use crate::prices::Prices;
use crate::session::Session;

pub(super) fn checks(source: &JobSource) -> Vec<Check> {
    let job = &source.job;
    let mut checks = vec![hyperparameters(job), spot(job)];
    checks.extend(job.warnings.iter().map(|it| {
        let line = it.line.map(|it| format!("line {it}: ")).unwrap_or_default();
        Check::warn("job file", format!("{line}{}", it.message))
    }));
    checks
}

fn hyperparameters(job: &JobFile) -> Check {
    let name = "hyperparameters";
    let n = job.hyperparameters.len();
    if job.checked.is_some() {
        Check::ok(name, format!("{n}, by the trainer's own table"))
    } else {
        Check::unknown(name, format!("{n} of another algorithm's image"))
    }
}

fn spot(job: &JobFile) -> Check {
    let name = "spot";
    match (&job.spot, &job.checkpoint) {
        (None, _) => Check::ok(name, "not asked for; on demand"),
        (Some(_), Some(it)) => Check::ok(name, format!("checkpoints at {}", it.s3)),
        (Some(_), None) => Check::warn(
            name,
            "without checkpoints an interruption starts it from nothing",
        )
        .with_fix("add [checkpoint] with s3"),
    }
}

pub(super) fn cost(session: &Session, job: &JobFile, prices: &Prices) -> Option<Check> {
    if session.is_local {
        return None;
    }
    let cost = Cost::of(job, Some(session.region().to_owned()), prices);
    Some(if cost.ceiling_usd.is_some() {
        match cost.warning() {
            None => Check::ok("cost", cost.to_string()),
            Some(old) => Check::warn("cost", format!("{cost}; {old}")),
        }
    } else {
        let text = cost.to_string();
        let why = text.trim_start_matches("ceiling unknown: ");
        Check::unknown("cost", why).with_fix(cost::own_table(prices))
    })
}
