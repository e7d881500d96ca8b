//! Which hyperparameters the next training job gets.
//!
//! Random draws each from its range by a seed, and does not repeat itself as long as there is something new. Bayesian begins
//! so and then looks where it was good (`parzen`). Grid takes every combination of the values of categorical ranges, the last
//! range first. All say the same for the same seed, and Bayesian for the same results: training jobs that run side by side end in
//! whatever order they do, so it is only repeated as it was where one runs at a time.

use super::parzen::{self, Tried};
use super::ranges::{Range, Values};
use std::collections::{BTreeMap, BTreeSet};

/// Draws that may repeat what was there before something is tried again.
const DRAWS: usize = 100;

/// What is proposed, and what was.
#[derive(Clone, Debug)]
pub(super) struct Strategy {
    ranges: Vec<Range>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Random(Draws),
    Bayesian(Draws),
    Grid { next: u64 },
}

/// Chance, and what it has given.
#[derive(Clone, Debug)]
struct Draws {
    chance: u64,
    drawn: BTreeSet<Vec<String>>,
}

impl Draws {
    fn new(chance: u64) -> Self {
        Self {
            chance,
            drawn: BTreeSet::new(),
        }
    }

    /// Values of `ranges` by chance. Of `all` that there are, one comes again only if all have been there.
    fn by_chance(&mut self, ranges: &[Range], all: f64) -> Vec<String> {
        let chance = &mut self.chance;
        let mut draw = || -> Vec<String> {
            let values = ranges.iter().map(|it| it.values.draw(chance));
            values.collect()
        };
        let mut values = draw();
        let is_new_left = (self.drawn.len() as f64) < all;
        for _ in 0..DRAWS {
            if !is_new_left || !self.drawn.contains(&values) {
                break;
            }
            values = draw();
        }
        values
    }
}

impl Strategy {
    /// The strategy of that name.
    pub(super) fn of(name: &str, ranges: Vec<Range>, seed: u64) -> Result<Self, String> {
        let kind = match name {
            "Random" => Kind::Random(Draws::new(seed)),
            "Bayesian" => Kind::Bayesian(Draws::new(seed)),
            "Grid" => {
                let other = ranges
                    .iter()
                    .find(|it| !matches!(it.values, Values::Categorical(_)));
                if let Some(Range { name, .. }) = other {
                    return Err(format!(
                        "`{name}` is a range of numbers, and Grid takes CategoricalParameterRanges alone"
                    ));
                }
                Kind::Grid { next: 0 }
            }
            "Hyperband" => {
                return Err(
                    "Strategy is `Hyperband`, which ends training jobs early by what they print and goes on with them later: the local SageMaker has Random, Bayesian and Grid"
                        .to_owned(),
                );
            }
            other => {
                return Err(format!(
                    "Strategy is `{other}`, the local SageMaker has Random, Bayesian and Grid"
                ));
            }
        };
        Ok(Self { ranges, kind })
    }

    /// How many training jobs a grid has; `None` where that is up to the request.
    pub(super) fn n_combinations(&self) -> Option<u64> {
        match self.kind {
            Kind::Random(_) | Kind::Bayesian(_) => None,
            Kind::Grid { .. } => Some(self.product().min(u64::MAX as f64) as u64),
        }
    }

    /// The next after what was `tried`; `None` when there is nothing left.
    pub(super) fn propose(&mut self, tried: &[Tried]) -> Option<BTreeMap<String, String>> {
        let all = self.product();
        let ranges = &self.ranges;
        let values = match &mut self.kind {
            Kind::Random(draws) => {
                let values = draws.by_chance(ranges, all);
                draws.drawn.insert(values.clone());
                values
            }
            Kind::Bayesian(draws) => {
                let Draws { chance, drawn } = draws;
                let n_known = tried.iter().filter(|it| it.loss.is_some()).count();
                let learned = (n_known >= parzen::FIRST)
                    .then(|| parzen::propose(ranges, tried, chance, |it| !drawn.contains(it)))
                    .flatten();
                let values = learned.unwrap_or_else(|| draws.by_chance(ranges, all));
                draws.drawn.insert(values.clone());
                values
            }
            Kind::Grid { next } => {
                if *next as f64 >= all {
                    return None;
                }
                let mut rest = *next;
                *next += 1;
                let mut values = Vec::new();
                for range in self.ranges.iter().rev() {
                    let Values::Categorical(words) = &range.values else {
                        return None;
                    };
                    let n = words.len() as u64;
                    values.push(words[(rest % n) as usize].clone());
                    rest /= n;
                }
                values.reverse();
                values
            }
        };
        let names = self.ranges.iter().map(|it| it.name.clone());
        Some(names.zip(values).collect())
    }

    /// How many different proposals there are.
    fn product(&self) -> f64 {
        let counts = self.ranges.iter().map(|it| it.values.count());
        counts.map(|it| it.unwrap_or(f64::INFINITY)).product()
    }
}

#[cfg(test)]
mod tests {
    use super::super::ranges::ParameterRanges;
    use super::*;
    use serde_json::json;

    fn words(name: &str, values: &[&str]) -> Range {
        Range {
            name: name.to_owned(),
            values: Values::Categorical(values.iter().map(|&it| it.to_owned()).collect()),
        }
    }

    fn proposals(strategy: &mut Strategy, most: usize) -> Vec<String> {
        let text = |it: BTreeMap<String, String>| it.into_values().collect::<String>();
        std::iter::from_fn(|| strategy.propose(&[]))
            .map(text)
            .take(most)
            .collect()
    }

    #[test]
    fn a_grid_has_every_combination_once() {
        let ranges = vec![words("a", &["1", "2"]), words("b", &["x", "y", "z"])];
        let mut grid = Strategy::of("Grid", ranges, 0).unwrap();
        assert_eq!(grid.n_combinations(), Some(6));
        assert_eq!(
            proposals(&mut grid, 10),
            ["1x", "1y", "1z", "2x", "2y", "2z"]
        );
    }

    #[test]
    fn chance_follows_its_seed_and_repeats_only_what_is_used_up() {
        let random = |seed| {
            let ranges = vec![words("a", &["1", "2"]), words("b", &["x", "y", "z"])];
            proposals(&mut Strategy::of("Random", ranges, seed).unwrap(), 8)
        };
        assert_eq!(random(3), random(3));
        assert_ne!(random(3), random(4));
        let first: BTreeSet<String> = random(3).into_iter().take(6).collect();
        assert_eq!(first.len(), 6, "{first:?}");
        assert_eq!(random(3).len(), 8);
    }

    /// The least of a bowl with its floor at depth 3, a rate of 0.02 and the word `b`, after so many trials.
    fn least_of(name: &str, seed: u64, n_trials: usize) -> f64 {
        let ranges: ParameterRanges = serde_json::from_value(json!({
            "IntegerParameterRanges": [{ "Name": "depth", "MinValue": "1", "MaxValue": "20" }],
            "ContinuousParameterRanges": [{ "Name": "rate", "MinValue": "0.0001", "MaxValue": "1", "ScalingType": "Logarithmic" }],
            "CategoricalParameterRanges": [{ "Name": "word", "Values": ["a", "b", "c", "d"] }],
        }))
        .unwrap();
        let mut strategy = Strategy::of(name, ranges.check().unwrap(), seed).unwrap();
        let mut tried: Vec<Tried> = Vec::new();
        for _ in 0..n_trials {
            let values = strategy.propose(&tried).unwrap();
            let number = |it: &str| values[it].parse::<f64>().unwrap();
            let loss = ((number("depth") - 3.0) / 5.0).powi(2)
                + (number("rate") / 0.02).ln().powi(2)
                + f64::from(u8::from(values["word"] != "b"));
            tried.push(Tried {
                values,
                loss: Some(loss),
            });
        }
        tried
            .iter()
            .filter_map(|it| it.loss)
            .fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn what_was_good_is_looked_at_more_closely() {
        let mean = |name: &str| (0..20).map(|seed| least_of(name, seed, 40)).sum::<f64>() / 20.0;
        let (bayesian, random) = (mean("Bayesian"), mean("Random"));
        assert!(bayesian < 0.7 * random, "{bayesian} against {random}");
        assert_eq!(
            least_of("Bayesian", 3, 40).to_bits(),
            least_of("Bayesian", 3, 40).to_bits()
        );
        // Before there is anything to learn from it is chance.
        let early = |name: &str| least_of(name, 3, parzen::FIRST).to_bits();
        assert_eq!(early("Bayesian"), early("Random"));
    }

    #[test]
    fn other_strategies_are_refused_with_those_that_are_here() {
        for name in ["Hyperband", "Best"] {
            let refused = Strategy::of(name, vec![], 0).unwrap_err();
            assert!(
                refused.starts_with(&format!("Strategy is `{name}`")),
                "{refused}"
            );
            assert!(
                refused.ends_with("has Random, Bayesian and Grid"),
                "{refused}"
            );
        }
    }
}
