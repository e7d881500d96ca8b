//! Numbers as Python's `int()` and `float()` read them, since that is how the built-in algorithm reads its texts.
//!
//! Source: Python language reference, "Numeric literals"; `int` and `float` in the library reference.

/// Blanks around, a sign, digits with single underscores between them. `5.0` and `1e3` are not whole numbers.
pub(super) fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = without_underscores(digits)?;
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let sign = if negative { "-" } else { "" };
    format!("{sign}{digits}").parse().ok()
}

/// Blanks around, a sign, digits with single underscores between them, a point, an exponent; or `nan`, `inf`, `infinity`.
pub(super) fn real(text: &str) -> Option<f64> {
    without_underscores(text.trim())?.parse().ok()
}

/// Underscores may stand between two digits and nowhere else.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit = |it: Option<&u8>| it.is_some_and(u8::is_ascii_digit);
    let between = |at: usize| at > 0 && digit(bytes.get(at - 1)) && digit(bytes.get(at + 1));
    let fits = bytes
        .iter()
        .enumerate()
        .all(|(at, it)| *it != b'_' || between(at));
    fits.then(|| text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_whole_numbers_as_python_does() {
        for (text, expected) in [
            ("10", Some(10)),
            (" +1_000 ", Some(1000)),
            ("-3", Some(-3)),
            ("5.0", None),
            ("1e3", None),
            ("", None),
            ("-", None),
            ("1__0", None),
            ("_1", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(integer(text), expected, "{text:?}");
        }
    }

    #[test]
    fn reads_numbers_as_python_does() {
        for (text, expected) in [
            ("1e-3", Some(0.001)),
            (" .5", Some(0.5)),
            ("1_0.5", Some(10.5)),
            ("inf", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("0,1", None),
            ("0x10", None),
            ("1_", None),
        ] {
            assert_eq!(real(text), expected, "{text:?}");
        }
        assert!(real("nan").is_some_and(f64::is_nan));
    }
}
