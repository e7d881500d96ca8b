//! One log line, as it is kept and as it is sent.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// A log event. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    pub(super) timestamp: i64,
    pub(super) ingestion_time: i64,
    pub(super) message: String,
}

/// A window of time: from `start` on, before `end`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
}

impl Window {
    pub(super) fn contains(self, timestamp: i64) -> bool {
        self.start.is_none_or(|start| start <= timestamp)
            && self.end.is_none_or(|end| timestamp < end)
    }
}

/// The system's time in milliseconds since 1970.
pub(super) fn now_millis() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |it| it.as_millis() as i64)
}

/// A line as the platform stores it: a control character becomes `#` and three octal digits, so TAB is `#011`.
///
/// Source: seen in job logs; it is what rsyslog does by default (`escapeControlCharactersOnReceive`).
pub(super) fn stored(line: &str) -> Cow<'_, str> {
    if !line.chars().any(|it| it.is_ascii_control()) {
        return Cow::Borrowed(line);
    }
    let mut text = String::with_capacity(line.len() + 8);
    for it in line.chars() {
        if it.is_ascii_control() {
            let _ = write!(text, "#{:03o}", u32::from(it));
        } else {
            text.push(it);
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_is_stored_as_the_platform_stores_it() {
        assert_eq!(stored("[0]\ttrain-rmse:1.5"), "[0]#011train-rmse:1.5");
        assert_eq!(stored("\u{1b}[31mred"), "#033[31mred");
        assert!(matches!(stored("plain é"), Cow::Borrowed("plain é")));
    }
}
