//! Rows through a model of 100 trees of depth 6: many, one, many at once from a table, and many with gaps.

use std::hint::black_box;

use criterion::Criterion;
use engine::booster::Predictor;
use engine::threads::Threads;

use crate::table::{N_FEATURES, binned, dense, rows};
use crate::train::boosted;

const N_ROWS: usize = 10_000;

pub(crate) fn bench(criterion: &mut Criterion) {
    let threads = Threads::single();
    let booster = boosted(&binned(dense(20_000, 0.1)), 100);
    let predictor = Predictor::new(&booster);
    let mut margins = vec![0.0; N_ROWS];
    for (name, missing) in [
        ("predict 10k x 28", 0.0),
        ("predict 10k x 28, 20 % missing", 0.2),
    ] {
        let (values, _) = rows(N_ROWS, missing);
        criterion.bench_function(name, |it| {
            it.iter(|| {
                let values = black_box(&values);
                predictor.predict_margin_into(values, N_FEATURES, &mut margins, &threads)
            });
        });
    }
    let (row, _) = rows(1, 0.0);
    criterion.bench_function("predict 1 x 28", |it| {
        it.iter(|| {
            let row = black_box(&row);
            predictor.predict_margin_into(row, N_FEATURES, &mut margins[..1], &threads)
        });
    });
    let table = dense(N_ROWS, 0.0);
    criterion.bench_function("predict a table of 10k x 28", |it| {
        it.iter(|| booster.predict_margin(black_box(&table), &threads));
    });
    criterion.bench_function("make a predictor of 100 trees", |it| {
        it.iter(|| Predictor::new(black_box(&booster)));
    });
}
