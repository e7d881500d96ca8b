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

/// The whole number from 0 that decimal digits and nothing else spell.
pub(super) fn parse_digits(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// The largest whole number up to which an `f64` holds every one.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// `3.0` as the whole number that it is, as programs write a column of whole numbers that once had gaps; `None` if it is none
/// from 0, or could stand for its neighbour.
pub(super) fn whole(value: f64) -> Option<u64> {
    (value >= 0.0 && value.fract() == 0.0 && value < EXACT).then_some(value as u64)
}

/// Powers of ten that 64-bit floating point holds exactly, up to 10^22; as many as a number here may have decimals.
const POWERS: [f64; 19] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18,
];

/// The same as whole numbers, for up to eight digits more.
const TENS: [i64; 9] = [
    1,
    10,
    100,
    1000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

/// The most digits that surely fit 63 bits.
const MAX_DIGITS: usize = 18;

/// Reads the number that `text` starts with, where it is written in the plainest way, `-12.5`, and gives its length. `None`
/// says nothing but that [`parse_finite`] has to look.
#[inline]
pub(crate) fn parse_plain(text: &[u8]) -> Option<(f32, usize)> {
    let n_sign = usize::from(*text.first()? == b'-');
    // Nearly all numbers have at most 7 digits before the point and 8 behind it.
    let words: &[u8; 16] = text[n_sign..].first_chunk()?;
    let words = u128::from_le_bytes(*words);
    let (low, high) = (words as u64, (words >> 64) as u64);
    let (whole, n_whole) = leading_digits(low);
    if n_whole == 0 || n_whole > 7 {
        return parse_long(&text[n_sign..], n_sign);
    }
    if (low >> (8 * n_whole)) as u8 != b'.' {
        let value = whole as f32;
        return Some((with_sign(value, n_sign), n_sign + n_whole));
    }
    let behind_point = (low >> (8 * n_whole) >> 8) | (high << (56 - 8 * n_whole));
    let (decimals, n_decimals) = leading_digits(behind_point);
    let end = n_sign + n_whole + 1 + n_decimals;
    let is_cut = n_decimals == 8 && text.get(end).is_some_and(u8::is_ascii_digit);
    if n_decimals == 0 || is_cut {
        return parse_long(&text[n_sign..], n_sign);
    }
    let digits = whole * TENS[n_decimals] + decimals;
    let value = round_once(digits as f64 / POWERS[n_decimals])?;
    Some((with_sign(value, n_sign), end))
}

fn with_sign(value: f32, n_sign: usize) -> f32 {
    if n_sign == 1 { -value } else { value }
}

/// The same for a number of up to 18 digits, from behind its sign.
#[inline(never)]
fn parse_long(text: &[u8], n_sign: usize) -> Option<(f32, usize)> {
    let (whole, n_whole) = digits(text, 0)?;
    if n_whole == 0 || n_whole > MAX_DIGITS {
        return None;
    }
    if text.get(n_whole) != Some(&b'.') {
        return Some((with_sign(whole as f32, n_sign), n_sign + n_whole));
    }
    let (all, n_decimals) = digits(&text[n_whole + 1..], whole)?;
    if n_decimals == 0 || n_whole + n_decimals > MAX_DIGITS {
        return None;
    }
    let value = round_once(all as f64 / POWERS[n_decimals])?;
    Some((with_sign(value, n_sign), n_sign + n_whole + 1 + n_decimals))
}

/// What two roundings give, where one gives the same. `value` is that of at most 18 digits with decimals: 0, or far from
/// what is too small or too large. It is less than 2 units of its last place off, so that only next to the middle between
/// two results the true value could be on the other side.
fn round_once(value: f64) -> Option<f32> {
    const DROPPED: u64 = (1 << 29) - 1;
    const MIDDLE: u64 = 1 << 28;
    let dropped = value.to_bits() & DROPPED;
    (dropped.abs_diff(MIDDLE) > 4).then_some(value as f32)
}

/// Reads digits behind those of `number`, eight at a time, and gives how many there were; `None` near the end of the text.
/// With more than 18 digits the number is a wrong one.
fn digits(text: &[u8], mut number: i64) -> Option<(i64, usize)> {
    let mut n_digits = 0;
    loop {
        let word = u64::from_le_bytes(*text.get(n_digits..)?.first_chunk()?);
        let (value, n_more) = leading_digits(word);
        number = number.wrapping_mul(TENS[n_more]).wrapping_add(value);
        n_digits += n_more;
        if n_more < 8 {
            return Some((number, n_digits));
        }
    }
}

/// The number that the first bytes of `word` spell, the lowest byte first, and how many they are.
#[inline]
fn leading_digits(word: u64) -> (i64, usize) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    // A digit becomes 0 to 9, and whatever is more has its highest bit set by the addition or before.
    let values = word ^ (EACH * 0x30);
    let others = (values.wrapping_add(EACH * 0x76) | values) & (EACH * 0x80);
    let n_digits = (others.trailing_zeros() / 8) as usize;
    // Zeros in front of the digits, which are the lower bytes; then neighbours are joined three times.
    let padded = if n_digits == 0 {
        0
    } else {
        values << (64 - 8 * n_digits)
    };
    let pairs = padded.wrapping_mul(10).wrapping_add(padded >> 8);
    let low = (pairs & PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let high = ((pairs >> 16) & PAIRS).wrapping_mul(1 + (10_000 << 32));
    ((low.wrapping_add(high) >> 32) as i64, n_digits)
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
    fn plain_numbers_are_rounded_once() {
        let mut state = 1_u64;
        let mut random = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state >> 11
        };
        let mut n_plain = 0;
        for _ in 0..200_000 {
            let n_digits = 1 + random() as usize % 19;
            let mut text =
                format!("{:019}", random() * 10 + random() % 10)[19 - n_digits..].to_owned();
            let n_decimals = random() as usize % n_digits;
            if n_decimals > 0 {
                text.insert(n_digits - n_decimals, '.');
            }
            let sign = if random() % 2 == 0 { "-" } else { "" };
            let text = format!("{sign}{text}");
            let padded = format!("{text},----------------");
            if let Some((value, len)) = parse_plain(padded.as_bytes()) {
                assert_eq!(len, text.len(), "{text}");
                let expected: f32 = text.parse().unwrap();
                assert_eq!(value.to_bits(), expected.to_bits(), "{text}");
                n_plain += 1;
            }
        }
        assert!(n_plain > 150_000, "{n_plain}");
    }

    #[test]
    fn a_number_beside_the_middle_of_two_is_left_to_the_exact_parser() {
        for text in ["16777217.0", "16777217.000000001", "16777216.999999999"] {
            assert_eq!(
                parse_plain(format!("{text},----------------").as_bytes()),
                None,
                "{text}"
            );
        }
        for text in [
            "",
            "-",
            ".5",
            "5.",
            "+1",
            "nan",
            "1234567890123456789",
            "12",
        ] {
            assert_eq!(parse_plain(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn shows_a_long_or_binary_cell_on_one_short_line() {
        assert_eq!(shown(&[b'x'; 60]), format!("{}...", "x".repeat(50)));
        assert_eq!(shown(b"a\nb\x00\xff"), "a\u{fffd}b\u{fffd}\u{fffd}");
    }
}
