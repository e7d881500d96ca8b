//! A number as text files spell it.
//!
//! Invariants: only finite numbers come out, correctly rounded to 32 bits; `NaN` stands for "missing" and for nothing
//! else. What XGBoost's own parser would cut short (`12abc`) or turn into zero is refused.

use std::borrow::Cow;

/// Why a cell is not a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The cell holds text.
    #[error("text `{0}` where a number is expected")]
    Text(String),
    /// The number is infinite, or too large for 32 bits.
    #[error(
        "`{0}` is infinite or beyond 32-bit floating point, allowed are finite numbers up to 3.4e38"
    )]
    Infinite(String),
}

/// Reads one cell without its delimiter: a finite number, or `NaN` for a missing one (empty, `nan`, `NA`).
///
/// # Errors
/// [`NumberError`] for anything else, with the cell as it stands.
pub fn parse_cell(cell: &[u8]) -> Result<f32, NumberError> {
    let cell = cell.trim_ascii();
    if is_missing(cell) {
        return Ok(f32::NAN);
    }
    parse_finite(cell)
}

/// Reads a number that has to be there.
///
/// # Errors
/// [`NumberError::Text`] for text, for nothing at all and for `nan`, [`NumberError::Infinite`] for what is not finite.
pub fn parse_finite(cell: &[u8]) -> Result<f32, NumberError> {
    match fast_float2::parse::<f32, _>(cell) {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(value) if value.is_infinite() => Err(NumberError::Infinite(shown(cell))),
        Ok(_) | Err(_) => Err(NumberError::Text(shown(cell))),
    }
}

/// Whether a trimmed cell says that there is no value.
fn is_missing(cell: &[u8]) -> bool {
    let unsigned = cell.strip_prefix(b"-").unwrap_or(cell);
    cell.is_empty() || unsigned.eq_ignore_ascii_case(b"nan") || cell.eq_ignore_ascii_case(b"na")
}

/// The longest piece of a file that a message repeats, in characters.
const SHOWN_CHARS: usize = 50;

/// Text of a file as a message shows it: on one line, without control characters, cut after 50 characters.
pub fn shown(text: &[u8]) -> String {
    let text: Cow<'_, str> = String::from_utf8_lossy(text);
    let mut chars = text.chars();
    let mut shown: String = chars
        .by_ref()
        .take(SHOWN_CHARS)
        .map(|it| if it.is_control() { '\u{fffd}' } else { it })
        .collect();
    if chars.next().is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_spreadsheets_and_programs_write() {
        let table: &[(&str, f32)] = &[
            ("1", 1.0),
            ("-0.5", -0.5),
            ("+2.5", 2.5),
            ("1e-3", 0.001),
            ("1E3", 1000.0),
            (".5", 0.5),
            ("5.", 5.0),
            (" 7 ", 7.0),
            ("16777217", 16_777_216.0),
            ("1e-60", 0.0),
        ];
        for (cell, expected) in table {
            assert_eq!(parse_cell(cell.as_bytes()), Ok(*expected), "{cell}");
        }
    }

    #[test]
    fn takes_empty_nan_and_na_for_missing() {
        for cell in ["", "  ", "nan", "NaN", "-nan", "NAN", "NA", "na"] {
            assert!(parse_cell(cell.as_bytes()).is_ok_and(f32::is_nan), "{cell}");
        }
    }

    #[test]
    fn refuses_text_and_half_numbers() {
        for cell in [
            "abc", "12abc", "1 2", "0x10", "1_000", "--1", "+-1", "true", "-", "1e", "NaNa", "-NA",
        ] {
            assert_eq!(
                parse_cell(cell.as_bytes()),
                Err(NumberError::Text(cell.to_owned())),
                "{cell}"
            );
        }
    }

    #[test]
    fn refuses_infinite_numbers() {
        for cell in ["inf", "-inf", "Infinity", "1e39", "-1e99"] {
            assert_eq!(
                parse_cell(cell.as_bytes()),
                Err(NumberError::Infinite(cell.to_owned())),
                "{cell}"
            );
        }
    }

    #[test]
    fn shows_a_long_or_binary_cell_on_one_short_line() {
        assert_eq!(shown(&[b'x'; 60]), format!("{}...", "x".repeat(50)));
        assert_eq!(shown(b"a\nb\x00\xff"), "a\u{fffd}b\u{fffd}\u{fffd}");
    }
}
