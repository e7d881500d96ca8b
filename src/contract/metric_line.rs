//! The line of metrics that each round prints, and the regular expressions that read it.
//!
//! `[0]\ttrain-rmse:8.09123\tvalidation-rmse:7.94412`, byte for byte the built-in algorithm's line: tabs, five decimals,
//! rounds from 0. CloudWatch stores a tab as the four characters `#011`, so every expression takes both. Invariant: what
//! [`format_line`] writes, [`definitions`] find (unless the value is not finite, since a metric must be a number).
//!
//! Source: XGBoost's `EvaluationMonitor`; `DescribeTrainingJob` of jobs of the built-in algorithm.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// `AlgorithmSpecification.MetricDefinitions` holds at most this many.
pub const MAX_DEFINITIONS: usize = 40;
/// A definition's name has at most this many characters.
pub const MAX_NAME_CHARS: usize = 255;
/// A definition's regular expression has at most this many characters.
pub const MAX_REGEX_CHARS: usize = 500;

/// The line of one round, without a line end: `values` are (data set, metric, value), in the order in which they print.
///
/// Values print as C's `%.5f`: rounded half to even on the exact binary value, `nan`, `inf`, `-inf`.
pub fn format_line<D: Display, M: Display>(round: u32, values: &[(D, M, f64)]) -> String {
    let parts = values
        .iter()
        .map(|(data, metric, value)| format!("\t{data}-{metric}:{}", Fixed(*value)));
    std::iter::once(format!("[{round}]")).chain(parts).collect()
}

/// `%.5f`.
struct Fixed(f64);

impl Display for Fixed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Rust spells it `NaN`; the sign of a NaN does not print, as in Python.
        if self.0.is_nan() {
            f.write_str("nan")
        } else {
            write!(f, "{:.5}", self.0)
        }
    }
}

/// A metric that SageMaker reads from the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetricDefinition {
    /// `train:rmse`.
    pub name: String,
    /// Finds the line; its only group is the number.
    pub regex: String,
}

impl MetricDefinition {
    /// The definition of `metric` on the data set `data`.
    pub fn new(data: &str, metric: &str) -> Self {
        const NUMBER: &str = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)";
        // Its parameter is always printed, and not known before the job is.
        let any_parameter = if metric == "tweedie-nloglik" {
            r"(?:@[0-9.]+)?"
        } else {
            ""
        };
        let (set, escaped) = (escape(data), escape(metric));
        Self {
            name: format!("{data}:{metric}"),
            regex: format!(r".*\[[0-9]+\].*(?:#011|\t){set}-{escaped}{any_parameter}:{NUMBER}.*"),
        }
    }
}

/// One definition for each data set and metric: `train:rmse`, `validation:rmse`.
pub fn definitions<M: Display>(data_sets: &[&str], metrics: &[M]) -> Vec<MetricDefinition> {
    let of_set = |data: &&str| -> Vec<_> {
        metrics
            .iter()
            .map(|it| MetricDefinition::new(data, &it.to_string()))
            .collect()
    };
    data_sets.iter().flat_map(of_set).collect()
}

/// `error@0.7` holds a dot, which would stand for any character.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, it| {
        if r"\.+*?()|[]{}^$".contains(it) {
            escaped.push('\\');
        }
        escaped.push(it);
        escaped
    })
}
