//! Monotone and interaction constraints: what they promise of every prediction and every path, whatever else is set.

use engine::booster::{Booster, TrainError};
use engine::dataset::Dataset;
use engine::model::{ModelFormat, save};
use engine::objective::ObjectiveName;
use engine::params::{BoosterParams, GrowPolicy, Monotone, SamplingMethod};
use engine::simd::Simd;
use engine::threads::Threads;
use engine::tree::Tree;

use crate::table::{Numbers, Shape, binned, fit, params, try_fit};

/// What a case sets beside what it is about.
type Change = fn(BoosterParams) -> BoosterParams;

/// Directions of the columns of the tables below; labels grow with columns 0, 1 and 2, and with 1 and 2 together.
pub(crate) const DIRECTIONS: [Monotone; 5] = [
    Monotone::Increasing,
    Monotone::Decreasing,
    Monotone::Free,
    Monotone::Increasing,
    Monotone::Decreasing,
];

pub(crate) fn shape(n_rows: usize) -> Shape {
    Shape {
        n_rows,
        n_features: 5,
        missing: 0.1,
        weighted: false,
    }
}

/// Codes of column 2 where it holds categories.
pub(crate) const N_CODES: f32 = 8.0;

/// Rows that differ in one column only, ascending there: for each of some rows and each column. Column 2 has codes of
/// categories, or numbers.
fn ladders(has_codes: bool) -> (Vec<(usize, usize)>, Dataset) {
    const STEPS: usize = 24;
    let mut numbers = Numbers::new(77);
    let (mut ladders, mut values) = (Vec::new(), Vec::new());
    for _ in 0..60 {
        let mut row: Vec<f32> = (0..5)
            .map(|_| {
                if numbers.unit() < 0.15 {
                    f32::NAN
                } else {
                    numbers.unit()
                }
            })
            .collect();
        if has_codes {
            row[2] = (row[2] * N_CODES).floor();
        }
        for feature in 0..5 {
            ladders.push((feature, STEPS));
            for step in 0..STEPS {
                let mut row = row.clone();
                row[feature] = if has_codes && feature == 2 {
                    step as f32
                } else {
                    step as f32 / 20.0 - 0.07
                };
                values.extend(row);
            }
        }
    }
    let labels = vec![0.0; values.len() / 5];
    let data = Dataset::from_rows(5, &values, &labels).expect("the table is sound");
    (ladders, data)
}

/// How often a prediction goes the wrong way along a ladder, and how often it goes the right one.
pub(crate) fn steps(booster: &Booster, directions: &[Monotone]) -> (usize, usize) {
    let (ladders, data) = ladders(!booster.categorical_features().is_empty());
    let margins = booster.predict_margin(&data, &Threads::single());
    let margins = margins.expect("the table has the columns");
    let n_groups = booster.n_groups();
    let (mut wrong, mut right, mut first) = (0, 0, 0);
    for (feature, length) in ladders {
        let rows = &margins[first * n_groups..(first + length) * n_groups];
        first += length;
        for group in 0..n_groups {
            let along: Vec<f32> = rows[group..].iter().step_by(n_groups).copied().collect();
            for pair in along.windows(2) {
                let (up, down) = (pair[0] < pair[1], pair[0] > pair[1]);
                let (is_right, is_wrong) = match directions[feature] {
                    Monotone::Free => (false, false),
                    Monotone::Increasing => (up, down),
                    Monotone::Decreasing => (down, up),
                };
                wrong += usize::from(is_wrong);
                right += usize::from(is_right);
            }
        }
    }
    (wrong, right)
}

#[test]
fn predictions_of_every_objective_follow_the_directions() {
    for &objective in ObjectiveName::ALL {
        let data = binned(shape(3000).table(objective, 3), 64);
        let free = params(objective).num_round(12).max_depth(5);
        let (wrong, _) = steps(&fit(&free, &data, None).booster, &DIRECTIONS);
        assert!(wrong > 0, "{objective}: in order anyway");
        let directed = free.monotone_constraints(DIRECTIONS.to_vec());
        let (wrong, right) = steps(&fit(&directed, &data, None).booster, &DIRECTIONS);
        assert_eq!(wrong, 0, "{objective}");
        assert!(right > 50, "{objective}: next to no step but {right}");
    }
}

#[test]
fn predictions_follow_the_directions_however_trees_are_grown() {
    let settings: [(&str, Change); 7] = [
        ("deep", |it| it.max_depth(0).min_child_weight(0.0)),
        ("lossguide", |it| {
            it.max_depth(0)
                .max_leaves(40)
                .grow_policy(GrowPolicy::LossGuide)
        }),
        ("penalties", |it| {
            it.reg_alpha(3.0).max_delta_step(Some(0.3))
        }),
        ("no lambda", |it| it.reg_lambda(0.0).min_split_loss(0.5)),
        ("forest", |it| {
            it.num_parallel_tree(5).subsample(0.6).colsample_bynode(0.7)
        }),
        ("by gradients", |it| {
            it.subsample(0.3)
                .sampling_method(SamplingMethod::GradientBased)
        }),
        ("groups", |it| {
            it.interaction_constraints(vec![vec![0, 1], vec![1, 2, 3], vec![4]])
        }),
    ];
    for objective in [
        ObjectiveName::RegSquaredError,
        ObjectiveName::RegQuantileError,
        ObjectiveName::MultiSoftprob,
    ] {
        // Large tables add up in narrower cells.
        for n_rows in [2000, 70_000] {
            let data = binned(shape(n_rows).table(objective, 8), 256);
            for (name, set) in settings {
                if n_rows > 2000 && name == "deep" {
                    continue;
                }
                let params =
                    set(params(objective).num_round(3)).monotone_constraints(DIRECTIONS.to_vec());
                let booster = fit(&params, &data, None).booster;
                let (wrong, right) = steps(&booster, &DIRECTIONS);
                assert_eq!(wrong, 0, "{objective} {name} {n_rows}");
                assert!(right > 20, "{objective} {name} {n_rows}: {right}");
            }
        }
    }
}

/// A few labels that are larger than the others beyond all measure: leaves are then computed from gradients, not units.
#[test]
fn leaves_of_exact_sums_are_in_order_too() {
    let table = shape(70_000).table(ObjectiveName::RegSquaredError, 4);
    let mut values = Vec::new();
    table.copy_rows(0..table.n_rows(), &mut values);
    let mut labels = table.labels().to_vec();
    for row in [17, 4000, 50_000] {
        labels[row] = -3e21;
    }
    let data = binned(Dataset::from_rows(5, &values, &labels).unwrap(), 64);
    let params = BoosterParams::default()
        .num_round(2)
        .max_depth(9)
        .monotone_constraints(DIRECTIONS.to_vec());
    let booster = fit(&params, &data, None).booster;
    assert_eq!(steps(&booster, &DIRECTIONS).0, 0);
}

#[test]
fn no_direction_is_no_constraint() {
    let data = binned(shape(3000).table(ObjectiveName::BinaryLogistic, 5), 64);
    let free = params(ObjectiveName::BinaryLogistic).num_round(4);
    let expected = fit(&free, &data, None).booster;
    let none = free.clone().monotone_constraints(vec![Monotone::Free; 5]);
    assert_eq!(fit(&none, &data, None).booster, expected);
    let one_group = free.clone().interaction_constraints(vec![(0..5).collect()]);
    assert_eq!(fit(&one_group, &data, None).booster, expected);
    // Fewer directions than columns: the others are free.
    let first = vec![Monotone::Decreasing];
    let booster = fit(&free.monotone_constraints(first), &data, None).booster;
    let all = [&[Monotone::Decreasing][..], &[Monotone::Free; 4]].concat();
    assert_eq!(steps(&booster, &all).0, 0);
    assert_ne!(booster, expected);
}

/// The features on each way from the root to a leaf.
pub(crate) fn ways(tree: &Tree) -> Vec<Vec<u32>> {
    let mut met: Vec<Vec<u32>> = vec![Vec::new(); tree.nodes.len()];
    let mut ways = Vec::new();
    for (idx, node) in tree.nodes.iter().enumerate() {
        let Some(left) = node.left else {
            ways.push(met[idx].clone());
            continue;
        };
        let mut below = met[idx].clone();
        if !below.contains(&node.split_index) {
            below.push(node.split_index);
        }
        met[left as usize].clone_from(&below);
        met[left as usize + 1] = below;
    }
    ways
}

#[test]
fn features_of_every_way_are_in_one_group_or_alone() {
    let groups: Vec<Vec<u32>> = vec![vec![0, 1], vec![1, 2, 3], vec![3]];
    let settings: [Change; 4] = [
        |it| it,
        |it| {
            it.max_depth(0)
                .max_leaves(30)
                .grow_policy(GrowPolicy::LossGuide)
        },
        |it| it.colsample_bytree(0.8).colsample_bylevel(0.8),
        |it| it.colsample_bynode(0.6).num_parallel_tree(3).subsample(0.7),
    ];
    for objective in [ObjectiveName::RegSquaredError, ObjectiveName::MultiSoftprob] {
        let data = binned(shape(20_000).table(objective, 9), 64);
        for set in settings {
            let params =
                set(params(objective).num_round(5)).interaction_constraints(groups.clone());
            let booster = fit(&params, &data, None).booster;
            let ways: Vec<Vec<u32>> = booster.trees.iter().flat_map(ways).collect();
            for way in &ways {
                let is_within = |group: &Vec<u32>| way.iter().all(|it| group.contains(it));
                assert!(way.len() <= 1 || groups.iter().any(is_within), "{way:?}");
            }
            let has = |wanted: &[u32]| {
                ways.iter()
                    .any(|way| wanted.iter().all(|it| way.contains(it)))
            };
            assert!(has(&[0, 1]) && has(&[1, 2]), "groups are used");
        }
    }
}

#[test]
fn neither_threads_nor_instructions_show_in_a_constrained_model() {
    let data = binned(shape(80_000).table(ObjectiveName::BinaryLogistic, 1), 256);
    let weights = vec![1.0, 0.2, 3.0, 0.5, 0.0];
    for (policy, max_leaves) in [(GrowPolicy::DepthWise, 0), (GrowPolicy::LossGuide, 50)] {
        let params = BoosterParams::default()
            .objective(ObjectiveName::BinaryLogistic)
            .num_round(3)
            .max_depth(8)
            .max_leaves(max_leaves)
            .grow_policy(policy)
            .monotone_constraints(DIRECTIONS.to_vec())
            .interaction_constraints(vec![vec![0, 1, 2], vec![2, 3, 4]])
            .feature_weights(weights.clone())
            .colsample_bynode(0.8)
            .subsample(0.4)
            .sampling_method(SamplingMethod::GradientBased);
        let run = |params: &BoosterParams| {
            let trained = fit(params, &data, None);
            (save(&trained.booster, ModelFormat::Ubj), trained.history)
        };
        let first = run(&params.clone().nthread(Some(1)).simd(Some(Simd::Portable)));
        for n_threads in [1, 2, 3, 8] {
            let same = run(&params.clone().nthread(Some(n_threads))) == first;
            assert!(same, "{n_threads} threads");
        }
        for simd in Simd::ALL.into_iter().filter(|it| it.is_available()) {
            assert!(run(&params.clone().simd(Some(simd))) == first, "{simd}");
        }
    }
}

#[test]
fn constraints_of_columns_that_are_not_there_are_refused() {
    let data = binned(shape(50).table(ObjectiveName::RegSquaredError, 1), 16);
    let params = BoosterParams::default().num_round(1);
    let refused = |params: BoosterParams| match try_fit(&params, &data) {
        Err(err @ TrainError::Columns { .. }) => err.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refused(
            params
                .clone()
                .monotone_constraints(vec![Monotone::Increasing; 6])
        ),
        "`monotone_constraints` asks for 6 columns, the table has 5"
    );
    assert_eq!(
        refused(
            params
                .clone()
                .interaction_constraints(vec![vec![0], vec![3, 5]])
        ),
        "`interaction_constraints` asks for 6 columns, the table has 5"
    );
    assert_eq!(
        refused(params.feature_weights(vec![1.0; 4])),
        "`feature_weights` asks for 4 columns, the table has 5"
    );
}
