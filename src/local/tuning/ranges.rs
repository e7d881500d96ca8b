//! Ranges of hyperparameters: what they must be, and values out of them.
//!
//! Source: SageMaker API, `ParameterRanges`, `HyperParameterScalingType`; developer guide, "Define Hyperparameter Ranges".

use crate::chance::even;
use serde::Deserialize;

/// Ranges of a kind in a tuning job, and values of a categorical one.
const MOST: usize = 30;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(
    clippy::struct_field_names,
    reason = "members are spelled as the API spells them"
)]
pub(super) struct ParameterRanges {
    integer_parameter_ranges: Vec<Numbers>,
    continuous_parameter_ranges: Vec<Numbers>,
    categorical_parameter_ranges: Vec<Words>,
    pub(super) auto_parameters: Vec<serde_json::Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Numbers {
    name: String,
    min_value: String,
    max_value: String,
    scaling_type: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Words {
    name: String,
    values: Vec<String>,
}

/// A range that was checked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Range {
    pub(super) name: String,
    pub(super) values: Values,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    Integer(Span),
    Continuous(Span),
    Categorical(Vec<String>),
}

/// From `low` to `high`, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    low: f64,
    high: f64,
    scaling: Scaling,
}

/// What is drawn evenly: the value, its logarithm, or that of its distance to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scaling {
    Linear,
    Logarithmic,
    ReverseLogarithmic,
}

impl ParameterRanges {
    /// All ranges, or every problem with them.
    pub(super) fn check(&self) -> Result<Vec<Range>, Vec<String>> {
        let mut problems = Vec::new();
        let mut ranges = Vec::new();
        let counts = [
            (
                "IntegerParameterRanges",
                self.integer_parameter_ranges.len(),
            ),
            (
                "ContinuousParameterRanges",
                self.continuous_parameter_ranges.len(),
            ),
            (
                "CategoricalParameterRanges",
                self.categorical_parameter_ranges.len(),
            ),
        ];
        for (member, n) in counts.into_iter().filter(|it| it.1 > MOST) {
            problems.push(format!(
                "{member} has {n} ranges, allowed is at most {MOST}"
            ));
        }
        for it in &self.integer_parameter_ranges {
            it.check(true, &mut problems, &mut ranges);
        }
        for it in &self.continuous_parameter_ranges {
            it.check(false, &mut problems, &mut ranges);
        }
        for Words { name, values } in &self.categorical_parameter_ranges {
            let n = values.len();
            if !(1..=MOST).contains(&n) {
                problems.push(format!("`{name}` has {n} values, allowed is 1 to {MOST}"));
            }
            ranges.push(Range {
                name: name.clone(),
                values: Values::Categorical(values.clone()),
            });
        }
        for (at, range) in ranges.iter().enumerate() {
            if ranges[..at].iter().any(|it| it.name == range.name) {
                problems.push(format!("`{}` has two ranges", range.name));
            }
        }
        if ranges.is_empty() {
            problems.push("there is no range of a hyperparameter to tune".to_owned());
        }
        if problems.is_empty() {
            Ok(ranges)
        } else {
            Err(problems)
        }
    }
}

impl Numbers {
    fn check(&self, is_integer: bool, problems: &mut Vec<String>, ranges: &mut Vec<Range>) {
        let Self {
            name,
            min_value,
            max_value,
            scaling_type,
        } = self;
        let number = |text: &str| {
            let number: f64 = text.trim().parse().ok()?;
            let fits = number.is_finite() && !(is_integer && number.fract() != 0.0);
            fits.then_some(number)
        };
        let kind = if is_integer { "an integer" } else { "a number" };
        let (Some(low), Some(high)) = (number(min_value), number(max_value)) else {
            problems.push(format!(
                "`{name}` goes from `{min_value}` to `{max_value}`, both must be {kind}"
            ));
            return;
        };
        if low > high {
            problems.push(format!(
                "`{name}` goes from `{min_value}` to `{max_value}`, MinValue must not be above MaxValue"
            ));
            return;
        }
        let scaling = match scaling_type.as_deref() {
            None | Some("Auto" | "Linear") => Scaling::Linear,
            Some("Logarithmic") => Scaling::Logarithmic,
            Some("ReverseLogarithmic") if !is_integer => Scaling::ReverseLogarithmic,
            Some(other) => {
                let reverse = if is_integer {
                    ""
                } else {
                    ", ReverseLogarithmic"
                };
                problems.push(format!(
                    "ScalingType of `{name}` is `{other}`, allowed is Auto, Linear, Logarithmic{reverse}"
                ));
                return;
            }
        };
        match scaling {
            Scaling::Logarithmic if low <= 0.0 => {
                problems.push(format!(
                    "`{name}` is Logarithmic, so MinValue must be above 0"
                ));
            }
            Scaling::ReverseLogarithmic if low < 0.0 || high >= 1.0 => problems.push(format!(
                "`{name}` is ReverseLogarithmic, so it must lie in 0 <= x < 1"
            )),
            Scaling::Linear | Scaling::Logarithmic | Scaling::ReverseLogarithmic => {}
        }
        let span = Span { low, high, scaling };
        ranges.push(Range {
            name: name.clone(),
            values: if is_integer {
                Values::Integer(span)
            } else {
                Values::Continuous(span)
            },
        });
    }
}

impl Values {
    /// One of them by chance, as a hyperparameter's text.
    pub(super) fn draw(&self, chance: &mut u64) -> String {
        self.at(even(chance))
    }

    /// What lies at a place of the scale, from 0 to 1.
    pub(super) fn at(&self, place: f64) -> String {
        match self {
            Self::Integer(span) => span.integer(place).to_string(),
            Self::Continuous(span) => span.at(place).to_string(),
            Self::Categorical(values) => {
                let at = (place * values.len() as f64) as usize;
                values[at.min(values.len() - 1)].clone()
            }
        }
    }

    /// The place that [`Self::at`] gives this text for; `None` for what is none of these values.
    pub(super) fn place(&self, text: &str) -> Option<f64> {
        match self {
            Self::Integer(span) => Some(span.place_of_integer(text.parse().ok()?)),
            Self::Continuous(span) => Some(span.place(text.parse().ok()?)),
            Self::Categorical(values) => {
                let at = values.iter().position(|it| it == text)?;
                Some((at as f64 + 0.5) / values.len() as f64)
            }
        }
    }

    /// How many there are; `None` for more than can be counted.
    pub(super) fn count(&self) -> Option<f64> {
        match self {
            Self::Integer(span) => Some(span.high - span.low + 1.0),
            Self::Continuous(span) => (span.low == span.high).then_some(1.0),
            Self::Categorical(values) => Some(values.len() as f64),
        }
    }
}

impl Span {
    fn at(self, even: f64) -> f64 {
        let Self { low, high, scaling } = self;
        let between = |a: f64, b: f64| a + even * (b - a);
        let value = match scaling {
            Scaling::Linear => between(low, high),
            Scaling::Logarithmic => between(low.ln(), high.ln()).exp(),
            Scaling::ReverseLogarithmic => 1.0 - between((1.0 - low).ln(), (1.0 - high).ln()).exp(),
        };
        value.clamp(low, high)
    }

    fn place(self, value: f64) -> f64 {
        let Self { low, high, scaling } = self;
        let scaled = |it: f64| match scaling {
            Scaling::Linear => it,
            Scaling::Logarithmic => it.ln(),
            Scaling::ReverseLogarithmic => -(1.0 - it).ln(),
        };
        let width = scaled(high) - scaled(low);
        let place = (scaled(value) - scaled(low)) / width;
        // A range of one value has no width.
        if width > 0.0 {
            place.clamp(0.0, 1.0)
        } else {
            0.5
        }
    }

    /// The middle of an integer's share.
    fn place_of_integer(self, value: f64) -> f64 {
        let Self { low, high, scaling } = self;
        match scaling {
            Scaling::Linear => (value - low + 0.5) / (high - low + 1.0),
            Scaling::Logarithmic | Scaling::ReverseLogarithmic => self.place(value),
        }
    }

    /// Each integer has the share of the scale that lies around it.
    fn integer(self, even: f64) -> i64 {
        let Self { low, high, scaling } = self;
        let value = match scaling {
            Scaling::Linear => (low + even * (high - low + 1.0)).floor(),
            Scaling::Logarithmic | Scaling::ReverseLogarithmic => self.at(even).round(),
        };
        value.clamp(low, high) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(ranges: serde_json::Value) -> Result<Vec<Range>, Vec<String>> {
        let ranges: ParameterRanges = serde_json::from_value(ranges).unwrap();
        ranges.check()
    }

    fn numbers(low: &str, high: &str, scaling: &str) -> serde_json::Value {
        json!([{ "Name": "n", "MinValue": low, "MaxValue": high, "ScalingType": scaling }])
    }

    #[test]
    fn ranges_that_cannot_be_are_told() {
        for (ranges, expected) in [
            (json!({}), "there is no range"),
            (
                json!({ "IntegerParameterRanges": numbers("1.5", "2", "Auto") }),
                "must be an integer",
            ),
            (
                json!({ "ContinuousParameterRanges": numbers("x", "2", "Auto") }),
                "must be a number",
            ),
            (
                json!({ "ContinuousParameterRanges": numbers("3", "2", "Auto") }),
                "must not be above",
            ),
            (
                json!({ "ContinuousParameterRanges": numbers("0", "2", "Logarithmic") }),
                "must be above 0",
            ),
            (
                json!({ "ContinuousParameterRanges": numbers("0", "1", "ReverseLogarithmic") }),
                "0 <= x < 1",
            ),
            (
                json!({ "IntegerParameterRanges": numbers("0", "1", "ReverseLogarithmic") }),
                "allowed is Auto, Linear, Logarithmic",
            ),
            (
                json!({ "CategoricalParameterRanges": [{ "Name": "c", "Values": [] }] }),
                "allowed is 1 to 30",
            ),
            (
                json!({ "CategoricalParameterRanges": [{ "Name": "n", "Values": ["a"] }], "IntegerParameterRanges": numbers("0", "1", "Auto") }),
                "`n` has two ranges",
            ),
        ] {
            let problems = check(ranges.clone()).unwrap_err().join("; ");
            assert!(problems.contains(expected), "{ranges}: {problems}");
        }
    }

    #[test]
    fn a_value_is_found_again_at_its_place() {
        for scaling in ["Linear", "Logarithmic", "ReverseLogarithmic"] {
            let numbers = |low, high| numbers(low, high, scaling);
            let mut all =
                check(json!({ "ContinuousParameterRanges": numbers("0.001", "0.9") })).unwrap();
            if scaling != "ReverseLogarithmic" {
                let of = json!({ "IntegerParameterRanges": numbers("2", "40") });
                all.extend(check(of).unwrap());
                let of = json!({ "IntegerParameterRanges": numbers("3", "3") });
                all.extend(check(of).unwrap());
            }
            for Range { values, .. } in all {
                for step in 0..=20 {
                    let text = values.at(f64::from(step) / 20.0);
                    let again = values.at(values.place(&text).unwrap());
                    let (a, b): (f64, f64) = (text.parse().unwrap(), again.parse().unwrap());
                    assert!((a - b).abs() < 1e-9, "{scaling}: {text} became {again}");
                }
            }
        }
        let words = Values::Categorical(["a", "b", "c"].map(str::to_owned).to_vec());
        assert_eq!(words.at(words.place("b").unwrap()), "b");
        assert_eq!(words.place("d"), None);
    }

    #[test]
    fn what_is_drawn_lies_in_the_range_and_reaches_its_ends() {
        let mut chance = 7;
        let ranges =
            check(json!({ "IntegerParameterRanges": numbers("2", "4", "Linear") })).unwrap();
        let drawn: std::collections::BTreeSet<String> = (0..200)
            .map(|_| ranges[0].values.draw(&mut chance))
            .collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), ["2", "3", "4"]);
        for scaling in ["Linear", "Logarithmic", "ReverseLogarithmic"] {
            let ranges =
                check(json!({ "ContinuousParameterRanges": numbers("0.001", "0.9", scaling) }))
                    .unwrap();
            let draw = |chance: &mut u64| -> f64 { ranges[0].values.draw(chance).parse().unwrap() };
            let drawn: Vec<f64> = (0..2000).map(|_| draw(&mut chance)).collect();
            assert!(
                drawn.iter().all(|it| (0.001..=0.9).contains(it)),
                "{scaling}"
            );
            let below = drawn.iter().filter(|it| **it < 0.03).count();
            // Half of the logarithms lie below 0.03, a thirtieth of the numbers, and next to nothing from the other end.
            let expected = match scaling {
                "Logarithmic" => 900..1100,
                _ => 0..130,
            };
            assert!(expected.contains(&below), "{scaling}: {below}");
        }
    }
}
