//! Splits that keep features in order: what weights and gains are where features have directions.
//!
//! Invariant: gains are those of the weights that the sides will have, which lie within the node's bounds.
//!
//! Source: XGBoost 3.2 `src/tree/split_evaluator.h`; `alpha` counts as in XGBoost 3.4.

use crate::params::Monotone;

use super::cell::Cell;
use super::constraint::{Bounds, Constraints, in_order, tells_presence};
use super::penalty::Penalty;
use super::scan::{Best, Keep, Scan, Ties};
use super::split::{Search, Sides, SplitOn, Splits, sums};

/// Directions of features, and the bounds of a node's weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'a> {
    constraints: &'a Constraints,
    bounds: Bounds,
}

impl<'a, C: Cell> Search<'a, C> {
    /// Looks for splits that keep features in order, of a node whose weight has these bounds.
    pub(crate) fn within(
        self,
        constraints: &'a Constraints,
        bounds: Bounds,
    ) -> Search<'a, C, Order<'a>> {
        let order = Order {
            constraints,
            bounds,
        };
        let sums = sums(self.scan.scales, self.total);
        let parent_gain = f64::from(order.bounded(self.penalty, sums).1);
        let Self {
            penalty,
            total,
            least_hess,
            ..
        } = self;
        Search {
            penalty,
            total,
            least_hess,
            scan: Scan {
                parent_gain,
                ..self.scan
            },
            sides: order,
        }
    }
}

impl Sides for Order<'_> {
    #[inline(always)]
    fn best_of<C: Cell>(
        search: &Search<'_, C, Self>,
        splits: Splits<'_>,
        from: (f32, Ties),
    ) -> Option<Best> {
        // Else weights are more than a quotient.
        let penalty = search.penalty;
        if penalty.alpha == 0.0 && penalty.max_delta_step == 0.0 && penalty.lambda > 1e-30 {
            let (keep, last_is_free) = search.sides.keep(splits);
            let lefts = (splits.lefts, splits.n, last_is_free);
            search.scan.best_kept(lefts, keep, from)
        } else {
            search.best_by_one(splits, from)
        }
    }

    /// Minus infinity where the sides are in the wrong order.
    fn gain<C: Cell>(
        search: &Search<'_, C, Self>,
        (on, at): (SplitOn, usize),
        sums: [(f64, f64); 2],
    ) -> f64 {
        let order = search.sides;
        let direction = match on {
            SplitOn::Values {
                feature,
                n_bins,
                default_left,
            } if !tells_presence(at, n_bins, default_left) => order.constraints.direction(feature),
            SplitOn::Values { .. } | SplitOn::Presence | SplitOn::Categories => Monotone::Free,
        };
        let [left, right] = sums.map(|sums| order.bounded(search.penalty, sums));
        if in_order(direction, [left.0, right.0]) {
            f64::from(left.1) + f64::from(right.1)
        } else {
            f64::NEG_INFINITY
        }
    }
}

impl Order<'_> {
    /// What splits must keep to, and whether the last of them has no order.
    #[inline(always)]
    fn keep(self, Splits { on, n, .. }: Splits<'_>) -> (Keep, bool) {
        let (sign, last_is_free) = match on {
            SplitOn::Presence | SplitOn::Categories => (0, false),
            SplitOn::Values {
                feature,
                n_bins,
                default_left,
            } => {
                let direction = self.constraints.direction(feature);
                let is_free = n > 0 && tells_presence(n - 1, n_bins, default_left);
                (direction.sign(), is_free)
            }
        };
        let keep = Keep {
            bounds: self.bounds,
            sign: f32::from(sign),
        };
        (keep, last_is_free)
    }

    /// The best weight within bounds, and twice the loss that it saves.
    fn bounded(self, penalty: &Penalty, (grad, hess): (f64, f64)) -> (f32, f32) {
        let weight = self.bounds.clip(penalty.weight(grad, hess) as f32);
        if hess <= 0.0 {
            return (weight, 0.0);
        }
        (weight, penalty.saved(grad, hess, f64::from(weight)))
    }
}

#[cfg(test)]
mod tests {
    use crate::bin::CODES;
    use crate::objective::GradientPair;

    use super::super::cell::Wide;
    use super::super::constraint::Scope;
    use super::super::quantise::{Magnitude, Scales};
    use super::super::sample::mix;
    use super::super::scan::Lefts;
    use super::super::split_categories::CategoryLimits;
    use super::*;

    /// Gradients of this many bins, some of which have none.
    fn bins(n: usize, seed: u64) -> Vec<GradientPair> {
        let number = |at: usize, of: u64| mix(mix(seed) ^ (at as u64 * 4 + of)) % 64;
        let pair = |at| GradientPair {
            grad: (number(at, 0) as f32 - 30.0) / 8.0,
            hess: if number(at, 1) < 16 {
                0.0
            } else {
                number(at, 2) as f32 / 16.0
            },
        };
        (0..n).map(pair).collect()
    }

    #[test]
    fn splits_side_by_side_are_those_that_are_looked_at_one_by_one() {
        let directions = [Monotone::Free, Monotone::Increasing, Monotone::Decreasing];
        let constraints = Constraints::new(&directions, &[], 3);
        let penalty = Penalty {
            lambda: 1.0,
            alpha: 0.0,
            max_delta_step: 0.0,
            gamma: 0.0,
            min_child_weight: 1.0,
            categories: CategoryLimits {
                max_cat_to_onehot: 4,
                max_cat_threshold: 64,
            },
        };
        let mut n_found = 0;
        for seed in 0..600 {
            let n_bins = [2, 3, 17, CODES][seed as usize % 4];
            let pairs = bins(n_bins, seed);
            let magnitude = Magnitude::of(&pairs);
            let scales = Scales::new::<Wide>(&magnitude, n_bins);
            let cells: Vec<Wide> = pairs
                .iter()
                .map(|&it| scales.quantise::<Wide>(it))
                .collect();
            let total = cells.iter().fold(Wide::default(), |sum, &it| sum.plus(it));
            let mut lefts = Lefts::new();
            lefts.fill(&cells);
            // Bounds of a node below a split, and of one without.
            let weight = (seed % 7) as f32 / 20.0;
            let on = (1, Monotone::Increasing);
            let [below, above] = constraints.below(&Scope::ROOT, on, [-weight, weight]);
            for scope in [Scope::ROOT, below, above] {
                let search = Search::new(&penalty, scales, total, magnitude.largest_sum());
                let search = search.within(&constraints, scope.bounds);
                for (feature, default_left, ties) in [
                    (0, false, Ties::First),
                    (1, false, Ties::First),
                    (2, true, Ties::Last),
                ] {
                    let on = SplitOn::Values {
                        feature,
                        n_bins,
                        default_left,
                    };
                    let splits = Splits {
                        lefts: &lefts,
                        on,
                        n: n_bins,
                    };
                    let side_by_side = Order::best_of(&search, splits, (0.0, ties));
                    let one_by_one = search.best_by_one(splits, (0.0, ties));
                    assert_eq!(side_by_side, one_by_one, "{seed} {feature}");
                    n_found += usize::from(side_by_side.is_some());
                }
            }
        }
        assert!(n_found > 1000, "{n_found}");
    }
}
