//! `model export`: a model as a file that another program reads.

use std::fs;
use std::path::PathBuf;

use contract::exit;
use engine::export::{ExportFormat, UnknownExportFormat, export};

use crate::error::CliError;
use crate::model_file;
use crate::output::Printer;
use crate::units;

/// Write a model for another program: XGBoost, ONNX, `LightGBM`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "xgboost-json and xgboost-ubj load in XGBoost 1.7 to 3.x and in Treelite. onnx takes `features`, with NaN \
                  for what is missing, and gives `margin` and `prediction`. lightgbm is its text model, version 4."
)]
pub struct Export {
    /// xgboost-model, the folder it lies in, runs/JOB, model.tar.gz, or a model that XGBoost or LightGBM saved
    model: PathBuf,
    /// What to write
    #[arg(long, value_name = "FORMAT", value_parser = ExportFormat::ALL.map(ExportFormat::as_str))]
    format: String,
    /// Write here
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

impl Export {
    /// Writes the file.
    ///
    /// # Errors
    /// If there is no model, the format cannot hold it, or the file cannot be written.
    pub fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        let unknown = |err: UnknownExportFormat| CliError::Usage {
            message: err.to_string(),
            fix: "give one of these".to_owned(),
        };
        let format: ExportFormat = self.format.parse().map_err(unknown)?;
        let model = model_file::load(&self.model)?;
        let bytes = export(&model.booster, format).map_err(|err| CliError::Usage {
            message: err.to_string(),
            fix: "choose another --format".to_owned(),
        })?;
        fs::write(&self.output, &bytes)
            .map_err(|err| CliError::file("write", &self.output, err))?;
        let size = units::bytes(bytes.len() as u64);
        printer.say(&format!("{format} in {}  {size}", self.output.display()));
        Ok(exit::SUCCESS)
    }
}
