//! Gradient pairs as whole numbers.
//!
//! Invariants: scales are powers of two, found from sums over fixed blocks of [`BLOCK`] rows that are added in order, so
//! they do not depend on threads. The absolute values of all rows' quantised gradients sum to less than the lane of a
//! [`Cell`], so no sum over any rows can overflow. Sums are exact and associative: any order of rows gives the same.

use crate::objective::GradientPair;

use super::cell::Cell;

/// Rows of a block; every sum that could depend on the order of rows is taken over blocks of this size.
pub(crate) const BLOCK: usize = 4096;

/// Units that a typical gradient must have, or wide cells are used: of up to [`MANY_ROWS`] rows, and of more. Packed cells cannot
/// hold as many units of each of very many rows; but what rounding adds to a sum grows with the root of its rows only, and is
/// less than a hundredth of what the rows differ by themselves.
const LEAST_UNITS: [f64; 2] = [512.0, 32.0];

/// Rows up to which a typical gradient must have all of them.
const MANY_ROWS: usize = 1 << 21;

/// Units that a typical gradient must have for leaves to be computed from them rather than from the gradients.
const UNITS_OF_A_LEAF: f64 = 256.0;

/// Rows up to which wide cells are used anyway: there they cost little, and leave nothing that could decide a tie other
/// than `f64` sums would. Measured on 15,000 rows, five classes, 20 rounds: the same trees as XGBoost with wide cells,
/// others from round 3 on with packed ones, and a validation mlogloss 0.8 % apart by chance.
const SMALL_TABLE: usize = 1 << 16;

/// Sums that run side by side within a block, so that they fill a vector. Part of what a model's bytes depend on.
const LANES: usize = 16;

/// `f32` sums over a block are off by less than this share; a bound must be no smaller than the truth.
const SLACK: f64 = 1.001;

/// The sums that scales are found from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Magnitude {
    sum_grad: f64,
    sum_hess: f64,
    /// Sum of square roots: its squared mean is a typical size that a few large ones do not move.
    sum_root_grad: f64,
    sum_root_hess: f64,
    largest_grad: f32,
    largest_hess: f32,
    n_grads: f64,
    n_hesses: f64,
}

/// Sums of one block, in [`LANES`] lanes.
#[derive(Default)]
struct Lanes {
    sum: [f32; LANES],
    root: [f32; LANES],
    largest: [f32; LANES],
    n: [f32; LANES],
}

impl Lanes {
    /// Adds a value that is not negative.
    #[inline(always)]
    fn add(&mut self, lane: usize, value: f32) {
        self.sum[lane] += value;
        self.root[lane] += value.sqrt();
        self.largest[lane] = if value > self.largest[lane] {
            value
        } else {
            self.largest[lane]
        };
        self.n[lane] += if value > 0.0 { 1.0 } else { 0.0 };
    }
}

impl Magnitude {
    /// The magnitude of one block of at most [`BLOCK`] rows of one group.
    #[inline(always)]
    pub(crate) fn of(pairs: &[GradientPair]) -> Self {
        let (mut grads, mut hesses) = (Lanes::default(), Lanes::default());
        let (whole, rest) = pairs.as_chunks::<LANES>();
        for pairs in whole {
            for (lane, pair) in pairs.iter().enumerate() {
                grads.add(lane, pair.grad.abs());
                hesses.add(lane, pair.hess);
            }
        }
        for (lane, pair) in rest.iter().enumerate() {
            grads.add(lane, pair.grad.abs());
            hesses.add(lane, pair.hess);
        }
        let sum = |lanes: &[f32; LANES]| lanes.iter().map(|&it| f64::from(it)).sum::<f64>();
        let largest = |lanes: &[f32; LANES]| lanes.iter().copied().fold(0.0, f32::max);
        Self {
            sum_grad: sum(&grads.sum),
            sum_hess: sum(&hesses.sum),
            sum_root_grad: sum(&grads.root),
            sum_root_hess: sum(&hesses.root),
            largest_grad: largest(&grads.largest),
            largest_hess: largest(&hesses.largest),
            n_grads: sum(&grads.n),
            n_hesses: sum(&hesses.n),
        }
    }

    /// Adds the block that follows.
    pub(crate) fn add(&mut self, next: &Self) {
        self.sum_grad += next.sum_grad;
        self.sum_hess += next.sum_hess;
        self.sum_root_grad += next.sum_root_grad;
        self.sum_root_hess += next.sum_root_hess;
        self.largest_grad = self.largest_grad.max(next.largest_grad);
        self.largest_hess = self.largest_hess.max(next.largest_hess);
        self.n_grads += next.n_grads;
        self.n_hesses += next.n_hesses;
    }

    /// Whether every gradient and hessian is a number.
    pub(crate) fn is_finite(&self) -> bool {
        self.sum_grad.is_finite() && self.sum_hess.is_finite()
    }

    /// Whether a typical gradient and a typical hessian have enough units in a [`Cell`] of this kind.
    pub(crate) fn fits<C: Cell>(&self, n_rows: usize) -> bool {
        let least = LEAST_UNITS[usize::from(n_rows > MANY_ROWS)];
        n_rows > SMALL_TABLE && self.typical_units::<C>(n_rows) >= least
    }

    /// Whether sums of units are too rough for leaves: a few gradients are larger than the others beyond all measure.
    pub(crate) fn is_rough<C: Cell>(&self, n_rows: usize) -> bool {
        self.typical_units::<C>(n_rows) < UNITS_OF_A_LEAF
    }

    fn typical_units<C: Cell>(&self, n_rows: usize) -> f64 {
        let scales = Scales::new::<C>(self, n_rows);
        let units = |sum_root: f64, n: f64, scale: f64| {
            if n == 0.0 {
                f64::INFINITY
            } else {
                (sum_root / n).powi(2) * scale
            }
        };
        let grad_units = units(self.sum_root_grad, self.n_grads, scales.grad);
        grad_units.min(units(self.sum_root_hess, self.n_hesses, scales.hess))
    }

    /// What no gradient sum of any rows exceeds.
    pub(crate) fn largest_sum(&self) -> f64 {
        self.sum_grad * SLACK
    }
}

/// Units of a gradient and of a hessian: powers of two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scales {
    grad: f64,
    hess: f64,
}

impl Scales {
    /// The finest scales at which `n_rows` rows of this magnitude fit a [`Cell`], singly and all together.
    pub(crate) fn new<C: Cell>(magnitude: &Magnitude, n_rows: usize) -> Self {
        // Rounding adds at most half a unit a row.
        let room = C::LIMIT - n_rows as f64;
        let finest = |sum: f64, largest: f32| {
            let bound = (room / (sum * SLACK)).min((C::LARGEST - 1.0) / f64::from(largest));
            if sum > 0.0 {
                power_of_two_below(bound)
            } else {
                1.0
            }
        };
        Self {
            grad: finest(magnitude.sum_grad, magnitude.largest_grad),
            hess: finest(magnitude.sum_hess, magnitude.largest_hess),
        }
    }

    /// A row's pair in units.
    #[inline(always)]
    pub(crate) fn quantise<C: Cell>(&self, pair: GradientPair) -> C::Unit {
        C::unit(
            rounded(f64::from(pair.grad) * self.grad),
            rounded(f64::from(pair.hess) * self.hess),
        )
    }

    /// The gradient that `units` stand for.
    #[inline(always)]
    pub(crate) fn grad(&self, units: f64) -> f64 {
        units * (1.0 / self.grad)
    }

    /// The hessian that `units` stand for.
    #[inline(always)]
    pub(crate) fn hess(&self, units: f64) -> f64 {
        units * (1.0 / self.hess)
    }

    /// The least number of units, at least one, whose hessian is not below `hess`.
    pub(crate) fn hess_units(&self, hess: f64) -> i64 {
        ((hess * self.hess).ceil() as i64).max(1)
    }
}

/// The nearest whole number, ties to even, for values below 2^51: adding this constant leaves no bits for a fraction.
#[inline(always)]
fn rounded(value: f64) -> i64 {
    const NO_FRACTION: f64 = 6_755_399_441_055_744.0;
    (value + NO_FRACTION).to_bits().cast_signed() - NO_FRACTION.to_bits().cast_signed()
}

/// The largest power of two that is not above `bound`, kept where its inverse is normal too.
fn power_of_two_below(bound: f64) -> f64 {
    let bound = bound.clamp(2.0_f64.powi(-1000), 2.0_f64.powi(1000));
    f64::from_bits(bound.to_bits() & 0x7ff0_0000_0000_0000)
}

#[cfg(test)]
mod tests {
    use super::{Magnitude, Scales, power_of_two_below, rounded};
    use crate::objective::GradientPair;
    use crate::tree::cell::{Cell, Packed, Wide};

    #[test]
    fn rounds_to_the_nearest_even() {
        for (value, expected) in [
            (0.5, 0),
            (1.5, 2),
            (-0.5, 0),
            (-2.5, -2),
            (2.0e9 + 0.3, 2_000_000_000),
            (-7.6, -8),
        ] {
            assert_eq!(rounded(value), expected, "{value}");
        }
    }

    #[test]
    fn scales_are_powers_of_two_below_the_bound() {
        assert_eq!(power_of_two_below(1.0), 1.0);
        assert_eq!(power_of_two_below(1023.9), 512.0);
        assert_eq!(power_of_two_below(0.3), 0.25);
    }

    /// Every pair, and the sum of all, comes back to half a unit a row.
    fn holds<C: Cell>(pairs: &[GradientPair]) {
        let magnitude = Magnitude::of(pairs);
        let scales = Scales::new::<C>(&magnitude, pairs.len());
        let mut sum = C::default();
        for &pair in pairs {
            let cell = C::of(scales.quantise::<C>(pair));
            let off = scales.grad(cell.grad() as f64) - f64::from(pair.grad);
            assert!(
                off.abs() <= scales.grad(0.5) + 1e-9 * f64::from(pair.grad.abs()),
                "{pair:?} {off}"
            );
            sum = sum.plus(cell);
        }
        let exact: f64 = pairs.iter().map(|pair| f64::from(pair.grad)).sum();
        let off = scales.grad(sum.grad() as f64) - exact;
        assert!(
            off.abs() <= scales.grad(pairs.len() as f64) + 1e-6 * exact.abs(),
            "{off}"
        );
    }

    #[test]
    fn sums_of_extreme_gradients_do_not_overflow() {
        let same = |grad| vec![GradientPair { grad, hess: 1.0 }; 4000];
        let mut one_large = same(1.0);
        one_large[7].grad = -1e30;
        for pairs in [same(1.0), same(-3e7), same(1e-30), one_large] {
            holds::<Packed<u32>>(&pairs);
            holds::<Packed<[u32; 2]>>(&pairs);
            holds::<Wide>(&pairs);
        }
    }
}
