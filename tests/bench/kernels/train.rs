//! From a table to a tree: cuts and bins, and one boosting round of depth 6.

use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{BatchSize, Criterion};
use engine::bin::BinnedDataset;
use engine::booster::{Booster, NamedData, RoundReport, train};
use engine::objective::ObjectiveName;
use engine::params::BoosterParams;
use linfa::ParamGuard;

use crate::table::{binned, dense, sparse};

const N_ROWS: usize = 100_000;

pub(crate) fn bench(criterion: &mut Criterion) {
    let table = dense(N_ROWS, 0.0);
    criterion.bench_function("bin 100k x 28", |it| {
        it.iter_batched(|| table.clone(), binned, BatchSize::LargeInput);
    });
    for (name, data) in [
        ("round 100k x 28", binned(table)),
        ("round 100k x 28, 20 % missing", binned(dense(N_ROWS, 0.2))),
        ("round 20k x 5000 sparse", binned(sparse(N_ROWS / 5))),
    ] {
        criterion.bench_function(name, |it| it.iter(|| boosted(black_box(&data), 1)));
    }
}

/// A model of so many trees of depth 6.
pub(crate) fn boosted(data: &BinnedDataset, n_rounds: u32) -> Booster {
    let params = BoosterParams::default()
        .objective(ObjectiveName::BinaryLogistic)
        .num_round(n_rounds)
        .nthread(Some(1));
    let params = params.check_ref().expect("the parameters are allowed");
    let named = NamedData {
        name: "train",
        data,
    };
    let mut to_the_end = |_: &RoundReport<'_>| ControlFlow::Continue(());
    train(params, &named, &[], None, &mut to_the_end)
        .expect("labels are 0 and 1")
        .booster
}
