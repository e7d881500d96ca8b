//! `dart`: a round is grown as if some of the trees before were not there, and then shares their place with them.
//!
//! Invariants: which trees a round leaves out follows from the seed, the round and the weights alone. Margins are summed
//! anew, tree after tree as a prediction sums them, whenever weights have changed, so that nothing drifts.
//!
//! Source: XGBoost 3.2 `src/gbm/gbtree.cc`, `Dart::DropTrees` and `Dart::NormalizeTrees`; Rashmi and Gilad-Bachrach 2015,
//! "DART: Dropouts meet Multiple Additive Regression Trees". The draws are a hash's here, and not a generator's.

use crate::bin::HistogramCuts;
use crate::params::{Dart, NormalizeType, SampleType};
use crate::threads::Threads;
use crate::tree::Tree;
use crate::tree::follow::CodeTree;
use crate::tree::sample::{mix, unit};

use super::binned_set::BinnedSet;
use super::dart_start::{GroupStarts, Reweighed};
use super::{Booster, BoosterKind};

/// The trees of a `dart` that grows, and those that the next round leaves out.
pub(super) struct Dropouts {
    settings: Dart,
    seed: i64,
    /// The trees behind those of the start, each with its group.
    grown: Vec<(usize, CodeTree)>,
    /// Numbers in the booster, ascending.
    left_out: Vec<usize>,
    /// Where groups start apart.
    starts: Option<GroupStarts>,
}

impl Dropouts {
    pub(super) fn new(settings: Dart, seed: i64) -> Self {
        Self {
            settings,
            seed,
            grown: Vec::new(),
            left_out: Vec::new(),
            starts: None,
        }
    }

    /// The same, of groups that start apart.
    pub(super) fn with_starts(self, starts: Option<GroupStarts>) -> Self {
        Self { starts, ..self }
    }

    /// Takes the trees from the number `first` on for grown ones, as they are after a training that was broken off.
    pub(super) fn take(&mut self, booster: &Booster, first: usize, cuts: &HistogramCuts) {
        let trees = booster.trees.iter().zip(&booster.tree_info).skip(first);
        let trees = trees.map(|(tree, &group)| (group as usize, CodeTree::new(tree, cuts)));
        self.grown = trees.collect();
    }

    /// Whether the next round leaves trees out.
    pub(super) fn leaves_out(&self) -> bool {
        !self.left_out.is_empty()
    }

    /// Whether the first round is still to come, after which the first trees hold what groups start from.
    pub(super) fn begins(&self) -> bool {
        self.starts.is_some() && self.grown.is_empty()
    }

    /// Draws the trees that a round leaves out, of those with these weights.
    pub(super) fn draw(&mut self, round: u32, weights: &[f32]) {
        self.left_out.clear();
        let state = mix(mix(self.seed.cast_unsigned().rotate_left(17)) ^ u64::from(round));
        let number = |it: u64| unit(mix(state ^ it));
        let settings = self.settings;
        let (skip, one) = (u64::MAX, u64::MAX - 1);
        if number(skip) < f64::from(settings.skip_drop) {
            return;
        }
        let shares = self.shares(weights);
        let drawn = shares.iter().enumerate();
        let drawn = drawn.filter(|(tree, share)| number(*tree as u64) < **share);
        self.left_out.extend(drawn.map(|(tree, _)| tree));
        if settings.one_drop && self.left_out.is_empty() && !weights.is_empty() {
            let place = |it: &f64| number(one) * it;
            self.left_out.push(match settings.sample_type {
                SampleType::Uniform => place(&(weights.len() as f64)) as usize,
                SampleType::Weighted => at_share(weights, place),
            });
        }
    }

    /// The probability with which each tree is left out.
    fn shares(&self, weights: &[f32]) -> Vec<f64> {
        let rate = self.settings.rate_drop;
        let sum: f32 = weights.iter().sum();
        let share = |&weight: &f32| {
            f64::from(match self.settings.sample_type {
                SampleType::Uniform => rate,
                SampleType::Weighted => rate * weights.len() as f32 * weight / sum,
            })
        };
        weights.iter().map(share).collect()
    }

    /// Takes note of a round's trees, and weighs them and those that were left out, among `trees` of these `weights`.
    pub(super) fn commit(
        &mut self,
        mut added: Vec<(usize, CodeTree)>,
        (trees, weights): (&mut [Tree], &mut Vec<f32>),
        learning_rate: f32,
    ) {
        let n_new = added.len();
        if let Some(starts) = self.starts.as_ref().filter(|_| weights.is_empty()) {
            for (idx, (_, tree)) in added.iter_mut().enumerate() {
                let start = starts.held_by(idx).unwrap_or(0.0);
                tree.change_leaves(|value| value + start);
            }
        }
        self.grown.extend(added);
        let rate = learning_rate / n_new as f32;
        let n_left_out = self.left_out.len() as f32;
        let (of_old, of_new) = match (self.left_out.is_empty(), self.settings.normalize_type) {
            (true, _) => (1.0, 1.0),
            (false, NormalizeType::Forest) => {
                let factor = (1.0 / (1.0 + f64::from(rate))) as f32;
                (factor, factor)
            }
            (false, NormalizeType::Tree) => {
                let sum = f64::from(n_left_out + rate);
                ((f64::from(n_left_out) / sum) as f32, (1.0 / sum) as f32)
            }
        };
        for &tree in &self.left_out {
            let (was, is) = (weights[tree], weights[tree] * of_old);
            let start = self.starts.as_ref().and_then(|it| it.held_by(tree));
            weights[tree] = match start {
                None => is,
                Some(start) => {
                    let reweighed = Reweighed::new(start, was, is);
                    trees[tree].change_leaves(|value| reweighed.leaf(value));
                    // Those of the start are not among the grown ones.
                    let n_before = trees.len() - self.grown.len();
                    let grown = tree.checked_sub(n_before).map(|it| &mut self.grown[it]);
                    if let Some((_, grown)) = grown {
                        grown.change_leaves(|value| reweighed.leaf(value));
                    }
                    reweighed.weight()
                }
            };
        }
        weights.extend(std::iter::repeat_n(of_new, n_new));
        self.left_out.clear();
    }

    /// Sums a set's margins anew: of all trees but those that are left out. `follow` adds a tree of a group.
    pub(super) fn sum<'a>(
        &self,
        booster: &Booster,
        set: &mut BinnedSet<'a>,
        threads: &Threads,
        mut follow: impl FnMut(&mut BinnedSet<'a>, usize, &CodeTree),
    ) {
        let is_there = |tree: usize| self.left_out.binary_search(&tree).is_err();
        match &self.starts {
            None => set.set.begin_again(),
            Some(starts) => set.set.begin_at(&starts.beside(is_there)),
        }
        let n_before = booster.trees.len() - self.grown.len();
        let of_start = (0..n_before).filter(|&tree| is_there(tree));
        set.add_start(booster, &of_start.collect::<Vec<_>>(), threads);
        for (idx, (group, tree)) in self.grown.iter().enumerate() {
            if is_there(n_before + idx) {
                let weight = booster.tree_weight(n_before + idx);
                follow(set, *group, &tree.scaled(weight));
            }
        }
    }
}

/// The first item up to which the weights add up to more than `place` of their sum.
fn at_share(weights: &[f32], place: impl Fn(&f64) -> f64) -> usize {
    let sums: Vec<f64> = weights
        .iter()
        .scan(0.0, |sum, &weight| {
            *sum += f64::from(weight);
            Some(*sum)
        })
        .collect();
    let place = sums.last().map_or(0.0, place);
    let at = sums.partition_point(|&sum| sum <= place);
    at.min(weights.len() - 1)
}

impl Booster {
    /// The trees' weights, of a `dart`; none of other boosters.
    pub(super) fn weight_drop(&self) -> &[f32] {
        match &self.kind {
            BoosterKind::Dart { weight_drop } => weight_drop,
            BoosterKind::GbTree | BoosterKind::GbLinear(_) => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> (usize, CodeTree) {
        let (nodes, sets) = (Vec::new(), Vec::new());
        (0, CodeTree { nodes, sets })
    }

    /// What a thousand rounds leave out of trees with these weights: how often each, and how often none.
    fn frequencies(settings: Dart, weights: &[f32]) -> (Vec<f64>, f64) {
        let mut dropouts = Dropouts::new(settings, 3);
        let (mut of_trees, mut none) = (vec![0.0; weights.len()], 0.0);
        for round in 0..4000 {
            dropouts.draw(round, weights);
            for &tree in &dropouts.left_out {
                of_trees[tree] += 1.0 / 4000.0;
            }
            none += f64::from(u8::from(dropouts.left_out.is_empty())) / 4000.0;
        }
        (of_trees, none)
    }

    #[test]
    fn trees_are_left_out_as_often_as_the_settings_say() {
        let near = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 0.03, "{found} {expected}");
        };
        let uniform = Dart {
            rate_drop: 0.3,
            ..Dart::default()
        };
        let (of_trees, none) = frequencies(uniform, &[1.0, 0.1, 0.5]);
        for share in of_trees {
            near(share, 0.3);
        }
        near(none, 0.343);
        let weighted = Dart {
            sample_type: SampleType::Weighted,
            ..uniform
        };
        let (of_trees, _) = frequencies(weighted, &[1.0, 0.5, 0.5]);
        near(of_trees[0], 0.45);
        near(of_trees[1], 0.225);
        let (of_trees, none) = frequencies(
            Dart {
                skip_drop: 0.6,
                ..uniform
            },
            &[1.0; 2],
        );
        near(of_trees[0], 0.12);
        near(none, 0.6 + 0.4 * 0.49);
        for (sample_type, expected) in [
            (SampleType::Uniform, [1.0 / 3.0; 3]),
            (SampleType::Weighted, [0.5, 0.0, 0.5]),
        ] {
            let one = Dart {
                one_drop: true,
                sample_type,
                ..Dart::default()
            };
            let (of_trees, none) = frequencies(one, &[1.0, 0.0, 1.0]);
            for (found, expected) in of_trees.into_iter().zip(expected) {
                near(found, expected);
            }
            assert_eq!(none, 0.0);
        }
    }

    /// The numbers are those of XGBoost's formulas.
    #[test]
    fn new_trees_share_the_place_of_those_left_out() {
        let weights_of = |normalize_type, left_out: Vec<usize>| {
            let settings = Dart {
                normalize_type,
                ..Dart::default()
            };
            let mut dropouts = Dropouts::new(settings, 0);
            dropouts.left_out = left_out;
            let mut weights = vec![1.0, 0.5, 1.0];
            dropouts.commit(vec![tree(), tree()], (&mut [], &mut weights), 0.5);
            assert!(!dropouts.leaves_out());
            weights
        };
        let rate = 0.25;
        assert_eq!(
            weights_of(NormalizeType::Tree, vec![0, 1]),
            [2.0 / 2.25, 1.0 / 2.25, 1.0, 1.0 / 2.25, 1.0 / 2.25].map(|it: f32| it)
        );
        assert_eq!(
            weights_of(NormalizeType::Forest, vec![1]),
            [1.0, 0.5 / (1.0 + rate), 1.0, 0.8, 0.8]
        );
        assert_eq!(
            weights_of(NormalizeType::Tree, Vec::new()),
            [1.0, 0.5, 1.0, 1.0, 1.0]
        );
    }
}
