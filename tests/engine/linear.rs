//! Linear boosting against its definition, row by row; that every evaluation is the model's, and that threads do not show.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::ops::ControlFlow;

use engine::booster::{
    Booster, BoosterKind, LinearModel, NamedColumns, NamedData, RoundReport, TrainError, Trained,
    check_start, train, train_linear,
};
use engine::dataset::{Dataset, Origin, SideColumns, Tile, TileFeatures};
use engine::linear::ColumnTable;
use engine::model::{ModelFormat, load, save};
use engine::objective::{GradientPair, ObjectiveName};
use engine::params::{BoosterName, BoosterParams, FeatureSelector, Linear, LinearUpdater};
use engine::threads::Threads;
use linfa::ParamGuard;

use crate::table::{Shape, binned, params as params_of};
use crate::watched::{check_evaluations, measured, watched};

const SHAPE: Shape = Shape {
    n_rows: 600,
    n_features: 5,
    missing: 0.2,
    weighted: true,
};

fn linear(objective: ObjectiveName) -> BoosterParams {
    params_of(objective)
        .booster(BoosterName::GbLinear)
        .num_round(8)
        .seed(4)
}

fn selected(objective: ObjectiveName, feature_selector: FeatureSelector) -> BoosterParams {
    linear(objective).linear(Linear {
        updater: LinearUpdater::CoordDescent,
        feature_selector,
        ..Linear::default()
    })
}

/// Trains, and gives the booster after every round.
fn rounds(
    params: &BoosterParams,
    sets: &[ColumnTable],
    start: Option<&Booster>,
) -> Result<(Trained, Vec<Booster>), TrainError> {
    let named = ["train", "validation"]
        .into_iter()
        .zip(sets)
        .map(|(name, data)| NamedColumns { name, data });
    let sets: Vec<_> = named.collect();
    let params = params.check_ref().expect("the parameters are sound");
    watched(|monitor| train_linear(params, &sets[0], &sets[1..], start, monitor))
}

fn tables(objective: ObjectiveName) -> [Dataset; 2] {
    [1, 2].map(|seed| SHAPE.table(objective, seed))
}

fn columns(data: &[Dataset]) -> Vec<ColumnTable> {
    data.iter().cloned().map(ColumnTable::from).collect()
}

fn model(booster: &Booster) -> &LinearModel {
    match &booster.kind {
        BoosterKind::GbLinear(linear) => linear,
        BoosterKind::GbTree | BoosterKind::Dart { .. } => panic!("not linear"),
    }
}

#[test]
fn every_evaluation_is_that_of_the_booster_as_it_was_then() {
    for &objective in ObjectiveName::ALL {
        let data = tables(objective);
        let params = linear(objective).learning_rate(0.3);
        let seen = rounds(&params, &columns(&data), None).unwrap();
        check_evaluations(objective.as_str(), &seen, &data);
        let (trained, _) = seen;
        assert_eq!(trained.booster.n_rounds(), 8);
        let saved = load(&save(&trained.booster, ModelFormat::Json)).unwrap();
        assert_eq!(saved, trained.booster, "{objective}");
    }
}

/// One round, by the formulas: `weights` are `(n_features + 1, n_groups)` row-major, the biases last.
fn reference_round(
    params: &BoosterParams,
    booster: &Booster,
    data: &Dataset,
    (lambda, alpha): (f64, f64),
) -> Vec<f64> {
    let params = params.check_ref().unwrap();
    let threads = Threads::single();
    let (n_groups, n_features) = (booster.n_groups(), data.n_features());
    let margins = booster.predict_margin(data, &threads).unwrap();
    let mut pairs = vec![GradientPair::default(); margins.len()];
    let objective = &booster.objective;
    objective.gradients(&margins, &data.targets(), &mut pairs);
    let total: f64 = (0..data.n_rows())
        .map(|row| data.weights().map_or(1.0, |it| f64::from(it[row])))
        .sum();
    let (lambda, alpha) = (lambda * total, alpha * total);
    let eta = f64::from(params.learning_rate());
    let mut weights: Vec<f64> = model(booster).weights.iter().map(|&it| it.into()).collect();
    for group in 0..n_groups {
        let mut grads: Vec<(f64, f64)> = (0..data.n_rows())
            .map(|row| pairs[row * n_groups + group])
            .map(|pair| (pair.grad.into(), pair.hess.into()))
            .collect();
        let bias = &mut weights[n_features * n_groups + group];
        let sum: (f64, f64) = grads.iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        let step = eta * -sum.0 / sum.1;
        *bias += step;
        for pair in &mut grads {
            pair.0 += pair.1 * step;
        }
        for feature in 0..n_features {
            let value = |row: usize| {
                let value = data.value(row, feature);
                if value.is_nan() {
                    0.0
                } else {
                    f64::from(value)
                }
            };
            let weight = &mut weights[feature * n_groups + group];
            let (mut grad, mut hess) = (lambda * *weight, lambda);
            for (row, pair) in grads.iter().enumerate() {
                grad += pair.0 * value(row);
                hess += pair.1 * value(row) * value(row);
            }
            let step = if *weight - grad / hess >= 0.0 {
                (-(grad + alpha) / hess).max(-*weight)
            } else {
                (-(grad - alpha) / hess).min(-*weight)
            };
            *weight += eta * step;
            for (row, pair) in grads.iter_mut().enumerate() {
                pair.0 += pair.1 * value(row) * eta * step;
            }
        }
    }
    weights
}

#[test]
fn weights_are_those_of_the_definition() {
    for objective in [
        ObjectiveName::RegSquaredError,
        ObjectiveName::BinaryLogistic,
        ObjectiveName::MultiSoftprob,
        ObjectiveName::CountPoisson,
    ] {
        let data = tables(objective);
        for (lambda, alpha) in [(0.0, 0.0), (0.01, 0.0), (0.0, 0.01), (0.02, 0.005)] {
            let params = linear(objective).reg_lambda(lambda).reg_alpha(alpha);
            let (trained, boosters) = rounds(&params, &columns(&data[..1]), None).unwrap();
            for (before, after) in boosters.iter().zip(&boosters[1..]) {
                let penalties = (f64::from(lambda), f64::from(alpha));
                let expected = reference_round(&params, before, &data[0], penalties);
                for (found, expected) in model(after).weights.iter().zip(expected) {
                    let off = (f64::from(*found) - expected).abs();
                    assert!(
                        off < 1e-4,
                        "{objective} {lambda} {alpha}: {found} {expected}"
                    );
                }
            }
            let values = [0, 7].map(|it: usize| trained.history[it][0].value);
            assert!(values[1] < values[0], "{objective} {values:?}");
        }
        let params = linear(objective).reg_alpha(100.0);
        let (held, _) = rounds(&params, &columns(&data[..1]), None).unwrap();
        let weights = &model(&held.booster).weights;
        let n_biases = held.booster.n_groups();
        let (of_features, biases) = weights.split_at(weights.len() - n_biases);
        assert!(of_features.iter().all(|&it| it == 0.0), "{objective}");
        assert!(biases.iter().any(|&it| it != 0.0) || objective == ObjectiveName::RegSquaredError);
    }
}

#[test]
fn threads_do_not_show() {
    for objective in [ObjectiveName::RegSquaredError, ObjectiveName::MultiSoftprob] {
        for selector in [
            FeatureSelector::Cyclic,
            FeatureSelector::Shuffle,
            FeatureSelector::Random,
            FeatureSelector::Greedy,
            FeatureSelector::Thrifty,
        ] {
            let shape = Shape {
                n_rows: 40_000,
                ..SHAPE
            };
            let data = columns(&[shape.table(objective, 3)]);
            let runs = [1, 2, 3, 8].map(|n_threads| {
                let params = selected(objective, selector).nthread(Some(n_threads));
                let (trained, _) = rounds(&params.num_round(3), &data, None).unwrap();
                (save(&trained.booster, ModelFormat::Ubj), trained.history)
            });
            assert!(runs.iter().all(|it| *it == runs[0]), "{selector}");
        }
    }
}

#[test]
fn shotgun_is_coordinate_descent_in_order() {
    let objective = ObjectiveName::BinaryLogistic;
    let data = columns(&tables(objective));
    let shotgun = rounds(&linear(objective), &data, None).unwrap().0;
    let cyclic = rounds(&selected(objective, FeatureSelector::Cyclic), &data, None);
    assert_eq!(shotgun.booster, cyclic.unwrap().0.booster);
    let refused = linear(objective).linear(Linear {
        feature_selector: FeatureSelector::Greedy,
        ..Linear::default()
    });
    assert_eq!(
        refused.check_ref().unwrap_err().to_string(),
        "`feature_selector` is `greedy`, allowed is cyclic or shuffle where updater is shotgun, any where it is \
         coord_descent"
    );
}

#[test]
fn the_bias_is_held_back_where_that_is_asked_for() {
    let objective = ObjectiveName::RegSquaredError;
    let data = columns(&tables(objective)[..1]);
    let bias = |lambda_bias: f32| {
        let params = linear(objective).base_score(Some(0.0)).linear(Linear {
            lambda_bias,
            ..Linear::default()
        });
        let (trained, _) = rounds(&params.num_round(50), &data, None).unwrap();
        *model(&trained.booster).weights.last().unwrap()
    };
    let (free, held, more) = (bias(0.0), bias(0.5), bias(1.0));
    assert!(
        held.abs() < 0.8 * free.abs() && more.abs() < held.abs(),
        "{free} {held} {more}"
    );
}

/// Rows by their columns and rows as they are read, missing values and zeros: all the same to a linear model.
#[test]
fn however_a_table_is_written_the_model_is_the_same() {
    let objective = ObjectiveName::RegSquaredError;
    let dense = SHAPE.table(objective, 5);
    let mut rows = Vec::new();
    dense.copy_rows(0..SHAPE.n_rows, &mut rows);
    let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
    for row in rows.chunks_exact(SHAPE.n_features) {
        for (feature, &value) in row.iter().enumerate().filter(|(_, it)| !it.is_nan()) {
            indices.push(feature as u32);
            values.push(value);
        }
        indptr.push(indices.len());
    }
    let mut sparse = Dataset::builder();
    sparse
        .push(Tile {
            features: TileFeatures::Csr {
                indptr,
                indices,
                values,
            },
            words: Vec::new(),
            labels: dense.labels().to_vec(),
            weights: dense.weights().map(<[f32]>::to_vec),
            side: SideColumns::default(),
            origin: Origin {
                object: "sparse".into(),
                first_row: 0,
            },
        })
        .unwrap();
    let sparse = sparse.finish().unwrap();
    let params = linear(objective);
    let of = |data: &Dataset| {
        rounds(&params, &columns(std::slice::from_ref(data)), None)
            .unwrap()
            .0
    };
    let (of_dense, of_sparse) = (of(&dense), of(&sparse));
    assert_eq!(of_dense.booster, of_sparse.booster);
    let threads = Threads::single();
    let booster = &of_dense.booster;
    let by_rows = booster.predict_margin(&dense, &threads).unwrap();
    let by_columns = booster.predict_margin_columns(&dense.into(), &threads);
    assert_eq!(by_rows, by_columns.unwrap());
}

#[test]
fn training_in_two_parts_gives_the_bytes_of_training_in_one() {
    for (objective, selector) in [
        (ObjectiveName::MultiSoftprob, FeatureSelector::Shuffle),
        (ObjectiveName::RegQuantileError, FeatureSelector::Random),
    ] {
        let data = columns(&tables(objective));
        let params = selected(objective, selector);
        let (whole, _) = rounds(&params, &data, None).unwrap();
        let (half, _) = rounds(&params.clone().num_round(3), &data, None).unwrap();
        let (rest, _) = rounds(&params.num_round(5), &data, Some(&half.booster)).unwrap();
        assert_eq!(rest.booster, whole.booster, "{objective}");
        assert_eq!(rest.history[..], whole.history[3..], "{objective}");
    }
}

#[test]
fn a_cut_brings_back_the_weights_of_the_best_round() {
    let objective = ObjectiveName::BinaryLogistic;
    let few = Shape {
        n_rows: 12,
        ..SHAPE
    };
    let data = [few.table(objective, 1), few.table(objective, 9)];
    let params = linear(objective)
        .num_round(200)
        .early_stopping_rounds(Some(5));
    let (trained, boosters) = rounds(&params, &columns(&data), None).unwrap();
    let best = trained.best.unwrap();
    assert!(trained.history.len() > best.round as usize + 1);
    assert_eq!(trained.booster.kind, boosters[best.round as usize].kind);
    assert_eq!(trained.booster.n_rounds(), best.round as usize + 1);
    let value = measured(&trained.booster, &data[1], trained.history[0][1].metric);
    assert!((value - best.value).abs() <= 1e-9 * value);
}

#[test]
fn boosters_of_other_kinds_are_refused_by_their_names() {
    let objective = ObjectiveName::RegSquaredError;
    let data = tables(objective);
    let params = linear(objective);
    let (linear, _) = rounds(&params, &columns(&data), None).unwrap();
    let trees = params.clone().booster(BoosterName::GbTree);
    let refused = check_start(trees.check_ref().unwrap(), &linear.booster).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the booster to continue from has booster `gblinear`, the parameters ask for `gbtree`"
    );
    let bins = binned(data[0].clone(), 16);
    let set = NamedData {
        name: "train",
        data: &bins,
    };
    let mut to_the_end = |_: &RoundReport<'_>| ControlFlow::Continue(());
    let params = params.check_ref().unwrap();
    let refused = train(params, &set, &[], None, &mut to_the_end).unwrap_err();
    assert!(matches!(refused, TrainError::Values), "{refused}");
}
