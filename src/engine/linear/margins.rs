//! What a linear model adds to the margins of a table by columns.
//!
//! Invariant: a row's sum takes the bias and then the features in their order, as a prediction from rows does, so that
//! both are the same bit for bit. What is 0 adds nothing, and may be left out.

use crate::booster::LinearModel;
use crate::threads::Threads;

use super::{Column, ColumnTable};

/// Rows that one thread takes at a time: their margins stay in a cache while all features are added to them.
const ROWS_AT_A_TIME: usize = 1 << 12;

/// Adds bias and features to `margins`, `(n_rows, n_groups)` row-major.
pub(crate) fn add_margins(
    table: &ColumnTable,
    linear: &LinearModel,
    (margins, n_groups): (&mut [f32], usize),
    threads: &Threads,
) {
    let parts = margins.chunks_mut(ROWS_AT_A_TIME * n_groups).enumerate();
    threads.for_each(parts.collect(), |(part, margins): (usize, &mut [f32])| {
        let first = part * ROWS_AT_A_TIME;
        let biases = linear.of(table.n_features(), n_groups);
        for row in margins.chunks_exact_mut(n_groups) {
            for (sum, bias) in row.iter_mut().zip(biases) {
                *sum += bias;
            }
        }
        for (feature, column) in table.columns().iter().enumerate() {
            let weights = linear.of(feature, n_groups);
            if weights.iter().any(|&it| it != 0.0) {
                add_column(column, weights, first, margins);
            }
        }
    });
}

/// Adds a feature to the margins of the rows from `first` on.
fn add_column(column: &Column, weights: &[f32], first: usize, margins: &mut [f32]) {
    let n_rows = margins.len() / weights.len();
    match (column, weights) {
        (Column::Whole(values), &[weight]) => {
            for (sum, value) in margins.iter_mut().zip(&values[first..]) {
                *sum += value * weight;
            }
        }
        (Column::Whole(values), weights) => {
            let rows = margins.chunks_exact_mut(weights.len());
            for (row, value) in rows.zip(&values[first..]) {
                for (sum, weight) in row.iter_mut().zip(weights) {
                    *sum += value * weight;
                }
            }
        }
        (Column::Listed { rows, values }, weights) => {
            let begin = rows.partition_point(|&row| (row as usize) < first);
            let entries = rows[begin..].iter().zip(&values[begin..]);
            for (&row, value) in entries.take_while(|(row, _)| (**row as usize) < first + n_rows) {
                let row = &mut margins[(row as usize - first) * weights.len()..][..weights.len()];
                for (sum, weight) in row.iter_mut().zip(weights) {
                    *sum += value * weight;
                }
            }
        }
    }
}
