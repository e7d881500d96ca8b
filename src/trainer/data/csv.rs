//! `text/csv`: no header, the label first, perhaps a weight, then the features, and among them what the job declares to
//! be something else.
//!
//! Invariants: every row has as many cells as the first one; a cell is a finite number or missing (empty, `nan`, `NA`),
//! never text but in a column of categories; label and weight are never missing. XGBoost's own parser lets all of these pass and trains on something
//! else (SageMaker's built-in algorithm turns a header into a row of label 0), so each is refused with its place.
//!
//! One pass does it: a cell is read as a number from where it starts, and whatever does not end at a delimiter is looked
//! at again, slowly, for quotes, blanks, missing values and mistakes. A row in which something does not fit is read once
//! more, cell by cell, to say what. Where lines end is known from [`super::blocks`].

use contract::hyperparameter::OnBadRow;
use engine::dataset::{SideColumn, Tile, is_code};
use engine::threads::Threads;

use super::bad_rows::BadRows;
use super::blocks::{Block, Cut};
use super::cells::Cells;
use super::delimiter::{self, DelimiterError};
use super::error::{DataError, Place};
use super::labels::LabelRule;
use super::number::{NumberError, parse_plain};
use super::row_layout::{RowLayout, RowProblem};
use super::rows::DenseRows;
use super::side::{self, SideOptions};
use super::tiles::{LineFormat, LineTiles, Text};
use super::words::ColumnWords;

/// Why a line of a CSV file was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CsvProblem {
    /// The first line holds names.
    #[error("text `{0}` where the first label is expected: the file starts with a header")]
    Header(String),
    /// A cell is not a number.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// A quoted cell has no end.
    #[error("the quote in `{0}` is not closed")]
    OpenQuote(String),
    /// The cells do not fit.
    #[error(transparent)]
    Row(#[from] RowProblem),
}

impl CsvProblem {
    /// What to do about it, where that is not plain.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Row(problem) => return problem.hint(),
            Self::Header(_) => "remove the header line; the first column is the label",
            Self::Number(NumberError::Text(_)) => {
                "name the feature in `categorical_features` if it holds categories; a missing value is an empty cell, `nan` or `NA`"
            }
            Self::Number(_) | Self::OpenQuote(_) => return None,
        };
        Some(hint.to_owned())
    }
}

/// What the reader is told about a channel's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvOptions {
    /// Whether the second column is the row's weight.
    pub weighted: bool,
    /// The labels that are allowed.
    pub labels: LabelRule,
    /// What stands beside the features.
    pub side: SideOptions,
    /// The features whose cells are categories, and may be words.
    pub categorical: Vec<u32>,
    /// What becomes of a row that does not fit.
    pub on_bad_row: OnBadRow,
}

/// How the cells of a channel lie, as its first row shows.
#[derive(Clone, Debug, PartialEq)]
pub struct CsvFormat {
    layout: RowLayout,
    delimiter: u8,
    fixed_by: Place,
}

/// Opens a channel's objects; `None` if they hold no row.
///
/// # Errors
/// [`DataError`] for the first block, and for a first line without a delimiter.
pub fn open(
    text: Text,
    options: &CsvOptions,
    threads: Threads,
) -> Result<Option<LineTiles<CsvFormat>>, DataError> {
    LineTiles::open(text, options.on_bad_row, threads, |first| {
        CsvFormat::detect(first, options)
    })
}

impl CsvFormat {
    /// Learns the delimiter and the width from the first row of `block`; `None` if there is no row.
    fn detect(block: &Block<'_>, options: &CsvOptions) -> Result<Option<Self>, DataError> {
        let mut line = Cells {
            bytes: block.bytes,
            at: 0,
            delimiter: b',',
        };
        if !line.start_row() {
            return Ok(None);
        }
        let start = line.at;
        let end = memchr::memchr2(b'\n', b'\r', &block.bytes[start..])
            .map_or(block.bytes.len(), |it| start + it);
        let place = block.place(start, None);
        let found = delimiter::detect(&block.bytes[start..end]);
        let delimiter = found.map_err(|source: DelimiterError| DataError::Delimiter {
            place: place.clone(),
            source,
        })?;
        let mut cells = Cells {
            bytes: block.bytes,
            at: start,
            delimiter,
        };
        cells.start_row();
        match layout(cells.count_row(), options) {
            Err(problem) => Err(DataError::Csv {
                place,
                problem: problem.into(),
            }),
            Ok(layout) => Ok(Some(Self {
                layout,
                delimiter,
                fixed_by: place,
            })),
        }
    }

    /// The delimiter that was found.
    pub fn delimiter(&self) -> char {
        char::from(self.delimiter)
    }

    /// Reads the row that starts at `cells.at`, or gives up where a cell or the row does not fit.
    fn quick_row(&self, cells: &mut Cells<'_>, row: &mut [f32]) -> bool {
        let last = row.len() - 1;
        for (column, value) in row.iter_mut().enumerate() {
            *value = match parse_plain(&cells.bytes[cells.at..]) {
                Some((value, n_bytes)) if cells.ends(cells.at + n_bytes) => {
                    cells.at += n_bytes;
                    value
                }
                _ => match cells.cell() {
                    Ok(value) => value,
                    Err(_) => return false,
                },
            };
            if cells.end_cell() != (column == last) {
                return false;
            }
        }
        self.fits(row)
    }

    /// As [`CsvFormat::quick_row`], where some columns hold categories.
    fn quick_row_of_words(
        &self,
        cells: &mut Cells<'_>,
        row: &mut [f32],
        words: &mut [ColumnWords],
    ) -> bool {
        let last = row.len() - 1;
        let mut of_words = self.layout.columns.categorical.iter().zip(words).peekable();
        for (column, value) in row.iter_mut().enumerate() {
            let words = of_words.next_if(|((it, _), _)| *it == column);
            let plain = parse_plain(&cells.bytes[cells.at..]);
            *value = match (plain, words) {
                (Some((value, n_bytes)), words)
                    if cells.ends(cells.at + n_bytes) && (words.is_none() || is_code(value)) =>
                {
                    cells.at += n_bytes;
                    value
                }
                (_, None) => match cells.cell() {
                    Ok(value) => value,
                    Err(_) => return false,
                },
                (_, Some((_, words))) => match cells.text() {
                    Ok(text) => words.cell(&text),
                    Err(_) => return false,
                },
            };
            if cells.end_cell() != (column == last) {
                return false;
            }
        }
        self.fits(row)
    }

    /// Whether label, weight and the columns beside the features of a row are what they should be.
    fn fits(&self, row: &[f32]) -> bool {
        let leading = row.iter().enumerate().take(self.layout.columns.n_leading());
        let fits = leading.fold(true, |fits, (column, &value)| {
            fits && self.layout.check_leading(column, value).is_ok()
        });
        let mut side = self.layout.columns.side.iter();
        let is_right = |&(number, column): &(usize, SideColumn)| {
            let checked = self.layout.check_side(column, row[number], row[0]);
            checked.is_ok()
        };
        fits && side.all(is_right)
    }

    /// Whether a column holds categories.
    fn is_categorical(&self, column: usize) -> bool {
        let mut categorical = self.layout.columns.categorical.iter();
        categorical.any(|(it, _)| *it == column)
    }

    /// The query of the row that starts at `cells.at`; every cell of it is known to be one.
    fn query(mut cells: Cells<'_>, column: usize) -> Result<u64, Spot> {
        let refused = |at, problem| Spot {
            offset: at,
            column: Some(column),
            problem,
        };
        for _ in 0..column {
            cells.text().map_err(|problem| refused(cells.at, problem))?;
            cells.end_cell();
        }
        let rest = &cells.bytes[cells.at..];
        let n_bytes = (0..rest.len()).find(|at| cells.ends(cells.at + at));
        side::parse_query(&rest[..n_bytes.unwrap_or(rest.len())])
            .map_err(|problem| refused(cells.at, RowProblem::from(problem).into()))
    }

    /// What is wrong with the row that starts at `cells.at` and does not fit.
    fn problem(&self, mut cells: Cells<'_>) -> Spot {
        let start = cells.at;
        let columns = &self.layout.columns;
        let mut label = f32::NAN;
        for column in 0..columns.n_columns {
            let at = cells.at;
            let value = if self.is_categorical(column) {
                cells.text().map(|_| f32::NAN)
            } else {
                cells.cell()
            };
            let checked = value.and_then(|value| {
                if column == 0 {
                    label = value;
                }
                self.layout.check_leading(column, value)?;
                if let Some((_, it)) = columns.side.iter().find(|(it, _)| *it == column) {
                    self.layout.check_side(*it, value, label)?;
                }
                Ok(())
            });
            if let Err(problem) = checked {
                return Spot {
                    offset: at,
                    column: Some(column),
                    problem,
                };
            }
            if cells.end_cell() {
                break;
            }
        }
        let whole = Cells { at: start, ..cells };
        Spot {
            offset: start,
            column: None,
            problem: CsvProblem::from(RowProblem::Ragged {
                found: whole.count_row(),
                expected: columns.n_columns,
                fixed_by: self.fixed_by.clone(),
            }),
        }
    }
}

impl LineFormat for CsvFormat {
    const CUT: Cut = Cut::QuotedLines;
    type Scratch = DenseRows;

    fn parse(
        &self,
        block: &Block<'_>,
        rows: &mut DenseRows,
        bad: &mut BadRows,
    ) -> Result<Vec<Tile>, DataError> {
        let mut cells = Cells {
            bytes: block.bytes,
            at: 0,
            delimiter: self.delimiter,
        };
        rows.clear();
        while cells.start_row() {
            let start = cells;
            let fits = if self.layout.columns.categorical.is_empty() {
                self.quick_row(&mut cells, rows.add(self.layout.columns.n_columns))
            } else {
                let (row, words) = rows.add_with_words(&self.layout.columns);
                self.quick_row_of_words(&mut cells, row, words)
            };
            let spot = if fits {
                let Some(column) = self.layout.query else {
                    continue;
                };
                match Self::query(start, column) {
                    Ok(id) => {
                        rows.query_ids.push(id);
                        continue;
                    }
                    Err(spot) => spot,
                }
            } else {
                self.problem(start)
            };
            bad.refuse(|| spot.refuse(block))?;
            rows.drop_last(self.layout.columns.n_columns);
            cells = start;
            cells.skip_row();
        }
        Ok(rows.tiles(&self.layout.columns, block.object))
    }

    fn n_values(&self, _: &[u8], n_lines: usize) -> usize {
        n_lines * self.layout.columns.n_features()
    }
}

/// The layout of rows of `n_columns` cells, of which some may be words.
fn layout(n_columns: usize, options: &CsvOptions) -> Result<RowLayout, RowProblem> {
    let mut layout = RowLayout::new(n_columns, options)?;
    let features = layout.columns.features();
    let mut categorical = options.categorical.clone();
    categorical.sort_unstable();
    let there = categorical.into_iter();
    let there = there.filter_map(|it| Some((*features.get(it as usize)?, it)));
    layout.columns.categorical = there.collect();
    Ok(layout)
}

/// A problem at a byte of a block.
#[derive(Debug)]
struct Spot {
    offset: usize,
    column: Option<usize>,
    problem: CsvProblem,
}

impl Spot {
    fn refuse(self, block: &Block<'_>) -> DataError {
        let place = block.place(self.offset, self.column);
        let problem = match self.problem {
            CsvProblem::Number(NumberError::Text(text))
                if (place.line, self.column) == (1, Some(0)) =>
            {
                CsvProblem::Header(text)
            }
            problem => problem,
        };
        DataError::Csv { place, problem }
    }
}
