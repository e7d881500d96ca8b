//! Sampling of rows by their gradients: minimal variance sampling.
//!
//! A row of gradient `g` and hessian `h` has the size `r = √(g² + 0.1 h²)` and is seen with probability `p = min(1, r / u)`;
//! a row that is seen counts `1 / p` times, so that sums over any rows are right on average. `u` is where the probabilities
//! add up to the rows that a tree is to see: large gradients are all there, and of small ones few stand for many.
//!
//! Invariants: `u` is found from whole numbers, by rows in any order, and whether a row is seen depends on the seed, the
//! tree, the row and `u` alone, so threads do not show. The others are not looked at while the tree grows. A row without
//! gradient and hessian brings nothing, and is never seen.
//!
//! Source: Ibragimov and Gusev 2019, "Minimal Variance Sampling in Stochastic Gradient Boosting"; XGBoost 3.2
//! `src/tree/hist/sampler.cc`, whose sums in `f32` make `u` a little larger or smaller. Where fewer rows have gradients than
//! a tree is to see, XGBoost draws from them; here all are seen.

use crate::objective::GradientPair;
use crate::simd::{Kernel, dispatch};
use crate::threads::Threads;

use super::quantise::{BLOCK, Magnitude};
use super::sample::Draw;

/// What a hessian counts beside a gradient; XGBoost's.
const HESSIAN_WEIGHT: f64 = 0.1;

/// Rows that one thread takes at a time.
const ROWS_AT_A_TIME: usize = 8 * BLOCK;

/// Sizes are told apart by their upper bits: sign, exponent and seven bits of the fraction.
const LOWER_BITS: u32 = 16;

/// Sizes are not negative, so half of the upper bits' values do not occur.
const N_KINDS: usize = 1 << 15;

/// The size by which rows are sampled. `f64` holds the square of any `f32`.
#[inline(always)]
fn size(pair: GradientPair) -> f32 {
    let (grad, hess) = (f64::from(pair.grad), f64::from(pair.hess));
    (grad * grad + HESSIAN_WEIGHT * hess * hess).sqrt() as f32
}

/// From which size on a row is seen for certain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Threshold(f64);

impl Threshold {
    /// The threshold at which `share` of the rows of these gradients is seen; all that have a gradient where that is fewer.
    pub(crate) fn new(pairs: &[GradientPair], share: f32, threads: &Threads) -> Self {
        let n_seen = (pairs.len() as f64 * f64::from(share)) as usize;
        let parts = pairs.chunks(pairs.len().div_ceil(threads.n_threads()).max(1));
        let counted = threads.map(parts.collect(), Kinds::of);
        let kinds = counted
            .into_iter()
            .reduce(Kinds::plus)
            .unwrap_or_else(Kinds::none);
        let below = kinds.sums_below();
        let mut n_certain = 0_usize;
        for kind in (0..N_KINDS).rev() {
            let n_here = kinds.counts[kind] as usize;
            if n_here == 0 {
                continue;
            }
            let n_left = n_seen.saturating_sub(n_certain + n_here);
            if n_left > 0 && least_of(kind) * n_left as f64 >= below[kind] {
                n_certain += n_here;
                continue;
            }
            // Some of this kind are seen for certain, or none, or all and none of the next.
            let sizes = of_kind(pairs, kind, threads);
            let rest = Rest {
                below: below[kind],
                kind,
                mantissas: kinds.mantissas[kind],
                n_left: n_seen.saturating_sub(n_certain),
            };
            return rest.threshold(&sizes);
        }
        Self(0.0)
    }
}

/// What is left when all larger kinds are seen for certain.
struct Rest {
    /// The sum of all smaller kinds.
    below: f64,
    kind: usize,
    mantissas: u64,
    /// Rows that are still to be seen.
    n_left: usize,
}

impl Rest {
    /// The threshold, which is among the kind's `sizes`, largest first, or next to them.
    fn threshold(mut self, sizes: &[f32]) -> Threshold {
        // Rows of size 0 bring nothing, and are not waited for.
        for &size in sizes.iter().take_while(|it| **it > 0.0) {
            let sum = self.below + value_of(self.kind, self.mantissas);
            let is_last = self.mantissas == mantissa(size) && self.below == 0.0;
            let is_certain = f64::from(size) * self.n_left as f64 >= sum;
            // The last row that is to be seen is certain only if it is the last that there is.
            if !is_certain || (self.n_left == 1 && !is_last) {
                return Threshold(sum / self.n_left as f64);
            }
            self.n_left -= 1;
            self.mantissas -= mantissa(size);
        }
        if self.below > 0.0 {
            Threshold(self.below / self.n_left as f64)
        } else {
            Threshold(0.0)
        }
    }
}

/// How many rows there are of each kind of size, and the sum of their sizes in units of the kind's exponent.
struct Kinds {
    counts: Vec<u32>,
    mantissas: Vec<u64>,
}

impl Kinds {
    fn none() -> Self {
        Self {
            counts: vec![0; N_KINDS],
            mantissas: vec![0; N_KINDS],
        }
    }

    fn of(pairs: &[GradientPair]) -> Self {
        let mut kinds = Self::none();
        for &pair in pairs {
            let size = size(pair);
            let kind = kind(size);
            kinds.counts[kind] += 1;
            kinds.mantissas[kind] += mantissa(size);
        }
        kinds
    }

    fn plus(mut self, other: Self) -> Self {
        for (sum, more) in self.counts.iter_mut().zip(other.counts) {
            *sum += more;
        }
        for (sum, more) in self.mantissas.iter_mut().zip(other.mantissas) {
            *sum += more;
        }
        self
    }

    /// For each kind the sum of all that are smaller.
    fn sums_below(&self) -> Vec<f64> {
        let mut sum = 0.0;
        let kinds = self.mantissas.iter().enumerate();
        kinds
            .map(|(kind, &mantissas)| {
                let below = sum;
                sum += value_of(kind, mantissas);
                below
            })
            .collect()
    }
}

#[inline(always)]
fn kind(size: f32) -> usize {
    (size.to_bits() >> LOWER_BITS) as usize
}

/// The smallest size of a kind.
fn least_of(kind: usize) -> f64 {
    f64::from(f32::from_bits((kind as u32) << LOWER_BITS))
}

/// Fraction bits of an `f32`.
const FRACTION_BITS: u32 = 23;

/// A size in units of its exponent.
#[inline(always)]
fn mantissa(size: f32) -> u64 {
    let bits = size.to_bits();
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    let implied = u32::from(bits >> FRACTION_BITS != 0) << FRACTION_BITS;
    u64::from(fraction | implied)
}

/// What units of a kind's exponent are worth.
fn value_of(kind: usize, mantissas: u64) -> f64 {
    let exponent = (kind >> (FRACTION_BITS - LOWER_BITS)).max(1) as i32;
    mantissas as f64 * 2.0_f64.powi(exponent - 127 - FRACTION_BITS as i32)
}

/// The sizes of a kind, largest first.
fn of_kind(pairs: &[GradientPair], wanted: usize, threads: &Threads) -> Vec<f32> {
    let parts = pairs.chunks(ROWS_AT_A_TIME).collect();
    let found = threads.map(parts, |pairs: &[GradientPair]| {
        let sizes = pairs.iter().map(|&pair| size(pair));
        let sizes = sizes.filter(|&it| kind(it) == wanted);
        sizes.map(f32::to_bits).collect::<Vec<_>>()
    });
    let mut bits = found.concat();
    threads.sort(&mut bits);
    bits.into_iter().rev().map(f32::from_bits).collect()
}

/// The rows that a tree sees, with what they count.
#[derive(Debug, Default)]
pub(crate) struct Sampled {
    /// `(n_rows,)`: the pairs of rows that are seen, as often as they count; zero for the others.
    pub(crate) pairs: Vec<GradientPair>,
    /// `(n_rows,)`: how often rows count that are seen; 0 for the others.
    pub(crate) counts: Vec<f32>,
    pub(crate) magnitude: Magnitude,
}

impl Sampled {
    /// Draws rows of these gradients, `(n_rows,)`.
    pub(crate) fn fill(
        &mut self,
        pairs: &[GradientPair],
        threshold: Threshold,
        draw: Draw,
        threads: &Threads,
    ) {
        self.pairs.resize(pairs.len(), GradientPair::default());
        self.counts.resize(pairs.len(), 0.0);
        let parts = pairs
            .chunks(ROWS_AT_A_TIME)
            .zip(self.pairs.chunks_mut(ROWS_AT_A_TIME))
            .zip(self.counts.chunks_mut(ROWS_AT_A_TIME))
            .enumerate();
        let magnitudes = threads.map(parts.collect(), |(part, ((from, pairs), counts))| {
            dispatch(
                threads.simd(),
                Sampling {
                    first: part * ROWS_AT_A_TIME,
                    from,
                    threshold,
                    draw,
                    pairs,
                    counts,
                },
            )
        });
        self.magnitude = Magnitude::default();
        for magnitude in magnitudes.iter().flatten() {
            self.magnitude.add(magnitude);
        }
    }
}

/// Draws the rows from `first` on, and gives the magnitudes of their blocks.
struct Sampling<'s> {
    first: usize,
    from: &'s [GradientPair],
    threshold: Threshold,
    draw: Draw,
    pairs: &'s mut [GradientPair],
    counts: &'s mut [f32],
}

impl Kernel for Sampling<'_> {
    type Output = Vec<Magnitude>;

    #[inline(always)]
    fn run(self) -> Vec<Magnitude> {
        let rows = self.from.iter().zip(&mut *self.pairs).zip(self.counts);
        for (offset, ((&from, pair), count)) in rows.enumerate() {
            let row = (self.first + offset) as u32;
            *count = count_of(size(from), self.threshold, self.draw.chance(row));
            *pair = GradientPair {
                grad: from.grad * *count,
                hess: from.hess * *count,
            };
        }
        let mut magnitudes = Vec::new();
        for block in self.pairs.chunks(BLOCK) {
            magnitudes.push(Magnitude::of(block));
        }
        magnitudes
    }
}

/// How often a row of this size counts that has drawn `chance`, in `[0, 1)`.
#[inline(always)]
fn count_of(size: f32, threshold: Threshold, chance: f64) -> f32 {
    let size = f64::from(size);
    if size == 0.0 {
        0.0
    } else if size >= threshold.0 {
        1.0
    } else if chance * threshold.0 < size {
        (threshold.0 / size) as f32
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(grads: &[f32]) -> Vec<GradientPair> {
        let pair = |&grad: &f32| GradientPair { grad, hess: 0.0 };
        grads.iter().map(pair).collect()
    }

    /// The rows that a threshold makes a tree see, on average.
    fn expected(pairs: &[GradientPair], threshold: Threshold) -> f64 {
        let chance = |&pair: &GradientPair| match f64::from(size(pair)) {
            0.0 => 0.0,
            size => (size / threshold.0).min(1.0),
        };
        pairs.iter().map(chance).sum()
    }

    #[test]
    fn probabilities_add_up_to_the_rows_that_a_tree_is_to_see() {
        let mut state = 7_u64;
        let mut next = || {
            state = super::super::sample::mix(state);
            state
        };
        for case in 0..400 {
            let n_rows = 2 + (next() % 60) as usize;
            // Few sizes and ties, sizes of all scales, or sizes next to each other.
            let grads: Vec<f32> = (0..n_rows)
                .map(|_| match case % 4 {
                    0 => (next() % 4) as f32,
                    1 => 2.0_f32.powi((next() % 200) as i32 - 100),
                    2 => 1.0 + (next() % 300) as f32 * 1e-4,
                    _ => (next() % 1000) as f32 / 7.0 - 60.0,
                })
                .collect();
            let pairs = pairs(&grads);
            for share in [0.1, 0.35, 0.5, 0.9] {
                let wanted = (n_rows as f64 * f64::from(share)) as usize;
                let n_some = grads.iter().filter(|&&it| it != 0.0).count();
                let threshold = Threshold::new(&pairs, share, &Threads::single());
                let seen = expected(&pairs, threshold);
                if wanted == 0 {
                    assert_eq!(seen, 0.0, "{grads:?} {share}");
                    continue;
                }
                let wanted = wanted.min(n_some) as f64;
                assert!(
                    (seen - wanted).abs() < 1e-6 * wanted + 1e-9,
                    "{grads:?} {share}: {seen}"
                );
            }
        }
    }

    #[test]
    fn the_threshold_does_not_depend_on_threads() {
        let grads: Vec<f32> = (0..70_000_u32)
            .map(|row| (row.wrapping_mul(2_654_435_761) >> 8) as f32 * 1e-4 - 700.0)
            .collect();
        let pairs = pairs(&grads);
        let one = Threshold::new(&pairs, 0.3, &Threads::single());
        for n_threads in [2, 3, 8] {
            let threads = Threads::new(Some(n_threads)).unwrap();
            assert_eq!(Threshold::new(&pairs, 0.3, &threads), one, "{n_threads}");
        }
    }

    #[test]
    fn rows_count_as_often_as_they_are_not_seen() {
        let grads: Vec<f32> = (0..50_000).map(|row| (row % 100) as f32 / 10.0).collect();
        let pairs = pairs(&grads);
        let threads = Threads::single();
        let threshold = Threshold::new(&pairs, 0.2, &threads);
        let mut sampled = Sampled::default();
        sampled.fill(&pairs, threshold, Draw::new(3, 0, 0, 0), &threads);
        let n_seen = sampled.counts.iter().filter(|&&it| it > 0.0).count();
        assert!((9_700..10_300).contains(&n_seen), "{n_seen}");
        for (sums, slack) in [(1.0, 0.03), (-1.0, 0.03)] {
            let sum = |pairs: &[GradientPair]| -> f64 {
                let signed = pairs.iter().zip(&grads);
                signed
                    .map(|(pair, grad)| f64::from(pair.grad) * if *grad > 5.0 { 1.0 } else { sums })
                    .sum()
            };
            let (all, seen) = (sum(&pairs), sum(&sampled.pairs));
            assert!((seen - all).abs() <= slack * 250_000.0, "{seen} of {all}");
        }
        for (pair, (&from, &count)) in sampled.pairs.iter().zip(pairs.iter().zip(&sampled.counts)) {
            assert_eq!(pair.grad, from.grad * count);
            assert!(count == 0.0 || count >= 1.0);
        }
    }
}
