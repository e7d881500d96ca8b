//! Gains of many splits at once: the inner loop of split search, without branches, so that it becomes vectors.
//!
//! Invariant: a gain is what [`super::split::Penalty`] computes for one split, bit for bit, where there is no `alpha`
//! and no `max_delta_step` and nothing leaves the range of `f32`; [`Scan::new`] says whether that holds.

use crate::bin::CODES;

use super::cell::Cell;
use super::quantise::Scales;

/// A split must gain more than this.
pub(crate) const LEAST_GAIN: f32 = 1e-6;

/// A node's constants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<C> {
    pub(crate) total: C,
    pub(crate) scales: Scales,
    pub(crate) lambda: f64,
    pub(crate) parent_gain: f64,
    /// Units of hessian that either side needs.
    pub(crate) least_hess: i64,
    /// `min_split_loss`.
    pub(crate) gamma: f32,
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

/// Two 64-bit numbers to `f64`, correctly rounded: there is no instruction for it before AVX-512.
#[inline(always)]
fn to_f64(units: i64) -> f64 {
    const TWO_32: f64 = 4_294_967_296.0;
    const TWO_52: f64 = 4_503_599_627_370_496.0;
    let low = f64::from_bits(TWO_52.to_bits() | units.cast_unsigned() & 0xffff_ffff) - TWO_52;
    f64::from((units >> 32) as i32) * TWO_32 + low
}

impl<C: Cell> Scan<C> {
    /// The best of the splits whose left sides sum to `lefts`, at most [`CODES`], if it gains more than `above`.
    #[inline(always)]
    pub(crate) fn best(&self, lefts: &[C], above: f32, ties: Ties) -> Option<Best> {
        // Gains above 0 as whole numbers, which order as the gains do; 0 for splits that are not allowed.
        let mut ranks = [0_i32; CODES];
        let ranks = &mut ranks[..lefts.len()];
        let total_hess = self.total.hess();
        for (rank, &left) in ranks.iter_mut().zip(lefts) {
            let right = self.total.minus(left);
            let gain = self.side(left) + self.side(right) - self.parent_gain;
            let loss_change = (if gain < f64::from(f32::MAX) {
                gain
            } else {
                f64::from(f32::MAX)
            }) as f32;
            let enough = loss_change > LEAST_GAIN && loss_change >= self.gamma;
            let hess = left.hess();
            let allowed = hess >= self.least_hess && total_hess - hess >= self.least_hess;
            *rank = if enough & allowed {
                loss_change.to_bits().cast_signed()
            } else {
                0
            };
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
    fn side(&self, sum: C) -> f64 {
        let grad = self.scales.grad(to_f64(sum.grad()));
        let hess = self.scales.hess(to_f64(sum.hess()));
        f64::from((grad * grad) as f32 / (hess + self.lambda) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::to_f64;

    #[test]
    fn whole_numbers_are_rounded_as_the_language_rounds_them() {
        let mut units = 1_i64;
        for step in 0..62 {
            for units in [units, -units, units + 1, units - 1, -units - 3] {
                assert_eq!(to_f64(units), units as f64, "{units} {step}");
            }
            units = units.wrapping_mul(2) + step % 2;
        }
    }
}
