//! The two loops of coordinate descent over a column: the sums of its gradients, and the gradients after its weight changed.
//!
//! Invariant: products are rounded to `f32` and added up in `f64`, as XGBoost does it, but in [`LANES`] sums side by side
//! for each block of rows; blocks are added up in order.

use crate::objective::GradientPair;
use crate::simd::{Kernel, dispatch};
use crate::threads::Threads;

use super::Column;

/// Sums side by side.
const LANES: usize = 8;

/// Rows whose sums are one block's.
const BLOCK: usize = 1 << 14;

/// Gradient and hessian of a weight.
pub(super) type Sums = (f64, f64);

/// Rows of one block, where a column holds them all.
struct WholeSums<'a> {
    values: &'a [f32],
    pairs: &'a [GradientPair],
}

impl Kernel for WholeSums<'_> {
    type Output = Sums;

    #[inline(always)]
    fn run(self) -> Sums {
        let (mut grads, mut hesses) = ([0.0_f64; LANES], [0.0_f64; LANES]);
        let values = self.values.chunks(LANES);
        for (values, pairs) in values.zip(self.pairs.chunks(LANES)) {
            for lane in 0..values.len() {
                let (value, pair) = (values[lane], pairs[lane]);
                grads[lane] += f64::from(pair.grad * value);
                hesses[lane] += f64::from(pair.hess * value * value);
            }
        }
        (grads.iter().sum(), hesses.iter().sum())
    }
}

/// Rows of one block, where a column holds them all.
struct WholeChange<'a> {
    values: &'a [f32],
    step: f32,
    pairs: &'a mut [GradientPair],
}

impl Kernel for WholeChange<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (pair, &value) in self.pairs.iter_mut().zip(self.values) {
            pair.grad += pair.hess * value * self.step;
        }
    }
}

/// The sums of a column's gradients.
pub(super) fn sums(column: &Column, pairs: &[GradientPair], threads: &Threads) -> Sums {
    let simd = threads.simd();
    let of_blocks = match column {
        Column::Whole(values) => {
            let blocks = values.chunks(BLOCK).zip(pairs.chunks(BLOCK)).collect();
            threads.map(blocks, |(values, pairs)| {
                dispatch(simd, WholeSums { values, pairs })
            })
        }
        Column::Listed { rows, values } => {
            let blocks = rows.chunks(BLOCK).zip(values.chunks(BLOCK)).collect();
            threads.map(blocks, |(rows, values): (&[u32], &[f32])| {
                let mut sums = (0.0, 0.0);
                for (&row, &value) in rows.iter().zip(values) {
                    let pair = pairs[row as usize];
                    sums.0 += f64::from(pair.grad * value);
                    sums.1 += f64::from(pair.hess * value * value);
                }
                sums
            })
        }
    };
    add_up(of_blocks)
}

/// The sums of all rows' gradients, which are those of the bias.
pub(super) fn bias_sums(pairs: &[GradientPair], threads: &Threads) -> Sums {
    let of_blocks = threads.map(pairs.chunks(BLOCK).collect(), |pairs: &[GradientPair]| {
        pairs.iter().fold((0.0, 0.0), |sums, pair| {
            (sums.0 + f64::from(pair.grad), sums.1 + f64::from(pair.hess))
        })
    });
    add_up(of_blocks)
}

fn add_up(blocks: Vec<Sums>) -> Sums {
    let blocks = blocks.into_iter();
    blocks.fold((0.0, 0.0), |sum, it| (sum.0 + it.0, sum.1 + it.1))
}

/// Changes the gradients as a column's weight changes by `step`: to first order, by the hessians.
pub(super) fn change(column: &Column, step: f32, pairs: &mut [GradientPair], threads: &Threads) {
    if step == 0.0 {
        return;
    }
    let simd = threads.simd();
    match column {
        Column::Whole(values) => {
            let blocks = values.chunks(BLOCK).zip(pairs.chunks_mut(BLOCK)).collect();
            threads.for_each(blocks, |(values, pairs)| {
                dispatch(
                    simd,
                    WholeChange {
                        values,
                        step,
                        pairs,
                    },
                );
            });
        }
        Column::Listed { rows, values } => {
            for (&row, &value) in rows.iter().zip(values) {
                let pair = &mut pairs[row as usize];
                pair.grad += pair.hess * value * step;
            }
        }
    }
}

/// Changes the gradients as the bias changes by `step`.
pub(super) fn change_bias(step: f32, pairs: &mut [GradientPair], threads: &Threads) {
    if step == 0.0 {
        return;
    }
    let blocks = pairs.chunks_mut(BLOCK).collect();
    threads.for_each(blocks, |pairs: &mut [GradientPair]| {
        for pair in pairs {
            pair.grad += pair.hess * step;
        }
    });
}
