//! Rows sampled by their gradients, and columns by their weights: what is seen, and what it is worth.

use std::collections::BTreeSet;

use engine::booster::Booster;
use engine::dataset::Dataset;
use engine::metric::{Judged, Metric};
use engine::objective::ObjectiveName;
use engine::params::{BoosterParams, SamplingMethod};
use engine::threads::Threads;
use linfa::ParamGuard;

use crate::table::{Numbers, Shape, binned, fit, params};

fn shape(n_rows: usize) -> Shape {
    Shape {
        n_rows,
        n_features: 9,
        missing: 0.1,
        weighted: false,
    }
}

fn by_gradients(objective: ObjectiveName, subsample: f32) -> BoosterParams {
    params(objective)
        .subsample(subsample)
        .sampling_method(SamplingMethod::GradientBased)
}

fn measured(booster: &Booster, data: &Dataset, metric: Metric) -> f64 {
    let threads = Threads::single();
    let margins = booster.predict_margin(data, &threads);
    let mut predictions = margins.expect("the table has the columns");
    booster.objective.transform_for_metrics(&mut predictions);
    let judged = Judged::new(&predictions, data.targets(), &booster.objective);
    metric.evaluate_on(&judged, &threads)
}

#[test]
fn a_tree_that_sees_all_rows_has_nothing_to_choose() {
    for objective in [ObjectiveName::BinaryLogistic, ObjectiveName::MultiSoftprob] {
        let data = binned(shape(3000).table(objective, 3), 64);
        let all = params(objective).num_round(3);
        let by_gradients = by_gradients(objective, 1.0).num_round(3);
        let expected = fit(&all, &data, None).booster;
        assert_eq!(fit(&by_gradients, &data, None).booster, expected);
    }
}

/// A tenth of the rows is far from what the others are, and told from them by column 0.
fn with_outliers() -> Dataset {
    let mut numbers = Numbers::new(3);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for row in 0..5000 {
        let is_far = row % 10 == 0;
        values.extend([f32::from(u8::from(is_far)), numbers.unit()]);
        labels.push(if is_far {
            900.0 + numbers.unit()
        } else {
            numbers.unit()
        });
    }
    Dataset::from_rows(2, &values, &labels).expect("the table is sound")
}

#[test]
fn rows_of_large_gradients_are_all_seen_and_the_others_count_for_all() {
    let data = binned(with_outliers(), 64);
    let params = by_gradients(ObjectiveName::RegSquaredError, 0.15)
        .num_round(1)
        .max_depth(1)
        .base_score(Some(0.0));
    let nodes = |params: &BoosterParams| {
        let nodes = fit(params, &data, None).booster.trees[0].nodes.clone();
        assert_eq!(nodes.len(), 3);
        nodes
    };
    let all = nodes(&params.clone().subsample(1.0));
    assert_eq!(all[2].sum_hessian, 500.0);
    let mut covers = Vec::new();
    for seed in 0..40 {
        let sampled = nodes(&params.clone().seed(seed));
        assert_eq!(
            (sampled[2].sum_hessian, sampled[2].split_condition),
            (500.0, all[2].split_condition),
            "seed {seed}"
        );
        covers.push(sampled[1].sum_hessian);
    }
    assert!(covers.iter().any(|it| *it != covers[0]));
    // On average the 250 others that are seen count for 4,500.
    let mean = covers.iter().sum::<f32>() / 40.0;
    assert!((mean - 4500.0).abs() < 450.0, "{covers:?}");
}

#[test]
fn evaluations_are_those_of_the_saved_model_where_rows_are_left_out() {
    for objective in [
        ObjectiveName::RegSquaredError,
        ObjectiveName::RegAbsoluteError,
        ObjectiveName::MultiSoftprob,
        ObjectiveName::RankNdcg,
    ] {
        let table = shape(4000).table(objective, 5);
        let data = binned(table.clone(), 256);
        // More leaves than a tree over columns takes, or fewer.
        for max_depth in [0, 4] {
            let params = by_gradients(objective, 0.4)
                .num_round(3)
                .num_parallel_tree(2)
                .max_depth(max_depth)
                .min_child_weight(0.0);
            let trained = fit(&params, &data, None);
            let last = &trained.history[2][0];
            let value = measured(&trained.booster, &table, last.metric);
            let off = (value - last.value).abs();
            assert!(off <= 1e-9 * value.abs(), "{objective}: {value} {last:?}");
            // Each group and each tree draws for itself.
            let per_round = trained.booster.trees.len() / 3;
            let round: Vec<_> = trained.booster.trees[..per_round].iter().collect();
            for (idx, tree) in round.iter().enumerate() {
                assert!(
                    !round[..idx].contains(tree),
                    "{objective}: tree {idx} is there twice"
                );
            }
        }
    }
}

#[test]
fn a_few_rows_chosen_by_gradients_are_worth_more_than_as_many_others() {
    let objective = ObjectiveName::BinaryLogistic;
    let train = binned(shape(30_000).table(objective, 1), 64);
    let test = shape(30_000).table(objective, 2);
    let mean = |params: &BoosterParams| {
        let losses = (0..4).map(|seed| {
            let booster = fit(&params.clone().seed(seed), &train, None).booster;
            measured(&booster, &test, Metric::Logloss)
        });
        losses.sum::<f64>() / 4.0
    };
    let few = params(objective).num_round(40).max_depth(5).subsample(0.1);
    let uniform = mean(&few);
    let chosen = mean(&few.clone().sampling_method(SamplingMethod::GradientBased));
    let all = mean(&few.subsample(1.0));
    assert!(chosen < uniform, "{chosen} {uniform}");
    assert!(chosen < all * 1.15, "{chosen} {all}");
}

/// Rows with little chance to be drawn count more in the leaves of quantiles, or these would lie too high.
#[test]
fn leaves_of_quantiles_lie_where_they_should() {
    let objective = ObjectiveName::RegQuantileError;
    let table = shape(20_000).table(objective, 6);
    let data = binned(table.clone(), 64);
    let params = by_gradients(objective, 0.2)
        .quantile_alpha(vec![0.9])
        .num_round(30);
    let booster = fit(&params, &data, None).booster;
    let predictions = booster.predict(&table, &Threads::single()).unwrap();
    let below = table.labels().iter().zip(&predictions);
    let below = below.filter(|(label, it)| label <= it).count();
    let share = below as f64 / 20_000.0;
    assert!((share - 0.9).abs() < 0.02, "{share}");
}

/// The features that a booster splits on.
fn features(booster: &Booster) -> BTreeSet<u32> {
    let nodes = booster.trees.iter().flat_map(|tree| &tree.nodes);
    let splits = nodes.filter(|node| node.left.is_some());
    splits.map(|node| node.split_index).collect()
}

#[test]
fn columns_without_weight_are_seen_where_no_others_are_left() {
    let data = binned(shape(5000).table(ObjectiveName::RegSquaredError, 3), 64);
    let weights = vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
    let settings: [fn(BoosterParams) -> BoosterParams; 3] = [
        |it| it.colsample_bytree(0.6),
        |it| it.colsample_bylevel(0.6),
        |it| it.colsample_bynode(0.6),
    ];
    for set in settings {
        let params = set(BoosterParams::default().num_round(10));
        assert_eq!(features(&fit(&params, &data, None).booster).len(), 9);
        let weighted = params.clone().feature_weights(weights.clone());
        let seen = features(&fit(&weighted, &data, None).booster);
        assert_eq!(seen, (3..9).collect());
        // Three of one column with a weight, and eight without.
        let one = params.feature_weights(vec![0., 0., 0., 0., 0., 0., 0., 0., 2.]);
        assert!(features(&fit(&one, &data, None).booster).len() > 6);
    }
}

#[test]
fn equal_weights_are_no_weights() {
    let data = binned(shape(3000).table(ObjectiveName::BinaryLogistic, 4), 64);
    let params = params(ObjectiveName::BinaryLogistic)
        .num_round(4)
        .colsample_bytree(0.7)
        .colsample_bylevel(0.8)
        .colsample_bynode(0.8);
    let expected = fit(&params, &data, None).booster;
    let equal = params.clone().feature_weights(vec![0.25; 9]);
    assert_eq!(fit(&equal, &data, None).booster, expected);
    let uneven: Vec<f32> = (1..10).map(|it| it as f32).collect();
    let uneven = params.clone().feature_weights(uneven);
    assert_ne!(fit(&uneven, &data, None).booster, expected);
}

#[test]
fn weights_are_not_negative() {
    for wrong in [-0.5, f32::NAN, f32::INFINITY] {
        let params = BoosterParams::default().feature_weights(vec![1.0, wrong]);
        let said = params.check().unwrap_err().to_string();
        assert!(said.starts_with("`feature_weights` is"), "{said}");
    }
}
