//! Prices of training by the hour: a small dated table in the program, and the user's own over it.
//!
//! Invariants: a price has the date and the source of the table that it is from; a type that no table has is unknown, never
//! guessed from its neighbours. The built-in table is `configs/prices.json`, which says where its numbers are from.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::CliError;

const BUILT_IN: &str = include_str!("../../configs/prices.json");
/// Names the user's table, where it is not in the folder of settings.
pub const VARIABLE: &str = "LINDEN_PRICES";

/// A table, as `configs/prices.json` is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    as_of: String,
    source: String,
    currency: String,
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "tells people who read the file what its numbers are"
    )]
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
        let own = own_path(variable);
        if let Some(path) = &own {
            match fs::read_to_string(path) {
                Ok(text) => tables.push((path.display().to_string(), parse(path, &text)?)),
                Err(err) if err.kind() == ErrorKind::NotFound => {}
                Err(err) => return Err(CliError::file("read", path, err)),
            }
        }
        let built_in = parse(&PathBuf::from("configs/prices.json"), BUILT_IN)?;
        tables.push(("built in".to_owned(), built_in));
        Ok(Self { tables, own })
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

/// `$LINDEN_PRICES`, else `linden/prices.json` in the user's folder of settings.
fn own_path(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
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
        let variable = |name: &str| (name == VARIABLE).then(|| path.display().to_string());
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
    fn every_priced_type_is_one_that_sagemaker_trains_on() {
        let table = parse(std::path::Path::new("configs/prices.json"), BUILT_IN).unwrap();
        for types in table.training.values() {
            for it in types.keys() {
                assert!(contract::job::instance::is_known(it), "{it}");
            }
        }
    }
}
