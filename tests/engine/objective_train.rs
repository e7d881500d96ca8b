//! Boosting with every objective: where it starts, what leaves hold, and that evaluations are the model's.

use engine::bin::BinnedDataset;
use engine::booster::Booster;
use engine::dataset::Dataset;
use engine::metric::{Judged, Metric};
use engine::model::{ModelFormat, load, save};
use engine::objective::ObjectiveName;
use engine::params::BoosterParams;
use engine::threads::Threads;

use crate::table::{Shape, binned, fit, params};

const SHAPE: Shape = Shape {
    n_rows: 3000,
    n_features: 5,
    missing: 0.1,
    weighted: true,
};

fn unweighted() -> Shape {
    Shape {
        weighted: false,
        ..SHAPE
    }
}

/// What the booster's margins are worth, by the metric.
fn measured(booster: &Booster, data: &Dataset, metric: Metric) -> f64 {
    let threads = Threads::single();
    let margins = booster.predict_margin(data, &threads);
    let mut predictions = margins.expect("the table has the columns");
    booster.objective.transform_for_metrics(&mut predictions);
    let judged = Judged::new(&predictions, data.targets(), &booster.objective);
    metric.evaluate_on(&judged, &threads)
}

#[test]
fn every_objective_learns_and_its_last_evaluation_is_that_of_the_saved_model() {
    for &name in ObjectiveName::ALL {
        let data = SHAPE.table(name, 7);
        let params = params(name)
            .num_round(12)
            .num_parallel_tree(2)
            .subsample(0.8);
        let trained = fit(&params, &binned(data.clone(), 64), None);
        let values: Vec<_> = trained.history.iter().map(|it| it[0].value).collect();
        let metric = trained.history[0][0].metric;
        assert_eq!(metric, trained.booster.objective.default_metric());
        let gain = if metric.maximize() { 1.0 } else { -1.0 };
        assert!((values[11] - values[0]) * gain > 0.0, "{name} {values:?}");
        let saved = load(&save(&trained.booster, ModelFormat::Json)).unwrap();
        assert_eq!(saved, trained.booster, "{name}");
        let value = measured(&saved, &data, metric);
        assert!(
            (value - values[11]).abs() <= 1e-9 * value.abs(),
            "{name}: {value} {values:?}"
        );
    }
}

fn start(
    name: ObjectiveName,
    labels: &[f32],
    weights: Option<&[f32]>,
    of: fn(BoosterParams) -> BoosterParams,
) -> f32 {
    let values: Vec<f32> = (0..labels.len()).map(|row| row as f32).collect();
    let mut data = Dataset::from_rows(1, &values, labels).expect("a table");
    if let Some(weights) = weights {
        data = data.with_weights(weights.to_vec()).expect("a weight a row");
    }
    let params = of(params(name).quantile_alpha(vec![0.25]))
        .num_round(1)
        .max_depth(1);
    fit(&params, &binned(data, 256), None).booster.base_score
}

/// Objective, labels, weights, and the base score.
type Start<'a> = (ObjectiveName, &'a [f32], Option<&'a [f32]>, f32);

/// The numbers are what XGBoost 3.2 estimates from the same labels.
#[test]
fn base_scores_are_xgboosts() {
    let plain = |it: BoosterParams| it;
    let labels = [1.0, 2.0, 4.0, 9.0];
    let weights = [1.0, 3.0, 1.0, 1.0];
    let cases: [Start<'_>; 14] = [
        (ObjectiveName::RegSquaredError, &labels, None, 4.0),
        (ObjectiveName::RegGamma, &labels, Some(&weights), 20.0 / 6.0),
        (ObjectiveName::RegTweedie, &labels, None, 4.0),
        (
            ObjectiveName::BinaryLogitraw,
            &[1.0, 0.0, 0.0, 0.0],
            None,
            0.25,
        ),
        (ObjectiveName::BinaryHinge, &[1.0, 1.0, 0.0], None, 1.0),
        (ObjectiveName::BinaryHinge, &[1.0, 0.0, 0.0], None, 0.0),
        (ObjectiveName::RegAbsoluteError, &labels, None, 3.0),
        (
            ObjectiveName::RegAbsoluteError,
            &labels,
            Some(&weights),
            2.0,
        ),
        (ObjectiveName::RegQuantileError, &labels, None, 1.25),
        (
            ObjectiveName::RegQuantileError,
            &labels,
            Some(&weights),
            2.0,
        ),
        (ObjectiveName::SurvivalAft, &labels, None, 0.5),
        (ObjectiveName::RegPseudoHuberError, &labels, None, 7.774_717),
        (
            ObjectiveName::RegSquaredLogError,
            &labels,
            None,
            0.587_789_6,
        ),
        (
            ObjectiveName::SurvivalCox,
            &[1.0, -2.0, 4.0, 9.0],
            None,
            1.0,
        ),
    ];
    for (name, labels, weights, expected) in cases {
        let score = start(name, labels, weights, plain);
        assert!(
            (score - expected).abs() <= 2e-5 * (1.0 + expected),
            "{name}: {score} {expected}"
        );
    }
    let score = start(
        ObjectiveName::BinaryLogitraw,
        &[1.0, 0.0, 0.0, 0.0],
        None,
        |it| it.scale_pos_weight(3.0),
    );
    assert_eq!(score, 0.0);
}

/// The leaf of a row's only tree, and the rows beside it.
fn leaves(booster: &Booster, data: &Dataset) -> Vec<usize> {
    let tree = &booster.trees[0];
    let leaf = |row| tree.leaf_idx(|feature| data.value(row, feature as usize));
    (0..data.n_rows()).map(leaf).collect()
}

fn slow_median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        values[middle - 1] + (values[middle] - values[middle - 1]) * 0.5
    }
}

#[test]
fn leaves_of_the_absolute_error_hold_medians() {
    let data = unweighted().table(ObjectiveName::RegAbsoluteError, 3);
    let params = params(ObjectiveName::RegAbsoluteError)
        .num_round(1)
        .learning_rate(0.3);
    let booster = fit(&params, &binned(data.clone(), 256), None).booster;
    let leaf_of = leaves(&booster, &data);
    for (idx, node) in booster.trees[0].nodes.iter().enumerate() {
        if node.left.is_some() {
            continue;
        }
        let rows = (0..data.n_rows()).filter(|&row| leaf_of[row] == idx);
        let residuals = rows.map(|row| data.labels()[row] - booster.base_score);
        let expected = slow_median(residuals.collect()) * 0.3;
        assert!(
            (node.split_condition - expected).abs() < 1e-6,
            "{idx} {node:?} {expected}"
        );
    }
}

/// Half of the rows count double, which is as if they were there twice.
#[test]
fn weighted_leaves_are_those_of_repeated_rows() {
    let data = unweighted().table(ObjectiveName::RegQuantileError, 5);
    let mut values = Vec::new();
    data.copy_rows(0..data.n_rows(), &mut values);
    let rows: Vec<&[f32]> = values.chunks(5).collect();
    let twice = (0..data.n_rows()).flat_map(|row| std::iter::repeat_n(row, 1 + row % 2));
    let twice: Vec<usize> = twice.collect();
    let repeated = Dataset::from_rows(
        5,
        &twice
            .iter()
            .map(|&row| rows[row])
            .collect::<Vec<_>>()
            .concat(),
        &twice
            .iter()
            .map(|&row| data.labels()[row])
            .collect::<Vec<_>>(),
    );
    let repeated = repeated.unwrap();
    let ones = vec![1.0; repeated.n_rows()];
    let weights = (0..data.n_rows()).map(|row| (1 + row % 2) as f32);
    let weighted = data.clone().with_weights(weights.collect()).unwrap();
    let params = params(ObjectiveName::RegQuantileError)
        .num_round(3)
        .max_bin(16);
    let models = [weighted, repeated.with_weights(ones).unwrap()].map(|data| {
        let booster = fit(&params, &binned(data, 16), None).booster;
        booster
            .predict_margin(
                &self::unweighted().table(ObjectiveName::RegQuantileError, 5),
                &Threads::single(),
            )
            .unwrap()
    });
    let same = models[0]
        .iter()
        .zip(&models[1])
        .filter(|(a, b)| (*a - *b).abs() < 1e-4);
    // Cuts are weighted too, and so may differ here and there.
    assert!(same.count() * 10 >= models[0].len() * 9);
}

#[test]
fn levels_start_apart_unless_a_set_brings_margins() {
    let data = unweighted().table(ObjectiveName::RegQuantileError, 2);
    let params = params(ObjectiveName::RegQuantileError)
        .num_round(2)
        .learning_rate(0.0);
    let apart = fit(&params, &binned(data.clone(), 64), None).booster;
    let margins = apart.predict_margin(&data, &Threads::single()).unwrap();
    let mut sorted = data.labels().to_vec();
    sorted.sort_by(f32::total_cmp);
    for (group, level) in [0.1_f64, 0.5, 0.9].into_iter().enumerate() {
        let place = level * 3001.0;
        let expected = sorted[place as usize - 1]
            + (place.fract() as f32) * (sorted[place as usize] - sorted[place as usize - 1]);
        assert!(
            (margins[group] - expected).abs() < 1e-4,
            "{group} {} {expected}",
            margins[group]
        );
    }
    assert_eq!(apart.base_score, 0.0);
    let with_margins: BinnedDataset = binned(data.clone(), 64)
        .with_base_margin(vec![0.25; 3 * data.n_rows()])
        .unwrap();
    let together = fit(&params, &with_margins, None).booster;
    let mean = margins[..3].iter().sum::<f32>() / 3.0;
    assert!((together.base_score - mean).abs() < 1e-4);
    assert!(together.trees.iter().all(|tree| {
        tree.nodes
            .iter()
            .all(|node| node.left.is_some() || node.split_condition == 0.0)
    }));
}

#[test]
fn settings_of_metrics_are_heeded_beside_any_objective() {
    let data = unweighted().table(ObjectiveName::RegGamma, 2);
    let value = |params: BoosterParams| {
        let params = params.objective(ObjectiveName::RegGamma).num_round(1);
        let params = params.eval_metrics(vec![Metric::Mphe, Metric::TweedieNloglik { rho: None }]);
        let trained = fit(&params, &binned(data.clone(), 64), None);
        let evaluations = &trained.history[0];
        (
            evaluations[0].value,
            evaluations[1].metric.to_string(),
            trained.booster,
        )
    };
    let (usual, name, booster) = value(BoosterParams::default());
    let (steep, other_name, same) = value(
        BoosterParams::default()
            .huber_slope(3.0)
            .tweedie_variance_power(1.2),
    );
    assert!(steep > usual);
    assert_eq!(
        (name.as_str(), other_name.as_str()),
        ("tweedie-nloglik@1.5", "tweedie-nloglik@1.2")
    );
    assert_eq!(booster, same);
}
