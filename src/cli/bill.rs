//! What a job costs: seconds that are paid on each machine, the machines, and what an hour of one costs.
//!
//! Invariant: a sum always stands beside what it is made of, and beside the day its prices are of.

use std::env;
use std::fmt;

use contract::job::TrainingJobDescription;
use serde::Serialize;

use crate::error::CliError;
use crate::prices::Prices;
use crate::session::Session;
use crate::units;

/// What an hour of a machine costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// US dollars.
    pub usd_per_hour: f64,
    /// The day of the price: `2026-11-20`.
    pub as_of: String,
}

/// What a job has cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// The sum in US dollars, at the price on demand of the seconds that are paid.
    pub usd: f64,
    /// Machines.
    pub hosts: i64,
    /// Seconds that are paid on each machine.
    pub billable_seconds: i64,
    /// What an hour of a machine costs.
    #[serde(flatten)]
    pub rate: Rate,
}

impl Cost {
    /// The cost of so many seconds on each of `hosts` machines.
    pub fn of(hosts: i64, billable_seconds: i64, rate: Rate) -> Self {
        Self {
            usd: hosts as f64 * billable_seconds as f64 / 3600.0 * rate.usd_per_hour,
            hosts,
            billable_seconds,
            rate,
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "${:.2} = {} × {} × ${:.3}/h, prices of {}",
            self.usd,
            self.hosts,
            units::whole_seconds(self.billable_seconds),
            self.rate.usd_per_hour,
            self.rate.as_of
        )
    }
}

/// What an hour of a job's machines costs; `None` where no price is known, and on this machine, where nothing is paid.
///
/// # Errors
/// If the user's table of prices cannot be read or is none.
pub fn rate_of(job: &TrainingJobDescription, session: &Session) -> Result<Option<Rate>, CliError> {
    let instance_type = job.resource_config.instance_type.as_deref();
    let Some(instance_type) = instance_type.filter(|_| !session.is_local) else {
        return Ok(None);
    };
    let prices = Prices::read(|name| env::var(name).ok())?;
    let price = prices.of(session.region(), instance_type);
    Ok(price.map(|it| Rate {
        usd_per_hour: it.usd_per_hour,
        as_of: it.as_of,
    }))
}

/// How much less was paid than was trained, in percent: what spot capacity saves. `None` where nothing was saved.
pub fn saved_percent(training_seconds: Option<i64>, billable_seconds: Option<i64>) -> Option<f64> {
    let (trained, billable) = training_seconds.zip(billable_seconds)?;
    (0 < trained && billable < trained).then(|| (1.0 - billable as f64 / trained as f64) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_shows_what_it_is_made_of() {
        let rate = Rate {
            usd_per_hour: 0.46,
            as_of: "2026-11-20".to_owned(),
        };
        let cost = Cost::of(2, 161, rate);
        assert_eq!(
            cost.to_string(),
            "$0.04 = 2 × 2m 41s × $0.460/h, prices of 2026-11-20"
        );
    }

    #[test]
    fn only_what_was_not_paid_is_saved() {
        assert_eq!(saved_percent(Some(500), Some(160)), Some(68.0));
        assert_eq!(saved_percent(Some(500), Some(500)), None);
        assert_eq!(saved_percent(Some(0), Some(0)), None);
        assert_eq!(saved_percent(None, Some(5)), None);
    }
}
