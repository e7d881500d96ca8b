//! Reads a CSV file block by block, for a model to predict or explain its rows: `(n_rows, n_features)`.
//!
//! The trainer's rules: no header, no label, exposure or margin column unless one is named; an empty cell, `nan` and `NA`
//! are missing. Memory holds one block of [`engine::dataset::TILE_ROWS`] rows, so a file of any length streams.

use std::io::Read;
use std::path::{Path, PathBuf};

use engine::booster::Booster;
use engine::dataset::{
    CategoryNames, Dataset, DatasetError, Names, SideColumn, SideColumns, TILE_ROWS,
};
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
    /// A column that was named is beyond the row's end.
    #[error("there is no column {column}, the row has {found} ({path}:{line})")]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column, from 0.
        column: usize,
        /// Fields of the row.
        found: usize,
    },
    /// A column was named as two things.
    #[error("column {column} was named twice ({path})")]
    Twice {
        /// The file.
        path: PathBuf,
        /// The column, from 0.
        column: usize,
    },
    /// The model was trained with a column that nobody named.
    #[error("the model was trained with {column}s, so every row needs one ({path})")]
    Input {
        /// The file.
        path: PathBuf,
        /// What the column holds.
        column: SideColumn,
    },
    /// A value beside the features is not allowed.
    #[error("{column} `{text}`, allowed is {} ({path}:{line}:{number})", column.allowed())]
    Side {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The field of the line, from 1.
        number: usize,
        /// What the column holds.
        column: SideColumn,
        /// The cell.
        text: String,
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
            Self::NoColumn { .. } | Self::Twice { .. } => {
                "--label-column, --exposure-column and --base-margin-column count from 0, and each column is one thing"
            }
            Self::Input {
                column: SideColumn::Exposure,
                ..
            } => "name the column with --exposure-column N (from 0)",
            Self::Input { .. } => "name the columns with --base-margin-column N,... (from 0)",
            Self::Side { .. } => "write the number, or leave the row out",
            Self::Model { .. } => "`linden model inspect` tells what the model wants",
        }
    }
}

/// Which columns of the file are no features.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The column to leave out, from 0.
    pub label_column: Option<usize>,
    /// The column of the exposure, from 0.
    pub exposure_column: Option<usize>,
    /// The columns of the base margin, from 0, one for each output group.
    pub base_margin_columns: Vec<usize>,
    /// The names of the model's categories: cells of their features are words.
    pub names: CategoryNames,
}

impl Options {
    /// The columns that are no features, and what they hold; `None` is the label.
    fn beside(&self) -> Vec<(usize, Option<SideColumn>)> {
        let margins = self.base_margin_columns.iter();
        let label = self.label_column.map(|it| (it, None));
        let exposure = self
            .exposure_column
            .map(|it| (it, Some(SideColumn::Exposure)));
        let margins = margins.map(|&it| (it, Some(SideColumn::BaseMargin)));
        label.into_iter().chain(exposure).chain(margins).collect()
    }

    /// A column that was named as two things.
    fn twice(&self) -> Option<usize> {
        let named: Vec<usize> = self.beside().iter().map(|(it, _)| *it).collect();
        let mut later = named.iter().enumerate();
        later
            .find(|(at, it)| named[..*at].contains(it))
            .map(|(_, it)| *it)
    }

    /// The first column that the model needs and that nobody named.
    pub fn missing(&self, required: &[SideColumn]) -> Option<SideColumn> {
        let named = self.beside();
        let is_named = |column: &SideColumn| named.iter().any(|(_, it)| *it == Some(*column));
        required.iter().copied().find(|it| !is_named(it))
    }
}

/// Rows of a block.
#[derive(Default)]
struct Rows {
    values: Vec<f32>,
    exposure: Vec<f32>,
    base_margin: Vec<f32>,
}

/// Rows to read, and where they are from.
pub struct Source<'a> {
    /// The file's text.
    pub input: Box<dyn Read>,
    /// The file's name, for messages.
    pub path: &'a Path,
    /// Which columns are no features.
    pub options: Options,
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("path", &self.path)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Predicts every row of `source` and gives `on_row` its outputs: one, or one for each class; `margin` asks for the sums of
/// the trees before the objective's transform. Returns the number of rows.
///
/// # Errors
/// [`PredictFileError`] with the line, or whatever `on_row` says.
pub fn stream<E: From<PredictFileError>>(
    booster: &Booster,
    source: Source<'_>,
    margin: bool,
    on_row: &mut dyn FnMut(&[f32]) -> Result<(), E>,
) -> Result<u64, E> {
    let path = source.path;
    let refused = |reason: String| PredictFileError::Model {
        path: path.to_owned(),
        reason,
    };
    let threads = Threads::new(None).map_err(|err| refused(err.to_string()))?;
    stream_blocks(booster.n_features(), source, TILE_ROWS, &mut |data| {
        let outputs = if margin {
            booster.predict_margin(data, &threads)
        } else {
            booster.predict(data, &threads)
        };
        let outputs = outputs.map_err(|err| refused(err.to_string()))?;
        outputs
            .chunks(outputs.len() / data.n_rows())
            .try_for_each(&mut *on_row)
    })
}

/// Gives `on_block` all rows of `source`, at most `block_rows` at a time. Returns the number of rows.
///
/// # Errors
/// [`PredictFileError`] with the line, or whatever `on_block` says.
pub fn stream_blocks<E: From<PredictFileError>>(
    n_features: usize,
    source: Source<'_>,
    block_rows: usize,
    on_block: &mut dyn FnMut(&Dataset) -> Result<(), E>,
) -> Result<u64, E> {
    let path = source.path;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(source.input);
    let mut record = csv::StringRecord::new();
    let beside = source.options.beside();
    if let Some(column) = source.options.twice() {
        let path = path.to_owned();
        return Err(PredictFileError::Twice { path, column }.into());
    }
    let mut rows = Rows::default();
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
            let columns = Columns {
                n_features,
                beside: &beside,
                names: &source.options.names,
            };
            push_row(&record, &columns, &mut rows).map_err(|it| it.at(path, line, &record))?;
        }
        let n_block = rows.values.len() / n_features.max(1);
        if n_block == block_rows || !more && n_block > 0 {
            let data = std::mem::take(&mut rows).into_dataset(n_features);
            on_block(&data.map_err(|err| PredictFileError::Model {
                path: path.to_owned(),
                reason: err.to_string(),
            })?)?;
            n_rows += n_block as u64;
        }
        if !more {
            return Ok(n_rows);
        }
    }
}

impl Rows {
    fn into_dataset(self, n_features: usize) -> Result<Dataset, DatasetError> {
        let labels = vec![0.0; self.values.len() / n_features.max(1)];
        let some = |values: Vec<f32>| (!values.is_empty()).then_some(values);
        let side = SideColumns {
            exposure: some(self.exposure),
            base_margin: some(self.base_margin),
            ..SideColumns::default()
        };
        Dataset::from_rows(n_features, &self.values, &labels)?.with_side_columns(side)
    }
}

/// A row's fault, before its place is known.
enum RowFault {
    Cell {
        column: usize,
        text: String,
    },
    Width {
        found: usize,
        expected: usize,
    },
    NoColumn {
        column: usize,
        found: usize,
    },
    Side {
        number: usize,
        column: SideColumn,
        text: String,
    },
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
            Self::Side {
                number,
                column,
                text,
            } => PredictFileError::Side {
                path,
                line,
                number: number + 1,
                column,
                text,
            },
            Self::NoColumn { column, found } => PredictFileError::NoColumn {
                path,
                line,
                column,
                found,
            },
        }
    }
}

/// What the columns of a row are.
struct Columns<'a> {
    n_features: usize,
    beside: &'a [(usize, Option<SideColumn>)],
    names: &'a CategoryNames,
}

fn push_row(
    record: &csv::StringRecord,
    columns: &Columns<'_>,
    rows: &mut Rows,
) -> Result<(), RowFault> {
    let Columns {
        n_features,
        beside,
        names,
    } = *columns;
    if let Some(&(column, _)) = beside.iter().find(|(it, _)| *it >= record.len()) {
        return Err(RowFault::NoColumn {
            column,
            found: record.len(),
        });
    }
    // A header is told before its width: that is what a person would see first.
    let is_feature = |column: &usize| beside.iter().all(|(it, _)| it != column);
    let features = record.iter().enumerate().filter(|(it, _)| is_feature(it));
    for (feature, (column, text)) in (0..).zip(features) {
        let value = match names.of(feature) {
            None => cell(text),
            Some(names) => Some(category(text, names)),
        };
        rows.values.push(value.ok_or_else(|| RowFault::Cell {
            column,
            text: text.to_owned(),
        })?);
    }
    for &(number, column) in beside {
        let Some(column) = column else { continue };
        let text = record.get(number).unwrap_or_default();
        let value = cell(text).filter(|it| column.accepts(*it, 0.0));
        let value = value.ok_or_else(|| RowFault::Side {
            number,
            column,
            text: text.to_owned(),
        })?;
        match column {
            SideColumn::Exposure => rows.exposure.push(value),
            SideColumn::BaseMargin => rows.base_margin.push(value),
            SideColumn::QueryId | SideColumn::LabelUpperBound | SideColumn::FurtherLabel => {}
        }
    }
    let found = record.len() - beside.len();
    if found == n_features {
        Ok(())
    } else {
        Err(RowFault::Width {
            found,
            expected: n_features,
        })
    }
}

/// The code of a category by its name; NaN for a missing one, and for one that the model does not know.
fn category(text: &str, names: &Names) -> f32 {
    match cell(text) {
        Some(number) if number.is_nan() => number,
        Some(number) => names.code_of_number(number),
        None => names.value(text),
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
