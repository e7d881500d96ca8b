//! Numbers as Python writes them, since that is what clients of the built-in container read.
//!
//! Invariants: the fewest digits that give the same double; an exponent below 1e-4 and from 1e16 on, of two digits at
//! least; a decimal point in every finite number. What is not a number is the caller's to spell.
//!
//! Source: Python's `float.__repr__` (`Python/pystrtod.c`, format code `r`), with which numpy's `str` agrees.

use std::io::Write as _;

/// How numbers that are none are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotANumber {
    /// `nan`, `inf`, `-inf`: `str` of a float.
    Str,
    /// `NaN`, `Infinity`, `-Infinity`: what `json.dumps` writes.
    Json,
}

/// Digits from which on two decimals may be equally near to a double that a 32-bit float was widened to.
const DIGITS_OF_TIES: usize = 16;

/// Room for a sign, 17 digits, a point and an exponent.
const ROOM: usize = 32;

/// Appends a number.
pub(super) fn push_float(out: &mut Vec<u8>, value: f64, none: NotANumber) {
    if !value.is_finite() {
        return push_none(out, value, none);
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let size = value.abs();
    let (mut digits, mut n, mut exponent) = digits(size, None);
    if n >= DIGITS_OF_TIES {
        // Of two that are equally near Python takes the even one, as exact rounding does.
        (digits, n, exponent) = self::digits(size, Some(n));
    }
    push_digits(out, &digits[..n], exponent);
}

/// The digits of a number, how many they are, and the power of ten of the first one; as few as give it back, or so many.
fn digits(size: f64, n_digits: Option<usize>) -> ([u8; ROOM], usize, i32) {
    let mut text = [0; ROOM];
    let mut rest = &mut text[..];
    // There is room for it.
    let _ = match n_digits {
        None => write!(rest, "{size:e}"),
        Some(n) => write!(rest, "{size:.*e}", n - 1),
    };
    let length = ROOM - rest.len();
    let mark = text[..length].iter().position(|it| *it == b'e');
    let mark = mark.unwrap_or(length);
    let exponent = text.get(mark + 1..length).unwrap_or_default();
    let exponent = std::str::from_utf8(exponent).ok();
    let exponent = exponent.and_then(|it| it.parse().ok()).unwrap_or(0);
    if mark <= 1 {
        return (text, mark, exponent);
    }
    // Without the point behind the first one.
    text.copy_within(2..mark, 1);
    (text, mark - 1, exponent)
}

fn push_digits(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    let (first, rest) = digits.split_at(1);
    match exponent {
        0..16 => {
            let n_whole = exponent as usize;
            let (whole, part) = rest.split_at(n_whole.min(rest.len()));
            out.extend_from_slice(first);
            out.extend_from_slice(whole);
            out.resize(out.len() + n_whole - whole.len(), b'0');
            out.push(b'.');
            out.extend_from_slice(if part.is_empty() { b"0" } else { part });
        }
        -4..0 => {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + (-exponent - 1) as usize, b'0');
            out.extend_from_slice(digits);
        }
        _ => {
            out.extend_from_slice(first);
            if !rest.is_empty() {
                out.push(b'.');
                out.extend_from_slice(rest);
            }
            let sign = if exponent < 0 { '-' } else { '+' };
            // Writing to memory cannot fail.
            let _ = write!(out, "e{sign}{:02}", exponent.unsigned_abs());
        }
    }
}

fn push_none(out: &mut Vec<u8>, value: f64, none: NotANumber) {
    let text: &[u8] = match (none, value.is_nan(), value > 0.0) {
        (NotANumber::Str, true, _) => b"nan",
        (NotANumber::Str, false, true) => b"inf",
        (NotANumber::Str, false, false) => b"-inf",
        (NotANumber::Json, true, _) => b"NaN",
        (NotANumber::Json, false, true) => b"Infinity",
        (NotANumber::Json, false, false) => b"-Infinity",
    };
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64, none: NotANumber) -> String {
        let mut out = Vec::new();
        push_float(&mut out, value, none);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_what_python_writes() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (2.0, "2.0"),
            (-1.5, "-1.5"),
            (f64::from(0.438_619_08_f32), "0.43861907720565796"),
            (f64::from(0.1_f32), "0.10000000149011612"),
            (1e-4, "0.0001"),
            (9.999e-5, "9.999e-05"),
            (1e-5, "1e-05"),
            (1.25e-10, "1.25e-10"),
            (1e-300, "1e-300"),
            (1e15, "1000000000000000.0"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.5e20, "1.5e+20"),
            (123_456_789.0, "123456789.0"),
            (123.25, "123.25"),
            (0.001_25, "0.00125"),
            // As near to ...2 as to ...3, and to ...7 as to ...8.
            (
                f64::from(f32::from_bits(3_214_671_936)),
                "-1.2187576293945312",
            ),
            (
                f64::from(f32::from_bits(1_073_140_416)),
                "1.9283065795898438",
            ),
            (
                f64::from(f32::from_bits(3_204_946_816)),
                "-0.5297164916992188",
            ),
            (f64::from(f32::MAX), "3.4028234663852886e+38"),
            (f64::from(f32::from_bits(1)), "1.401298464324817e-45"),
        ] {
            assert_eq!(text(value, NotANumber::Str), expected);
            assert_eq!(text(value, NotANumber::Json), expected);
        }
    }

    #[test]
    fn what_is_no_number_is_spelled_for_its_reader() {
        for (value, plain, json) in [
            (f64::NAN, "nan", "NaN"),
            (f64::INFINITY, "inf", "Infinity"),
            (f64::NEG_INFINITY, "-inf", "-Infinity"),
        ] {
            assert_eq!(text(value, NotANumber::Str), plain);
            assert_eq!(text(value, NotANumber::Json), json);
        }
    }
}
