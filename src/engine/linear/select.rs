//! Which weight is improved next.
//!
//! Invariant: an order depends on the seed, the round and, where it asks for them, the gradients; never on threads.
//!
//! Source: XGBoost 3.2 `src/linear/coordinate_common.h`, `FeatureSelector` and its kinds. As there, `greedy` and `thrifty`
//! take one weight fewer than there are, but here at least one. Draws are a hash's.

use crate::params::{FeatureSelector, Linear};
use crate::tree::sample::mix;

/// What weights would change by, `(n_features,)`, if each was alone to change.
pub(super) type Changes<'a> = &'a mut dyn FnMut() -> Vec<f32>;

/// The order of one group's weights in one round.
pub(super) struct Order {
    settings: Linear,
    n_features: usize,
    state: u64,
    /// Features in the order in which they are taken; empty where it is not known before.
    listed: Vec<u32>,
    n_taken: usize,
}

impl Order {
    /// `draw` is where the round's draws begin; `changes` are those when the round begins.
    pub(super) fn new(
        settings: Linear,
        n_features: usize,
        (draw, group): (u64, usize),
        changes: Changes<'_>,
    ) -> Self {
        let all = || (0..n_features as u32).collect::<Vec<_>>();
        let listed = match settings.feature_selector {
            FeatureSelector::Cyclic => all(),
            FeatureSelector::Shuffle => {
                // One order for all groups.
                let mut features = all();
                features.sort_by_cached_key(|&it| (mix(draw ^ mix(u64::from(it))), it));
                features
            }
            FeatureSelector::Thrifty => {
                let changes = changes();
                let size = |feature: &u32| changes[*feature as usize].abs();
                let mut features = all();
                features.sort_by(|a, b| size(b).total_cmp(&size(a)));
                features
            }
            FeatureSelector::Random | FeatureSelector::Greedy => Vec::new(),
        };
        Self {
            settings,
            n_features,
            state: mix(draw ^ !(group as u64)),
            listed,
            n_taken: 0,
        }
    }

    /// How many weights the round takes.
    fn limit(&self) -> usize {
        match self.settings.feature_selector {
            FeatureSelector::Cyclic | FeatureSelector::Shuffle | FeatureSelector::Random => {
                self.n_features
            }
            FeatureSelector::Greedy | FeatureSelector::Thrifty => {
                let all = (self.n_features - 1).max(1);
                match self.settings.top_k {
                    0 => all,
                    top_k => all.min(top_k as usize),
                }
            }
        }
    }

    /// The next feature, or `None` at the end of the round; `changes` are those now.
    pub(super) fn next(&mut self, changes: Changes<'_>) -> Option<usize> {
        if self.n_features == 0 || self.n_taken == self.limit() {
            return None;
        }
        self.n_taken += 1;
        Some(match self.settings.feature_selector {
            FeatureSelector::Cyclic | FeatureSelector::Shuffle | FeatureSelector::Thrifty => {
                self.listed[self.n_taken - 1] as usize
            }
            FeatureSelector::Random => {
                self.state = mix(self.state);
                ((u128::from(self.state) * self.n_features as u128) >> 64) as usize
            }
            FeatureSelector::Greedy => largest(&changes()),
        })
    }
}

/// The first of the largest changes.
fn largest(changes: &[f32]) -> usize {
    let (mut best, mut size) = (0, 0.0);
    for (feature, change) in changes.iter().enumerate() {
        if change.abs() > size {
            (best, size) = (feature, change.abs());
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(selector: FeatureSelector, top_k: u32, changes: &[f32]) -> Vec<usize> {
        let settings = Linear {
            feature_selector: selector,
            top_k,
            ..Linear::default()
        };
        let mut changes = || changes.to_vec();
        let n_features = changes().len();
        let mut order = Order::new(settings, n_features, (7, 0), &mut changes);
        std::iter::from_fn(|| order.next(&mut changes)).collect()
    }

    #[test]
    fn weights_come_in_the_order_that_was_asked_for() {
        let changes = [0.5, -2.0, 0.0, 2.0];
        assert_eq!(order(FeatureSelector::Cyclic, 2, &changes), [0, 1, 2, 3]);
        assert_eq!(order(FeatureSelector::Thrifty, 0, &changes), [1, 3, 0]);
        assert_eq!(order(FeatureSelector::Thrifty, 2, &changes), [1, 3]);
        assert_eq!(order(FeatureSelector::Greedy, 2, &changes), [1, 1]);
        assert_eq!(order(FeatureSelector::Greedy, 0, &[1.0]), [0]);
        let mut shuffled = order(FeatureSelector::Shuffle, 0, &[0.0; 50]);
        assert_ne!(shuffled, order(FeatureSelector::Cyclic, 0, &[0.0; 50]));
        shuffled.sort_unstable();
        assert_eq!(shuffled, (0..50).collect::<Vec<_>>());
        let random = order(FeatureSelector::Random, 0, &[0.0; 50]);
        let distinct: std::collections::BTreeSet<_> = random.iter().collect();
        assert!(random.len() == 50 && (20..45).contains(&distinct.len()));
        assert_eq!(order(FeatureSelector::Cyclic, 0, &[]), [0_usize; 0]);
    }
}
