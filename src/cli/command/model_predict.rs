//! `model predict`: one line a row on stdout or in a file, as the rows come.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use contract::exit;

use crate::error::CliError;
use crate::model_file;
use crate::output::Printer;
use crate::predict::{self, Options, PredictFileError};
use crate::units;

/// Predict each row of a CSV file: no header, an empty cell is missing.
#[derive(Debug, clap::Args)]
pub struct Predict {
    /// xgboost-model, the folder it lies in, runs/JOB, or model.tar.gz
    model: PathBuf,
    /// The rows, without a label; `-` is stdin
    data: PathBuf,
    /// Write here in place of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print margins: the sum of the trees, before the objective makes a probability or a count of it
    #[arg(long)]
    margin: bool,
    /// Leave this column out, counted from 0; training files have the label at 0
    #[arg(long, value_name = "N")]
    label_column: Option<usize>,
    /// This column is the exposure, counted from 0; a model that was trained with one asks for it
    #[arg(long, value_name = "N")]
    exposure_column: Option<usize>,
    /// These columns are the margin to start from, counted from 0: one, or one for each class
    #[arg(long, value_name = "N,...", value_delimiter = ',')]
    base_margin_column: Vec<usize>,
}

impl Predict {
    /// Predicts.
    ///
    /// # Errors
    /// If the model or the data cannot be read, or the output cannot be written.
    pub fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        let model = model_file::load(&self.model)?;
        let options = Options {
            label_column: self.label_column,
            margin: self.margin,
            exposure_column: self.exposure_column,
            base_margin_columns: self.base_margin_column,
        };
        if let Some(column) = options.missing(&model.required_inputs) {
            let path = self.data.clone();
            return Err(PredictFileError::Input { path, column }.into());
        }
        let input: Box<dyn io::Read> = if self.data == Path::new("-") {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(&self.data).map_err(|err| CliError::file("read", &self.data, err))?)
        };
        let n_rows = match &self.output {
            None => predict::stream(&model.booster, input, &self.data, &options, &mut |row| {
                printer.line(&line(row))
            })?,
            Some(path) => {
                let unwritable = |err| CliError::file("write", path, err);
                let mut file = BufWriter::new(File::create(path).map_err(unwritable)?);
                let mut on_row = |row: &[f32]| writeln!(file, "{}", line(row)).map_err(unwritable);
                let n_rows =
                    predict::stream(&model.booster, input, &self.data, &options, &mut on_row)?;
                file.flush().map_err(unwritable)?;
                n_rows
            }
        };
        if let Some(path) = &self.output {
            printer.say(&format!(
                "{} in {}",
                units::count(n_rows, "prediction"),
                path.display()
            ));
        }
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
