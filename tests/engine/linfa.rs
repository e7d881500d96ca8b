//! linfa's traits over the booster: what is fitted through them is what training gives, and errors come out as errors.

use std::ops::ControlFlow;
use std::sync::Arc;

use engine::bin::HistogramCuts;
use engine::booster::{Booster, NamedData, RoundReport, train};
use engine::dataset;
use engine::estimator::FitError;
use engine::objective::ObjectiveName;
use engine::params::BoosterParams;
use engine::threads::Threads;
use linfa::prelude::*;
use ndarray::{Array1, Array2, Axis, s};

/// Records and a number that depends on the first two columns.
fn table(n_rows: usize) -> (Array2<f32>, Array1<f32>) {
    let cell = |(row, column): (usize, usize)| ((row * (7 + 4 * column)) % 101) as f32 / 10.0;
    let x = Array2::from_shape_fn((n_rows, 4), cell);
    let y = x.map_axis(Axis(1), |row| row[0] + if row[1] > 5.0 { 3.0 } else { 0.0 });
    (x, y)
}

fn params() -> BoosterParams {
    Booster::params().num_round(8).max_depth(3).nthread(Some(2))
}

fn predict(booster: &Booster, x: &Array2<f32>) -> Array1<f32> {
    Predict::predict(booster, x)
}

#[test]
fn fits_what_training_fits() {
    let (x, y) = table(5000);
    let rows: Vec<f32> = x.iter().copied().collect();
    let weights: Vec<f32> = (0..5000).map(|row| 1.0 + (row % 3) as f32).collect();
    let data = dataset::Dataset::from_rows(4, &rows, y.as_slice().unwrap())
        .unwrap()
        .with_weights(weights.clone())
        .unwrap();
    let checked = params().check().unwrap();
    let threads = Threads::single();
    let cuts = HistogramCuts::from_dataset(&data, checked.max_bin(), &threads).unwrap();
    let binned = data.bin(&Arc::new(cuts), &threads).unwrap();
    let named = NamedData {
        name: "train",
        data: &binned,
    };
    let mut to_the_end = |_: &RoundReport<'_>| ControlFlow::Continue(());
    let mut expected = train(&checked, &named, &[], None, &mut to_the_end)
        .unwrap()
        .booster;

    let data = Dataset::new(x.clone(), y.clone()).with_weights(Array1::from(weights));
    let found = params().fit(&data).unwrap();
    assert_eq!(found, expected);
    // A view of doubles with another layout is the same table.
    let transposed = x.t().mapv(f64::from);
    let data = Dataset::new(transposed.t().to_owned(), y).with_weights(data.weights.clone());
    let named_data = data.with_feature_names(vec!["a", "b", "c", "d"]);
    expected.feature_names = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    assert_eq!(params().fit(&named_data).unwrap(), expected);
}

#[test]
fn weights_move_the_fit() {
    let x = Array2::from_shape_fn((40, 1), |(row, _)| (row % 2) as f32);
    let y = Array1::from_shape_fn(40, |row| if row < 20 { 0.0_f32 } else { 1.0 });
    let weights = Array1::from_shape_fn(40, |row| if row < 20 { 0.0_f32 } else { 1.0 });
    let data = Dataset::new(x.clone(), y).with_weights(weights);
    let predictions = predict(&params().fit(&data).unwrap(), &x);
    assert!(
        predictions.iter().all(|&it| (it - 1.0).abs() < 1e-6),
        "{predictions}"
    );
}

#[test]
fn goes_on_where_a_booster_stopped() {
    let (x, y) = table(3000);
    let data = Dataset::new(x, y);
    let first = params().num_round(3).fit(&data).unwrap();
    let continued = params()
        .num_round(5)
        .fit_with(Some(first.clone()), &data)
        .unwrap();
    assert_eq!(continued.trees[..3], first.trees);
    assert_eq!(continued, params().num_round(8).fit(&data).unwrap());
    assert_eq!(params().num_round(3).fit_with(None, &data).unwrap(), first);
}

#[test]
fn predicts_classes_of_the_target_type() {
    let (x, y) = table(2000);
    let params = params().num_round(30);
    let is_large = y.mapv(|it| it > 7.0);
    let binary = params.clone().objective(ObjectiveName::BinaryLogistic);
    let booster = binary
        .fit(&Dataset::new(x.clone(), is_large.clone()))
        .unwrap();
    let found: Array1<bool> = Predict::predict(&booster, &x);
    let n_right = found.iter().zip(&is_large).filter(|(a, b)| a == b).count();
    assert!(n_right > 1990, "{n_right} of 2000");

    let grade = y.mapv(|it| (it / 5.0) as usize);
    let multi = params.objective(ObjectiveName::MultiSoftprob).num_class(3);
    let booster = multi.fit(&Dataset::new(x.clone(), grade.clone())).unwrap();
    let found: Array1<usize> = Predict::predict(&booster, &x);
    let n_right = found.iter().zip(&grade).filter(|(a, b)| a == b).count();
    assert!(n_right > 1980, "{n_right} of 2000");
    let probabilities: Array2<f32> = Predict::predict(&booster, &x);
    assert_eq!(probabilities.dim(), (2000, 3));
    assert!(
        probabilities
            .sum_axis(Axis(1))
            .iter()
            .all(|it| (it - 1.0).abs() < 1e-5)
    );
}

#[test]
fn missing_values_are_nan() {
    let (mut x, y) = table(1000);
    x.slice_mut(s![..;3, 0]).fill(f32::NAN);
    let booster = params().fit(&Dataset::new(x.clone(), y.clone())).unwrap();
    let error = (predict(&booster, &x) - y).mapv(f32::abs).mean().unwrap();
    assert!(error < 1.0, "{error}");
}

#[test]
fn a_forest_is_one_round_of_many_different_trees() {
    let (x, y) = table(1000);
    let forest = Booster::random_forest(10)
        .max_depth(8)
        .fit(&Dataset::new(x.clone(), y.clone()))
        .unwrap();
    assert_eq!((forest.n_rounds(), forest.num_parallel_tree), (1, 10));
    assert_ne!(forest.trees[0], forest.trees[1]);
    let error = (predict(&forest, &x) - &y).mapv(f32::abs).mean().unwrap();
    assert!(error < 1.0, "{error}");
}

#[test]
fn errors_name_what_is_wrong() {
    let (x, y) = table(10);
    let message = |err: FitError| err.to_string();
    let data = Dataset::new(x.clone(), y.clone());
    let err = params().learning_rate(7.0).fit(&data).unwrap_err();
    assert_eq!(message(err), "`eta` is `7`, allowed is [0, 1]");
    let mut infinite = x.clone();
    infinite[[3, 2]] = f32::INFINITY;
    let err = message(
        params()
            .fit(&Dataset::new(infinite, y.clone()))
            .unwrap_err(),
    );
    assert!(err.starts_with("`records` row 3 column 2: `inf`"), "{err}");
    let err = params()
        .fit(&Dataset::new(x.clone(), y.slice(s![..9]).to_owned()))
        .unwrap_err();
    assert!(matches!(err, FitError::Linfa(_)), "{err}");
    let booster = params().fit(&data).unwrap();
    let narrow = Dataset::new(x.slice(s![.., ..3]).to_owned(), y);
    let err = message(params().fit_with(Some(booster), &narrow).unwrap_err());
    assert_eq!(
        err,
        "the data has 3 columns, the model was trained on 4; only a sparse table may have fewer"
    );
}

#[test]
#[should_panic(expected = "the data has 2 columns, the model was trained on 4")]
fn prediction_of_other_columns_panics_since_linfa_has_no_error_for_it() {
    let (x, y) = table(10);
    let booster = params().fit(&Dataset::new(x.clone(), y)).unwrap();
    predict(&booster, &x.slice(s![.., ..2]).to_owned());
}
