//! Where rows come from, what their columns are, and where lines about them go: a file, stdin or stdout.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::CliError;
use crate::model_file::LoadedModel;
use crate::output::Printer;
use crate::predict::{Options, PredictFileError, Source};
use crate::units;

/// The columns of a file of rows that are no features.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct RowColumns {
    /// Leave this column out, counted from 0; training files have the label at 0
    #[arg(long = "label-column", value_name = "N")]
    label: Option<usize>,
    /// This column is the exposure, counted from 0; a model that was trained with one asks for it
    #[arg(long = "exposure-column", value_name = "N")]
    exposure: Option<usize>,
    /// These columns are the margin to start from, counted from 0: one, or one for each class
    #[arg(
        long = "base-margin-column",
        value_name = "N,...",
        value_delimiter = ','
    )]
    base_margin: Vec<usize>,
}

impl RowColumns {
    /// Opens a file of rows for a model; `-` is stdin.
    ///
    /// # Errors
    /// If the file cannot be opened, or the model needs a column that nobody named.
    pub fn open<'a>(&self, path: &'a Path, model: &LoadedModel) -> Result<Source<'a>, CliError> {
        let options = Options {
            label_column: self.label,
            exposure_column: self.exposure,
            base_margin_columns: self.base_margin.clone(),
            names: model.booster.category_names.clone(),
        };
        if let Some(column) = options.missing(&model.required_inputs) {
            let path = path.to_owned();
            return Err(PredictFileError::Input { path, column }.into());
        }
        Ok(Source {
            input: open(path)?,
            path,
            options,
        })
    }
}

/// Takes a line.
pub type OnLine<'a> = dyn FnMut(&str) -> Result<(), CliError> + 'a;

fn open(path: &Path) -> Result<Box<dyn Read>, CliError> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(path).map_err(|err| CliError::file("read", path, err))?;
    Ok(Box::new(file))
}

/// Calls `work` with what writes a line to `output`, or to stdout where there is none. Says how many `noun`s there are
/// where stdout does not show them.
///
/// # Errors
/// Whatever `work` says, or if the output cannot be written.
pub fn write(
    output: Option<&PathBuf>,
    printer: &mut Printer,
    noun: &str,
    work: impl FnOnce(&mut OnLine<'_>) -> Result<u64, CliError>,
) -> Result<(), CliError> {
    let Some(path) = output else {
        return work(&mut |line| printer.line(line)).map(|_| ());
    };
    let unwritable = |err| CliError::file("write", path, err);
    let mut file = BufWriter::new(File::create(path).map_err(unwritable)?);
    let n_rows = work(&mut |line| writeln!(file, "{line}").map_err(unwritable))?;
    file.flush().map_err(unwritable)?;
    let text = format!("{} in {}", units::count(n_rows, noun), path.display());
    printer.say(&text);
    Ok(())
}
