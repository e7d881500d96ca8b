//! Gates: what a model's metric must be for a pipeline to go on.
//!
//! Invariant: only a number that was measured passes; a metric that is not there, and one that is not a number, fail.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::report::Metric;
use crate::style::{BAD, GOOD, STRONG, paint};
use crate::units;

/// A condition on a metric: `validation:rmse<=12.5`, `validation:auc in 0.7..0.9`.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    data: String,
    metric: String,
    bound: Bound,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    Below(f64),
    AtMost(f64),
    Above(f64),
    AtLeast(f64),
    /// Both ends included.
    Within(f64, f64),
}

/// A text that is no gate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no gate, allowed is DATA:METRIC with `<`, `<=`, `>` or `>=` and a number, such as `validation:rmse<=12.5`, \
     or `DATA:METRIC in LOW..HIGH`"
)]
pub struct GateError(String);

/// What a gate says of a job.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The gate.
    pub gate: String,
    /// The metric's value; none if the job did not measure it.
    pub value: Option<f64>,
    /// Whether the pipeline may go on.
    pub passed: bool,
    /// The metric.
    #[serde(skip)]
    name: String,
    /// What it had to be.
    #[serde(skip)]
    bound: String,
}

impl FromStr for Gate {
    type Err = GateError;

    fn from_str(text: &str) -> Result<Self, GateError> {
        let wrong = || GateError(text.to_owned());
        let number = |it: &str| it.trim().parse().ok().filter(|it: &f64| it.is_finite());
        let (name, bound) = if let Some((name, range)) = text.split_once(" in ") {
            let (low, high) = range.split_once("..").ok_or_else(wrong)?;
            let ends = number(low).zip(number(high));
            let ends = ends.filter(|(low, high)| low <= high);
            (name, ends.map(|(low, high)| Bound::Within(low, high)))
        } else {
            let at = text.find(['<', '>']).ok_or_else(wrong)?;
            let (name, rest) = text.split_at(at);
            let bound = match rest.as_bytes() {
                [b'<', b'=', ..] => number(&rest[2..]).map(Bound::AtMost),
                [b'>', b'=', ..] => number(&rest[2..]).map(Bound::AtLeast),
                [b'<', ..] => number(&rest[1..]).map(Bound::Below),
                _ => number(&rest[1..]).map(Bound::Above),
            };
            (name, bound)
        };
        let (data, metric) = name.trim().split_once(':').ok_or_else(wrong)?;
        if data.is_empty() || metric.is_empty() || metric.contains(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Self {
            data: data.to_owned(),
            metric: metric.to_owned(),
            bound: bound.ok_or_else(wrong)?,
        })
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below(it) => write!(f, "< {it}"),
            Self::AtMost(it) => write!(f, "<= {it}"),
            Self::Above(it) => write!(f, "> {it}"),
            Self::AtLeast(it) => write!(f, ">= {it}"),
            Self::Within(low, high) => write!(f, "in {low}..{high}"),
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} {}", self.data, self.metric, self.bound)
    }
}

impl Bound {
    /// NaN holds none of them.
    fn holds(self, value: f64) -> bool {
        match self {
            Self::Below(it) => value < it,
            Self::AtMost(it) => value <= it,
            Self::Above(it) => value > it,
            Self::AtLeast(it) => value >= it,
            Self::Within(low, high) => low <= value && value <= high,
        }
    }
}

impl Gate {
    /// Holds the gate against what a job has measured.
    pub fn judge(&self, metrics: &[Metric]) -> Verdict {
        let found = metrics
            .iter()
            .find(|it| it.data == self.data && it.metric == self.metric);
        let value = found.map(|it| it.value);
        Verdict {
            gate: self.to_string(),
            value,
            passed: value.is_some_and(|it| self.bound.holds(it)),
            name: format!("{}:{}", self.data, self.metric),
            bound: self.bound.to_string(),
        }
    }
}

impl Verdict {
    /// `validation:rmse is 52.922, must be <= 12.5`, for people and for annotations.
    pub fn sentence(&self) -> String {
        let value = self.value.map_or_else(
            || "was not measured".to_owned(),
            |it| format!("is {}", units::metric(it)),
        );
        format!("{} {value}, must be {}", self.name, self.bound)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self
            .value
            .map_or_else(|| "not measured".to_owned(), units::metric);
        let verdict = if self.passed {
            paint(GOOD, "passed")
        } else {
            paint(BAD, "failed")
        };
        write!(
            f,
            "{} = {}, {} {verdict}",
            self.name,
            paint(STRONG, value),
            self.bound
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(gate: &str, value: f64) -> bool {
        let metrics = [Metric {
            data: "validation".to_owned(),
            metric: "error@0.7".to_owned(),
            value,
        }];
        gate.parse::<Gate>().unwrap().judge(&metrics).passed
    }

    #[test]
    fn each_bound_takes_what_it_says() {
        assert!(passes("validation:error@0.7<=0.5", 0.5));
        assert!(!passes("validation:error@0.7<0.5", 0.5));
        assert!(passes("validation:error@0.7 >= 0.5", 0.5));
        assert!(!passes("validation:error@0.7 > 0.5", 0.5));
        assert!(passes("validation:error@0.7 in 0.1..0.5", 0.5));
        assert!(!passes("validation:error@0.7 in 0.1..0.5", 0.51));
        assert!(passes("validation:error@0.7>-1e-3", 0.0));
    }

    #[test]
    fn what_is_not_a_number_or_not_there_fails() {
        for gate in ["validation:error@0.7<=9", "validation:error@0.7>=-9"] {
            assert!(!passes(gate, f64::NAN), "{gate}");
        }
        let verdict = "test:rmse<1".parse::<Gate>().unwrap().judge(&[]);
        assert_eq!((verdict.value, verdict.passed), (None, false));
        assert_eq!(
            verdict.sentence(),
            "test:rmse was not measured, must be < 1"
        );
    }

    #[test]
    fn a_text_that_is_no_gate_is_refused() {
        for text in [
            "rmse<=1",
            "validation:rmse",
            "validation:rmse=1",
            "validation:rmse<=x",
            "validation:rmse<=inf",
            "validation:rmse in 2..1",
            "validation:rmse in 2",
            ":rmse<1",
            "a b:c d<1",
        ] {
            assert!(text.parse::<Gate>().is_err(), "{text}");
        }
    }
}
