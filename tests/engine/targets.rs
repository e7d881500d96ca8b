//! Several targets: each is what a booster of its own would be, and metrics are means over all of them.

use std::ops::ControlFlow;
use std::sync::Arc;

use engine::bin::{BinnedDataset, HistogramCuts};
use engine::booster::{NamedData, RoundReport, TrainError, Trained, train};
use engine::dataset::{Dataset, SideColumns};
use engine::metric::Metric;
use engine::model::{self, ModelFormat};
use engine::objective::ObjectiveName;
use engine::params::BoosterParams;
use engine::threads::Threads;
use linfa::ParamGuard;

use crate::table::{Shape, binned, params};

const N_TARGETS: usize = 3;

const SHAPE: Shape = Shape {
    n_rows: 900,
    n_features: 5,
    missing: 0.15,
    weighted: true,
};

fn with_targets() -> impl Iterator<Item = ObjectiveName> {
    ObjectiveName::ALL
        .iter()
        .copied()
        .filter(|it| it.has_targets())
}

/// One table of features with the labels of three: as a table of each, and of all.
fn tables(objective: ObjectiveName, seed: u64) -> (Vec<Dataset>, Dataset) {
    let first = SHAPE.table(objective, seed);
    let labels: Vec<Vec<f32>> = (0..N_TARGETS as u64)
        .map(|it| SHAPE.table(objective, seed + 100 * it).labels().to_vec())
        .collect();
    let alone = labels
        .iter()
        .map(|labels| with_labels(&first, labels))
        .collect();
    let further = (0..SHAPE.n_rows).flat_map(|row| labels[1..].iter().map(move |it| it[row]));
    let side = SideColumns {
        further_labels: Some(further.collect()),
        ..SideColumns::default()
    };
    (
        alone,
        first.with_side_columns(side).expect("they are as long"),
    )
}

fn with_labels(data: &Dataset, labels: &[f32]) -> Dataset {
    let row = |row: usize| (0..data.n_features()).map(move |it| data.value(row, it));
    let values: Vec<f32> = (0..data.n_rows()).flat_map(row).collect();
    let table = Dataset::from_rows(data.n_features(), &values, labels).expect("it was sound");
    let weights = data.weights().expect("the table is weighted").to_vec();
    table.with_weights(weights).expect("they are as many")
}

fn fit_on(params: &BoosterParams, sets: &[&BinnedDataset]) -> Result<Trained, TrainError> {
    let names = ["train", "validation"].into_iter();
    let sets: Vec<_> = names
        .zip(sets)
        .map(|(name, data)| NamedData { name, data })
        .collect();
    let params = params.check_ref().expect("they are sound");
    let mut on = |_: &RoundReport<'_>| ControlFlow::Continue(());
    train(params, &sets[0], &sets[1..], None, &mut on)
}

#[test]
fn each_target_is_predicted_as_by_a_booster_of_its_own() {
    let threads = Threads::new(Some(2)).unwrap();
    for objective in with_targets() {
        let (alone, together) = tables(objective, 1);
        let params = params(objective).num_round(6).max_depth(4);
        let cuts = Arc::new(HistogramCuts::from_dataset(&together, 64, &threads).unwrap());
        let bin = |data: Dataset| data.bin(&cuts, &threads).unwrap();
        let all = fit_on(&params, &[&bin(together.clone())]).unwrap().booster;
        assert_eq!((all.n_targets, all.n_rounds()), (3, 6), "{objective}");
        let margins = all.predict_margin(&together, &threads).unwrap();
        for (target, data) in alone.iter().enumerate() {
            let one = fit_on(&params, &[&bin(data.clone())]).unwrap().booster;
            let expected = one.predict_margin(data, &threads).unwrap();
            let found: Vec<f32> = margins[target..]
                .iter()
                .step_by(N_TARGETS)
                .copied()
                .collect();
            assert_eq!(found, expected, "{objective}, target {target}");
        }
        let bytes = model::save(&all, ModelFormat::Ubj);
        assert_eq!(model::load(&bytes).unwrap(), all, "{objective}");
        let predicted = all.predict(&together, &threads).unwrap();
        assert_eq!(predicted.len(), SHAPE.n_rows * N_TARGETS, "{objective}");
    }
}

#[test]
fn metrics_are_means_over_all_labels() {
    for metric in [Metric::Mae, Metric::Rmse, Metric::Mphe] {
        let objective = ObjectiveName::RegSquaredError;
        let (alone, together) = tables(objective, 5);
        let params = params(objective).num_round(3).eval_metrics(vec![metric]);
        let value = |data: Dataset| {
            let trained = fit_on(&params, &[&binned(data, 64)]).unwrap();
            trained.history[2][0].value
        };
        let squares = |it: f64| if metric == Metric::Rmse { it * it } else { it };
        let mean = alone.into_iter().map(|it| squares(value(it))).sum::<f64>() / 3.0;
        let found = squares(value(together));
        assert!(
            (found / mean - 1.0).abs() < 1e-9,
            "{metric}: {found} {mean}"
        );
    }
}

#[test]
fn the_booster_does_not_depend_on_threads() {
    let (_, together) = tables(ObjectiveName::BinaryLogistic, 3);
    let data = binned(together, 64);
    let sampled = params(ObjectiveName::BinaryLogistic)
        .num_round(5)
        .subsample(0.7)
        .colsample_bynode(0.6)
        .num_parallel_tree(2);
    let fit = |n: usize| {
        let booster = fit_on(&sampled.clone().nthread(Some(n)), &[&data])
            .unwrap()
            .booster;
        model::save(&booster, ModelFormat::Ubj)
    };
    let first = fit(1);
    for n in [2, 3, 8] {
        assert!(fit(n) == first, "{n} threads");
    }
}

#[test]
fn early_stopping_watches_the_mean_over_the_targets() {
    let objective = ObjectiveName::RegAbsoluteError;
    let threads = Threads::single();
    let (train, validation) = (tables(objective, 1).1, tables(objective, 2).1);
    let cuts = Arc::new(HistogramCuts::from_dataset(&train, 64, &threads).unwrap());
    let sets = [train, validation].map(|it| it.bin(&cuts, &threads).unwrap());
    let params = params(objective)
        .num_round(300)
        .early_stopping_rounds(Some(3));
    let trained = fit_on(&params, &[&sets[0], &sets[1]]).unwrap();
    let best = trained.best.unwrap();
    let values: Vec<f64> = trained.history.iter().map(|it| it[1].value).collect();
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(
        (best.value, trained.booster.n_rounds()),
        (lowest, best.round as usize + 1)
    );
    assert_eq!(
        trained.booster.trees.len(),
        N_TARGETS * trained.booster.n_rounds()
    );
}

#[test]
fn rows_keep_all_of_their_labels_when_they_are_selected() {
    let (_, together) = tables(ObjectiveName::RegSquaredError, 1);
    let data = binned(together, 64);
    let labels = data.label_matrix().into_owned();
    let rows: Vec<u32> = (0..SHAPE.n_rows as u32).rev().step_by(7).collect();
    let some = data.select(&rows, &Threads::single());
    let expected: Vec<f32> = rows
        .iter()
        .flat_map(|&row| labels[row as usize * N_TARGETS..][..N_TARGETS].to_vec())
        .collect();
    assert_eq!(
        (some.n_targets(), some.label_matrix().as_ref()),
        (3, expected.as_slice())
    );
}

#[test]
fn what_does_not_go_with_several_targets_is_refused() {
    let (alone, together) = tables(ObjectiveName::RegSquaredError, 1);
    let (one, three) = (binned(alone[0].clone(), 64), binned(together, 64));
    let squared = params(ObjectiveName::RegSquaredError).num_round(2);
    let said = |result: Result<Trained, TrainError>| result.unwrap_err().to_string();
    let ranking = params(ObjectiveName::RegQuantileError).num_round(2);
    assert!(
        said(fit_on(&ranking, &[&three]))
            .starts_with("`train` has 3 labels a row, which do not go with `reg:quantileerror`, allowed are reg:squarederror,")
    );
    assert_eq!(
        said(fit_on(&squared, &[&three, &one])),
        "`validation` has 1 labels a row, expected 3 as in the training set"
    );
    let margins = vec![0.5; SHAPE.n_rows];
    let short = three.clone().with_base_margin(margins).unwrap();
    assert_eq!(
        said(fit_on(&squared, &[&short])),
        "`train`: base margin has 900 entries, expected 2700"
    );
    let start = fit_on(&squared, &[&one]).unwrap().booster;
    let margins = vec![0.5; SHAPE.n_rows * N_TARGETS];
    let sets = [three.with_base_margin(margins).unwrap()];
    let named = NamedData {
        name: "train",
        data: &sets[0],
    };
    let mut on = |_: &RoundReport<'_>| ControlFlow::Continue(());
    let params = squared.check_ref().unwrap();
    let refused = train(params, &named, &[], Some(&start), &mut on);
    assert_eq!(
        said(refused),
        "the booster to continue from has num_target `1`, the parameters ask for `3`"
    );
}
