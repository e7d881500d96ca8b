//! What a histogram adds up: a gradient and a hessian in units.
//!
//! Invariant: whoever makes units keeps the sums of absolute values below `LIMIT` and each one within `LARGEST`; then no
//! addition and no subtraction of a part from its whole can overflow, and lanes never touch each other.

use std::fmt::Debug;
use std::marker::PhantomData;

/// A pair of sums.
pub(crate) trait Cell: Copy + Debug + Default + PartialEq + Send + Sync + 'static {
    /// What a row brings: as small as it can be, since it is moved with the row at every level of a tree.
    type Unit: Copy + Debug + Default + Send + Sync + 'static;

    /// What the absolute values of either lane must sum to less than.
    const LIMIT: f64;
    /// The largest absolute value of a row in either lane.
    const LARGEST: f64;

    /// A row's units; `hess` is not negative.
    fn unit(grad: i64, hess: i64) -> Self::Unit;
    /// The sum of one row.
    fn of(unit: Self::Unit) -> Self;
    /// The sum.
    fn plus(self, other: Self) -> Self;
    /// The difference; `other` is a part of `self`.
    fn minus(self, other: Self) -> Self;
    /// Units of gradient.
    fn grad(self) -> i64;
    /// Units of hessian.
    fn hess(self) -> i64;
}

/// What a row brings to a [`Packed`] sum.
pub(crate) trait Packable:
    Copy + Debug + Default + PartialEq + Send + Sync + 'static
{
    /// The largest absolute value of either lane.
    const LARGEST: f64;
    /// Both lanes in one piece.
    fn pack(grad: i64, hess: i64) -> Self;
    /// Both lanes as a sum of one row.
    fn unpack(self) -> u64;
}

/// 16 bits a lane.
impl Packable for u32 {
    const LARGEST: f64 = 32_767.0;

    #[inline(always)]
    fn pack(grad: i64, hess: i64) -> Self {
        Self::from((grad as i16).cast_unsigned()) << 16 | Self::from(hess as u16)
    }

    #[inline(always)]
    fn unpack(self) -> u64 {
        let grad = i64::from(self.cast_signed() >> 16) << 32;
        grad.cast_unsigned().wrapping_add(u64::from(self & 0xffff))
    }
}

/// 32 bits a lane, the upper one first.
impl Packable for [u32; 2] {
    const LARGEST: f64 = 2_147_483_647.0;

    #[inline(always)]
    fn pack(grad: i64, hess: i64) -> Self {
        [(grad as i32).cast_unsigned(), hess as u32]
    }

    #[inline(always)]
    fn unpack(self) -> u64 {
        u64::from(self[0]) << 32 | u64::from(self[1])
    }
}

/// Two 32-bit lanes in one word: one addition for both. `U` is what a row brings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Packed<U>(u64, PhantomData<U>);

impl<U: Packable> Cell for Packed<U> {
    type Unit = U;

    const LIMIT: f64 = 2_147_483_648.0;
    const LARGEST: f64 = U::LARGEST;

    #[inline(always)]
    fn unit(grad: i64, hess: i64) -> U {
        U::pack(grad, hess)
    }

    #[inline(always)]
    fn of(unit: U) -> Self {
        Self(unit.unpack(), PhantomData)
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0), PhantomData)
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0), PhantomData)
    }

    #[inline(always)]
    fn grad(self) -> i64 {
        self.0.cast_signed() >> 32
    }

    #[inline(always)]
    fn hess(self) -> i64 {
        i64::from(self.0 as u32)
    }
}

/// Two 64-bit lanes, for losses whose gradients differ by more than 32 bits can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Wide {
    grad: i64,
    hess: i64,
}

impl Cell for Wide {
    type Unit = Self;

    const LIMIT: f64 = 4_611_686_018_427_387_904.0;
    // Up to here `quantise` rounds exactly.
    const LARGEST: f64 = 1_125_899_906_842_624.0;

    #[inline(always)]
    fn unit(grad: i64, hess: i64) -> Self {
        Self { grad, hess }
    }

    #[inline(always)]
    fn of(unit: Self) -> Self {
        unit
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self {
            grad: self.grad.wrapping_add(other.grad),
            hess: self.hess.wrapping_add(other.hess),
        }
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        Self {
            grad: self.grad.wrapping_sub(other.grad),
            hess: self.hess.wrapping_sub(other.hess),
        }
    }

    #[inline(always)]
    fn grad(self) -> i64 {
        self.grad
    }

    #[inline(always)]
    fn hess(self) -> i64 {
        self.hess
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Packable, Packed};

    fn lanes_do_not_touch<U: Packable>(largest: i64) {
        let of = |grad, hess| Packed::<U>::of(U::pack(grad, hess));
        let a = of(-5, 7);
        let b = of(3, largest);
        let sum = a.plus(b);
        assert_eq!((sum.grad(), sum.hess()), (-2, largest + 7));
        assert_eq!(sum.minus(b), a);
        assert_eq!((a.grad(), a.hess()), (-5, 7));
        let c = of(-largest, 0).plus(of(largest, largest));
        assert_eq!((c.grad(), c.hess()), (0, largest));
    }

    #[test]
    fn lanes_of_a_packed_cell_do_not_touch() {
        lanes_do_not_touch::<u32>(32_767);
        lanes_do_not_touch::<[u32; 2]>(i64::from(i32::MAX) - 7);
    }
}
