//! Reads a CSV file block by block and predicts each row: `(n_rows, n_features)` in, one line a row out.
//!
//! The trainer's rules: no header, no label column unless one is named; an empty cell, `nan` and `NA` are missing. Memory holds one block
//! of [`engine::dataset::TILE_ROWS`] rows, so a file of any length streams.

use std::io::Read;
use std::path::{Path, PathBuf};

use engine::booster::Booster;
use engine::dataset::{Dataset, TILE_ROWS};
use engine::threads::Threads;

/// Why a file could not be predicted on.
#[derive(Debug, thiserror::Error)]
pub enum PredictFileError {
    /// The file is not CSV, or cannot be read.
    #[error("cannot read `{path}`: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// A cell is not a number.
    #[error("`{text}` is not a number ({path}:{line}:{column})")]
    Cell {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The field of the line, from 1.
        column: usize,
        /// The cell.
        text: String,
        /// Whether all cells of a first line are text.
        is_header: bool,
    },
    /// A row has another number of fields than the model wants.
    #[error("{found} fields, the model wants {expected} ({path}:{line})")]
    Width {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Fields of the row, without the label.
        found: usize,
        /// Features of the model.
        expected: usize,
    },
    /// The label column is beyond the row's end.
    #[error("there is no column {column} to leave out, the row has {found} ({path}:{line})")]
    NoLabel {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column, from 0.
        column: usize,
        /// Fields of the row.
        found: usize,
    },
    /// The model refuses the table.
    #[error("{path}: {reason}")]
    Model {
        /// The file.
        path: PathBuf,
        /// What the engine said.
        reason: String,
    },
}

impl PredictFileError {
    /// What to do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::Read { .. } => "give a CSV file of numbers: commas, no header",
            Self::Cell {
                is_header: true, ..
            } => "this looks like a header; remove the line",
            Self::Cell { .. } => {
                "write a number, or leave the cell empty where the value is missing"
            }
            Self::Width {
                found, expected, ..
            } if *found == expected + 1 => {
                "if one column is the label, leave it out with --label-column N (from 0)"
            }
            Self::Width { .. } => {
                "give the columns that the model was trained on, in that order, without the label"
            }
            Self::NoLabel { .. } => "--label-column counts from 0",
            Self::Model { .. } => "`linden model inspect` tells what the model wants",
        }
    }
}

/// How to read and predict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The column to leave out, from 0.
    pub label_column: Option<usize>,
    /// Give margins: the sum of the trees before the objective's transform.
    pub margin: bool,
}

/// Predicts every row of `input` and gives `on_row` its outputs: one, or one for each class. Returns the number of rows.
///
/// # Errors
/// [`PredictFileError`] with the line, or whatever `on_row` says.
pub fn stream<E: From<PredictFileError>>(
    booster: &Booster,
    input: impl Read,
    path: &Path,
    options: Options,
    on_row: &mut dyn FnMut(&[f32]) -> Result<(), E>,
) -> Result<u64, E> {
    let refused = |reason: String| PredictFileError::Model {
        path: path.to_owned(),
        reason,
    };
    let threads = Threads::new(None).map_err(|err| refused(err.to_string()))?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(input);
    let mut record = csv::StringRecord::new();
    let mut values = Vec::new();
    let mut n_rows = 0;
    loop {
        let more = reader
            .read_record(&mut record)
            .map_err(|err| PredictFileError::Read {
                path: path.to_owned(),
                reason: err.to_string(),
            })?;
        if more {
            let line = record.position().map_or(0, csv::Position::line);
            push_row(
                &record,
                booster.n_features(),
                options.label_column,
                &mut values,
            )
            .map_err(|it| it.at(path, line, &record))?;
        }
        let n_block = values.len() / booster.n_features().max(1);
        if n_block == TILE_ROWS || !more && n_block > 0 {
            let outputs =
                predict_block(booster, &values, options.margin, &threads).map_err(refused)?;
            outputs
                .chunks(outputs.len() / n_block)
                .try_for_each(&mut *on_row)?;
            n_rows += n_block as u64;
            values.clear();
        }
        if !more {
            return Ok(n_rows);
        }
    }
}

/// The outputs of a block, row by row.
fn predict_block(
    booster: &Booster,
    values: &[f32],
    margin: bool,
    threads: &Threads,
) -> Result<Vec<f32>, String> {
    let n_features = booster.n_features().max(1);
    let labels = vec![0.0; values.len() / n_features];
    let data = Dataset::from_rows(n_features, values, &labels).map_err(|err| err.to_string())?;
    let outputs = if margin {
        booster.predict_margin(&data, threads)
    } else {
        booster.predict(&data, threads)
    };
    outputs.map_err(|err| err.to_string())
}

/// A row's fault, before its place is known.
enum RowFault {
    Cell { column: usize, text: String },
    Width { found: usize, expected: usize },
    NoLabel { column: usize, found: usize },
}

impl RowFault {
    fn at(self, path: &Path, line: u64, record: &csv::StringRecord) -> PredictFileError {
        let path = path.to_owned();
        match self {
            Self::Cell { column, text } => {
                let is_header = line == 1 && record.iter().all(|it| it.parse::<f32>().is_err());
                PredictFileError::Cell {
                    path,
                    line,
                    column: column + 1,
                    text,
                    is_header,
                }
            }
            Self::Width { found, expected } => PredictFileError::Width {
                path,
                line,
                found,
                expected,
            },
            Self::NoLabel { column, found } => PredictFileError::NoLabel {
                path,
                line,
                column,
                found,
            },
        }
    }
}

fn push_row(
    record: &csv::StringRecord,
    n_features: usize,
    label_column: Option<usize>,
    values: &mut Vec<f32>,
) -> Result<(), RowFault> {
    if let Some(column) = label_column.filter(|it| *it >= record.len()) {
        return Err(RowFault::NoLabel {
            column,
            found: record.len(),
        });
    }
    // A header is told before its width: that is what a person would see first.
    for (column, text) in record.iter().enumerate() {
        if Some(column) != label_column {
            values.push(cell(text).ok_or_else(|| RowFault::Cell {
                column,
                text: text.to_owned(),
            })?);
        }
    }
    let found = record.len() - usize::from(label_column.is_some());
    if found == n_features {
        Ok(())
    } else {
        Err(RowFault::Width {
            found,
            expected: n_features,
        })
    }
}

/// A finite number, or NaN for a missing one: an empty cell, `nan` or `NA`, as the trainer reads them.
fn cell(text: &str) -> Option<f32> {
    let unsigned = text.trim_start_matches(['-', '+']);
    if text.is_empty() || unsigned.eq_ignore_ascii_case("nan") || text.eq_ignore_ascii_case("na") {
        return Some(f32::NAN);
    }
    text.parse().ok().filter(|it: &f32| !it.is_infinite())
}
