//! A tree-structured Parzen estimator: where good values have been denser than others, the next is looked for.
//!
//! Of what has been tried the best few are good, all else (what has failed, and what still runs) is not. Both are densities over
//! the scale of each range, a kernel for each value and one even share that knows nothing; ranges are taken one by one.
//! Of some draws out of the good ones the next is that which the good are denser at, compared with the others.
//!
//! Source: Bergstra, Bardenet, Bengio and Kégl, "Algorithms for Hyper-Parameter Optimization", 2011, section 4.

use super::ranges::{Range, Values};
use crate::chance::even;
use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};

/// Trials at random before there is anything to learn from.
pub(super) const FIRST: usize = 8;
/// Of `n` trials this times the root of `n` are good ones.
const GOOD: f64 = 0.4;
/// Draws of which the best is taken.
const DRAWS: usize = 32;
/// The narrowest and the widest kernel, on a scale from 0 to 1.
const NARROWEST: f64 = 0.05;
const WIDEST: f64 = 0.3;
/// Kernels become narrower by this power of their number.
const NARROWING: f64 = -0.4;
/// What a value counts that never was there.
const UNSEEN: f64 = 1.0;

/// A training job that was begun.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tried {
    pub(super) values: BTreeMap<String, String>,
    /// What is to be small; `None` of one that has failed or still runs.
    pub(super) loss: Option<f64>,
}

/// Where the values of some trials are dense, range by range.
#[derive(Debug)]
struct Densities(Vec<Density>);

#[derive(Debug)]
enum Density {
    /// Places on a scale, and how wide the kernel around each is.
    Kernels { places: Vec<f64>, width: f64 },
    /// How often each value was there.
    Counts(Vec<usize>),
}

/// Values for the next training job, in the order of `ranges`, which `is_new` is content with; `None` where no draw is new.
pub(super) fn propose(
    ranges: &[Range],
    tried: &[Tried],
    chance: &mut u64,
    is_new: impl Fn(&[String]) -> bool,
) -> Option<Vec<String>> {
    let mut ordered: Vec<&Tried> = tried.iter().collect();
    let loss = |it: &Tried| it.loss.unwrap_or(f64::INFINITY);
    ordered.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
    let n_known = ordered.iter().filter(|it| it.loss.is_some()).count();
    let n_good = (GOOD * (n_known as f64).sqrt()).ceil() as usize;
    let (good, others) = ordered.split_at(n_good.min(n_known));
    let (good, others) = (Densities::of(ranges, good), Densities::of(ranges, others));
    let mut best: Option<(f64, Vec<String>)> = None;
    for _ in 0..DRAWS {
        let places = good.draw(chance);
        let texts = ranges.iter().zip(&places).map(|(it, &at)| it.values.at(at));
        let texts: Vec<String> = texts.collect();
        let score = good.log_at(&places) - others.log_at(&places);
        if best.as_ref().is_none_or(|it| it.0 < score) && is_new(&texts) {
            best = Some((score, texts));
        }
    }
    best.map(|it| it.1)
}

impl Densities {
    fn of(ranges: &[Range], trials: &[&Tried]) -> Self {
        let of = |range: &Range| {
            let texts = trials.iter().filter_map(|it| it.values.get(&range.name));
            let places = texts.filter_map(|it| range.values.place(it));
            match &range.values {
                Values::Integer(_) | Values::Continuous(_) => Density::kernels(places.collect()),
                Values::Categorical(values) => {
                    let mut counts = vec![0; values.len()];
                    places.for_each(|it| counts[(it * values.len() as f64) as usize] += 1);
                    Density::Counts(counts)
                }
            }
        };
        Self(ranges.iter().map(of).collect())
    }

    fn draw(&self, chance: &mut u64) -> Vec<f64> {
        self.0.iter().map(|it| it.draw(chance)).collect()
    }

    fn log_at(&self, places: &[f64]) -> f64 {
        let each = self.0.iter().zip(places);
        each.map(|(density, &place)| density.at(place).ln()).sum()
    }
}

impl Density {
    fn kernels(places: Vec<f64>) -> Self {
        let n = places.len().max(1) as f64;
        let width = (WIDEST * n.powf(NARROWING)).max(NARROWEST);
        Self::Kernels { places, width }
    }

    /// What is drawn evenly counts as one value more.
    fn draw(&self, chance: &mut u64) -> f64 {
        match self {
            Self::Kernels { places, width } => {
                let at = (even(chance) * (places.len() + 1) as f64) as usize;
                match places.get(at) {
                    Some(place) => reflected(place + width * normal(chance)),
                    None => even(chance),
                }
            }
            Self::Counts(counts) => {
                let n = counts.len() as f64;
                let mut left = even(chance) * (total(counts) + n * UNSEEN);
                let at = counts.iter().position(|&it| {
                    left -= it as f64 + UNSEEN;
                    left < 0.0
                });
                (at.unwrap_or(0) as f64 + 0.5) / n
            }
        }
    }

    fn at(&self, place: f64) -> f64 {
        match self {
            Self::Kernels { places, width } => {
                let bell = |it: f64| (-0.5 * (it / width).powi(2)).exp() / (width * TAU.sqrt());
                // What a kernel has beyond an end comes back from there.
                let kernel =
                    |it: &f64| bell(place - it) + bell(place + it) + bell(2.0 - place - it);
                let sum: f64 = places.iter().map(kernel).sum();
                (sum + 1.0) / (places.len() + 1) as f64
            }
            Self::Counts(counts) => {
                let n = counts.len() as f64;
                let count = counts[((place * n) as usize).min(counts.len() - 1)];
                // As a density over a scale of even shares.
                (count as f64 + UNSEEN) / (total(counts) + n * UNSEEN) * n
            }
        }
    }
}

fn total(counts: &[usize]) -> f64 {
    counts.iter().sum::<usize>() as f64
}

/// A number of the normal distribution (Box and Muller).
fn normal(chance: &mut u64) -> f64 {
    let radius = (-2.0 * (1.0 - even(chance)).ln()).sqrt();
    radius * (2.0 * PI * even(chance)).cos()
}

/// A place beyond an end of the scale, as far inside of it.
fn reflected(place: f64) -> f64 {
    let place = place.abs();
    if place > 1.0 {
        (2.0 - place).max(0.0)
    } else {
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_are_densities_and_draws_follow_them() {
        let mut chance = 5;
        for density in [
            Density::kernels(vec![]),
            Density::kernels(vec![0.0, 0.02, 0.5]),
            Density::kernels(vec![0.99]),
            Density::Counts(vec![3, 0, 1]),
        ] {
            let n = 3000;
            let at = |it: i32| (f64::from(it) + 0.5) / f64::from(n);
            let mass: f64 = (0..n).map(|it| density.at(at(it)) / f64::from(n)).sum();
            assert!((mass - 1.0).abs() < 0.02, "{density:?} has {mass}");
            let draws: Vec<f64> = (0..4000).map(|_| density.draw(&mut chance)).collect();
            let below = draws.iter().filter(|it| **it < 1.0 / 3.0).count() as f64 / 4000.0;
            let expected: f64 = (0..n / 3).map(|it| density.at(at(it)) / f64::from(n)).sum();
            assert!(
                (below - expected).abs() < 0.05,
                "{density:?}: {below}, {expected}"
            );
            assert!(draws.iter().all(|it| (0.0..=1.0).contains(it)));
        }
    }
}
