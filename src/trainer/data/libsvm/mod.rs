//! `text/libsvm`: `label[:weight] [qid:Q] index:value index:value ...`, one row a line.
//!
//! Invariants: indexes are column numbers as they stand, from 0, so a file that counts from 1 has an empty column 0, as
//! in XGBoost; they ascend; what a row does not list is missing, not zero. Any run of blanks separates fields, `#` starts
//! a comment. Weights, and queries where they are read, stand on all rows of a channel or on none. An index that the job
//! declares to be something else stays a column, in which no row has a value.

mod problem;

use engine::dataset::{SideColumn, TILE_ROWS, Tile};
use engine::threads::Threads;

pub use self::problem::LibsvmProblem;

use super::bad_rows::BadRows;
use super::blocks::{Block, Cut};
use super::csv::CsvOptions;
use super::error::DataError;
use super::labels::{LabelRule, is_weight};
use super::number::{parse_digits, parse_finite, shown};
use super::side::{Queries, SideProblem};
use super::sparse_rows::SparseRows;
use super::tiles::{LineFormat, LineTiles, Text};

/// The largest column number. A histogram has 256 cells for each column, so a node of a tree over a million columns
/// takes gigabytes already: a stray number must not ask for more than there can be.
pub const MAX_INDEX: u32 = (1 << 20) - 1;

/// How a channel's lines read, as its first row shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibsvmFormat {
    labels: LabelRule,
    weighted: bool,
    queries: RowQueries,
    /// Indexes that are no features; those of the base margin in its order.
    side: Vec<(u32, SideColumn)>,
}

/// What becomes of a channel's queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowQueries {
    /// They are left out, where there are some.
    Ignored,
    /// Every row has one.
    All,
    /// No row has one.
    None,
}

/// Opens a channel's objects; `None` if they hold no row.
///
/// # Errors
/// [`DataError`] for the first block.
pub fn open(
    text: Text,
    options: &CsvOptions,
    threads: Threads,
) -> Result<Option<LineTiles<LibsvmFormat>>, DataError> {
    LineTiles::open(text, options.on_bad_row, threads, |first| {
        LibsvmFormat::detect(first, options)
    })
}

/// Whether the first row of `bytes` has pairs of index and value; `None` if there is no row.
pub fn has_pairs(bytes: &[u8]) -> Option<bool> {
    let (_, fields) = lines(bytes).find(|(_, fields)| !fields.is_empty())?;
    let mut pairs = fields
        .split(u8::is_ascii_whitespace)
        .filter(|it| !it.is_empty())
        .skip(1);
    Some(pairs.any(|it| it.contains(&b':')))
}

/// Each line's offset and its fields, without comment and outer blanks.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= bytes.len() {
            return None;
        }
        let start = at;
        let end =
            memchr::memchr2(b'\n', b'\r', &bytes[start..]).map_or(bytes.len(), |it| start + it);
        at = end + 1;
        let line = &bytes[start..end];
        let line = memchr::memchr(b'#', line).map_or(line, |comment| &line[..comment]);
        Some((start, line.trim_ascii()))
    })
}

/// The indexes that the job declares to be no features.
pub(super) fn side_indexes(options: &CsvOptions) -> Result<Vec<(u32, SideColumn)>, SideProblem> {
    if options.side.declared.qid.is_some() {
        return Err(SideProblem::QueryColumn);
    }
    if !options.side.declared.labels.is_empty() {
        return Err(SideProblem::OneLabel);
    }
    // The label has no index, so 0 is one like others.
    let mut indexes = Vec::new();
    for declared in options.side.declared.iter() {
        let index = declared.text.parse::<u32>().ok();
        let Some(index) = index.filter(|it| *it <= MAX_INDEX) else {
            return Err(SideProblem::NoIndex {
                hyperparameter: declared.hyperparameter,
                text: declared.text.to_owned(),
            });
        };
        if indexes.iter().any(|(it, _)| *it == index) {
            return Err(SideProblem::Taken {
                hyperparameter: declared.hyperparameter,
                text: declared.text.to_owned(),
                by: "declared",
            });
        }
        indexes.push((index, declared.column));
    }
    Ok(indexes)
}

impl LineFormat for LibsvmFormat {
    const CUT: Cut = Cut::Lines;
    type Scratch = ();

    fn parse(
        &self,
        block: &Block<'_>,
        (): &mut (),
        bad: &mut BadRows,
    ) -> Result<Vec<Tile>, DataError> {
        let mut tiles = Vec::new();
        let mut rows = SparseRows::new();
        for (offset, fields) in lines(block.bytes) {
            if fields.is_empty() {
                continue;
            }
            let n_before = rows.n_rows();
            if let Err(problem) = self.row(fields, &mut rows) {
                bad.refuse(|| DataError::Libsvm {
                    place: block.place(offset, None),
                    problem,
                })?;
                rows.truncate(n_before, self.side.len());
            }
            if rows.labels.len() == TILE_ROWS {
                let full = std::mem::replace(&mut rows, SparseRows::new());
                tiles.push(full.into_tile(&self.side, tiles.len() * TILE_ROWS, block.object));
            }
        }
        if !rows.labels.is_empty() {
            tiles.push(rows.into_tile(&self.side, tiles.len() * TILE_ROWS, block.object));
        }
        Ok(tiles)
    }

    fn n_values(&self, lines: &[u8], _: usize) -> usize {
        // A column is kept with its value.
        2 * memchr::memchr_iter(b':', lines).count()
    }
}

impl LibsvmFormat {
    /// Learns from the first row of `block` whether rows have weights; `None` if there is no row.
    fn detect(block: &Block<'_>, options: &CsvOptions) -> Result<Option<Self>, DataError> {
        let Some((_, fields)) = lines(block.bytes).find(|(_, fields)| !fields.is_empty()) else {
            return Ok(None);
        };
        let label = fields
            .split(u8::is_ascii_whitespace)
            .next()
            .unwrap_or(fields);
        if !fields.contains(&b':') && label.iter().any(|it| b",;|".contains(it)) {
            let problem = LibsvmProblem::Csv(shown(fields));
            return Err(DataError::Libsvm {
                place: block.place(0, None),
                problem,
            });
        }
        let mut others = fields
            .split(u8::is_ascii_whitespace)
            .filter(|it| !it.is_empty())
            .skip(1);
        let queries = match options.side.queries {
            Queries::Ignored => RowQueries::Ignored,
            Queries::Read if others.next().is_some_and(|it| it.starts_with(b"qid:")) => {
                RowQueries::All
            }
            Queries::Read => RowQueries::None,
        };
        let side = side_indexes(options).map_err(|problem| DataError::Libsvm {
            place: block.place(0, None),
            problem: problem.into(),
        })?;
        Ok(Some(Self {
            labels: options.labels,
            weighted: label.contains(&b':'),
            queries,
            side,
        }))
    }

    fn row(&self, fields: &[u8], rows: &mut SparseRows) -> Result<(), LibsvmProblem> {
        let mut fields = fields
            .split(u8::is_ascii_whitespace)
            .filter(|it| !it.is_empty());
        self.label(fields.next().unwrap_or_default(), rows)?;
        // A look ahead of its own, since `Peekable` would look in every step of the loop below.
        let query = fields.clone().next().filter(|it| it.starts_with(b"qid:"));
        if query.is_some() {
            fields.next();
        }
        self.query(query, rows)?;
        let first = rows.indices.len();
        let mut previous = None;
        for field in fields {
            let (index, value) = parse_pair(field)?;
            match previous {
                Some(previous) if index <= previous => {
                    return Err(LibsvmProblem::Order {
                        previous,
                        next: index,
                    });
                }
                _ => previous = Some(index),
            }
            rows.indices.push(index);
            rows.values.push(value);
        }
        rows.take_side(first, &self.side)?;
        rows.indptr.push(rows.indices.len());
        Ok(())
    }

    /// Takes the row's query, where queries are read; elsewhere it just has to be one.
    fn query(&self, field: Option<&[u8]>, rows: &mut SparseRows) -> Result<(), LibsvmProblem> {
        if field.is_none() && self.queries != RowQueries::All {
            return Ok(());
        }
        let parsed = |field: &[u8]| {
            let digits = field.strip_prefix(b"qid:").and_then(parse_digits);
            digits.ok_or_else(|| LibsvmProblem::Query(shown(field)))
        };
        let query = field.map(parsed).transpose()?;
        match (self.queries, query) {
            (RowQueries::Ignored, _) | (RowQueries::None, None) => {}
            (RowQueries::All, Some(query)) => rows.query_ids.push(query),
            (RowQueries::All, None) | (RowQueries::None, Some(_)) => {
                let expected = self.queries == RowQueries::All;
                return Err(SideProblem::MixedQueries { expected }.into());
            }
        }
        Ok(())
    }

    fn label(&self, field: &[u8], rows: &mut SparseRows) -> Result<(), LibsvmProblem> {
        let (label, weight) = match memchr::memchr(b':', field) {
            Some(colon) => (&field[..colon], Some(&field[colon + 1..])),
            None => (field, None),
        };
        let value = parse_finite(label).map_err(|_| LibsvmProblem::Label(shown(label)))?;
        self.labels.check(value)?;
        if weight.is_some() != self.weighted {
            return Err(LibsvmProblem::MixedWeights {
                expected: self.weighted,
            });
        }
        if let Some(weight) = weight {
            let parsed = parse_finite(weight).ok().filter(|it| is_weight(*it));
            rows.weights
                .push(parsed.ok_or_else(|| LibsvmProblem::Weight(shown(weight)))?);
        }
        rows.labels.push(value);
        Ok(())
    }
}

/// A pair of index and value.
#[expect(
    clippy::inline_always,
    reason = "the server calls it too, and apart from the loop over a row it costs an eighth more instructions"
)]
#[inline(always)]
pub(crate) fn parse_pair(field: &[u8]) -> Result<(u32, f32), LibsvmProblem> {
    let colon = memchr::memchr(b':', field).ok_or_else(|| LibsvmProblem::Pair(shown(field)))?;
    let (index, value) = (&field[..colon], &field[colon + 1..]);
    if index.is_empty() || value.is_empty() {
        return Err(LibsvmProblem::Pair(shown(field)));
    }
    let column = parse_digits(index)
        .and_then(|it| u32::try_from(it).ok())
        .filter(|it| *it <= MAX_INDEX);
    let column = column.ok_or_else(|| LibsvmProblem::Index {
        index: shown(index),
        pair: shown(field),
    })?;
    match parse_finite(value) {
        Ok(value) => Ok((column, value)),
        Err(_) if value.eq_ignore_ascii_case(b"nan") => Ok((column, f32::NAN)),
        Err(source) => Err(LibsvmProblem::Value {
            pair: shown(field),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pairs_as_they_stand() {
        assert_eq!(parse_pair(b"0:1.5"), Ok((0, 1.5)));
        assert_eq!(parse_pair(b"1048575:-2e3"), Ok((MAX_INDEX, -2000.0)));
        assert!(parse_pair(b"3:nan").is_ok_and(|(index, value)| index == 3 && value.is_nan()));
    }

    #[test]
    fn refuses_indexes_that_are_no_columns() {
        for pair in [
            "-1:2",
            "1048576:1",
            "99999999999999999999999:1",
            "a:1",
            "1.5:2",
            "+1:2",
        ] {
            let problem = parse_pair(pair.as_bytes()).unwrap_err();
            assert!(
                matches!(problem, LibsvmProblem::Index { .. }),
                "{pair}: {problem}"
            );
            assert!(
                problem.to_string().contains("from 0 to 1048575"),
                "{problem}"
            );
        }
    }

    #[test]
    fn refuses_fields_that_are_no_pairs() {
        for field in ["7", ":1", "1:", ":"] {
            assert_eq!(
                parse_pair(field.as_bytes()),
                Err(LibsvmProblem::Pair(field.to_owned()))
            );
        }
    }
}
