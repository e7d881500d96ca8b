//! What a job costs at most, and what runs like it have cost.
//!
//! Rate × machines × hours, without storage and transfer. The ceiling is on demand, for the dearest type that the job may
//! run on and the longest that it may run; spot never costs more. Low and expected come from past runs alone. Invariant:
//! where a price is not known, nothing is said, and a ceiling that is asked for counts as missed.

use std::fmt;

use contract::job::file::{JobFile, RetryOn};
use serde::Serialize;

use crate::attempts::MAX_INTERNAL;
use crate::error::CliError;
use crate::prices::{Price, Prices};
use crate::style::{FAINT, paint};
use crate::units;

const SECONDS_OF_AN_HOUR: f64 = 3600.0;

/// A job's cost, as far as it is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// The region whose prices are taken, where it is known.
    pub region: Option<String>,
    /// Machines.
    pub instances: u64,
    /// Hours on each machine that the job may take, all of its attempts together.
    pub hours: f64,
    /// The types that the job may run on, and what an hour of each costs.
    pub types: Vec<Rate>,
    /// US dollars at most; `None` if a price is not known.
    pub ceiling_usd: Option<f64>,
    /// What past runs tell; `None` where there are none, or nobody has looked.
    pub past: Option<Past>,
    /// Whether it runs on spot capacity, and so below its ceiling.
    pub spot: bool,
}

/// A type and its price.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// The type.
    pub instance_type: String,
    /// Its price; `None` if no table has it.
    pub price: Option<Price>,
}

/// Past runs of the same job on the same machines, at today's price.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Past {
    /// How many.
    pub runs: usize,
    /// US dollars of the cheapest.
    pub low_usd: f64,
    /// US dollars of the one in the middle.
    pub expected_usd: f64,
    /// Who remembers them.
    pub from: Memory,
}

/// Who remembers past runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Memory {
    /// SageMaker.
    Sagemaker,
    /// The ledger of this machine.
    Ledger,
}

/// The region that somebody has named: on the command line, else in the environment.
pub fn region_asked(asked: Option<&str>) -> Option<String> {
    let of = |name| std::env::var(name).ok().filter(|it| !it.is_empty());
    asked
        .map(ToOwned::to_owned)
        .or_else(|| of("AWS_REGION"))
        .or_else(|| of("AWS_DEFAULT_REGION"))
}

/// The region that prices are taken of: the one that was asked for, else the one that the image is in.
pub fn region(asked: Option<&str>, job: &JobFile) -> Option<String> {
    region_asked(asked).or_else(|| image_region(job.image.as_str()).map(ToOwned::to_owned))
}

/// `eu-west-1` of `123456789012.dkr.ecr.eu-west-1.amazonaws.com/...`.
pub fn image_region(image: &str) -> Option<&str> {
    let host = image.split('/').next()?;
    let (_, rest) = host.split_once(".dkr.ecr.")?;
    rest.split('.').next()
}

impl Cost {
    /// The cost of a job.
    pub fn of(job: &JobFile, region: Option<String>, prices: &Prices) -> Self {
        let price = |it: &str| region.as_deref().and_then(|region| prices.of(region, it));
        let types: Vec<Rate> = job
            .compute
            .instance_types
            .iter()
            .map(|it| Rate {
                instance_type: it.to_string(),
                price: price(it.as_str()),
            })
            .collect();
        let runs = if job.retry.on.contains(&RetryOn::Internal) {
            1 + u64::from(MAX_INTERNAL)
        } else {
            1
        };
        let seconds = runs * job.compute.max_runtime_secs + job.compute.keep_alive_secs;
        let hours = seconds as f64 / SECONDS_OF_AN_HOUR;
        let instances = job.compute.instances;
        let rates: Option<Vec<f64>> = types
            .iter()
            .map(|it| it.price.as_ref().map(|it| it.usd_per_hour))
            .collect();
        let dearest = rates.and_then(|it| it.into_iter().reduce(f64::max));
        Self {
            region,
            instances,
            hours,
            types,
            ceiling_usd: dearest.map(|it| round_usd(it * instances as f64 * hours)),
            past: None,
            spot: job.spot.is_some(),
        }
    }

    /// Adds what past runs tell: seconds that were paid for on each machine, all on the first type.
    #[must_use]
    pub fn with_past(mut self, mut billable_seconds: Vec<i64>, from: Memory) -> Self {
        billable_seconds.sort_unstable();
        let price = self.types.first().and_then(|it| it.price.as_ref());
        if let (Some(price), Some(low)) = (price, billable_seconds.first()) {
            let usd = |seconds: i64| {
                price.usd_per_hour * self.instances as f64 * seconds as f64 / SECONDS_OF_AN_HOUR
            };
            self.past = Some(Past {
                runs: billable_seconds.len(),
                low_usd: usd(*low),
                expected_usd: usd(billable_seconds[billable_seconds.len() / 2]),
                from,
            });
        }
        self
    }

    /// What is to be said of prices that are old.
    pub fn warning(&self) -> Option<String> {
        let price = self.types.iter().find_map(|it| it.price.as_ref())?;
        let text = price.warning()?;
        let region = self.region.as_deref().unwrap_or("REGION");
        Some(format!(
            "{text}; `linden prices refresh --region {region}` fetches today's"
        ))
    }

    /// Holds the ceiling against what may be spent.
    ///
    /// # Errors
    /// If the job may cost more, or nobody knows what it costs.
    pub fn keep_below(&self, max_usd: f64, prices: &Prices) -> Result<(), CliError> {
        match self.ceiling_usd {
            Some(ceiling) if ceiling <= max_usd => Ok(()),
            Some(ceiling) => Err(CliError::CostCeiling {
                message: format!(
                    "the job may cost {}, and --max-cost is {}",
                    usd(ceiling),
                    usd(max_usd)
                ),
                fix: format!(
                    "lower compute.max_runtime or take a cheaper type: {}",
                    self.arithmetic()
                ),
            }),
            None => Err(CliError::CostCeiling {
                message: format!("{}, so --max-cost cannot be kept", self.unknown()),
                fix: own_table(prices),
            }),
        }
    }

    /// `2 × 45m × $0.461/h (ml.m5.2xlarge)`.
    fn arithmetic(&self) -> String {
        let dearest = self
            .types
            .iter()
            .filter_map(|it| Some((it.price.as_ref()?.usd_per_hour, &it.instance_type)))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let hours = units::duration(self.hours * SECONDS_OF_AN_HOUR);
        match dearest {
            Some((rate, name)) => format!("{} × {hours} × ${rate}/h ({name})", self.instances),
            None => format!("{} × {hours}", self.instances),
        }
    }

    /// Why there is no ceiling.
    fn unknown(&self) -> String {
        let Some(region) = &self.region else {
            return "no region is known, and prices differ by region".to_owned();
        };
        let missing: Vec<&str> = self
            .types
            .iter()
            .filter(|it| it.price.is_none())
            .map(|it| it.instance_type.as_str())
            .collect();
        format!("no price is known for {} in {region}", missing.join(", "))
    }
}

/// Reads an amount of US dollars.
///
/// # Errors
/// If it is none.
pub fn parse_usd(text: &str) -> Result<f64, String> {
    let amount: Option<f64> = text.trim().trim_start_matches('$').parse().ok();
    let fits = amount.filter(|it| it.is_finite() && *it >= 0.0);
    fits.ok_or_else(|| "expected US dollars, such as `5` or `0.25`".to_owned())
}

/// Where a price can be put.
pub fn own_table(prices: &Prices) -> String {
    let fetch = "`linden prices refresh` fetches AWS's prices";
    match &prices.own {
        Some(path) => format!(
            "{fetch}; or put its price into {} (it has the form of configs/prices.json)",
            path.display()
        ),
        None => format!(
            "{fetch}; or set {} to a file of the form of configs/prices.json",
            crate::prices::VARIABLE
        ),
    }
}

/// Millionths of a dollar are nobody's money, and would tell 0.3 from 0.1 × 3.
fn round_usd(amount: f64) -> f64 {
    (amount * 1e6).round() / 1e6
}

/// `$0.09`; more digits where the amount is small.
pub fn usd(amount: f64) -> String {
    if amount >= 0.1 || amount == 0.0 {
        format!("${amount:.2}")
    } else {
        format!("${amount:.3}")
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(past) = &self.past {
            let runs = units::count(past.runs as u64, "past run");
            let runs = match past.from {
                Memory::Sagemaker => runs,
                Memory::Ledger => format!("{runs} of this machine"),
            };
            write!(
                f,
                "low {} · expected {} ({runs}) · ",
                usd(past.low_usd),
                usd(past.expected_usd)
            )?;
        }
        let Some(ceiling) = self.ceiling_usd else {
            return write!(f, "ceiling unknown: {}", self.unknown());
        };
        write!(f, "ceiling {} = {}", usd(ceiling), self.arithmetic())?;
        let as_of = self.types.iter().find_map(|it| it.price.as_ref());
        if let (Some(price), Some(region)) = (as_of, &self.region) {
            let table = if price.table == "built in" {
                String::new()
            } else {
                format!(", {}", price.table)
            };
            let text = format!(
                "on demand in {region}, prices of {}{table}, without storage",
                price.as_of
            );
            write!(f, "  {}", paint(FAINT, format_args!("({text})")))?;
        }
        if self.spot {
            f.write_str("; spot costs less")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(set: &[(&str, &str)]) -> JobFile {
        let text = include_str!("../../configs/usage-forecast/job.toml");
        let set: Vec<(String, String)> = set
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        JobFile::parse(text, &set).unwrap()
    }

    fn prices() -> Prices {
        Prices::read(|_| None).unwrap()
    }

    #[test]
    fn the_ceiling_is_rate_times_machines_times_hours() {
        let job = job(&[("compute.max_runtime", "2h")]);
        let cost = Cost::of(&job, Some("us-east-1".into()), &prices());
        assert_eq!(cost.ceiling_usd, Some(0.23));
        let text = anstream::adapter::strip_str(&cost.to_string()).to_string();
        assert_eq!(
            text,
            "ceiling $0.23 = 1 × 2h × $0.115/h (ml.m5.large)  (on demand in us-east-1, prices of 2026-11-27, without storage)"
        );
        assert!(cost.keep_below(0.23, &prices()).is_ok());
        assert!(cost.keep_below(0.22, &prices()).is_err());
    }

    #[test]
    fn retries_and_warm_pools_count_and_the_dearest_type_decides() {
        let job = job(&[
            ("compute.max_runtime", "1h"),
            ("compute.keep_alive", "1h"),
            (
                "compute.instance_types",
                "[\"ml.m5.large\", \"ml.m5.xlarge\"]",
            ),
            ("retry.on", "[\"internal\"]"),
        ]);
        let cost = Cost::of(&job, Some("us-east-1".into()), &prices());
        assert_eq!(cost.ceiling_usd, Some(0.92));
    }

    #[test]
    fn an_unknown_price_is_said_to_be_unknown_and_passes_no_ceiling() {
        let job = job(&[(
            "compute.instance_types",
            "[\"ml.m5.large\", \"ml.m7i.large\"]",
        )]);
        let cost = Cost::of(&job, Some("us-east-1".into()), &prices());
        assert_eq!(cost.ceiling_usd, None);
        assert_eq!(
            cost.to_string(),
            "ceiling unknown: no price is known for ml.m7i.large in us-east-1"
        );
        assert!(cost.keep_below(1e9, &prices()).is_err());
    }

    #[test]
    fn past_runs_give_low_and_expected() {
        let cost = Cost::of(&job(&[]), Some("us-east-1".into()), &prices());
        let past = cost
            .with_past(vec![7200, 3600, 36_000], Memory::Ledger)
            .past
            .unwrap();
        assert_eq!(
            (past.low_usd, past.expected_usd, past.runs),
            (0.115, 0.23, 3)
        );
    }

    #[test]
    fn an_image_in_ecr_tells_its_region() {
        let image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0";
        assert_eq!(image_region(image), Some("eu-west-1"));
        assert_eq!(image_region("linden-trainer:0.1.0"), None);
    }
}
