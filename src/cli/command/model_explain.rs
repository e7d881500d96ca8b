//! `model explain`: what a model asks, and what each feature adds to a prediction.
//!
//! Rows stream: text is CSV with a heading, JSON one object a line. Importance and dependence are one result.

use std::path::PathBuf;

use contract::exit;
use engine::dataset::{Dataset, TILE_ROWS};
use engine::explain::{DependenceParams, ExplainError, ImportanceType, Scale, UnknownImportance};
use engine::threads::Threads;

use crate::error::CliError;
use crate::explanation::{DependenceTable, ImportanceTable, Kind, RowWriter};
use crate::model_file::{self, LoadedModel};
use crate::output::Printer;
use crate::predict::{self, PredictFileError, Source};
use crate::rows::{self, RowColumns};

/// Numbers that a block of rows may have: 128 MiB of them.
const BLOCK_NUMBERS: usize = 1 << 24;

/// Features that a message names.
const NAMED: usize = 8;

/// Show what each feature adds to predictions, or how much the model asks of it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that a person writes"
)]
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(false))]
#[command(
    after_help = "Contributions and interactions are exact Shapley values of the margin (TreeSHAP, XGBoost's pred_contribs and \
                  pred_interactions); the numbers of a row add up to its margin. FEATURE is a name or a number from 0."
)]
pub struct Explain {
    /// xgboost-model, the folder it lies in, runs/JOB, model.tar.gz, or a model that XGBoost or LightGBM saved
    model: PathBuf,
    /// The rows, without a label; `-` is stdin. Importance needs none
    data: Option<PathBuf>,
    /// What each feature adds to each row
    #[arg(long, group = "what")]
    contributions: bool,
    /// What each pair of features adds to each row
    #[arg(long, group = "what")]
    interactions: bool,
    /// The leaf that each row reaches in each tree
    #[arg(long, group = "what")]
    leaves: bool,
    /// How much the model asks of each feature
    #[arg(long, group = "what", value_name = "TYPE", value_parser = ImportanceType::ALL.map(ImportanceType::as_str))]
    importance: Option<String>,
    /// The mean prediction with this feature put to each of its values; twice for two features
    #[arg(long, group = "what", value_name = "FEATURE")]
    dependence: Vec<String>,
    /// With --contributions: Saabas's approximation, which is faster and unfair
    #[arg(long, requires = "contributions")]
    approximate: bool,
    /// With --dependence: the most values of each feature [default: 20]
    #[arg(long, value_name = "N", requires = "dependence")]
    values: Option<usize>,
    /// With --dependence: the mean of the margins in place of predictions
    #[arg(long, requires = "dependence")]
    margin: bool,
    /// Write rows here in place of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    columns: RowColumns,
}

impl Explain {
    /// Explains.
    ///
    /// # Errors
    /// If the model or the data cannot be read, or the model has no such explanation.
    pub fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        let model = model_file::load(&self.model)?;
        if let Some(kind) = &self.importance {
            print_importance(&model, kind, printer)?;
        } else if self.dependence.is_empty() {
            self.explain_rows(&model, printer)?;
        } else {
            self.print_dependence(&model, printer)?;
        }
        Ok(exit::SUCCESS)
    }

    fn source(&self, model: &LoadedModel) -> Result<Source<'_>, CliError> {
        match &self.data {
            Some(path) => self.columns.open(path, model),
            None => Err(CliError::Usage {
                message: "rows are needed to be explained".to_owned(),
                fix: "give a CSV file after the model; `-` is stdin".to_owned(),
            }),
        }
    }

    fn kind(&self) -> Kind {
        if self.leaves {
            Kind::Leaves
        } else if self.interactions {
            Kind::Interactions
        } else if self.approximate {
            Kind::Approximate
        } else {
            Kind::Contributions
        }
    }

    fn explain_rows(&self, model: &LoadedModel, printer: &mut Printer) -> Result<(), CliError> {
        let source = self.source(model)?;
        let threads = threads(&source)?;
        let mut writer = RowWriter::new(model, self.kind(), printer.format());
        let block_rows = (BLOCK_NUMBERS / writer.width().max(1)).clamp(1, TILE_ROWS);
        let n_features = model.booster.n_features();
        rows::write(self.output.as_ref(), printer, "row", |on_line| {
            writer.heading(on_line)?;
            predict::stream_blocks(n_features, source, block_rows, &mut |data| {
                let lines = writer
                    .explain(data, &threads)
                    .map_err(|err| refused(&err))?;
                lines.iter().try_for_each(|line| on_line(line))
            })
        })
    }

    fn print_dependence(&self, model: &LoadedModel, printer: &mut Printer) -> Result<(), CliError> {
        let features = self.dependence.iter().map(|it| feature(model, it));
        let params = DependenceParams {
            features: features.collect::<Result<_, _>>()?,
            n_values: self.values.unwrap_or(20),
            scale: if self.margin {
                Scale::Margin
            } else {
                Scale::Prediction
            },
        };
        let source = self.source(model)?;
        let threads = threads(&source)?;
        let background = whole(model.booster.n_features(), source)?;
        let found = model
            .booster
            .partial_dependence(&params, &background, &threads);
        printer.print(&DependenceTable::new(
            model,
            &found.map_err(|err| refused(&err))?,
        ))
    }
}

fn threads(source: &Source<'_>) -> Result<Threads, CliError> {
    let refused = |reason: String| PredictFileError::Model {
        path: source.path.to_owned(),
        reason,
    };
    Ok(Threads::new(None).map_err(|err| refused(err.to_string()))?)
}

/// All rows in one table.
fn whole(n_features: usize, source: Source<'_>) -> Result<Dataset, CliError> {
    let path = source.path;
    let mut whole = None;
    // A block without an end is the whole file.
    predict::stream_blocks::<CliError>(n_features, source, usize::MAX, &mut |data| {
        whole = Some(data.clone());
        Ok(())
    })?;
    whole.ok_or_else(|| CliError::Missing {
        message: format!("there are no rows in `{}`", path.display()),
        fix: "give the rows that the mean is to be taken over".to_owned(),
    })
}

fn print_importance(
    model: &LoadedModel,
    kind: &str,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let unknown = |err: UnknownImportance| CliError::Usage {
        message: err.to_string(),
        fix: "give one of these".to_owned(),
    };
    let kind: ImportanceType = kind.parse().map_err(unknown)?;
    let found = model
        .booster
        .importance(kind)
        .map_err(|err| refused(&err))?;
    printer.print(&ImportanceTable::new(model, kind, found))
}

/// A feature by its name, or by its number from 0.
fn feature(model: &LoadedModel, text: &str) -> Result<u32, CliError> {
    let n_features = model.booster.n_features();
    let named = (0..n_features).find(|&it| model.feature_name(it) == text);
    let numbered = text.parse().ok().filter(|&it: &usize| it < n_features);
    let names = || {
        let names = (0..n_features.min(NAMED)).map(|it| model.feature_name(it));
        let more = (n_features > NAMED).then(|| "…".to_owned());
        names.chain(more).collect::<Vec<_>>().join(", ")
    };
    match named.or(numbered) {
        Some(feature) => Ok(feature as u32),
        None => Err(CliError::Usage {
            message: format!("the model has no feature `{text}`"),
            fix: format!("give one of {}, or a number below {n_features}", names()),
        }),
    }
}

fn refused(err: &ExplainError) -> CliError {
    let fix = match err {
        ExplainError::Predict(_) | ExplainError::NoValues { .. } => {
            "`linden model inspect` tells what the model wants"
        }
        ExplainError::TooDeep { .. } => "add --approximate",
        ExplainError::Linear => "ask for --importance weight, or for --contributions",
        ExplainError::Features | ExplainError::NoSuchFeature { .. } => {
            "give one or two different features"
        }
    };
    CliError::Usage {
        message: err.to_string(),
        fix: fix.to_owned(),
    }
}
