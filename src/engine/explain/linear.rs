//! Contributions of a linear model: the products themselves, without what rows start from.

use crate::booster::{Booster, LinearModel};
use crate::dataset::Dataset;
use crate::threads::Threads;

/// `(n_rows, n_groups, n_features + 1)`; a missing value adds nothing.
pub(super) fn contributions(
    booster: &Booster,
    linear: &LinearModel,
    data: &Dataset,
    threads: &Threads,
) -> Vec<f64> {
    let (n_features, n_groups) = (booster.n_features(), booster.n_groups());
    let width = n_groups * (n_features + 1);
    let mut out = vec![0.0; data.n_rows() * width];
    let block_rows = 64;
    let tasks: Vec<_> = out.chunks_mut(block_rows * width).enumerate().collect();
    threads.for_each(tasks, |(block, out)| {
        let mut values = Vec::new();
        let first = block * block_rows;
        data.copy_rows(first..first + out.len() / width, &mut values);
        let n_known = data.n_features();
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            let values = &values[row * n_known..(row + 1) * n_known];
            for (group, out) in out.chunks_exact_mut(n_features + 1).enumerate() {
                let weight = |feature| f64::from(linear.of(feature, n_groups)[group]);
                for (feature, &value) in values.iter().enumerate().filter(|it| !it.1.is_nan()) {
                    out[feature] = f64::from(value) * weight(feature);
                }
                out[n_features] = weight(n_features);
            }
        }
    });
    out
}

/// A linear model's features do nothing together, so each has its contribution on the diagonal.
pub(super) fn interactions(contributions: &[f64], n_columns: usize) -> Vec<f64> {
    let mut out = vec![0.0; contributions.len() * n_columns];
    for (place, &value) in contributions.iter().enumerate() {
        out[place * n_columns + place % n_columns] = value;
    }
    out
}
