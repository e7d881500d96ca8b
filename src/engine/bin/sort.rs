//! Values as keys that sort as they do, and the sort.
//!
//! Invariant: the sort is stable, so that weights are added up in the order of the rows.

/// Bits of a key that are sorted by at a time: three passes, and counts that stay in the first-level cache.
const DIGIT_BITS: u32 = 11;

/// Values of as many bits.
const DIGITS: usize = 1 << DIGIT_BITS;

/// Fewer items than this are sorted faster by comparing them.
const FEW: usize = 1024;

/// Sorts by a 32-bit key, a few bits at a time from the lowest, keeping the order of equal keys.
pub(super) fn sort_by_key<T: Copy + Default>(items: &mut Vec<T>, key: impl Fn(T) -> u32) {
    if items.len() <= FEW {
        items.sort_by_key(|&item| key(item));
        return;
    }
    let mut sorted = vec![T::default(); items.len()];
    for shift in (0..u32::BITS).step_by(DIGIT_BITS as usize) {
        let digit = |item: T| (key(item) >> shift) as usize % DIGITS;
        let mut next = [0_u32; DIGITS];
        for &item in items.iter() {
            next[digit(item)] += 1;
        }
        if next.contains(&(items.len() as u32)) {
            continue;
        }
        let mut begin = 0;
        for next in &mut next {
            begin += std::mem::replace(next, begin);
        }
        for &item in items.iter() {
            let next = &mut next[digit(item)];
            sorted[*next as usize] = item;
            *next += 1;
        }
        std::mem::swap(items, &mut sorted);
    }
}

/// A key that sorts as the number does; both zeros have the same.
pub(super) fn ordered(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    if bits >> 31 == 0 {
        bits | 1 << 31
    } else {
        !bits
    }
}

pub(super) fn unordered(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 {
        key & !(1 << 31)
    } else {
        !key
    })
}
