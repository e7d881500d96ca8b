//! The natural logarithm of evaluations, several values at a time.
//!
//! Invariants: within 1e-13 of the true value, relative to it, for normal positive numbers, and exactly 0 for 1. There is
//! no branch and no call, so compilers make vectors of a loop over it.

/// The upper bits of the square root of one half, rounded down.
const ROOT_HALF: u64 = 0x3fe6_a09e << 32;

/// The bits of 1.
const ONE: u64 = 0x3ff0_0000 << 32;

/// Fraction bits of an `f64`.
const FRACTION: u64 = (1 << 52) - 1;

/// The bits of 2^52: below its fraction an unsigned number is a floating-point one.
const TWO_52: u64 = 0x4330_0000 << 32;

/// The logarithm of a normal positive number.
///
/// `x = 2^n m` with `m` about 1, and `ln m = 2 artanh(s)` for `s = (m - 1) / (m + 1)`, by its power series. Source:
/// Abramowitz and Stegun 4.1.27.
#[inline(always)]
pub(crate) fn ln(x: f64) -> f64 {
    let shifted = x.to_bits().wrapping_add(ONE - ROOT_HALF);
    let exponent = f64::from_bits(shifted >> 52 | TWO_52) - (4_503_599_627_370_496.0 + 1023.0);
    let m = f64::from_bits((shifted & FRACTION).wrapping_add(ROOT_HALF));
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let tail = 1.0 / 11.0 + z * (1.0 / 13.0 + z * (1.0 / 15.0 + z * (1.0 / 17.0)));
    let series = z * (1.0 / 3.0 + z * (1.0 / 5.0 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z * tail))));
    exponent * std::f64::consts::LN_2 + 2.0 * (s + s * series)
}

#[cfg(test)]
mod tests {
    use super::ln;

    #[test]
    fn is_the_logarithm_to_thirteen_digits() {
        for step in 1..200_000_u32 {
            let near_one = f64::from(step) * 1e-5;
            let anywhere = 1e-16 * 1.000_5_f64.powi(step as i32);
            for x in [near_one, anywhere, 1.0 - 1e-9 * f64::from(step)] {
                let off = (ln(x) - x.ln()).abs();
                assert!(off <= 1e-13 * x.ln().abs(), "ln {x} is off by {off}");
            }
        }
        assert_eq!(ln(1.0), 0.0);
    }
}
