//! The best split of a node: every cut of every column, both directions for what is missing. Features of categories are
//! divided in [`super::split_categories`].
//!
//! Invariants: gains are XGBoost's (`gain(left) + gain(right) - gain(parent)`, no factor one half); a side's gain is
//! rounded to `f32` as XGBoost does, so that ties fall alike; of equal gains the lowest feature wins, then the lowest
//! bin, then "missing goes right".
//!
//! Source: XGBoost 3.0 `src/tree/hist/evaluate_splits.h`.

use std::ops::Range;

use crate::bin::CODES;
use crate::simd::{Kernel, Simd, dispatch};

use super::bin_set::Cut;
use super::cell::Cell;
use super::panel::View;
use super::penalty::Penalty;
use super::quantise::Scales;
use super::scan::{Best, LEAST_GAIN, Lefts, Scan, Ties};

/// A split of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SplitEntry<C> {
    pub(crate) loss_change: f32,
    pub(crate) feature: u32,
    pub(crate) cut: Cut,
    pub(crate) default_left: bool,
    /// The sum of what goes left, missing values included where they do.
    pub(crate) left: C,
}

/// Looks for the split of one node, whose sides are judged by `S`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a, C, S = Free> {
    pub(super) penalty: &'a Penalty,
    pub(super) total: C,
    /// Units of hessian that either side needs.
    pub(super) least_hess: i64,
    pub(super) scan: Scan,
    pub(super) sides: S,
}

/// How the sides of splits are judged. A type, so that a search that nothing constrains is compiled as if there were no
/// constraints.
pub(crate) trait Sides: Copy {
    /// As [`Scan::best`].
    fn best_of<C: Cell>(
        search: &Search<'_, C, Self>,
        splits: Splits<'_>,
        from: (f32, Ties),
    ) -> Option<Best>;

    /// The gains of both sides together, of the split at a place.
    fn gain<C: Cell>(
        search: &Search<'_, C, Self>,
        split: (SplitOn, usize),
        sums: [(f64, f64); 2],
    ) -> f64;
}

/// Sides may have any weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Free {
    /// Whether [`Scan::best`] may be used.
    is_plain: bool,
}

impl Sides for Free {
    #[inline(always)]
    fn best_of<C: Cell>(
        search: &Search<'_, C, Self>,
        splits: Splits<'_>,
        (above, ties): (f32, Ties),
    ) -> Option<Best> {
        if search.sides.is_plain {
            search.scan.best(splits.lefts, splits.n, above, ties)
        } else {
            search.best_by_one(splits, (above, ties))
        }
    }

    fn gain<C: Cell>(
        search: &Search<'_, C, Self>,
        _: (SplitOn, usize),
        [left, right]: [(f64, f64); 2],
    ) -> f64 {
        search.penalty.gain(left.0, left.1) + search.penalty.gain(right.0, right.1)
    }
}

/// Splits side by side: the first `n` of `lefts`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Splits<'l> {
    pub(super) lefts: &'l Lefts,
    pub(super) on: SplitOn,
    pub(super) n: usize,
}

/// What splits side by side tell apart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SplitOn {
    /// The values of a feature with so many bins.
    Values {
        feature: u32,
        n_bins: usize,
        default_left: bool,
    },
    /// Whether there is a value.
    Presence,
    /// Categories, which have no order.
    Categories,
}

/// The cells of a feature in a node's histogram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeatureCells<'h, C> {
    pub(crate) feature: u32,
    /// At most [`CODES`].
    pub(crate) bins: &'h [C],
    pub(crate) missing: C,
}

/// The kernel of [`Search::best`].
struct Scanned<'s, 'v, C, S> {
    search: &'s Search<'s, C, S>,
    view: &'s View<'v>,
    histogram: &'s [C],
    features: Range<usize>,
    /// Which of the view's features may be split on; all where there is no list.
    allowed: Option<&'s [bool]>,
}

impl<C: Cell, S: Sides> Kernel for Scanned<'_, '_, C, S> {
    type Output = Option<SplitEntry<C>>;

    #[inline(always)]
    fn run(self) -> Option<SplitEntry<C>> {
        let mut best = None;
        let (mut scratch, mut lefts) = ([C::default(); CODES], Lefts::new());
        let (first, end) = (self.features.start, self.features.end);
        let mut k = first;
        while k < end {
            let n_allowed = match self.allowed {
                Some(allowed) => allowed[k..end].iter().take_while(|&&it| it).count(),
                None => end - k,
            };
            if n_allowed == 0 {
                k += 1;
                continue;
            }
            let single = self
                .view
                .single_bins(k..k + n_allowed.min(CODES), self.histogram);
            if single.is_empty() {
                let cells = self
                    .view
                    .cells(k, (self.histogram, self.search.total), &mut scratch);
                match self.view.cuts().categories(cells.feature as usize) {
                    None => self.search.feature(cells, &mut lefts, &mut best),
                    Some(categories) => {
                        self.search
                            .categories(cells, categories, &mut lefts, &mut best);
                    }
                }
                k += 1;
            } else {
                self.singles(k, single, &mut lefts, &mut best);
                k += single.len();
            }
        }
        best
    }
}

impl<C: Cell, S: Sides> Scanned<'_, '_, C, S> {
    /// Looks at features of one bin each, of which what is present goes left: as many splits side by side as there are
    /// features, since one-hot tables have ten thousands of them. The first is the `k`-th.
    #[inline(always)]
    fn singles(&self, k: usize, cells: &[C], lefts: &mut Lefts, best: &mut Option<SplitEntry<C>>) {
        lefts.fill_singly(cells);
        let above = best.map_or(0.0, |best| best.loss_change);
        let splits = Splits {
            lefts,
            on: SplitOn::Presence,
            n: cells.len(),
        };
        if let Some(found) = S::best_of(self.search, splits, (above, Ties::First)) {
            *best = Some(SplitEntry {
                loss_change: found.loss_change,
                feature: self.view.features()[k + found.at],
                cut: Cut::Through(0),
                default_left: false,
                left: cells[found.at],
            });
        }
    }
}

impl<'a, C: Cell> Search<'a, C> {
    /// `largest_sum` is what no sum of gradients exceeds.
    pub(crate) fn new(penalty: &'a Penalty, scales: Scales, total: C, largest_sum: f64) -> Self {
        let sums = sums(scales, total);
        let parent_gain = penalty.gain(sums.0, sums.1);
        let least_hess = scales.hess_units(penalty.min_child_weight);
        let scan = Scan {
            total: (total.grad() as f64, total.hess() as f64),
            scales,
            lambda: penalty.lambda,
            parent_gain,
            least_hess: least_hess as f64,
            gamma: penalty.gamma,
        };
        let is_plain = penalty.alpha == 0.0
            && penalty.max_delta_step == 0.0
            && penalty.lambda > 1e-30
            && largest_sum * largest_sum < f64::from(f32::MAX);
        Self {
            penalty,
            total,
            least_hess,
            scan,
            sides: Free { is_plain },
        }
    }
}

impl<C: Cell, S: Sides> Search<'_, C, S> {
    /// Whether the node has enough hessian for two children.
    pub(crate) fn is_worthwhile(&self) -> bool {
        self.total.hess() >= self.least_hess.saturating_mul(2)
    }

    /// The best split among those `features` (places in the view's list) that are `allowed`, `None` if none is good enough. Of
    /// equal gains the lowest feature wins.
    pub(crate) fn best(
        &self,
        view: &View<'_>,
        histogram: &[C],
        (features, allowed): (Range<usize>, Option<&[bool]>),
        simd: Simd,
    ) -> Option<SplitEntry<C>> {
        let kernel = Scanned {
            search: self,
            view,
            histogram,
            features,
            allowed,
        };
        dispatch(simd, kernel)
    }

    /// Puts the feature's best split in the place of `best` if it gains more.
    #[inline(always)]
    fn feature(
        &self,
        cells: FeatureCells<'_, C>,
        lefts: &mut Lefts,
        best: &mut Option<SplitEntry<C>>,
    ) {
        let n_bins = cells.bins.len();
        lefts.fill(cells.bins);
        self.offer(lefts, (cells, n_bins, false), best);
        if cells.missing == C::default() || n_bins < 2 {
            return;
        }
        // All that is present on the left and what is missing too is no split.
        lefts.add(cells.missing, n_bins - 1);
        self.offer(lefts, (cells, n_bins - 1, true), best);
    }

    /// Offers the first `n` splits. Where missing values go left, XGBoost looks from the last bin to the first.
    #[inline(always)]
    fn offer(
        &self,
        lefts: &Lefts,
        (cells, n, default_left): (FeatureCells<'_, C>, usize, bool),
        best: &mut Option<SplitEntry<C>>,
    ) {
        let above = best.map_or(0.0, |best| best.loss_change);
        let ties = if default_left {
            Ties::Last
        } else {
            Ties::First
        };
        let on = SplitOn::Values {
            feature: cells.feature,
            n_bins: cells.bins.len(),
            default_left,
        };
        let splits = Splits { lefts, on, n };
        if let Some(found) = S::best_of(self, splits, (above, ties)) {
            let start = if default_left {
                cells.missing
            } else {
                C::default()
            };
            let bins = &cells.bins[..=found.at];
            *best = Some(SplitEntry {
                loss_change: found.loss_change,
                feature: cells.feature,
                cut: Cut::Through(found.at as u16),
                default_left,
                left: bins.iter().fold(start, |left, &cell| left.plus(cell)),
            });
        }
    }

    /// As [`Scan::best`], for every penalty and constraint there is.
    pub(super) fn best_by_one(
        &self,
        Splits { lefts, on, n }: Splits<'_>,
        (above, ties): (f32, Ties),
    ) -> Option<Best> {
        let mut best = Best {
            loss_change: above,
            at: usize::MAX,
        };
        let mut look = |at: usize| {
            let loss_change = self.loss_change((on, at), lefts.grads[at], lefts.hesses[at]);
            if loss_change > best.loss_change {
                best = Best { loss_change, at };
            }
        };
        match ties {
            Ties::First => (0..n).for_each(&mut look),
            Ties::Last => (0..n).rev().for_each(&mut look),
        }
        (best.at != usize::MAX).then_some(best)
    }

    /// The gain of the split at a place by the units of its left side, 0 if it is not allowed.
    pub(super) fn loss_change(
        &self,
        split: (SplitOn, usize),
        left_grad: f64,
        left_hess: f64,
    ) -> f32 {
        let Scan {
            total,
            scales,
            parent_gain,
            least_hess,
            gamma,
            ..
        } = self.scan;
        let (right_grad, right_hess) = (total.0 - left_grad, total.1 - left_hess);
        if left_hess < least_hess || right_hess < least_hess {
            return 0.0;
        }
        let left = (scales.grad(left_grad), scales.hess(left_hess));
        let right = (scales.grad(right_grad), scales.hess(right_hess));
        let of_sides = S::gain(self, split, [left, right]);
        let gain = (of_sides - parent_gain).min(f64::from(f32::MAX)) as f32;
        if gain > LEAST_GAIN && gain >= gamma {
            gain
        } else {
            0.0
        }
    }
}

/// What a node's units stand for.
pub(super) fn sums<C: Cell>(scales: Scales, total: C) -> (f64, f64) {
    (
        scales.grad(total.grad() as f64),
        scales.hess(total.hess() as f64),
    )
}
