//! Metric lines of a log, read back: the round and each value.
//!
//! The line is the built-in algorithm's, `[12]\ttrain-rmse:3.1\tvalidation-rmse:3.4`, as `contract::metric_line` writes
//! it; other writers put text before the bracket. Invariant: what is not such a line is none, whatever it holds.

use std::collections::BTreeMap;

/// A metric line.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// The round, from 0.
    pub number: u64,
    /// Each value with its name, `validation:rmse`, in the order of the line.
    pub values: Vec<(String, f64)>,
}

/// Round and text of the values; `None` for any other line.
pub fn split(text: &str) -> Option<(u64, &str)> {
    let (head, values) = text.split_once("]\t")?;
    let round = head.rsplit_once('[')?.1.parse().ok()?;
    values.contains(':').then_some((round, values))
}

/// Reads a metric line; values that are no numbers are left out.
pub fn parse(text: &str) -> Option<Round> {
    let (number, values) = split(text)?;
    let values: Vec<(String, f64)> = values.split('\t').filter_map(value).collect();
    (!values.is_empty()).then_some(Round { number, values })
}

/// `validation-poisson-nloglik:11.007`: the data set ends at the first hyphen, the value begins after the last colon.
fn value(text: &str) -> Option<(String, f64)> {
    let (name, value) = text.trim().rsplit_once(':')?;
    let (data, metric) = name.split_once('-')?;
    let is_named = !data.is_empty() && !metric.is_empty();
    let value = value.parse().ok()?;
    is_named.then(|| (format!("{data}:{metric}"), value))
}

/// The values of a job round by round. A job that was interrupted repeats rounds; the last word counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The metrics, such as `validation:rmse`, in the order in which they were first seen.
    pub names: Vec<String>,
    /// Round and values; a metric that a round does not have is not in it.
    pub rounds: BTreeMap<u64, BTreeMap<String, f64>>,
}

impl History {
    /// Takes a line in, and gives its round if it is a metric line.
    pub fn take_in(&mut self, text: &str) -> Option<u64> {
        let round = parse(text)?;
        let values = self.rounds.entry(round.number).or_default();
        for (name, value) in round.values {
            if !self.names.contains(&name) {
                self.names.push(name.clone());
            }
            values.insert(name, value);
        }
        Some(round.number)
    }

    /// Round and value of one metric.
    pub fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = (u64, f64)> + 's {
        self.rounds
            .iter()
            .filter_map(move |(round, values)| Some((*round, *values.get(name)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_line_is_told_by_its_form() {
        assert_eq!(split("[12]\ttrain-rmse:3.1"), Some((12, "train-rmse:3.1")));
        assert_eq!(
            split("[10:02:11] [3]\ttrain-rmse:3.1"),
            Some((3, "train-rmse:3.1"))
        );
        assert_eq!(split("Train matrix has 10 rows"), None);
        assert_eq!(split("[x]\tno"), None);
    }

    #[test]
    fn names_keep_their_hyphens_and_values_may_be_no_numbers() {
        let round = parse("[0]\ttrain-poisson-nloglik:1e-3\tvalidation-error@0.7:nan").unwrap();
        assert_eq!(round.values[0], ("train:poisson-nloglik".to_owned(), 0.001));
        assert_eq!(round.values[1].0, "validation:error@0.7");
        assert!(round.values[1].1.is_nan());
        assert_eq!(parse("[0]\ttrain-rmse:fast"), None);
    }

    #[test]
    fn a_round_that_is_repeated_counts_once() {
        let mut history = History::default();
        for line in [
            "[0]\ttrain-rmse:3",
            "[1]\ttrain-rmse:2",
            "[1]\ttrain-rmse:2.5\tvalidation-rmse:4",
        ] {
            assert!(history.take_in(line).is_some());
        }
        assert_eq!(history.names, ["train:rmse", "validation:rmse"]);
        let train: Vec<(u64, f64)> = history.values("train:rmse").collect();
        assert_eq!(train, [(0, 3.0), (1, 2.5)]);
    }
}
