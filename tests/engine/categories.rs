//! Features of categories: every split against a slow search, the same bytes whatever the form and the threads, and what
//! becomes of categories that are rare or unknown.

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
use engine::tree::Tree;
use linfa::ParamGuard;
use proptest::prelude::*;

use crate::table::{Numbers, fit};

fn binned(data: Dataset, categorical: &[u32]) -> BinnedDataset {
    let threads = Threads::single();
    let cuts = HistogramCuts::with_categories(&data, 256, categorical, &threads).unwrap();
    data.bin(&Arc::new(cuts), &threads).unwrap()
}

/// What decides the splits of the slow search.
#[derive(Clone, Copy, Debug)]
struct Options {
    lambda: f64,
    min_child_weight: f64,
    max_cat_to_onehot: u32,
    max_cat_threshold: u32,
    max_depth: u32,
}

/// A split: the codes that go right, and whether what is missing goes left.
type Division = (Vec<u32>, bool);

/// The slow search: squared loss on margin 0, so a row's gradient is its label less, times its weight.
struct Slow<'a> {
    data: &'a Dataset,
    categorical: &'a [u32],
    options: Options,
}

impl Slow<'_> {
    fn sums(&self, rows: &[usize]) -> (f64, f64) {
        let weights = self.data.weights().unwrap();
        rows.iter().fold((0.0, 0.0), |(grad, hess), &row| {
            let weight = f64::from(weights[row]);
            let label = f64::from(self.data.labels()[row]);
            (grad - label * weight, hess + weight)
        })
    }

    fn gain(&self, (grad, hess): (f64, f64)) -> f64 {
        if hess <= 0.0 {
            0.0
        } else {
            grad * grad / (hess + self.options.lambda)
        }
    }

    fn split_gain(&self, sides: [&[usize]; 2]) -> Option<f64> {
        let [left, right] = sides.map(|rows| self.sums(rows));
        let least = self.options.min_child_weight;
        let parent = (left.0 + right.0, left.1 + right.1);
        (left.1 >= least && right.1 >= least)
            .then(|| self.gain(left) + self.gain(right) - self.gain(parent))
    }

    fn rows_of(&self, rows: &[usize], feature: usize, code: u32) -> Vec<usize> {
        let has = |&&row: &&usize| self.data.value(row, feature) == code as f32;
        rows.iter().filter(has).copied().collect()
    }

    /// Every division of a node that is allowed.
    fn divisions(&self, rows: &[usize], feature: usize) -> Vec<Division> {
        // What XGBoost takes for the categories: every code up to the largest of the table.
        let values = (0..self.data.n_rows()).map(|row| self.data.value(row, feature));
        let largest = values.filter(|it| !it.is_nan()).fold(-1.0, f32::max);
        let codes: Vec<u32> = (0..(largest + 1.0) as u32).collect();
        let n = codes.len();
        if (n as u32) < self.options.max_cat_to_onehot {
            let each = codes.into_iter().map(|code| vec![code]);
            return each
                .flat_map(|it| [(it.clone(), true), (it, false)])
                .collect();
        }
        let mut order = codes;
        let weight = |&code: &u32| {
            let (grad, hess) = self.sums(&self.rows_of(rows, feature, code));
            if hess > 0.0 && hess >= self.options.min_child_weight {
                (-grad / (hess + self.options.lambda)) as f32
            } else {
                0.0
            }
        };
        order.sort_by(|a, b| weight(a).partial_cmp(&weight(b)).unwrap());
        let most = (self.options.max_cat_threshold as usize).min(n);
        let first = (1..most).map(|n_right| (order[..n_right].to_vec(), true));
        let last = (1..most).map(|n_left| (order[..n - n_left].to_vec(), false));
        first.chain(last).collect()
    }

    fn best_gain(&self, rows: &[usize]) -> f64 {
        let mut best = 0.0_f64;
        for feature in 0..self.data.n_features() {
            let value = |row: usize| self.data.value(row, feature);
            let mut offer = |goes_left: &dyn Fn(f32) -> bool| {
                let (left, right): (Vec<_>, Vec<_>) =
                    rows.iter().partition(|&&row| goes_left(value(row)));
                best = best.max(self.split_gain([&left, &right]).unwrap_or(0.0));
            };
            if self.categorical.contains(&(feature as u32)) {
                for (right, default_left) in self.divisions(rows, feature) {
                    offer(&|x| {
                        if x.is_nan() {
                            default_left
                        } else {
                            !right.contains(&(x as u32))
                        }
                    });
                }
            } else {
                for cut in (0..self.data.n_rows()).map(value).chain([f32::MAX]) {
                    for default_left in [false, true] {
                        offer(&|x| if x.is_nan() { default_left } else { x < cut });
                    }
                }
            }
        }
        best
    }

    fn check(
        &self,
        tree: &Tree,
        node_idx: usize,
        rows: &[usize],
        depth: u32,
    ) -> Result<(), TestCaseError> {
        let node = &tree.nodes[node_idx];
        let best = if depth == self.options.max_depth {
            0.0
        } else {
            self.best_gain(rows)
        };
        let slack = 1e-4 * (1.0 + self.gain(self.sums(rows)) + best);
        let Some(left_idx) = node.left else {
            prop_assert!(best <= slack, "a leaf that could gain {best}");
            return Ok(());
        };
        let feature = node.split_index as usize;
        let is_set = tree.categories.contains_key(&(node_idx as u32));
        prop_assert_eq!(is_set, self.categorical.contains(&node.split_index));
        let (left, right): (Vec<_>, Vec<_>) = rows
            .iter()
            .partition(|&&row| tree.goes_left(node_idx, self.data.value(row, feature)));
        let Some(gain) = self.split_gain([&left, &right]) else {
            return Err(TestCaseError::fail("a child has too little hessian"));
        };
        let said = f64::from(node.loss_change);
        prop_assert!((gain - said).abs() <= slack, "gain {gain}, said {said}");
        prop_assert!((gain - best).abs() <= slack, "gain {gain}, best {best}");
        self.check(tree, left_idx as usize, &left, depth + 1)?;
        self.check(tree, left_idx as usize + 1, &right, depth + 1)
    }
}

/// Three columns: three categories, nine, and few numbers; a fifth of the cells is missing.
fn tables() -> impl Strategy<Value = (Vec<f32>, Vec<f32>, Vec<f32>)> {
    (1_usize..30).prop_flat_map(|n_rows| {
        let cell =
            |below: u8| prop_oneof![4 => (0..below).prop_map(f32::from), 1 => Just(f32::NAN)];
        let row = (cell(3), cell(9), cell(4)).prop_map(|(a, b, c)| vec![a, b, c]);
        let values = prop::collection::vec(row, n_rows).prop_map(|rows| rows.concat());
        let labels = prop::collection::vec((-8_i8..9).prop_map(|it| f32::from(it) / 4.0), n_rows);
        let weights = prop::collection::vec((0_u8..4).prop_map(f32::from), n_rows);
        (values, labels, weights)
    })
}

fn options() -> impl Strategy<Value = Options> {
    let lambda = prop::sample::select(vec![0.5, 1.0, 3.0]);
    let min_child_weight = prop::sample::select(vec![0.0, 1.0, 2.5]);
    let max_cat_to_onehot = prop::sample::select(vec![1, 4, 100]);
    let max_cat_threshold = prop::sample::select(vec![1, 2, 4, 64]);
    (
        lambda,
        min_child_weight,
        max_cat_to_onehot,
        max_cat_threshold,
        1_u32..5,
    )
        .prop_map(
            |(lambda, min_child_weight, max_cat_to_onehot, max_cat_threshold, max_depth)| Options {
                lambda,
                min_child_weight,
                max_cat_to_onehot,
                max_cat_threshold,
                max_depth,
            },
        )
}

fn params(options: &Options) -> BoosterParams {
    BoosterParams::default()
        .num_round(1)
        .learning_rate(1.0)
        .max_depth(options.max_depth)
        .reg_lambda(options.lambda as f32)
        .min_child_weight(options.min_child_weight as f32)
        .max_cat_to_onehot(options.max_cat_to_onehot)
        .max_cat_threshold(options.max_cat_threshold)
        .base_score(Some(0.0))
        .nthread(Some(1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn every_split_is_as_good_as_the_best_that_a_slow_search_finds(
        ((values, labels, weights), options) in (tables(), options()),
    ) {
        prop_assume!(weights.iter().any(|&weight| weight > 0.0));
        let data = Dataset::from_rows(3, &values, &labels)
            .and_then(|data| data.with_weights(weights))
            .expect("the table is sound");
        let booster = fit(&params(&options), &binned(data.clone(), &[0, 1]), None).booster;
        let rows: Vec<usize> = (0..data.n_rows()).collect();
        let slow = Slow { data: &data, categorical: &[0, 1], options };
        slow.check(&booster.trees[0], 0, &rows, 0)?;
    }
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
