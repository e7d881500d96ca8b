//! `model predict`: one line a row on stdout or in a file, as the rows come.

use std::path::PathBuf;

use contract::exit;

use crate::error::CliError;
use crate::model_file;
use crate::output::Printer;
use crate::predict;
use crate::rows::{self, RowColumns};

/// Predict each row of a CSV file: no header, an empty cell is missing.
#[derive(Debug, clap::Args)]
pub struct Predict {
    /// xgboost-model, the folder it lies in, runs/JOB, model.tar.gz, or a model that XGBoost or LightGBM saved
    model: PathBuf,
    /// The rows, without a label; `-` is stdin
    data: PathBuf,
    /// Write here in place of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print margins: the sum of the trees, before the objective makes a probability or a count of it
    #[arg(long)]
    margin: bool,
    #[command(flatten)]
    columns: RowColumns,
}

impl Predict {
    /// Predicts.
    ///
    /// # Errors
    /// If the model or the data cannot be read, or the output cannot be written.
    pub fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        let model = model_file::load(&self.model)?;
        let source = self.columns.open(&self.data, &model)?;
        rows::write(self.output.as_ref(), printer, "prediction", |on_line| {
            let mut on_row = |row: &[f32]| on_line(&line(row));
            predict::stream(&model.booster, source, self.margin, &mut on_row)
        })?;
        Ok(exit::SUCCESS)
    }
}

/// The outputs of a row; the shortest text that reads back as the same number.
fn line(outputs: &[f32]) -> String {
    outputs
        .iter()
        .map(f32::to_string)
        .collect::<Vec<_>>()
        .join(",")
}
