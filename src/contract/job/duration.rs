//! Durations as people write them: `45m`, `1h30m`, `2d`, `90s`.
//!
//! Invariant: whole seconds; what [`format_secs`] writes, [`parse_secs`] reads.

const UNITS: &[(char, u64)] = &[('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// The seconds of a duration: numbers with units, the larger unit first, each at most once. `None` for any other text.
pub fn parse_secs(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut units = UNITS;
    let mut total = 0_u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let n_digits = rest.find(|it: char| !it.is_ascii_digit())?;
        let number: u64 = rest[..n_digits].parse().ok()?;
        let unit = rest[n_digits..].chars().next()?;
        let at = units.iter().position(|(it, _)| *it == unit)?;
        total = total.checked_add(number.checked_mul(units[at].1)?)?;
        units = &units[at + 1..];
        rest = &rest[n_digits + 1..];
    }
    Some(total)
}

/// The duration as text: `1h30m`; `0s` for none.
pub fn format_secs(secs: u64) -> String {
    let mut rest = secs;
    let mut parts = Vec::new();
    for (unit, size) in UNITS {
        if rest >= *size {
            parts.push(format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_and_nothing_else() {
        for (text, secs) in [
            ("45m", Some(2700)),
            ("1h30m", Some(5400)),
            ("2d", Some(172_800)),
            ("0s", Some(0)),
            ("90", None),
            ("", None),
            ("m", None),
            ("30m1h", None),
            ("1h1h", None),
            ("1.5h", None),
            ("-5m", None),
            ("5ä", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(parse_secs(text), secs, "{text:?}");
        }
    }

    #[test]
    fn a_written_duration_reads_back() {
        for secs in [0, 1, 59, 60, 3_599, 3_661, 86_399, 90_061, 2_419_200] {
            assert_eq!(parse_secs(&format_secs(secs)), Some(secs));
        }
        assert_eq!(format_secs(5400), "1h30m");
    }
}
