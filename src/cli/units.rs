//! Numbers as people read them.

use std::time::Duration;

use contract::job::duration as spelled;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `3.1 GB`: powers of 1000, as S3's console and bill count them.
pub fn bytes(n: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if value < 9.95 {
        format!("{value:.1} {}", units[unit])
    } else {
        format!("{value:.0} {}", units[unit])
    }
}

/// `8m 22s`, `1h 5m`, `0.4s`.
pub fn duration(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{:.1}s", seconds.max(0.0));
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) if rest == 0 => format!("{minutes}m"),
        (0, _) => format!("{minutes}m {rest}s"),
        (_, 0) => format!("{hours}h"),
        _ => format!("{hours}h {minutes}m"),
    }
}

/// The same for whole seconds: `2s`.
pub fn whole_seconds(seconds: i64) -> String {
    if seconds < 10 {
        format!("{seconds}s")
    } else {
        duration(seconds as f64)
    }
}

/// Reads a time on the command line: `90` and `90s`, `50m`, `1h30m`, `2d`.
///
/// # Errors
/// What is allowed, for any other text.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let bare = !text.is_empty() && text.chars().all(|it| it.is_ascii_digit());
    let seconds = if bare {
        text.parse().ok()
    } else {
        spelled::parse_secs(text)
    };
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "allowed is a time such as 90s, 50m, 1h30m or 2d".to_owned())
}

/// A metric's value: five significant digits are enough to tell two rounds apart.
pub fn metric(value: f64) -> String {
    let digits = if value == 0.0 || !value.is_finite() {
        0
    } else {
        value.abs().log10().floor() as i32
    };
    let decimals = (4 - digits).clamp(0, 6) as usize;
    format!("{value:.decimals$}")
}

/// `2026-11-23 10:02:11` in this machine's time zone.
pub fn moment(epoch_seconds: f64) -> String {
    at(epoch_seconds, "%Y-%m-%d %H:%M:%S")
}

/// `10:02:11` in this machine's time zone.
pub fn time_of_day(epoch_seconds: f64) -> String {
    at(epoch_seconds, "%H:%M:%S")
}

fn at(epoch_seconds: f64, format: &str) -> String {
    match Timestamp::from_millisecond((epoch_seconds * 1000.0) as i64) {
        Ok(time) => time
            .to_zoned(TimeZone::system())
            .strftime(format)
            .to_string(),
        Err(_) => "?".to_owned(),
    }
}

/// `4 min ago`.
pub fn ago(epoch_seconds: f64, now: f64) -> String {
    let seconds = (now - epoch_seconds).max(0.0);
    match seconds {
        it if it < 60.0 => "just now".to_owned(),
        it if it < 3600.0 => format!("{:.0} min ago", (it / 60.0).floor()),
        it if it < 86_400.0 => format!("{:.0} h ago", (it / 3600.0).floor()),
        it => format!("{:.0} days ago", (it / 86_400.0).floor()),
    }
}

/// The day in UTC.
pub fn today() -> jiff::civil::Date {
    jiff::Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// Seconds since 1970.
pub fn now() -> f64 {
    Timestamp::now().as_millisecond() as f64 / 1000.0
}

/// `1 object`, `24 objects`.
pub fn count(n: u64, noun: &str) -> String {
    if n == 1 {
        format!("1 {noun}")
    } else {
        format!("{n} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_or_three_digits() {
        let texts: Vec<String> = [0, 999, 1000, 210_400_000, 999_600_000].map(bytes).into();
        assert_eq!(texts, ["0 B", "999 B", "1.0 kB", "210 MB", "1.0 GB"]);
    }

    #[test]
    fn durations_have_two_units_at_most() {
        let texts: Vec<String> = [0.42, 9.96, 502.0, 600.0, 3900.0, 7200.0]
            .map(duration)
            .into();
        assert_eq!(texts, ["0.4s", "10s", "8m 22s", "10m", "1h 5m", "2h"]);
    }

    #[test]
    fn times_on_the_command_line_have_units_or_are_seconds() {
        assert_eq!(parse_duration("50m"), Ok(Duration::from_mins(50)));
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(parse_duration("90"), Ok(Duration::from_secs(90)));
        for wrong in ["soon", "-1s", "1w", "", "1.5h"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn metrics_have_five_significant_digits() {
        let texts: Vec<String> = [38.412_34, 0.039_255, 12_345.6, 0.0, f64::NAN]
            .map(metric)
            .into();
        assert_eq!(texts, ["38.412", "0.039255", "12346", "0.0000", "NaN"]);
    }
}
