//! Which character separates the cells of a CSV file, told from its first line.
//!
//! The built-in algorithm asks Python's `csv.Sniffer` about one line, which comes down to an order of preference. The
//! order here is the same but for the blank, which comes last, so that `1 | 2` is not split at its blanks.

use super::number::shown;

/// Candidates, the likeliest first.
const PREFERRED: &[u8] = b",\t;|: ";

/// Nothing in the line separates cells.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Could not determine delimiter on line `{line}`: none of `,` TAB `;` `|` `:` space stands between two cells"
)]
pub struct DelimiterError {
    /// The line, cut after 50 characters.
    pub line: String,
}

/// Finds the delimiter of `line`; quoted cells are not looked into.
///
/// # Errors
/// [`DelimiterError`] if the line is a single cell.
pub fn detect(line: &[u8]) -> Result<u8, DelimiterError> {
    // Blanks at either end separate nothing; a TAB there has an empty cell beside it.
    let is_outer = |it: &u8| matches!(it, b' ' | b'\r' | b'\n');
    let start = line
        .iter()
        .position(|it| !is_outer(it))
        .unwrap_or(line.len());
    let end = line
        .iter()
        .rposition(|it| !is_outer(it))
        .map_or(start, |it| it + 1);
    let line = &line[start..end];
    let mut seen = [false; PREFERRED.len()];
    let mut quoted = false;
    for byte in line {
        if *byte == b'"' {
            quoted = !quoted;
        } else if !quoted && let Some(idx) = PREFERRED.iter().position(|it| it == byte) {
            seen[idx] = true;
        }
    }
    let best = seen.iter().position(|it| *it).map(|idx| PREFERRED[idx]);
    best.ok_or_else(|| DelimiterError { line: shown(line) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_the_usual_delimiters_in_order() {
        let table: &[(&str, u8)] = &[
            ("1,2,3", b','),
            ("1\t2\t3", b'\t'),
            ("1;2;3", b';'),
            ("1|2|3", b'|'),
            ("1 2 3", b' '),
            ("1:2:3", b':'),
            ("1, 2; 3", b','),
            ("1 | 2 | 3", b'|'),
            (" 1 : 2 ", b':'),
            ("\"1,5\";2", b';'),
            (" 1 2", b' '),
            ("1,\r\n", b','),
            ("1\t", b'\t'),
        ];
        for (line, expected) in table {
            assert_eq!(detect(line.as_bytes()), Ok(*expected), "{line}");
        }
    }

    #[test]
    fn refuses_a_line_of_one_cell() {
        assert_eq!(
            detect(b"  12.5 \r\n"),
            Err(DelimiterError {
                line: "12.5".to_owned()
            })
        );
        let said = detect(&[b'7'; 70]).unwrap_err().to_string();
        assert!(said.contains(&format!("`{}...`", "7".repeat(50))), "{said}");
    }
}
