//! `application/jsonlines`: a row a line, as an array or as an object.
//!
//! ```text
//! row      = array | object
//! array    = [ label, (weight,) feature, ... ]          the cells of a line of CSV
//! object   = { "label": cell, ("weight": cell,) "features": cells }, in any order
//! cells    = [ cell, ... ] | { "values": [ cell, ... ] }
//! cell     = a number | null | NaN | true | false       null and NaN are missing, true is 1 and false is 0
//! ```
//!
//! Invariants: a weight is there where `csv_weights` is 1 and nowhere else; every row has as many cells as the first one;
//! columns are numbered as in CSV, the label is 0, wherever it stands in an object. A key that is not known is refused:
//! it may be a feature that somebody misses later. Lines are cut as text, since a line end cannot stand inside of JSON text.

mod row;

use engine::dataset::Tile;
use engine::threads::Threads;

use self::row::Cells;
use super::bad_rows::BadRows;
use super::blocks::{Block, Cut};
use super::csv::CsvOptions;
use super::error::{DataError, Place};
use super::number::NumberError;
use super::row_layout::{RowLayout, RowProblem};
use super::rows::DenseRows;
use super::side;
use super::tiles::{LineFormat, LineTiles, Text};

/// Why a line of JSON was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum JsonProblem {
    /// Something else is expected.
    #[error("`{found}` where {expected} is expected")]
    Syntax {
        /// What is there.
        found: String,
        /// What could be.
        expected: &'static str,
    },
    /// A cell is not a number.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// A cell holds cells.
    #[error("`{0}` where a number is expected, a row has no rows in it")]
    Nested(String),
    /// A key is unknown.
    #[error(
        "key `{0}` is not known, allowed are `label`, `features` and, with csv_weights, `weight`"
    )]
    Key(String),
    /// A key is there twice.
    #[error("key `{0}` is there twice")]
    Twice(&'static str),
    /// A key is missing.
    #[error("the key `{0}` is missing")]
    NoKey(&'static str),
    /// The cells do not fit.
    #[error(transparent)]
    Row(#[from] RowProblem),
}

impl JsonProblem {
    /// What to do about it, where that is not plain.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Row(problem) => return problem.hint(),
            Self::Syntax { .. } => {
                "a line reads `[label, feature, ...]` or `{\"label\": ..., \"features\": [...]}`"
            }
            Self::Number(NumberError::Text(_)) => {
                "encode categories as numbers; a missing value is null"
            }
            Self::Key(key) if key == "weight" => "set csv_weights to 1",
            Self::Number(_) | Self::Nested(_) | Self::Key(_) | Self::Twice(_) | Self::NoKey(_) => {
                return None;
            }
        };
        Some(hint.to_owned())
    }
}

/// How a channel's lines read, as the first row shows.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonFormat {
    layout: RowLayout,
    fixed_by: Place,
}

/// A problem, and the column that is to blame, from 0 for the label.
type Refusal = (Option<usize>, JsonProblem);

/// Memory that is used again for the next block.
#[derive(Debug, Default)]
pub struct JsonScratch {
    line: Cells,
    rows: DenseRows,
}

/// Opens a channel's objects; `None` if they hold no row.
///
/// # Errors
/// [`DataError`] for the first block.
pub fn open(
    text: Text,
    options: &CsvOptions,
    threads: Threads,
) -> Result<Option<LineTiles<JsonFormat>>, DataError> {
    LineTiles::open(text, options.on_bad_row, threads, |first| {
        JsonFormat::detect(first, options)
    })
}

/// Each line that is not blank, and its offset.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    let lines = std::iter::from_fn(move || {
        let start = at;
        let rest = bytes.get(start..).filter(|it| !it.is_empty())?;
        let n_bytes = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        at = start + n_bytes + 1;
        Some((start, rest[..n_bytes].trim_ascii()))
    });
    lines.filter(|(_, line)| !line.is_empty())
}

impl JsonFormat {
    /// Learns the width from the first row of `block`; `None` if there is no row.
    fn detect(block: &Block<'_>, options: &CsvOptions) -> Result<Option<Self>, DataError> {
        let Some((offset, line)) = lines(block.bytes).next() else {
            return Ok(None);
        };
        let mut cells = Cells::default();
        let read = cells.read(line, options.weighted);
        let layout = read.and_then(|()| {
            let layout = RowLayout::new(cells.values.len(), options);
            layout.map_err(|it| (None, it.into()))
        });
        match layout {
            Ok(layout) => Ok(Some(Self {
                layout,
                fixed_by: block.place(offset, None),
            })),
            Err((column, problem)) => Err(DataError::JsonLine {
                place: block.place(offset, column),
                problem,
            }),
        }
    }

    fn row(&self, line: &[u8], scratch: &mut JsonScratch) -> Result<(), Refusal> {
        let (cells, columns) = (&mut scratch.line, &self.layout.columns);
        cells.read(line, columns.weighted)?;
        if cells.values.len() != columns.n_columns {
            let problem = RowProblem::Ragged {
                found: cells.values.len(),
                expected: columns.n_columns,
                fixed_by: self.fixed_by.clone(),
            };
            return Err((None, problem.into()));
        }
        let refuse = |column: usize, problem: RowProblem| (Some(column), problem.into());
        let checked = self.layout.check(&cells.values);
        checked.map_err(|(column, it)| refuse(column, it))?;
        if let Some(column) = self.layout.query {
            let query = side::parse_query(cells.token(line, column));
            let query = query.map_err(|it| refuse(column, it.into()))?;
            scratch.rows.query_ids.push(query);
        }
        let row = scratch.rows.add(columns.n_columns);
        row.copy_from_slice(&cells.values);
        Ok(())
    }
}

impl LineFormat for JsonFormat {
    const CUT: Cut = Cut::Lines;
    type Scratch = JsonScratch;

    fn parse(
        &self,
        block: &Block<'_>,
        scratch: &mut JsonScratch,
        bad: &mut BadRows,
    ) -> Result<Vec<Tile>, DataError> {
        scratch.rows.clear();
        for (offset, line) in lines(block.bytes) {
            if let Err((column, problem)) = self.row(line, scratch) {
                bad.refuse(|| DataError::JsonLine {
                    place: block.place(offset, column),
                    problem,
                })?;
            }
        }
        Ok(scratch.rows.tiles(&self.layout.columns, block.object))
    }

    fn n_values(&self, _: &[u8], n_lines: usize) -> usize {
        n_lines * self.layout.columns.n_features()
    }
}
