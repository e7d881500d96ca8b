//! Prices of training by the hour: a small dated table in the program, what was fetched from AWS over it, and the user's own
//! over both.
//!
//! Invariants: a price has the date and the source of the table that it is from; a type that no table has is unknown, never
//! guessed from its neighbours. The built-in table is `configs/prices.json`, which says where its numbers are from.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::aws::ListPrice;
use crate::error::CliError;
use crate::session;
use crate::units;

const BUILT_IN: &str = include_str!("../../configs/prices.json");
/// Names the user's table, where it is not in the folder of settings.
pub const VARIABLE: &str = "LINDEN_PRICES";
/// What `prices refresh` has fetched, one file a region, beside the program's state.
const FETCHED: &str = "prices";
/// Prices change a few times a year; a table that is older than these days is said to be old.
const OLD_DAYS: i32 = 90;

/// A table, as `configs/prices.json` is written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Table {
    as_of: String,
    source: String,
    currency: String,
    /// Tells people who read the file what its numbers are.
    #[serde(default)]
    unit: String,
    /// By region and instance type.
    training: BTreeMap<String, BTreeMap<String, f64>>,
}

/// What an hour of one instance costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Price {
    /// US dollars.
    pub usd_per_hour: f64,
    /// The date of the table.
    pub as_of: String,
    /// The table: a file, or `built in`.
    pub table: String,
    /// Where the table's numbers are from.
    pub source: String,
}

impl Price {
    /// Days since the table's date; `None` where it is no date.
    pub fn age_days(&self) -> Option<i32> {
        let as_of: Date = self.as_of.parse().ok()?;
        units::today().since(as_of).ok().map(|it| it.get_days())
    }

    /// What is to be said of a price that is old, or of an age that nobody knows.
    pub fn warning(&self) -> Option<String> {
        let table = &self.table;
        match self.age_days() {
            Some(days) if days <= OLD_DAYS => None,
            Some(days) => Some(format!("the prices ({table}) are {days} days old")),
            None => Some(format!(
                "the prices ({table}) are of `{}`, which is no date like 2026-11-27",
                self.as_of
            )),
        }
    }
}

/// Prices of one region as AWS has them today.
#[derive(Clone, Debug)]
pub struct Fetched(Table);

impl Fetched {
    /// A table of what was fetched now.
    pub fn today(region: &str, list: Vec<ListPrice>) -> Self {
        let types = list
            .into_iter()
            .map(|it| (it.instance_type, it.usd_per_hour));
        Self(Table {
            as_of: units::today().to_string(),
            source: format!("AWS Price List API, GetProducts, AmazonSageMaker, {region}"),
            currency: "USD".to_owned(),
            unit: "hour of one instance, training, on demand".to_owned(),
            training: BTreeMap::from([(region.to_owned(), types.collect())]),
        })
    }

    /// Where `plan` looks for the prices of a region.
    pub fn place(region: &str, variable: impl Fn(&str) -> Option<String>) -> PathBuf {
        fetched_folder(variable).join(format!("{region}.json"))
    }

    /// The date.
    pub fn as_of(&self) -> &str {
        &self.0.as_of
    }

    /// How many types have a price.
    pub fn len(&self) -> usize {
        self.0.training.values().map(BTreeMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the table; whoever reads meanwhile has the old one or the new one.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), CliError> {
        let wrong = |err| CliError::file("write", path, err);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(wrong)?;
        }
        let text = serde_json::to_string_pretty(&self.0).map_err(|err| wrong(err.into()))?;
        let part = path.with_extension(format!("part-{}", std::process::id()));
        fs::write(&part, text + "\n").map_err(wrong)?;
        fs::rename(&part, path).map_err(wrong)
    }
}

/// The tables, the user's first.
#[derive(Clone, Debug)]
pub struct Prices {
    tables: Vec<(String, Table)>,
    /// Where the user's table is looked for.
    pub own: Option<PathBuf>,
}

impl Prices {
    /// Reads the user's table, where there is one, and the built-in one.
    ///
    /// # Errors
    /// If the user's table cannot be read or is none.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, CliError> {
        let mut tables = Vec::new();
        let own = own_path(&variable);
        if let Some(path) = &own {
            match fs::read_to_string(path) {
                Ok(text) => tables.push((path.display().to_string(), parse(path, &text)?)),
                Err(err) if err.kind() == ErrorKind::NotFound => {}
                Err(err) => return Err(CliError::file("read", path, err)),
            }
        }
        for path in fetched_files(&fetched_folder(variable)) {
            let text = fs::read_to_string(&path);
            let text = text.map_err(|err| CliError::file("read", &path, err))?;
            tables.push((path.display().to_string(), parse(&path, &text)?));
        }
        let built_in = parse(&PathBuf::from("configs/prices.json"), BUILT_IN)?;
        tables.push(("built in".to_owned(), built_in));
        Ok(Self { tables, own })
    }

    /// Every price by region and type, each from the first table that has it.
    pub fn all(&self) -> BTreeMap<String, BTreeMap<String, Price>> {
        let mut all: BTreeMap<String, BTreeMap<String, Price>> = BTreeMap::new();
        let names = self.tables.iter().flat_map(|(_, table)| &table.training);
        for (region, types) in names {
            for name in types.keys() {
                if let Some(price) = self.of(region, name) {
                    let known = all.entry(region.clone()).or_default();
                    known.insert(name.clone(), price);
                }
            }
        }
        all
    }

    /// The price of that type in that region, where a table has it.
    pub fn of(&self, region: &str, instance_type: &str) -> Option<Price> {
        self.tables.iter().find_map(|(name, table)| {
            let usd_per_hour = *table.training.get(region)?.get(instance_type)?;
            Some(Price {
                usd_per_hour,
                as_of: table.as_of.clone(),
                table: name.clone(),
                source: table.source.clone(),
            })
        })
    }
}

/// What `prices refresh` has left, by region.
fn fetched_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.map(|it| it.path());
    let mut files: Vec<PathBuf> = files
        .filter(|it| it.extension().is_some_and(|it| it == "json"))
        .collect();
    files.sort_unstable();
    files
}

fn fetched_folder(variable: impl Fn(&str) -> Option<String>) -> PathBuf {
    let local = session::state_dir(variable);
    local.parent().unwrap_or(Path::new(".")).join(FETCHED)
}

/// `$LINDEN_PRICES`, else `linden/prices.json` in the user's folder of settings.
fn own_path(variable: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let of = |name| {
        variable(name)
            .filter(|it| !it.is_empty())
            .map(PathBuf::from)
    };
    let settings = of("XDG_CONFIG_HOME").or_else(|| of("HOME").map(|it| it.join(".config")));
    of(VARIABLE).or_else(|| settings.map(|it| it.join("linden/prices.json")))
}

fn parse(path: &std::path::Path, text: &str) -> Result<Table, CliError> {
    let wrong = |reason: String| {
        CliError::Usage {
        message: format!("`{}` is no table of prices: {reason}", path.display()),
        fix: "it has the form of configs/prices.json: as_of, source, currency, and training by region and instance type"
            .to_owned(),
    }
    };
    let table: Table = serde_json::from_str(text).map_err(|err| wrong(err.to_string()))?;
    if table.currency != "USD" {
        return Err(wrong(format!(
            "`currency` is `{}`, allowed is `USD`",
            table.currency
        )));
    }
    let prices = table.training.values().flat_map(BTreeMap::iter);
    for (instance_type, price) in prices {
        if !price.is_finite() || *price < 0.0 {
            return Err(wrong(format!(
                "`{instance_type}` costs `{price}`, allowed is 0 or more"
            )));
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_table_is_before_the_built_in_one_and_each_price_has_its_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.json");
        let variable = |name: &str| match name {
            VARIABLE => Some(path.display().to_string()),
            "LINDEN_HOME" => Some(folder.path().display().to_string()),
            _ => None,
        };
        let built_in = Prices::read(variable).unwrap();
        assert_eq!(
            built_in.of("us-east-1", "ml.m5.large").unwrap().table,
            "built in"
        );
        assert_eq!(built_in.of("eu-west-1", "ml.m5.large"), None);
        let own = r#"{"as_of": "2027-01-01", "source": "ours", "currency": "USD",
            "training": {"us-east-1": {"ml.m5.large": 0.5}}}"#;
        fs::write(&path, own).unwrap();
        let prices = Prices::read(variable).unwrap();
        let price = prices.of("us-east-1", "ml.m5.large").unwrap();
        assert_eq!(
            (price.usd_per_hour, price.as_of.as_str()),
            (0.5, "2027-01-01")
        );
        assert_eq!(
            prices.of("us-east-1", "ml.m5.xlarge").unwrap().table,
            "built in"
        );
        fs::write(&path, own.replace("0.5", "-1")).unwrap();
        assert!(Prices::read(variable).is_err());
    }

    #[test]
    fn what_was_fetched_is_between_the_users_table_and_the_built_in_one() {
        let home = tempfile::tempdir().unwrap();
        let variable =
            |name: &str| (name == "LINDEN_HOME").then(|| home.path().display().to_string());
        let list = vec![ListPrice {
            instance_type: "ml.m5.large".to_owned(),
            usd_per_hour: 0.7,
        }];
        let fetched = Fetched::today("us-east-1", list);
        fetched
            .write(&Fetched::place("us-east-1", variable))
            .unwrap();
        let prices = Prices::read(variable).unwrap();
        let price = prices.of("us-east-1", "ml.m5.large").unwrap();
        assert_eq!((price.usd_per_hour, price.age_days()), (0.7, Some(0)));
        assert!(price.source.contains("GetProducts") && price.warning().is_none());
        assert_eq!(
            prices.of("us-east-1", "ml.m5.xlarge").unwrap().table,
            "built in"
        );
        assert_eq!(prices.all()["us-east-1"]["ml.m5.large"], price);
    }

    #[test]
    fn old_prices_and_dates_that_are_none_are_warned_of() {
        let of = |as_of: String| Price {
            usd_per_hour: 1.0,
            as_of,
            table: "own".to_owned(),
            source: String::new(),
        };
        let days = |n: i64| {
            units::today()
                .saturating_sub(jiff::Span::new().days(n))
                .to_string()
        };
        assert_eq!(of(days(90)).warning(), None);
        assert_eq!(
            of(days(91)).warning().unwrap(),
            "the prices (own) are 91 days old"
        );
        assert!(
            of("autumn".to_owned())
                .warning()
                .unwrap()
                .contains("no date")
        );
    }

    #[test]
    fn every_priced_type_is_one_that_sagemaker_trains_on() {
        let table = parse(std::path::Path::new("configs/prices.json"), BUILT_IN).unwrap();
        for types in table.training.values() {
            for it in types.keys() {
                assert!(contract::job::instance::is_known(it), "{it}");
            }
        }
    }
}
