//! The best split of a node by a feature of categories: one category against the others, or some against some.
//!
//! Invariants: of few categories each is tried alone. Of more, they are put in the order of the weights that each would get
//! by itself, the lowest first; the best division of a squared loss is one of that order's, and of other losses a good one.
//! A category of less hessian than `min_child_weight` weighs nothing: what few rows say would put it at an end by chance.
//! The first of the order go right, always, with what is missing on either side, and no more than `max_cat_threshold` less
//! one of them are on the shorter side. The bin of all other categories stays left: see [`Categories`]. Equal gains fall as
//! in XGBoost: what is missing goes left, then the fewest categories on the side that it is not on.
//!
//! Source: XGBoost 3.2 `src/tree/hist/evaluate_splits.h`, `EnumerateOneHot` and `EnumeratePart`; the order is Fisher's
//! 1958, "On grouping for maximum homogeneity". From 3.4 on light categories weigh what they would get; measured on flights
//! by carrier and destination the validation logloss is 1.6 % worse that way.

use crate::bin::{CODES, Categories};

use super::bin_set::{BinSet, Cut};
use super::cell::Cell;
use super::scan::{Lefts, Ties};
use super::split::{FeatureCells, Search, Sides, SplitEntry, SplitOn, Splits};

/// How features of categories are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CategoryLimits {
    /// Of fewer categories than this each is tried alone.
    pub(crate) max_cat_to_onehot: u32,
    /// Categories that are looked at from either end of their order.
    pub(crate) max_cat_threshold: u32,
}

/// The categories of a feature in a node's histogram.
struct Groups<'h, C> {
    feature: u32,
    /// Of each category.
    cells: &'h [C],
    /// Of the others.
    others: C,
    missing: C,
}

impl<C: Cell, S: Sides> Search<'_, C, S> {
    /// Puts the best split of a feature of categories in the place of `best` if it gains more. Not a part of the kernel that
    /// it is called from: sorting is what takes the time here.
    #[inline(never)]
    pub(super) fn categories(
        &self,
        cells: FeatureCells<'_, C>,
        categories: &Categories,
        lefts: &mut Lefts,
        best: &mut Option<SplitEntry<C>>,
    ) {
        let n_categories = categories.codes().len();
        let groups = Groups {
            feature: cells.feature,
            cells: &cells.bins[..n_categories],
            others: cells.bins.get(n_categories).copied().unwrap_or_default(),
            missing: cells.missing,
        };
        let limits = self.penalty.categories;
        if categories.n_codes() < limits.max_cat_to_onehot {
            self.one_by_one(&groups, best);
        } else if n_categories > 0 {
            let order = self.order(groups.cells);
            self.partition(&groups, &order, lefts, best);
        }
    }

    /// Each category on the right, by itself or with what is missing.
    fn one_by_one(&self, groups: &Groups<'_, C>, best: &mut Option<SplitEntry<C>>) {
        for (bin, &cell) in groups.cells.iter().enumerate() {
            for (right, default_left) in [(cell, true), (cell.plus(groups.missing), false)] {
                let left = self.total.minus(right);
                let split = (SplitOn::Categories, bin);
                let loss_change = self.loss_change(split, left.grad() as f64, left.hess() as f64);
                if loss_change > best.map_or(0.0, |best| best.loss_change) {
                    *best = Some(SplitEntry {
                        loss_change,
                        feature: groups.feature,
                        cut: Cut::Without(BinSet::from_iter([bin as u8])),
                        default_left,
                        left,
                    });
                }
            }
        }
    }

    /// The categories by their weights, equal ones by their bins. Those that weigh nothing lie in the middle, so only the
    /// others are sorted.
    fn order(&self, cells: &[C]) -> Vec<u8> {
        let scales = self.scan.scales;
        let weight = |&bin: &u8| {
            let cell = cells[usize::from(bin)];
            let (grad, hess) = (cell.grad() as f64, cell.hess() as f64);
            if hess < self.scan.least_hess {
                return 0.0;
            }
            self.penalty.weight(scales.grad(grad), scales.hess(hess)) as f32
        };
        let weighed = (0..cells.len()).map(|bin| bin as u8);
        let weighed = weighed.map(|bin| (weight(&bin), bin));
        let (mut below, mut above, mut order) = (Vec::new(), Vec::new(), Vec::new());
        for (weight, bin) in weighed {
            if weight < 0.0 {
                below.push((weight, bin));
            } else if weight > 0.0 {
                above.push((weight, bin));
            } else {
                order.push(bin);
            }
        }
        for side in [&mut below, &mut above] {
            side.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        let bins = |side: Vec<(f32, u8)>| side.into_iter().map(|(_, bin)| bin);
        order.splice(0..0, bins(below));
        order.extend(bins(above));
        order
    }

    /// The first categories of `order` on the right, with what is missing on the left and then on the right.
    fn partition(
        &self,
        groups: &Groups<'_, C>,
        order: &[u8],
        lefts: &mut Lefts,
        best: &mut Option<SplitEntry<C>>,
    ) {
        let has_others = groups.others != C::default();
        let n_groups = order.len() + usize::from(has_others);
        let threshold = self.penalty.categories.max_cat_threshold as usize;
        let n = n_groups.min(threshold).min(CODES).saturating_sub(1);
        let cell = |&bin: &u8| groups.cells[usize::from(bin)];
        let mut right = C::default();
        for (at, bin) in order.iter().take(n).enumerate() {
            right = right.plus(cell(bin));
            lefts.set(at, self.total.minus(right));
        }
        let above = |best: &Option<SplitEntry<C>>| best.map_or(0.0, |best| best.loss_change);
        let best_of = |lefts: &Lefts, above: f32| {
            let on = SplitOn::Categories;
            S::best_of(self, Splits { lefts, on, n }, (above, Ties::First))
        };
        if let Some(found) = best_of(lefts, above(best)) {
            let right = &order[..=found.at];
            let sum = right
                .iter()
                .fold(C::default(), |sum, bin| sum.plus(cell(bin)));
            *best = Some(SplitEntry {
                loss_change: found.loss_change,
                feature: groups.feature,
                cut: Cut::Without(right.iter().copied().collect()),
                default_left: true,
                left: self.total.minus(sum),
            });
        }
        // Without anything missing these are the same divisions, as long as all are looked at from the other end.
        if groups.missing == C::default() && n + 1 == n_groups {
            return;
        }
        let alone = usize::from(!has_others);
        let n_left = |at: usize| at + alone;
        let mut left = groups.others;
        let mut from_the_end = order.iter().rev();
        for at in 0..n {
            if at > 0 || !has_others {
                left = from_the_end.next().map_or(left, |bin| left.plus(cell(bin)));
            }
            lefts.set(at, left);
        }
        if let Some(found) = best_of(lefts, above(best)) {
            let (right, on_the_left) = order.split_at(order.len() - n_left(found.at));
            let others = groups.others;
            *best = Some(SplitEntry {
                loss_change: found.loss_change,
                feature: groups.feature,
                cut: Cut::Without(right.iter().copied().collect()),
                default_left: false,
                left: on_the_left
                    .iter()
                    .fold(others, |sum, bin| sum.plus(cell(bin))),
            });
        }
    }
}
