//! How margins become predictions, and which margin stands for a prediction.

use super::exp::exp;

/// A link function's inverse, by what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// The margin is the prediction.
    Identity,
    /// A probability.
    Logistic,
    /// A positive number.
    Exponential,
    /// 1 for a positive margin, else 0.
    Step,
    /// A probability for each class.
    Softmax,
}

impl Link {
    /// Turns margins, `(n_rows, n_groups)` row-major, into predictions of the same shape, in place.
    #[inline(always)]
    pub(crate) fn transform(self, margins: &mut [f32], n_groups: usize) {
        match self {
            Self::Identity => {}
            Self::Logistic => {
                for margin in margins {
                    *margin = sigmoid(*margin);
                }
            }
            Self::Exponential => {
                for margin in margins {
                    *margin = exp(*margin);
                }
            }
            Self::Step => {
                for margin in margins {
                    *margin = if *margin > 0.0 { 1.0 } else { 0.0 };
                }
            }
            Self::Softmax => {
                softmax(margins, n_groups);
            }
        }
    }

    /// The margin that stands for a prediction; infinite or NaN if none does.
    pub(crate) fn margin(self, prediction: f32) -> f32 {
        match self {
            Self::Logistic => -(1.0 / prediction - 1.0).ln(),
            Self::Exponential => prediction.ln(),
            Self::Identity | Self::Step | Self::Softmax => prediction,
        }
    }

    /// The predictions that have a margin.
    pub(crate) fn allowed(self) -> &'static str {
        match self {
            Self::Logistic => "(0, 1)",
            Self::Exponential => "(0, ∞)",
            Self::Identity | Self::Step | Self::Softmax => "a finite number",
        }
    }
}

/// The logistic function; the exponent is cut where `exp` would overflow, as XGBoost does.
#[inline(always)]
pub(super) fn sigmoid(margin: f32) -> f32 {
    1.0 / (exp((-margin).min(88.7)) + 1.0 + 1e-16)
}

/// Rows whose probabilities are computed side by side.
const LANES: usize = 16;

/// Makes probabilities of margins, `(n_rows, n_groups)` row-major, each row by itself.
#[inline(always)]
pub(super) fn softmax(margins: &mut [f32], n_groups: usize) {
    let mut blocks = margins.chunks_exact_mut(LANES * n_groups);
    for block in &mut blocks {
        softmax_of_lanes(block, n_groups);
    }
    for row in blocks.into_remainder().chunks_exact_mut(n_groups) {
        softmax_of_row(row);
    }
}

/// As [`softmax_of_row`] for [`LANES`] rows: one class of all rows after the other, so that there are vectors whatever
/// the number of classes.
#[inline(always)]
fn softmax_of_lanes(rows: &mut [f32], n_groups: usize) {
    let mut largest = [f32::NEG_INFINITY; LANES];
    for (row, largest) in rows.chunks_exact(n_groups).zip(&mut largest) {
        for &margin in row {
            *largest = largest.max(margin);
        }
    }
    let mut sums = [0.0_f64; LANES];
    for group in 0..n_groups {
        let mut powers = [0.0_f32; LANES];
        for (lane, power) in powers.iter_mut().enumerate() {
            *power = rows[lane * n_groups + group];
        }
        for ((power, largest), sum) in powers.iter_mut().zip(&largest).zip(&mut sums) {
            *power = exp(*power - *largest);
            *sum += f64::from(*power);
        }
        for (lane, power) in powers.iter().enumerate() {
            rows[lane * n_groups + group] = *power;
        }
    }
    for (row, &sum) in rows.chunks_exact_mut(n_groups).zip(&sums) {
        for power in row {
            *power /= sum as f32;
        }
    }
}

/// Makes probabilities of one row's margins.
#[inline(always)]
fn softmax_of_row(row: &mut [f32]) {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0_f64;
    for margin in row.iter_mut() {
        *margin = exp(*margin - largest);
        sum += f64::from(*margin);
    }
    for margin in row.iter_mut() {
        *margin /= sum as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_side_by_side_get_the_bits_that_each_gets_alone() {
        for n_groups in [2, 3, 7, 40] {
            let margins: Vec<f32> = (0..(2 * LANES + 5) * n_groups)
                .map(|it| (it * 7919 % 1013) as f32 / 37.0 - 13.0)
                .collect();
            let (mut together, mut alone) = (margins.clone(), margins);
            softmax(&mut together, n_groups);
            alone.chunks_exact_mut(n_groups).for_each(softmax_of_row);
            assert_eq!(together, alone);
        }
    }
}
