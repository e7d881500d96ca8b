//! Metrics out of log lines, by the request's `MetricDefinitions`.
//!
//! The platform searches the stored line, where TAB is `#011`. Definitions are written for either, so both are searched,
//! and one that is written for `#011` is tried with a real TAB too: its `(\S+)` would take the next metric along.
//! Invariant: the last finite value of each definition is kept.

use contract::job::MetricData;
use contract::metric_line::MetricDefinition;
use regex::Regex;
use std::sync::{Mutex, PoisonError};

/// A definition that cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("metric definition `{name}`: {reason}")]
pub(crate) struct DefinitionError {
    name: String,
    reason: String,
}

#[derive(Debug)]
struct Definition {
    name: String,
    regex: Regex,
    with_tab: Regex,
}

/// The definitions of one job and their last values. Hosts may share it.
#[derive(Debug)]
pub(crate) struct Extractor {
    definitions: Vec<Definition>,
    last: Mutex<Vec<Option<MetricData>>>,
}

impl Extractor {
    /// Compiles the definitions. Each needs a group, which captures the number.
    pub(crate) fn new(definitions: &[MetricDefinition]) -> Result<Self, DefinitionError> {
        let compiled: Result<Vec<_>, _> = definitions.iter().map(compile).collect();
        let definitions = compiled?;
        let last = Mutex::new(vec![None; definitions.len()]);
        Ok(Self { definitions, last })
    }

    /// Looks at one line, as the trainer printed it.
    pub(crate) fn observe(&self, line: &str, at: f64) {
        if self.definitions.is_empty() {
            return;
        }
        let stored = line.replace('\t', "#011");
        for (index, it) in self.definitions.iter().enumerate() {
            let value = number(&it.regex, &stored)
                .or_else(|| number(&it.regex, line))
                .or_else(|| number(&it.with_tab, line));
            if let Some(value) = value {
                let data = MetricData {
                    metric_name: it.name.clone(),
                    value,
                    timestamp: at,
                };
                self.last.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(data);
            }
        }
    }

    /// The last values, in the definitions' order.
    pub(crate) fn finals(&self) -> Vec<MetricData> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().flatten().cloned().collect()
    }
}

fn compile(definition: &MetricDefinition) -> Result<Definition, DefinitionError> {
    let refuse = |reason: String| DefinitionError {
        name: definition.name.clone(),
        reason,
    };
    let regex = |text: &str| Regex::new(text).map_err(|err| refuse(err.to_string()));
    let compiled = Definition {
        name: definition.name.clone(),
        regex: regex(&definition.regex)?,
        with_tab: regex(&definition.regex.replace("#011", r"\t"))?,
    };
    if compiled.regex.captures_len() < 2 {
        return Err(refuse(
            "the regular expression has no group to capture the value".to_owned(),
        ));
    }
    Ok(compiled)
}

fn number(regex: &Regex, line: &str) -> Option<f64> {
    let text = regex.captures(line)?.get(1)?.as_str();
    text.parse().ok().filter(|it: &f64| it.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(name: &str, regex: &str) -> MetricDefinition {
        MetricDefinition {
            name: name.to_owned(),
            regex: regex.to_owned(),
        }
    }

    #[test]
    fn takes_the_last_value_whether_written_for_tab_or_for_its_escape() {
        let extractor = Extractor::new(&[
            definition(
                "validation:rmse",
                r".*\[[0-9]+\].*#011validation-rmse:(\S+)",
            ),
            definition("train:rmse", r"\ttrain-rmse:([0-9.]+)"),
            definition("greedy", r"#011train-rmse:(\S+)"),
            definition("never", "x=([0-9]+)"),
        ])
        .unwrap();
        extractor.observe("[0]\ttrain-rmse:8.09123\tvalidation-rmse:7.94412", 1.0);
        extractor.observe("[1]\ttrain-rmse:8.00001\tvalidation-rmse:7.5e-1", 2.0);
        extractor.observe("[2]\ttrain-rmse:7.1\tvalidation-rmse:nan", 3.0);
        let finals = extractor.finals();
        let finals: Vec<_> = finals
            .iter()
            .map(|it| (it.metric_name.as_str(), it.value, it.timestamp))
            .collect();
        assert_eq!(
            finals,
            [
                ("validation:rmse", 0.75, 2.0),
                ("train:rmse", 7.1, 3.0),
                ("greedy", 7.1, 3.0)
            ]
        );
    }

    #[test]
    fn the_contracts_own_definitions_read_the_contracts_own_line() {
        let definitions = contract::metric_line::definitions(&["train"], &["error@0.7"]);
        let extractor = Extractor::new(&definitions).unwrap();
        extractor.observe(
            &contract::metric_line::format_line(3, &[("train", "error@0.7", 0.25)]),
            1.0,
        );
        assert_eq!(extractor.finals()[0].value, 0.25);
    }

    #[test]
    fn refuses_a_definition_without_a_group() {
        let err = Extractor::new(&[definition("m", "loss=[0-9]+")]).unwrap_err();
        assert_eq!(
            err.to_string(),
            "metric definition `m`: the regular expression has no group to capture the value"
        );
    }
}
