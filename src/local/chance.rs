//! Numbers by chance that follow from a seed.

/// A number that looks random (splitmix64).
pub(crate) fn next_number(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A number from 0 to below 1.
pub(crate) fn even(state: &mut u64) -> f64 {
    // 53 bits, as many as a double has.
    (next_number(state) >> 11) as f64 / (1_u64 << 53) as f64
}
