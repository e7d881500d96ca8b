//! Gains of many splits at once: the inner loop of split search, without branches, so that it becomes vectors.
//!
//! Invariant: a gain is what [`super::split::Penalty`] computes for one split, bit for bit, where there is no `alpha`
//! and no `max_delta_step` and nothing leaves the range of `f32`; whoever searches says whether that holds.

use crate::bin::CODES;

use super::cell::Cell;
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
            let loss_change = if gain < f64::from(f32::MAX) {
                gain
            } else {
                f64::from(f32::MAX)
            } as f32;
            let enough = u32::from(loss_change > LEAST_GAIN) & u32::from(loss_change >= self.gamma);
            let allowed =
                u32::from(hess >= self.least_hess) & u32::from(right_hess >= self.least_hess);
            *rank = (loss_change.to_bits() & (enough & allowed).wrapping_neg()).cast_signed();
        }
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

    /// Twice the loss that a side's best weight saves, as XGBoost rounds it.
    #[inline(always)]
    fn side(&self, grad: f64, hess: f64) -> f64 {
        let grad = self.scales.grad(grad);
        let hess = self.scales.hess(hess);
        f64::from((grad * grad) as f32 / (hess + self.lambda) as f32)
    }
}
