//! `text/csv` without a header and without a label.
//!
//! Invariants: the separator is told from the first line, as in training; empty cells, `nan` and `NA` are missing; every
//! row has as many cells as the first one; cells of features whose categories have names are words. Blanks and line ends around the request are no rows; a blank line between two
//! rows is one of a single, missing cell.

use engine::dataset::Names;

use crate::data::cells::Cells;
use crate::data::csv::CsvProblem;
use crate::data::delimiter;
use crate::data::number::{NumberError, parse_plain};

use super::super::rows::{DenseRows, Rows};
use super::super::words::{self, Words};
use super::{Found, Problem, Spot, trimmed};

/// What a cell has at least, with its separator, to guess how many there are.
const BYTES_OF_CELL: usize = 6;

pub(super) fn decode(body: &[u8], words: &Words) -> Result<Rows, Found> {
    let text = trimmed(body);
    let line = memchr::memchr2(b'\n', b'\r', text).map_or(text, |end| &text[..end]);
    let mut cells = Cells {
        bytes: text,
        at: 0,
        // A line of one cell has none.
        delimiter: delimiter::detect(line).unwrap_or(b','),
    };
    let mut rows = DenseRows::default();
    rows.values.reserve(text.len() / BYTES_OF_CELL + 1);
    let mut row = 0;
    while cells.at < text.len() {
        row += 1;
        skip_leading_blanks(&mut cells);
        let first = rows.values.len();
        loop {
            let value =
                read_cell(&mut cells, words.of(rows.values.len() - first)).map_err(|problem| {
                    let column = rows.values.len() - first + 1;
                    (Spot::Cell(row, column), problem_of((row, column), problem))
                })?;
            rows.values.push(value);
            if cells.end_cell() {
                break;
            }
        }
        rows.end_row()
            .map_err(|problem| (Spot::Row(row), problem.into()))?;
    }
    Ok(rows.finish())
}

/// With blanks as separator, those before the first cell do not separate it from anything.
fn skip_leading_blanks(cells: &mut Cells<'_>) {
    while cells.delimiter == b' ' && cells.bytes.get(cells.at) == Some(&b' ') {
        cells.at += 1;
    }
}

fn read_cell(cells: &mut Cells<'_>, names: Option<&Names>) -> Result<f32, CsvProblem> {
    if let Some(names) = names {
        let text = cells.text()?;
        return Ok(words::code(&text, names));
    }
    match parse_plain(&cells.bytes[cells.at..]) {
        Some((value, n_bytes)) if cells.ends(cells.at + n_bytes) => {
            cells.at += n_bytes;
            Ok(value)
        }
        Some(_) | None => cells.cell(),
    }
}

fn problem_of(place: (usize, usize), problem: CsvProblem) -> Problem {
    match problem {
        CsvProblem::Number(NumberError::Text(text)) if place == (1, 1) => Problem::Header(text),
        problem => problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> (usize, Vec<String>) {
        match decode(text.as_bytes(), &Words::default()).unwrap() {
            Rows::Dense { n_columns, values } => {
                (n_columns, values.iter().map(ToString::to_string).collect())
            }
            Rows::Sparse { .. } => panic!("CSV gave sparse rows"),
        }
    }

    #[test]
    fn reads_what_clients_send() {
        for (text, n_columns, expected) in [
            ("1,2\n3,4", 2, &["1", "2", "3", "4"][..]),
            ("1,2\r\n3,4\r\n", 2, &["1", "2", "3", "4"]),
            ("\n\n1,2\n\n", 2, &["1", "2"]),
            ("\u{feff}1,2", 2, &["1", "2"]),
            ("5", 1, &["5"]),
            ("5\n6\n", 1, &["5", "6"]),
            ("5\n\n6", 1, &["5", "NaN", "6"]),
            (",\n1,", 2, &["NaN", "NaN", "1", "NaN"]),
            ("nan,NA,-1e-3", 3, &["NaN", "NaN", "-0.001"]),
            ("1;2", 2, &["1", "2"]),
            ("\t2\n3\t", 2, &["NaN", "2", "3", "NaN"]),
            ("1  2\n 3 4 ", 2, &["1", "2", "3", "4"]),
            ("\"1\", 2", 2, &["1", "2"]),
        ] {
            let expected = expected.iter().map(ToString::to_string).collect();
            assert_eq!(rows(text), (n_columns, expected), "{text:?}");
        }
    }

    #[test]
    fn refuses_the_rest_with_its_place() {
        for (text, place, expected) in [
            (
                "age,sex\n1,2",
                Spot::Cell(1, 1),
                "text `age` where a number is expected: leave the header line out",
            ),
            (
                "1,2\n3,x",
                Spot::Cell(2, 2),
                "text `x` where a number is expected",
            ),
            (
                "1,2\n3",
                Spot::Row(2),
                "1 values, expected 2 as in the first row",
            ),
            (
                "1,2\n\n3,4",
                Spot::Row(2),
                "1 values, expected 2 as in the first row",
            ),
            ("1,inf", Spot::Cell(1, 2), "`inf` is infinite or beyond"),
            (
                "1,\"2",
                Spot::Cell(1, 2),
                "the quote in `\"2` is not closed",
            ),
        ] {
            let (spot, problem) = decode(text.as_bytes(), &Words::default()).unwrap_err();
            assert_eq!(spot, place, "{text:?}");
            assert!(problem.to_string().starts_with(expected), "{problem}");
        }
    }
}
