//! Values become bytes: how many of the model's own thresholds of that feature a value reaches.
//!
//! Invariants: a column has at most 255 thresholds, ascending and different, none of them NaN; `value >= thresholds[k]`
//! exactly if `code(value) > k`. A missing value has code 0 where splits send it left, and the highest code where they
//! send it right. Codes are kept less 128, as signed bytes, since that is what vectors compare in one instruction.
//!
//! A code is found in a few steps: a straight line from the lowest threshold to the highest gives a bucket, and the
//! bucket what lies below it. Rounding cannot make it wrong, since rounding keeps order: a threshold of a later bucket
//! is above the value, one of an earlier bucket is not.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined is compiled without the caller's instruction set"
)]

use super::lanes::LANES;

/// The most thresholds of a column, so that a code fits a byte.
pub(super) const MAX_THRESHOLDS: usize = 255;

/// Buckets of a column: enough that few hold more than three thresholds, few enough for the first-level cache.
const BUCKETS: usize = 512;

/// Adding it to a number below 2^22 leaves the number, rounded, in the lowest bits.
const ROUNDING: f32 = 8_388_608.0;

/// One column's thresholds.
#[derive(Clone, Debug)]
pub(super) struct ColumnCodes {
    /// As many as `n`, then NaN, which no value reaches.
    thresholds: Vec<f32>,
    n: u8,
    lowest: f32,
    scale: f32,
    /// Thresholds of earlier buckets, by bucket.
    starts: Vec<u8>,
    /// Steps of the search within a bucket.
    steps: u32,
}

impl ColumnCodes {
    /// A column of at most [`MAX_THRESHOLDS`] thresholds, as the module asks for.
    pub(super) fn new(mut thresholds: Vec<f32>) -> Self {
        let n = thresholds.len();
        let finite = || thresholds.iter().filter(|it| it.is_finite());
        let lowest = finite().next().copied().unwrap_or(0.0);
        let range = finite().next_back().copied().unwrap_or(0.0) - lowest;
        let scale = (BUCKETS - 1) as f32 / range;
        let mut column = Self {
            thresholds: Vec::new(),
            n: n as u8,
            lowest,
            scale: if scale.is_finite() { scale } else { 0.0 },
            starts: Vec::new(),
            steps: 0,
        };
        let mut counts = vec![0_u32; BUCKETS];
        for &threshold in &thresholds {
            counts[column.bucket(threshold)] += 1;
        }
        let mut below = 0;
        column.starts.extend(counts.iter().map(|&count| {
            let start = below;
            below += count;
            start as u8
        }));
        let fullest = counts.into_iter().max().unwrap_or(0);
        column.steps = u32::BITS - fullest.leading_zeros();
        thresholds.resize(n + (1 << column.steps), f32::NAN);
        column.thresholds = thresholds;
        column
    }

    /// Whether there is nothing to code.
    pub(super) fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The `k` of a threshold, less 128.
    pub(super) fn threshold_code(&self, threshold: f32) -> i8 {
        let known = &self.thresholds[..usize::from(self.n)];
        signed(known.partition_point(|&it| it < threshold) as u8)
    }

    /// The codes of `values`, missing ones as below every threshold.
    #[inline(always)]
    pub(super) fn encode(&self, values: &[f32; LANES], codes: &mut [i8; LANES]) {
        let mut found = [0_u32; LANES];
        for (found, &value) in found.iter_mut().zip(values) {
            *found = self.bucket(value) as u32;
        }
        let starts: &[u8] = &self.starts[..BUCKETS];
        for found in &mut found {
            *found = u32::from(starts[*found as usize % BUCKETS]);
        }
        for step in (0..self.steps).rev() {
            let step = 1_u32 << step;
            for (found, &value) in found.iter_mut().zip(values) {
                let threshold = self.thresholds[(*found + step - 1) as usize];
                *found += step * u32::from(value >= threshold);
            }
        }
        for (code, found) in codes.iter_mut().zip(found) {
            *code = signed(found as u8);
        }
    }

    /// The codes of `values` where `codes` has them with missing ones low: missing ones become the highest.
    #[inline(always)]
    pub(super) fn encode_missing_high(
        &self,
        values: &[f32; LANES],
        codes: &[i8; LANES],
        high: &mut [i8; LANES],
    ) {
        let highest = signed(self.n);
        for ((high, &code), value) in high.iter_mut().zip(codes).zip(values) {
            *high = if value.is_nan() { highest } else { code };
        }
    }

    /// The bucket of a value; NaN is in the first.
    #[inline(always)]
    fn bucket(&self, value: f32) -> usize {
        let place = (value - self.lowest) * self.scale;
        // Not `clamp`: a comparison with NaN must give the first bucket.
        let place = if place > 0.0 { place } else { 0.0 };
        let last = (BUCKETS - 1) as f32;
        let place = if place < last { place } else { last };
        (place + ROUNDING).to_bits() as usize % BUCKETS
    }
}

fn signed(code: u8) -> i8 {
    (code ^ 0x80) as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes_of(thresholds: &[f32], values: &[f32]) -> Vec<u8> {
        let column = ColumnCodes::new(thresholds.to_vec());
        let mut found = Vec::new();
        for chunk in values.chunks(LANES) {
            let mut lanes = [f32::NAN; LANES];
            lanes[..chunk.len()].copy_from_slice(chunk);
            let mut codes = [0; LANES];
            column.encode(&lanes, &mut codes);
            found.extend(codes[..chunk.len()].iter().map(|&it| it as u8 ^ 0x80));
        }
        found
    }

    #[test]
    fn a_code_counts_the_thresholds_that_a_value_reaches() {
        let spread: Vec<f32> = (0..255).map(|it| (it as f32 * 0.37).sin() * 3.0).collect();
        let skewed: Vec<f32> = (0..255).map(|it| 1.07_f32.powi(it)).collect();
        let close: Vec<f32> = (0..255_u32)
            .map(|it| f32::from_bits(0x3f80_0000 + it))
            .collect();
        let odd = vec![
            f32::NEG_INFINITY,
            -f32::MAX,
            -1e-40,
            0.0,
            1.0,
            f32::MAX,
            f32::INFINITY,
        ];
        for mut thresholds in [spread, skewed, close, odd, vec![2.0], Vec::new()] {
            thresholds.sort_by(f32::total_cmp);
            thresholds.dedup();
            let mut values = vec![
                f32::NAN,
                f32::INFINITY,
                f32::NEG_INFINITY,
                0.0,
                -0.0,
                1e30,
                -1e30,
            ];
            for &it in &thresholds {
                values.extend([it, it.next_up(), it.next_down()]);
            }
            let expected: Vec<u8> = values
                .iter()
                .map(|value| thresholds.iter().filter(|&it| value >= it).count() as u8)
                .collect();
            assert_eq!(codes_of(&thresholds, &values), expected);
        }
    }
}
