//! Gains of many splits at once: the inner loop of split search, without branches, so that it becomes vectors.
//!
//! Invariant: a gain is what [`super::penalty::Penalty`], or [`super::ordered`] where weights have bounds, computes for one
//! split, bit for bit, where there is no `alpha` and no `max_delta_step` and nothing leaves the range of `f32`; whoever
//! searches says whether that holds.

use crate::bin::CODES;

use super::cell::Cell;
use super::constraint::Bounds;
use super::quantise::Scales;

/// A split must gain more than this.
pub(crate) const LEAST_GAIN: f32 = 1e-6;

/// A node's constants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan {
    /// Units of gradient and of hessian of all rows.
    pub(crate) total: (f64, f64),
    pub(crate) scales: Scales,
    pub(crate) lambda: f64,
    pub(crate) parent_gain: f64,
    /// Units of hessian that either side needs.
    pub(crate) least_hess: f64,
    /// `min_split_loss`.
    pub(crate) gamma: f32,
}

/// What the sides of splits must keep to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    pub(crate) bounds: Bounds,
    /// 1 where the left weight must not be above the right one, -1 where it must not be below, 0 for either.
    pub(crate) sign: f32,
}

/// The left sides of the splits of a feature, in units: one lane of gradients and one of hessians.
#[derive(Clone, Debug)]
pub(crate) struct Lefts {
    pub(crate) grads: [f64; CODES],
    pub(crate) hesses: [f64; CODES],
}

/// The best of some splits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Best {
    pub(crate) loss_change: f32,
    pub(crate) at: usize,
}

/// Which of several splits of equal gain is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ties {
    First,
    Last,
}

impl Lefts {
    pub(crate) fn new() -> Self {
        Self {
            grads: [0.0; CODES],
            hesses: [0.0; CODES],
        }
    }

    /// The sums up to and with each of `bins`, at most [`CODES`].
    #[inline(always)]
    pub(crate) fn fill<C: Cell>(&mut self, bins: &[C]) {
        let mut left = C::default();
        let lanes = self.grads.iter_mut().zip(&mut self.hesses);
        for ((grad, hess), &cell) in lanes.zip(bins) {
            left = left.plus(cell);
            *grad = left.grad() as f64;
            *hess = left.hess() as f64;
        }
    }

    /// Each of `cells`, at most [`CODES`], by itself.
    #[inline(always)]
    pub(crate) fn fill_singly<C: Cell>(&mut self, cells: &[C]) {
        let lanes = self.grads.iter_mut().zip(&mut self.hesses);
        for ((grad, hess), cell) in lanes.zip(cells) {
            *grad = cell.grad() as f64;
            *hess = cell.hess() as f64;
        }
    }

    /// The left side of the split number `at` by itself.
    pub(crate) fn set<C: Cell>(&mut self, at: usize, left: C) {
        self.grads[at] = left.grad() as f64;
        self.hesses[at] = left.hess() as f64;
    }

    /// Moves what is missing to the left of the first `n` splits.
    #[inline(always)]
    pub(crate) fn add<C: Cell>(&mut self, missing: C, n: usize) {
        let (more_grad, more_hess) = (missing.grad() as f64, missing.hess() as f64);
        for (grad, hess) in self.grads[..n].iter_mut().zip(&mut self.hesses) {
            *grad += more_grad;
            *hess += more_hess;
        }
    }
}

impl Scan {
    /// The best of the first `n` splits, at most [`CODES`], if it gains more than `above`.
    #[inline(always)]
    pub(crate) fn best(&self, lefts: &Lefts, n: usize, above: f32, ties: Ties) -> Option<Best> {
        // Gains above 0 as whole numbers, which order as the gains do; 0 for splits that are not allowed.
        let mut ranks = [0_i32; CODES];
        let ranks = &mut ranks[..n];
        let (total_grad, total_hess) = self.total;
        let lanes = lefts.grads.iter().zip(&lefts.hesses);
        for (rank, (&grad, &hess)) in ranks.iter_mut().zip(lanes) {
            let right_hess = total_hess - hess;
            let gain =
                self.side(grad, hess) + self.side(total_grad - grad, right_hess) - self.parent_gain;
            let allowed =
                u32::from(hess >= self.least_hess) & u32::from(right_hess >= self.least_hess);
            *rank = self.rank(gain, allowed);
        }
        highest(ranks, above, ties)
    }

    /// As [`Scan::best`], of splits that keep their weights within bounds and in order; the last of the `n` need not be in
    /// order if `last_is_free`.
    #[inline(always)]
    pub(crate) fn best_kept(
        &self,
        (lefts, n, last_is_free): (&Lefts, usize, bool),
        keep: Keep,
        (above, ties): (f32, Ties),
    ) -> Option<Best> {
        let mut ranks = [0_i32; CODES];
        let ranks = &mut ranks[..n];
        let lanes = lefts.grads.iter().zip(&lefts.hesses);
        for (rank, (&grad, &hess)) in ranks.iter_mut().zip(lanes) {
            *rank = self.rank_kept(grad, hess, keep);
        }
        if let Some(last) = ranks.last_mut().filter(|_| last_is_free) {
            let keep = Keep { sign: 0.0, ..keep };
            *last = self.rank_kept(lefts.grads[n - 1], lefts.hesses[n - 1], keep);
        }
        highest(ranks, above, ties)
    }

    #[inline(always)]
    fn rank_kept(&self, grad: f64, hess: f64, keep: Keep) -> i32 {
        let (right_grad, right_hess) = (self.total.0 - grad, self.total.1 - hess);
        let (left, of_left) = self.kept(grad, hess, keep.bounds);
        let (right, of_right) = self.kept(right_grad, right_hess, keep.bounds);
        let gain = f64::from(of_left) + f64::from(of_right) - self.parent_gain;
        let enough = u32::from(hess >= self.least_hess) & u32::from(right_hess >= self.least_hess);
        let in_order = u32::from(left * keep.sign <= right * keep.sign);
        self.rank(gain, enough & in_order)
    }

    /// A side's best weight within bounds, and twice the loss that it saves.
    #[inline(always)]
    fn kept(&self, grad: f64, hess: f64, bounds: Bounds) -> (f32, f32) {
        let grad = self.scales.grad(grad);
        let hess = self.scales.hess(hess) + self.lambda;
        let weight = bounds.clip((-grad / hess) as f32);
        let wide = f64::from(weight);
        (weight, -(2.0 * grad * wide + hess * wide * wide) as f32)
    }

    /// The bits of the gain where it is enough and the split is `allowed` (1 or 0), else 0.
    #[inline(always)]
    fn rank(&self, gain: f64, allowed: u32) -> i32 {
        let loss_change = if gain < f64::from(f32::MAX) {
            gain
        } else {
            f64::from(f32::MAX)
        } as f32;
        let enough = u32::from(loss_change > LEAST_GAIN) & u32::from(loss_change >= self.gamma);
        (loss_change.to_bits() & (enough & allowed).wrapping_neg()).cast_signed()
    }

    /// Twice the loss that a side's best weight saves, as XGBoost rounds it.
    #[inline(always)]
    fn side(&self, grad: f64, hess: f64) -> f64 {
        let grad = self.scales.grad(grad);
        let hess = self.scales.hess(hess);
        f64::from((grad * grad) as f32 / (hess + self.lambda) as f32)
    }
}

/// The best of some splits by their ranks, if it gains more than `above`.
#[inline(always)]
fn highest(ranks: &[i32], above: f32, ties: Ties) -> Option<Best> {
    let highest = ranks.iter().fold(0, |highest, &rank| highest.max(rank));
    if highest <= above.max(0.0).to_bits().cast_signed() {
        return None;
    }
    let at = match ties {
        Ties::First => ranks.iter().position(|&rank| rank == highest),
        Ties::Last => ranks.iter().rposition(|&rank| rank == highest),
    };
    at.map(|at| Best {
        loss_change: f32::from_bits(highest.cast_unsigned()),
        at,
    })
}
