//! Every metric over predictions in memory; those of classes over three columns.

use std::hint::black_box;

use criterion::Criterion;
use engine::metric::Metric;

use crate::table::rows;

const N_ROWS: usize = 100_000;
const N_CLASSES: usize = 3;

pub(crate) fn bench(criterion: &mut Criterion) {
    let (values, labels) = rows(N_ROWS, 0.0);
    for metric in Metric::ALL {
        let n_groups = if metric.accepts_groups(1) {
            1
        } else {
            N_CLASSES
        };
        let predictions = &values[..N_ROWS * n_groups];
        criterion.bench_function(&format!("{metric} of 100k"), |it| {
            it.iter(|| metric.evaluate(black_box(predictions), &labels, None));
        });
    }
}
