//! `prices`: what training costs by the hour, and fetching it from AWS's price list.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use contract::exit;
use serde::Serialize;

use crate::args::Global;
use crate::cost;
use crate::error::CliError;
use crate::output::Printer;
use crate::prices::{Fetched, Price, Prices};
use crate::session::Session;
use crate::style::{FAINT, GOOD, WARN, paint};
use crate::table::Table;
use crate::units;

/// Show the prices that costs are made of, or fetch them from AWS.
#[derive(Debug, clap::Subcommand)]
pub enum PricesCommand {
    /// Fetch a region's prices from AWS's price list
    #[command(
        after_help = "One file a region, under `prices` in $LINDEN_HOME; `plan` and `run --max-cost` read it. Your own table \
        (LINDEN_PRICES, or linden/prices.json in the folder of settings) goes before it, the built-in one after it."
    )]
    Refresh(Refresh),
    /// Show the prices that are known, with their date and source
    Show(Show),
}

/// Fetch a region's prices from AWS's price list.
#[derive(Debug, clap::Args)]
pub struct Refresh {
    /// Write them to this file in place of the one that `plan` reads
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Show the prices that are known.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// Only types that begin with this, such as ml.m5
    #[arg(default_value = "")]
    prefix: String,
}

impl PricesCommand {
    /// Does it.
    ///
    /// # Errors
    /// If AWS does not answer, a table cannot be read, or the file cannot be written.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        match self {
            Self::Refresh(it) => it.run(global, printer).await,
            Self::Show(it) => it.run(global, printer),
        }
    }
}

/// What `refresh` ends with.
#[derive(Debug, Serialize)]
struct Refreshed {
    region: String,
    types: usize,
    as_of: String,
    file: PathBuf,
}

impl fmt::Display for Refreshed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())
    }
}

impl Refresh {
    async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        if global.local {
            return Err(CliError::Usage {
                message: "the SageMaker on this machine has no prices".to_owned(),
                fix: "leave --local away, and give --region".to_owned(),
            });
        }
        let session = Session::open(global, None).await?;
        let region = session.region().to_owned();
        let (list, n_unread) = session.account().prices.training(&region).await?;
        session.close(printer).await?;
        if n_unread > 0 {
            let products = units::count(n_unread as u64, "product");
            printer.say(&format!(
                "{} left out of the price list, in a form that is not known: {products}",
                paint(WARN, "warning:")
            ));
        }
        if list.is_empty() {
            return Err(CliError::Missing {
                message: format!("AWS's price list has no training in `{region}`"),
                fix: "check --region; nothing was written".to_owned(),
            });
        }
        let fetched = Fetched::today(&region, list);
        let path = match self.output {
            Some(path) => path,
            None => Fetched::place(&region, |name| std::env::var(name).ok()),
        };
        fetched.write(&path)?;
        let types = fetched.len();
        printer.say(&format!(
            "{} prices of {} in {region}, of {}",
            paint(GOOD, "fetched"),
            units::count(types as u64, "type"),
            fetched.as_of()
        ));
        printer.print(&Refreshed {
            region,
            types,
            as_of: fetched.as_of().to_owned(),
            file: path,
        })?;
        Ok(exit::SUCCESS)
    }
}

/// Prices by region and type.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Known(BTreeMap<String, BTreeMap<String, Price>>);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(2, &[2]);
        for (region, types) in &self.0 {
            for (name, price) in types {
                let source = format!("{}, {}", price.as_of, price.table);
                let rate = format!("${}/h", price.usd_per_hour);
                table.row([
                    paint(FAINT, region),
                    name.clone(),
                    rate,
                    paint(FAINT, source),
                ]);
            }
        }
        table.fmt(f)
    }
}

impl Show {
    fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let prices = Prices::read(|name| std::env::var(name).ok())?;
        let region = cost::region_asked(global.region.as_deref());
        let mut known = prices.all();
        known.retain(|it, _| region.as_ref().is_none_or(|region| region == it));
        for types in known.values_mut() {
            types.retain(|it, _| it.starts_with(&self.prefix));
        }
        known.retain(|_, types| !types.is_empty());
        if known.is_empty() {
            return Err(CliError::Missing {
                message: "no price is known for these".to_owned(),
                fix: "linden prices refresh --region REGION fetches them from AWS".to_owned(),
            });
        }
        printer.print(&Known(known))?;
        Ok(exit::SUCCESS)
    }
}
