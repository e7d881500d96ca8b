//! What keeps a tree within the user's constraints: bounds for the weights of nodes, where predictions may only go one way
//! with a feature, and the features that may still meet on the way to a node.
//!
//! Invariants: below a split on a feature with a direction every weight on the one side is at most every weight on the
//! other, since both sides are bounded by one number between them; so the tree, and any sum of such trees, goes that way.
//! A split that only tells whether the feature is missing has no order: it leaves all values on one side.
//! The features on a way from the root to a leaf are all in one group, or are one feature.
//!
//! Source: XGBoost 3.2 `src/tree/split_evaluator.h`, `src/tree/constraints.cc`. XGBoost bounds the sides of a split on what
//! is missing too, in whichever order they are.

use std::sync::Arc;

use crate::bin::HistogramCuts;
use crate::params::Monotone;

use super::bin_set::Cut;
use super::split::SplitEntry;

/// The constraints of all trees of a booster.
#[derive(Clone, Debug)]
pub(crate) struct Constraints {
    /// One for each feature; empty where none has a direction.
    directions: Vec<Monotone>,
    /// Groups of features that may meet; `None` where any may.
    groups: Option<Vec<Group>>,
}

/// Features that may meet, as a list and by feature.
#[derive(Clone, Debug)]
struct Group {
    features: Vec<u32>,
    has: Vec<bool>,
}

impl Constraints {
    /// The constraints of a table of `n_features`: directions of its first features, and groups of features that it has.
    pub(crate) fn new(monotone: &[Monotone], groups: &[Vec<u32>], n_features: usize) -> Self {
        let is_free = monotone.iter().all(|&it| it == Monotone::Free);
        let mut directions = if is_free {
            Vec::new()
        } else {
            monotone.to_vec()
        };
        if !is_free {
            directions.resize(n_features, Monotone::Free);
        }
        let group = |features: &Vec<u32>| {
            let mut has = vec![false; n_features];
            for &feature in features {
                has[feature as usize] = true;
            }
            let features = features.clone();
            Group { features, has }
        };
        let groups = (!groups.is_empty()).then(|| groups.iter().map(group).collect());
        Self { directions, groups }
    }

    /// Whether some feature has a direction.
    pub(crate) fn are_monotone(&self) -> bool {
        !self.directions.is_empty()
    }

    /// The direction of a feature.
    pub(crate) fn direction(&self, feature: u32) -> Monotone {
        let direction = self.directions.get(feature as usize);
        direction.copied().unwrap_or_default()
    }

    /// The direction that the sides of a split are to have.
    pub(crate) fn of_split<C>(&self, cuts: &HistogramCuts, entry: &SplitEntry<C>) -> Monotone {
        let n_bins = cuts.n_bins(entry.feature as usize);
        match entry.cut {
            Cut::Through(bin) if !tells_presence(usize::from(bin), n_bins, entry.default_left) => {
                self.direction(entry.feature)
            }
            Cut::Through(_) | Cut::Without(_) => Monotone::Free,
        }
    }

    /// What the children of a node inherit that is split on `feature`, into sides of this direction and these weights.
    pub(crate) fn below(
        &self,
        scope: &Scope,
        (feature, direction): (u32, Monotone),
        weights: [f32; 2],
    ) -> [Scope; 2] {
        let groups = self.groups.as_ref();
        let company = groups.map(|it| Company::with(scope.company.as_ref(), feature, it));
        let middle = f32::midpoint(weights[0], weights[1]);
        scope.bounds.below(direction, middle).map(|bounds| Scope {
            bounds,
            company: company.clone(),
        })
    }
}

/// Brings the weights of a grown tree in order, parents before children; `split` tells an inner node's direction and left
/// child. Weights that are in order stay what they are.
///
/// Growing has looked at sums in units, and at Newton steps. Where leaves are made of something else, sides can turn out to
/// be in the wrong order: they then meet at their parent's weight.
pub(crate) fn order(weights: &mut [f32], split: impl Fn(usize) -> Option<(Monotone, usize)>) {
    let mut bounds = vec![Bounds::NONE; weights.len()];
    for idx in 0..weights.len() {
        let own = bounds[idx];
        weights[idx] = own.clip(weights[idx]);
        let Some((direction, left)) = split(idx) else {
            continue;
        };
        let sides = [weights[left], weights[left + 1]].map(|it| own.clip(it));
        let middle = if in_order(direction, sides) {
            f32::midpoint(sides[0], sides[1])
        } else {
            weights[idx]
        };
        [bounds[left], bounds[left + 1]] = own.below(direction, middle);
    }
}

/// Whether a split after `bin` leaves all values of its feature on one side, and what is missing on the other.
#[inline(always)]
pub(super) fn tells_presence(bin: usize, n_bins: usize, default_left: bool) -> bool {
    bin + 1 == n_bins && !default_left
}

/// Whether the weights of a left and a right side go the right way.
#[inline(always)]
pub(super) fn in_order(direction: Monotone, [left, right]: [f32; 2]) -> bool {
    match direction {
        Monotone::Free => true,
        Monotone::Increasing => left <= right,
        Monotone::Decreasing => left >= right,
    }
}

/// What a node's weight, and those of all below it, may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    low: f32,
    high: f32,
}

impl Bounds {
    /// Any weight.
    pub(crate) const NONE: Self = Self {
        low: f32::NEG_INFINITY,
        high: f32::INFINITY,
    };

    /// The weight, or the bound that it is beyond.
    #[inline(always)]
    pub(crate) fn clip(self, weight: f32) -> f32 {
        if weight < self.low {
            self.low
        } else if weight > self.high {
            self.high
        } else {
            weight
        }
    }

    /// The bounds of both sides, which meet in the `middle` where the split's feature has a direction.
    fn below(self, direction: Monotone, middle: f32) -> [Self; 2] {
        let up_to = Self {
            high: middle,
            ..self
        };
        let from = Self {
            low: middle,
            ..self
        };
        match direction {
            Monotone::Free => [self, self],
            Monotone::Increasing => [up_to, from],
            Monotone::Decreasing => [from, up_to],
        }
    }
}

/// What a node inherits from its parents.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) bounds: Bounds,
    /// `None` at the root, and where any features may meet.
    company: Option<Arc<Company>>,
}

/// The features on the way to a node, and those that may follow.
#[derive(Debug)]
struct Company {
    met: Vec<u32>,
    /// `(n_features,)`
    allowed: Vec<bool>,
}

impl Scope {
    /// The root's.
    pub(crate) const ROOT: Self = Self {
        bounds: Bounds::NONE,
        company: None,
    };

    /// Leaves of a node's `columns`, all where there is no list, those of `features` that may follow.
    pub(crate) fn narrow(&self, columns: Option<Vec<bool>>, features: &[u32]) -> Option<Vec<bool>> {
        let Some(company) = &self.company else {
            return columns;
        };
        let may_follow = features
            .iter()
            .map(|&feature| company.allowed[feature as usize]);
        Some(match columns {
            None => may_follow.collect(),
            Some(columns) => columns
                .iter()
                .zip(may_follow)
                .map(|(&seen, allowed)| seen & allowed)
                .collect(),
        })
    }
}

impl Company {
    /// What is allowed after one more feature: those that were met, and the groups that have all of them.
    fn with(before: Option<&Arc<Self>>, feature: u32, groups: &[Group]) -> Arc<Self> {
        let mut met = Vec::new();
        if let Some(before) = before {
            if before.met.contains(&feature) {
                return Arc::clone(before);
            }
            met.clone_from(&before.met);
        }
        met.push(feature);
        let n_features = groups.first().map_or(0, |group| group.has.len());
        let mut allowed = vec![false; n_features.max(feature as usize + 1)];
        for &feature in &met {
            allowed[feature as usize] = true;
        }
        for group in groups {
            if met.iter().all(|&feature| group.has[feature as usize]) {
                for &feature in &group.features {
                    allowed[feature as usize] = true;
                }
            }
        }
        Arc::new(Self { met, allowed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_in_order_stay_and_others_meet_at_their_parent() {
        // The left side is split again, and may go any way there.
        let split = |idx: usize| match idx {
            0 => Some((Monotone::Increasing, 1)),
            1 => Some((Monotone::Free, 3)),
            _ => None,
        };
        let ordered = |weights: [f32; 5]| {
            let mut weights = weights;
            order(&mut weights, split);
            weights
        };
        assert_eq!(ordered([1., 0., 4., -1., 2.]), [1., 0., 4., -1., 2.]);
        // The right side's middle with the left one is 2.
        assert_eq!(ordered([1., 0., 4., -1., 3.]), [1., 0., 4., -1., 2.]);
        assert_eq!(ordered([1., 4., 0., 5., 0.5]), [1., 1., 1., 1., 0.5]);
        let mut weights = [1., 0., 3.];
        order(&mut weights, |idx| {
            (idx == 0).then_some((Monotone::Decreasing, 1))
        });
        assert_eq!(weights, [1., 1., 1.]);
    }

    /// The features that may follow a way, of five.
    fn after(way: &[u32], groups: &[Vec<u32>]) -> Option<Vec<u32>> {
        let constraints = Constraints::new(&[], groups, 5);
        let scope = way.iter().fold(Scope::ROOT, |scope, &feature| {
            let on = (feature, Monotone::Free);
            let [left, _] = constraints.below(&scope, on, [0.0; 2]);
            left
        });
        let allowed = scope.narrow(None, &[0, 1, 2, 3, 4])?;
        Some((0..5).filter(|&it| allowed[it as usize]).collect())
    }

    #[test]
    fn features_meet_within_groups() {
        let groups = [vec![0, 1], vec![1, 2, 3]];
        assert_eq!(after(&[], &groups), None);
        assert_eq!(after(&[0], &groups), Some(vec![0, 1]));
        assert_eq!(after(&[1], &groups), Some(vec![0, 1, 2, 3]));
        assert_eq!(after(&[1, 2, 1], &groups), Some(vec![1, 2, 3]));
        assert_eq!(after(&[1, 0], &groups), Some(vec![0, 1]));
        // In no group: alone.
        assert_eq!(after(&[4, 4], &groups), Some(vec![4]));
        // A tree is on one path of features only, so two groups never mix.
        assert_eq!(after(&[0, 2], &groups), Some(vec![0, 2]));
        assert_eq!(after(&[0, 3], &[]), None);
    }

    #[test]
    fn what_a_node_draws_is_narrowed_to_what_may_follow() {
        let constraints = Constraints::new(&[], &[vec![0, 2]], 3);
        let on = (0, Monotone::Free);
        let [scope, _] = constraints.below(&Scope::ROOT, on, [0.0; 2]);
        // The view's features are 1 and 2.
        assert_eq!(scope.narrow(None, &[1, 2]), Some(vec![false, true]));
        let drawn = Some(vec![true, false]);
        assert_eq!(
            scope.narrow(drawn.clone(), &[1, 2]),
            Some(vec![false, false])
        );
        assert_eq!(Scope::ROOT.narrow(drawn.clone(), &[1, 2]), drawn);
    }
}
