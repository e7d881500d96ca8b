//! `text/libsvm`: `index:value` for each value that is there, with or without a label in front.
//!
//! Invariants: indexes are columns as they stand, from 0, as in training; what is not listed is missing; a line is a row,
//! even without a pair. The built-in container 3.2 moves all indexes of a request by one where none of them is 0, so that
//! a row's prediction there depends on the rows beside it; here it does not.

use crate::data::libsvm::parse_pair;

use super::super::rows::{Rows, SparseRows};
use super::{Found, Spot, trimmed};

pub(super) fn decode(body: &[u8]) -> Result<Rows, Found> {
    let text = trimmed(body);
    let mut rows = SparseRows::default();
    if text.is_empty() {
        return Ok(rows.finish());
    }
    for (row, line) in text.split(|it| *it == b'\n').enumerate() {
        let spot = Spot::Row(row + 1);
        let end = memchr::memchr(b'#', line).unwrap_or(line.len());
        let fields = line[..end].split(u8::is_ascii_whitespace);
        // A field without a colon is a label.
        let pairs = fields.filter(|it| it.contains(&b':') && !it.starts_with(b"qid:"));
        for field in pairs {
            let (index, value) = parse_pair(field).map_err(|it| (spot, it.into()))?;
            rows.push(index, value);
        }
        rows.end_row().map_err(|it| (spot, it.into()))?;
    }
    Ok(rows.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_row() {
        let rows = decode(b"1 0:1.5 2:3\n\n0\n5:1 # a comment 7:1\r\n3:2 1:4\n").unwrap();
        let expected = Rows::Sparse {
            n_columns: 6,
            indptr: vec![0, 2, 2, 2, 3, 5],
            indices: vec![0, 2, 5, 1, 3],
            values: vec![1.5, 3.0, 1.0, 4.0, 2.0],
        };
        assert_eq!(rows, expected);
    }

    #[test]
    fn labels_and_queries_are_passed_over() {
        let plain = decode(b"0:1 1:2").unwrap();
        assert_eq!(decode(b"7 qid:3 0:1 1:2").unwrap(), plain);
        assert_eq!(decode(b"-1.5 0:1 1:2").unwrap(), plain);
    }

    #[test]
    fn refuses_the_rest_with_its_row() {
        for (text, row, expected) in [
            (
                "0:1\n0:x",
                2,
                "text `x` where a number is expected (in `0:x`)",
            ),
            ("a:1", 1, "index `a` in `a:1` is not a column"),
            ("1:2 1:3", 1, "index 1 is there twice"),
            ("0:", 1, "`0:` is not a pair, expected `index:value`"),
        ] {
            let (spot, problem) = decode(text.as_bytes()).unwrap_err();
            assert_eq!(spot, Spot::Row(row), "{text:?}");
            assert!(problem.to_string().starts_with(expected), "{problem}");
        }
    }
}
