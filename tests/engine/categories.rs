//! Features of categories: the same bytes whatever the form and the threads, and what becomes of categories that are rare or
//! unknown.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::ops::ControlFlow;
use std::sync::Arc;

use engine::bin::{BinError, BinnedDataset, HistogramCuts, Ingest, MOST_CATEGORIES, Sample};
use engine::booster::{Booster, FeatureType, NamedData, RoundReport, TrainError, train};
use engine::dataset::{Dataset, DatasetError, Origin, Part, SideColumns, Tile, TileFeatures};
use engine::metric::{Judged, Metric};
use engine::model::{ModelFormat, load, save};
use engine::params::{BoosterParams, GrowPolicy};
use engine::threads::Threads;
use linfa::ParamGuard;

use crate::table::{Numbers, fit};

pub(crate) fn binned(data: Dataset, categorical: &[u32]) -> BinnedDataset {
    let threads = Threads::single();
    let cuts = HistogramCuts::with_categories(&data, 256, categorical, &threads).unwrap();
    data.bin(&Arc::new(cuts), &threads).unwrap()
}

/// A table of two columns of categories, of `n_codes` and of 5, and one of numbers, with gaps; the label goes with all three.
fn table(n_rows: usize, n_codes: u32, seed: u64) -> Dataset {
    let mut numbers = Numbers::new(seed);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..n_rows {
        // The square makes small codes frequent.
        let draw = numbers.unit();
        let code = (draw * draw * n_codes as f32) as u32;
        let (few, number) = (numbers.below(5), numbers.unit());
        let effect = (code.wrapping_mul(2_654_435_761) >> 24) as f32 / 64.0;
        labels.push(effect + [0.0, 2.0, 0.5, 3.0, 1.0][few as usize] * number);
        let cells = [code as f32, few as f32, number];
        values.extend(cells.map(|it| if numbers.below(9) == 0 { f32::NAN } else { it }));
    }
    Dataset::from_rows(3, &values, &labels).unwrap()
}

/// The same table, listed.
fn listed(data: &Dataset) -> Dataset {
    let mut builder = Dataset::builder();
    let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
    for row in 0..data.n_rows() {
        for feature in 0..3 {
            let value = data.value(row, feature);
            if !value.is_nan() {
                indices.push(feature as u32);
                values.push(value);
            }
        }
        indptr.push(values.len());
    }
    let tile = Tile {
        features: TileFeatures::Csr {
            indptr,
            indices,
            values,
        },
        labels: data.labels().to_vec(),
        weights: None,
        side: SideColumns::default(),
        words: Vec::new(),
        origin: origin(),
    };
    builder.push(tile).unwrap();
    builder.finish().unwrap()
}

fn origin() -> Origin {
    Origin {
        object: "memory".into(),
        first_row: 0,
    }
}

#[test]
fn threads_sampling_and_the_order_of_growth_do_not_change_what_the_bytes_depend_on() {
    // Many codes, so that some share a bin; bundles, forks and narrow cells need many rows.
    let data = binned(table(70_000, 600, 1), &[0, 1]);
    let validation = data.select(&(0..5000).rev().collect::<Vec<_>>(), &Threads::single());
    for policy in [GrowPolicy::DepthWise, GrowPolicy::LossGuide] {
        let params = BoosterParams::default()
            .num_round(4)
            .subsample(0.7)
            .colsample_bynode(0.7)
            .max_leaves(if policy == GrowPolicy::LossGuide {
                40
            } else {
                0
            })
            .grow_policy(policy)
            .seed(3);
        let runs = [1, 2, 3, 8].map(|n_threads| {
            let trained = fit(
                &params.clone().nthread(Some(n_threads)),
                &data,
                Some(&validation),
            );
            (save(&trained.booster, ModelFormat::Ubj), trained.history)
        });
        assert!(runs[1..].iter().all(|run| *run == runs[0]), "{policy}");
    }
}

#[test]
fn a_listed_table_gives_the_model_of_the_dense_one() {
    let dense = table(3000, 30, 2);
    // One row in four has a value, so that the table is kept as lists.
    let thin = |row: usize| {
        let keep = row.is_multiple_of(6);
        (0..3).map(move |_| keep)
    };
    let values: Vec<f32> = (0..dense.n_rows())
        .flat_map(|row| thin(row).enumerate().map(move |it| (row, it)))
        .map(|(row, (feature, keep))| {
            if keep {
                dense.value(row, feature)
            } else {
                f32::NAN
            }
        })
        .collect();
    let thinned = Dataset::from_rows(3, &values, dense.labels()).unwrap();
    let params = BoosterParams::default().num_round(5).max_cat_to_onehot(6);
    let of = |data: Dataset| {
        save(
            &fit(&params, &binned(data, &[0, 1]), None).booster,
            ModelFormat::Ubj,
        )
    };
    let listed_thinned = listed(&thinned);
    let model = of(thinned.clone());
    assert_eq!(of(listed_thinned), model);
    assert_eq!(of(listed(&dense)), of(dense));
    assert!(load(&model).unwrap().trees[0].nodes.len() > 3);
}

/// The root mean squared error of a booster's own predictions.
fn rmse(booster: &Booster, data: &Dataset) -> f64 {
    let predictions = booster.predict(data, &Threads::single()).unwrap();
    let judged = Judged::new(&predictions, data.targets(), &booster.objective);
    Metric::Rmse.evaluate_on(&judged, &Threads::single())
}

#[test]
fn margins_while_training_are_those_of_the_saved_model_even_for_categories_that_are_unknown() {
    for n_codes in [3, 40, 250, 254, 700, 60_000] {
        let (train, mut validation) = (table(6000, n_codes, 4), table(1500, n_codes + 100, 5));
        let in_bins = binned(train.clone(), &[0, 1]);
        validation.widen(3);
        let threads = Threads::single();
        let validation_in_bins = validation.clone().bin(in_bins.cuts(), &threads).unwrap();
        // Without sampling the margins are found by columns, with it row by row.
        for subsample in [1.0, 0.8] {
            let params = BoosterParams::default().num_round(6).subsample(subsample);
            let trained = fit(&params, &in_bins, Some(&validation_in_bins));
            let booster = load(&save(&trained.booster, ModelFormat::Json)).unwrap();
            assert!(booster == trained.booster, "{n_codes}: other trees");
            let last = trained.history.last().unwrap();
            assert_eq!(last[0].value, rmse(&booster, &train), "{n_codes}");
            assert_eq!(last[1].value, rmse(&booster, &validation), "{n_codes}");
            let margins = booster.predict_margin(&validation, &threads).unwrap();
            let by_bins = booster
                .predict_margin_binned(&validation_in_bins, &threads)
                .unwrap();
            assert_eq!(margins, by_bins);
            let expected = [
                FeatureType::Categorical,
                FeatureType::Categorical,
                FeatureType::Float,
            ];
            assert_eq!(booster.feature_types, expected);
        }
    }
}

#[test]
fn of_many_categories_the_rare_ones_always_go_left() {
    let data = binned(table(20_000, 5000, 6), &[0, 1]);
    let categories = data.cuts().categories(0).unwrap();
    assert_eq!(categories.codes().len(), MOST_CATEGORIES);
    let grouped = data.cuts().grouped();
    assert_eq!(grouped, [(0, categories.n_grouped())]);
    assert!(categories.n_grouped() > 1000);
    let booster = fit(&BoosterParams::default().num_round(10), &data, None).booster;
    let mut n_sets = 0;
    for tree in &booster.trees {
        for (&node, set) in &tree.categories {
            if tree.nodes[node as usize].split_index == 0 {
                n_sets += 1;
                let known = |code| categories.codes().contains(code);
                assert!(set.codes().iter().all(known));
            }
        }
    }
    assert!(n_sets > 20);
}

#[test]
fn categories_are_told_apart_where_a_number_needs_many_splits() {
    let (train, validation) = (table(20_000, 200, 7), table(5000, 200, 8));
    let error = |categorical: &[u32]| {
        let params = BoosterParams::default().num_round(10).max_depth(4);
        rmse(
            &fit(&params, &binned(train.clone(), categorical), None).booster,
            &validation,
        )
    };
    assert!(error(&[0, 1]) < 0.7 * error(&[]));
}

#[test]
fn training_continues_from_a_model_of_the_same_categories_only() {
    let data = table(3000, 40, 9);
    let params = BoosterParams::default().num_round(3);
    let whole = fit(
        &params.clone().num_round(6),
        &binned(data.clone(), &[0, 1]),
        None,
    )
    .booster;
    let first = fit(&params, &binned(data.clone(), &[0, 1]), None).booster;
    let params = params.check().unwrap();
    let go_on = |categorical: &[u32]| {
        let margins = first.predict_margin(&data, &Threads::single()).unwrap();
        let rows = binned(data.clone(), categorical)
            .with_base_margin(margins)
            .unwrap();
        let set = NamedData {
            name: "train",
            data: &rows,
        };
        let mut to_the_end = |_: &RoundReport<'_>| ControlFlow::Continue(());
        train(&params, &set, &[], Some(&first), &mut to_the_end)
    };
    assert_eq!(go_on(&[0, 1]).unwrap().booster, whole);
    let refused = go_on(&[1]).unwrap_err();
    assert!(matches!(
        refused,
        TrainError::Start {
            what: "categorical features",
            ..
        }
    ));
    let said = refused.to_string();
    assert!(said.contains("`0, 1`") && said.ends_with("`1`"), "{said}");
}

#[test]
fn values_that_are_no_codes_are_refused_with_their_place() {
    for (value, dense) in [
        (-1.0, true),
        (1.5, true),
        (16_777_216.0, false),
        (-3.0, false),
    ] {
        let mut values = [0.0, f32::NAN, 1.0, 7.0, 2.0, 0.5];
        values[4] = value;
        let rows = Dataset::from_rows(2, &values, &[0.0; 3]).unwrap();
        let data = if dense { rows } else { csr(&values) };
        let threads = Threads::single();
        let refused = HistogramCuts::with_categories(&data, 256, &[0], &threads);
        let expected = DatasetError::Category {
            object: "memory".to_owned(),
            row: 2,
            feature: 0,
            value: value.to_string(),
        };
        assert_eq!(refused, Err(BinError::Category(expected.clone())));
        // The same by way of a sample, and of the bins of another table.
        let part = || Part {
            number: 0,
            tiles: vec![tile(&values, dense)],
        };
        let mut sample = Sample::new(1000).with_categories(vec![0]);
        sample.push(vec![part()], &threads);
        let mut ingest = sample.cut(256, true, &threads).unwrap();
        assert_eq!(ingest.push(Vec::new(), &threads), Err(expected.clone()));
        let sound = Dataset::from_rows(2, &[0.0, 1.0], &[0.0]).unwrap();
        let cuts = HistogramCuts::with_categories(&sound, 256, &[0], &threads).unwrap();
        let refused = Ingest::new(&Arc::new(cuts)).push(vec![part()], &threads);
        assert_eq!(refused, Err(expected));
    }
}

fn tile(values: &[f32], dense: bool) -> Tile {
    let n_rows = values.len() / 2;
    let features = if dense {
        let column = |feature: usize| values[feature..].iter().step_by(2).copied();
        TileFeatures::Dense {
            n_features: 2,
            values: column(0).chain(column(1)).collect(),
        }
    } else {
        TileFeatures::Csr {
            indptr: (0..=n_rows).map(|row| 2 * row).collect(),
            indices: [0, 1].repeat(n_rows),
            values: values.to_vec(),
        }
    };
    Tile {
        features,
        labels: vec![0.0; n_rows],
        weights: None,
        side: SideColumns::default(),
        words: Vec::new(),
        origin: origin(),
    }
}

fn csr(values: &[f32]) -> Dataset {
    let mut builder = Dataset::builder();
    builder.push(tile(values, false)).unwrap();
    builder.finish().unwrap()
}
