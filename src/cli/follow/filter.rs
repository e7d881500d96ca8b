//! Which lines of a log are wanted.
//!
//! Invariant: a line that is not wanted is read past and never told; streams of other hosts are not even read.

use std::time::Duration;

use regex::Regex;

use super::Line;

/// Which lines are wanted; the default takes all of them.
#[derive(Clone, Debug, Default)]
pub struct LineFilter {
    /// Nothing older than this, in milliseconds since 1970 by the hosts' clocks.
    pub since_ms: Option<i64>,
    /// Only these hosts, such as `algo-2`; empty is every host.
    pub hosts: Vec<String>,
    /// Only lines in which this is found.
    pub grep: Option<Regex>,
}

impl LineFilter {
    /// Nothing that is older than `age` at `now`, in seconds since 1970.
    pub fn since(now: f64, age: Duration) -> Option<i64> {
        let now_ms = (now * 1000.0) as i64;
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        now_ms.checked_sub(age_ms)
    }

    /// Whether any line of the host may be wanted.
    pub(super) fn takes_host(&self, host: &str) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|it| it == host)
    }

    /// Whether a line of that time is too old.
    pub(super) fn is_too_old(&self, timestamp_ms: i64) -> bool {
        self.since_ms.is_some_and(|it| timestamp_ms < it)
    }

    pub(super) fn takes(&self, line: &Line) -> bool {
        !self.is_too_old(line.timestamp_ms)
            && self.takes_host(&line.host)
            && self.grep.as_ref().is_none_or(|it| it.is_match(&line.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(timestamp_ms: i64, host: &str, text: &str) -> Line {
        Line {
            timestamp_ms,
            host: host.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn every_condition_must_hold() {
        let filter = LineFilter {
            since_ms: LineFilter::since(10.0, Duration::from_secs(5)),
            hosts: vec!["algo-2".to_owned()],
            grep: Some(Regex::new("^\\[\\d+]").unwrap()),
        };
        assert!(filter.takes(&line(5000, "algo-2", "[3]\ttrain-rmse:1")));
        assert!(!filter.takes(&line(4999, "algo-2", "[3]\ttrain-rmse:1")));
        assert!(!filter.takes(&line(5000, "algo-1", "[3]\ttrain-rmse:1")));
        assert!(!filter.takes(&line(5000, "algo-2", "round [3]")));
        assert!(LineFilter::default().takes(&line(0, "", "")));
    }
}
