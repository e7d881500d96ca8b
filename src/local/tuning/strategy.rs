//! Which hyperparameters the next training job gets.
//!
//! Random draws each from its range by a seed, and does not repeat itself as long as there is something new. Grid takes every
//! combination of the values of categorical ranges, the last range first. Both say the same for the same seed, whatever the
//! training jobs give.

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
    Random {
        chance: u64,
        drawn: BTreeSet<Vec<String>>,
    },
    Grid {
        next: u64,
    },
}

impl Strategy {
    /// The strategy of that name.
    pub(super) fn of(name: &str, ranges: Vec<Range>, seed: u64) -> Result<Self, String> {
        let kind = match name {
            "Random" => Kind::Random {
                chance: seed,
                drawn: BTreeSet::new(),
            },
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
            other => {
                return Err(format!(
                    "Strategy is `{other}`, the local SageMaker has Random and Grid"
                ));
            }
        };
        Ok(Self { ranges, kind })
    }

    /// How many training jobs a grid has; `None` where that is up to the request.
    pub(super) fn n_combinations(&self) -> Option<u64> {
        match self.kind {
            Kind::Random { .. } => None,
            Kind::Grid { .. } => Some(self.product().min(u64::MAX as f64) as u64),
        }
    }

    /// The next; `None` when there is nothing left.
    pub(super) fn propose(&mut self) -> Option<BTreeMap<String, String>> {
        let all = self.product();
        let values = match &mut self.kind {
            Kind::Random { chance, drawn } => {
                let mut draw = || -> Vec<String> {
                    let values = self.ranges.iter().map(|it| it.values.draw(chance));
                    values.collect()
                };
                let mut values = draw();
                // Where all have been there, one comes again.
                let is_new_left = (drawn.len() as f64) < all;
                for _ in 0..DRAWS {
                    if !is_new_left || !drawn.contains(&values) {
                        break;
                    }
                    values = draw();
                }
                drawn.insert(values.clone());
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
    use super::*;

    fn words(name: &str, values: &[&str]) -> Range {
        Range {
            name: name.to_owned(),
            values: Values::Categorical(values.iter().map(|&it| it.to_owned()).collect()),
        }
    }

    fn proposals(strategy: &mut Strategy, most: usize) -> Vec<String> {
        let text = |it: BTreeMap<String, String>| it.into_values().collect::<String>();
        std::iter::from_fn(|| strategy.propose())
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

    #[test]
    fn other_strategies_are_refused_with_those_that_are_here() {
        let refused = Strategy::of("Bayesian", vec![], 0).unwrap_err();
        assert_eq!(
            refused,
            "Strategy is `Bayesian`, the local SageMaker has Random and Grid"
        );
    }
}
