//! The exponential function of gradients, several values at a time.
//!
//! Invariants: within 1.5 units in the last place of the true value from the smallest normal result to the largest, 0
//! and infinity beyond, NaN for NaN. There is no branch and no call, so compilers make vectors of a loop over it; and
//! since every step is one that IEEE 754 fixes, the bits do not depend on the processor or on its C library.

/// 1.5 times 2^23: an `f32` of this size has no bits for a fraction, so adding it rounds to a whole number.
const NO_FRACTION: f32 = 12_582_912.0;

/// Upper bits of ln 2: a product with a whole number of a few bits is exact.
const LN_2_HIGH: f32 = 0.693_359_4;

/// What [`LN_2_HIGH`] leaves of ln 2.
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `e` to the power `x`.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`, where Taylor's polynomial of degree 7 is off by 5e-9 at most.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Beyond these the result is 0 or infinite anyway.
    let x = x.clamp(-104.0, 89.5);
    let shifted = x * std::f32::consts::LOG2_E + NO_FRACTION;
    let n = shifted - NO_FRACTION;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let tail = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0));
    let square = 0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * tail));
    let power = 1.0 + (r + r * r * square);
    // In two steps, since 2^n itself may be beyond what an `f32` can hold where the result is not.
    let n = shifted.to_bits().wrapping_sub(NO_FRACTION.to_bits());
    let half = (n.cast_signed() >> 1).cast_unsigned();
    power * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// 2 to the power of a small whole number in two's complement.
#[inline(always)]
fn power_of_two(n: u32) -> f32 {
    f32::from_bits(n.wrapping_add(127) << 23)
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn is_within_one_and_a_half_units_in_the_last_place() {
        let mut worst = 0.0_f64;
        for step in -174_000..177_400_i32 {
            let x = step as f32 * 5e-4 + 1e-5;
            let exact = f64::from(x).exp();
            let unit = f64::from(f32::EPSILON) * 2.0_f64.powi(exact.log2().floor() as i32);
            worst = worst.max((f64::from(exp(x)) - exact).abs() / unit);
        }
        assert!(worst <= 1.5, "{worst} units in the last place");
    }

    #[test]
    fn ends_in_zero_infinity_and_not_a_number() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(-200.0), 0.0);
        assert_eq!(exp(89.0), f32::INFINITY);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert!(exp(f32::NAN).is_nan());
        let tiny = exp(-100.0);
        assert!((f64::from(tiny) / (-100.0_f64).exp() - 1.0).abs() < 0.02);
    }
}
