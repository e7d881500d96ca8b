//! What a histogram adds up: a gradient and a hessian in units.
//!
//! Invariant: whoever makes cells keeps the sums of absolute values below `LIMIT`; then no addition and no subtraction
//! of a part from its whole can overflow, and lanes never touch each other.

/// A pair of sums.
pub(crate) trait Cell: Copy + Default + PartialEq + Send + Sync + 'static {
    /// What the absolute values of either lane must sum to less than.
    const LIMIT: f64;

    /// A cell of these units; `hess` is not negative.
    fn new(grad: i64, hess: i64) -> Self;
    /// The sum.
    fn plus(self, other: Self) -> Self;
    /// The difference; `other` is a part of `self`.
    fn minus(self, other: Self) -> Self;
    /// Units of gradient.
    fn grad(self) -> i64;
    /// Units of hessian.
    fn hess(self) -> i64;
}

/// Two 32-bit lanes in one word: one addition for both.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Packed(u64);

impl Cell for Packed {
    const LIMIT: f64 = 2_147_483_648.0;

    fn new(grad: i64, hess: i64) -> Self {
        Self(grad.cast_unsigned() << 32 | hess.cast_unsigned())
    }

    #[inline]
    fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    #[inline]
    fn minus(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }

    fn grad(self) -> i64 {
        self.0.cast_signed() >> 32
    }

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
    const LIMIT: f64 = 4_611_686_018_427_387_904.0;

    fn new(grad: i64, hess: i64) -> Self {
        Self { grad, hess }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            grad: self.grad + other.grad,
            hess: self.hess + other.hess,
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            grad: self.grad - other.grad,
            hess: self.hess - other.hess,
        }
    }

    fn grad(self) -> i64 {
        self.grad
    }

    fn hess(self) -> i64 {
        self.hess
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Packed};

    #[test]
    fn lanes_of_a_packed_cell_do_not_touch() {
        let a = Packed::new(-5, 7);
        let b = Packed::new(3, i64::from(i32::MAX) - 7);
        let sum = a.plus(b);
        assert_eq!((sum.grad(), sum.hess()), (-2, i64::from(i32::MAX)));
        assert_eq!(sum.minus(b), a);
        assert_eq!((a.grad(), a.hess()), (-5, 7));
    }
}
