//! Explanations against their definitions: every order of features on small trees.

use std::collections::BTreeMap;

use engine::booster::{Booster, BoosterKind, LinearModel};
use engine::dataset::{Dataset, SideColumns};
use engine::explain::{DependenceParams, ExplainError, ImportanceType, Scale};
use engine::objective::{Objective, ObjectiveName};
use engine::threads::Threads;
use engine::tree::{CategorySet, LeafVectors, NO_PARENT, Node, Tree};
use proptest::prelude::*;

const N_FEATURES: usize = 4;

/// A node as it is drawn: threshold, feature, default, whether it splits, whether by categories, cover's share.
type Drawn = (i8, usize, bool, bool, bool, u8);

fn any_tree() -> impl Strategy<Value = Tree> {
    let node = (
        -3..4_i8,
        0..N_FEATURES,
        any::<bool>(),
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.3),
        1..8_u8,
    );
    prop::collection::vec(node, 1..14).prop_map(tree_of)
}

fn tree_of(drawn: Vec<Drawn>) -> Tree {
    let mut tree = Tree::from(vec![Node::leaf(NO_PARENT, 0.5, 64.0)]);
    for (idx, (threshold, feature, default_left, splits, by_category, share)) in
        drawn.into_iter().enumerate()
    {
        if idx >= tree.nodes.len() {
            break;
        }
        let left = tree.nodes.len() as u32;
        let node = &mut tree.nodes[idx];
        node.split_condition = f32::from(threshold) + 0.25;
        if !splits {
            continue;
        }
        let cover = node.sum_hessian;
        (node.left, node.split_index, node.default_left) =
            (Some(left), feature as u32, default_left);
        node.loss_change = 1.0;
        let left_cover = cover * f32::from(share) / 8.0;
        tree.nodes.extend([
            Node::leaf(idx as u32, 1.0, left_cover),
            Node::leaf(idx as u32, -1.0, cover - left_cover),
        ]);
        if by_category {
            let codes = vec![0, threshold.unsigned_abs().into()];
            tree.categories
                .insert(idx as u32, CategorySet::new(codes).expect("small codes"));
        }
    }
    tree
}

prop_compose! {
    fn any_booster()(
        trees in prop::collection::vec(any_tree(), 1..4),
        weights in prop::collection::vec(-2.0..2.0_f32, 4),
    ) -> Booster {
        let weight_drop = weights[..trees.len()].to_vec();
        Booster {
            tree_info: vec![0; trees.len()],
            trees,
            base_score: 0.25,
            kind: BoosterKind::Dart { weight_drop },
            ..Booster::new(Objective::new(ObjectiveName::RegSquaredError), N_FEATURES as u32)
        }
    }
}

fn any_row() -> impl Strategy<Value = Vec<f32>> {
    let value = prop_oneof![4 => (-3..4_i8).prop_map(f32::from), 1 => Just(f32::NAN)];
    prop::collection::vec(value, N_FEATURES)
}

fn dataset(rows: &[Vec<f32>]) -> Dataset {
    Dataset::from_rows(N_FEATURES, &rows.concat(), &vec![0.0; rows.len()]).expect("a table")
}

/// What a model says where only some features are known: both ways by their covers where one is not.
fn worth(booster: &Booster, row: &[f32], known: usize) -> f64 {
    let trees = booster.trees.iter().enumerate();
    let sum: f64 = trees
        .map(|(idx, tree)| f64::from(booster.tree_weight(idx)) * worth_below(tree, 0, row, known))
        .sum();
    f64::from(booster.base_score) + sum
}

fn worth_below(tree: &Tree, idx: usize, row: &[f32], known: usize) -> f64 {
    let node = &tree.nodes[idx];
    let Some(left) = node.left.map(|it| it as usize) else {
        return node.split_condition.into();
    };
    let below = |child: usize| worth_below(tree, child, row, known);
    if known >> node.split_index & 1 == 1 {
        let goes_left = tree.goes_left(idx, row[node.split_index as usize]);
        return below(left + usize::from(!goes_left));
    }
    let share =
        |child: usize| f64::from(tree.nodes[child].sum_hessian) / f64::from(node.sum_hessian);
    share(left) * below(left) + share(left + 1) * below(left + 1)
}

fn factorial(n: u32) -> f64 {
    (1..=n).map(f64::from).product()
}

/// Shapley's formula over the features outside `fixed`, of which those in `given` are known.
fn shapley(booster: &Booster, row: &[f32], feature: usize, fixed: usize, given: usize) -> f64 {
    let n = N_FEATURES as u32 - fixed.count_ones();
    let mut sum = 0.0;
    for known in 0..1_usize << N_FEATURES {
        if known & (fixed | 1 << feature) != 0 {
            continue;
        }
        let size = known.count_ones();
        let weight = factorial(size) * factorial(n - size - 1) / factorial(n);
        let with = worth(booster, row, known | given | 1 << feature);
        sum += weight * (with - worth(booster, row, known | given));
    }
    sum
}

fn near(ours: f64, expected: f64) -> bool {
    (ours - expected).abs() <= 1e-9 * (1.0 + expected.abs())
}

proptest! {
    #[test]
    fn contributions_are_shapley_values(booster in any_booster(), row in any_row()) {
        let data = dataset(std::slice::from_ref(&row));
        let found = booster.predict_contributions(&data, &Threads::single()).unwrap();
        for (feature, &ours) in found[..N_FEATURES].iter().enumerate() {
            let expected = shapley(&booster, &row, feature, 0, 0);
            prop_assert!(near(ours, expected), "{feature}: {ours} {expected}");
        }
        prop_assert!(near(found[N_FEATURES], worth(&booster, &row, 0)));
        let margin = worth(&booster, &row, (1 << N_FEATURES) - 1);
        prop_assert!(near(found.iter().sum(), margin));
    }

    #[test]
    fn interactions_are_shapley_interactions(booster in any_booster(), row in any_row()) {
        let data = dataset(std::slice::from_ref(&row));
        let threads = Threads::single();
        let found = booster.predict_interactions(&data, &threads).unwrap();
        let alone = booster.predict_contributions(&data, &threads).unwrap();
        let n_columns = N_FEATURES + 1;
        for (a, line) in found.chunks(n_columns).enumerate() {
            prop_assert!(near(line.iter().sum(), alone[a]));
            for (b, &ours) in line.iter().enumerate().filter(|it| it.0 != a) {
                let expected = if a == N_FEATURES || b == N_FEATURES {
                    0.0
                } else {
                    let fixed = 1 << b;
                    (shapley(&booster, &row, a, fixed, fixed) - shapley(&booster, &row, a, fixed, 0)) / 2.0
                };
                prop_assert!(near(ours, expected), "{a} {b}: {ours} {expected}");
            }
        }
    }

    #[test]
    fn approximate_contributions_add_up_along_the_way(booster in any_booster(), row in any_row()) {
        let data = dataset(std::slice::from_ref(&row));
        let found = booster.predict_approximate_contributions(&data, &Threads::single()).unwrap();
        prop_assert!(near(found[N_FEATURES], worth(&booster, &row, 0)));
        prop_assert!(near(found.iter().sum(), worth(&booster, &row, (1 << N_FEATURES) - 1)));
    }

    #[test]
    fn threads_change_nothing(booster in any_booster(), rows in prop::collection::vec(any_row(), 1..200)) {
        let data = dataset(&rows);
        let (one, three) = (Threads::single(), Threads::new(Some(3)).unwrap());
        prop_assert_eq!(
            booster.predict_contributions(&data, &one).unwrap(),
            booster.predict_contributions(&data, &three).unwrap()
        );
        prop_assert_eq!(
            booster.predict_interactions(&data, &one).unwrap(),
            booster.predict_interactions(&data, &three).unwrap()
        );
    }
}

#[test]
fn many_rows_are_explained_as_each_alone() {
    let drawn = |seed: u32| {
        let node = |it: u32| {
            let it = seed
                .wrapping_mul(31)
                .wrapping_add(it)
                .wrapping_mul(2_654_435_761)
                >> 7;
            let threshold = (it % 7) as i8 - 3;
            (
                threshold,
                it as usize / 7 % N_FEATURES,
                it.is_multiple_of(2),
                true,
                it.trailing_zeros() > 1,
                (it % 7 + 1) as u8,
            )
        };
        tree_of((0..15).map(node).collect())
    };
    let booster = Booster {
        trees: (0..10).map(drawn).collect(),
        tree_info: vec![0; 10],
        ..Booster::new(
            Objective::new(ObjectiveName::RegSquaredError),
            N_FEATURES as u32,
        )
    };
    let value = |it: usize| {
        if it.is_multiple_of(11) {
            f32::NAN
        } else {
            (it * 7919 % 9) as f32 - 4.0
        }
    };
    let row = |row: usize| {
        (0..N_FEATURES)
            .map(|it| value(row * N_FEATURES + it))
            .collect()
    };
    let rows: Vec<Vec<f32>> = (0..300).map(row).collect();
    let threads = Threads::single();
    let together = booster
        .predict_contributions(&dataset(&rows), &threads)
        .unwrap();
    for (row, together) in rows.iter().zip(together.chunks(N_FEATURES + 1)) {
        let data = dataset(std::slice::from_ref(row));
        let alone = booster.predict_contributions(&data, &threads).unwrap();
        assert_eq!(alone, together);
    }
}

/// `x0 < 1`: -1 and 1 with covers 1 and 3; then `x1 < 2` on the right: 1 and 5.
fn small() -> Booster {
    let mut nodes = vec![
        Node::leaf(NO_PARENT, 1.0, 4.0),
        Node::leaf(0, -1.0, 1.0),
        Node::leaf(0, 2.0, 3.0),
        Node::leaf(2, 1.0, 2.0),
        Node::leaf(2, 5.0, 1.0),
    ];
    for (idx, left, feature, gain) in [(0, 1, 0, 8.0), (2, 3, 1, 2.0)] {
        let node: &mut Node = &mut nodes[idx];
        (node.left, node.split_index, node.loss_change) = (Some(left), feature, gain);
    }
    Booster {
        trees: vec![Tree::from(nodes.clone()), Tree::from(nodes)],
        tree_info: vec![0, 0],
        base_score: 0.0,
        ..Booster::new(Objective::new(ObjectiveName::RegSquaredError), 3)
    }
}

#[test]
fn importances_count_and_add_up_splits() {
    let booster = small();
    let of = |kind| booster.importance(kind).unwrap();
    assert_eq!(of(ImportanceType::Weight), [(0, 2.0), (1, 2.0)]);
    assert_eq!(of(ImportanceType::Gain), [(0, 8.0), (1, 2.0)]);
    assert_eq!(of(ImportanceType::TotalGain), [(0, 16.0), (1, 4.0)]);
    assert_eq!(of(ImportanceType::Cover), [(0, 4.0), (1, 3.0)]);
    assert_eq!(of(ImportanceType::TotalCover), [(0, 8.0), (1, 6.0)]);
    for kind in ImportanceType::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
}

#[test]
fn trees_with_several_outputs_are_explained_output_by_output() {
    let plain = small();
    let mut vector = plain.clone();
    vector.n_targets = 2;
    for tree in &mut vector.trees {
        let values = tree
            .nodes
            .iter()
            .flat_map(|it| [it.split_condition, -3.0 * it.split_condition]);
        tree.leaf_vectors = Some(LeafVectors {
            size: 2,
            values: values.collect(),
        });
    }
    let rows = [0.0, 0.0, f32::NAN, 1.0, 3.0, 0.0];
    let data = Dataset::from_rows(3, &rows, &[0.0; 2]).unwrap();
    let threads = Threads::single();
    for explain in [
        Booster::predict_contributions,
        Booster::predict_interactions,
        Booster::predict_approximate_contributions,
    ] {
        let one = explain(&plain, &data, &threads).unwrap();
        let two = explain(&vector, &data, &threads).unwrap();
        let width = one.len() / 2;
        for (one, two) in one.chunks(width).zip(two.chunks(2 * width)) {
            let tripled: Vec<f64> = one.iter().map(|it| -3.0 * it).collect();
            assert!(two[..width].iter().zip(one).all(|(&a, &b)| near(a, b)));
            assert!(two[width..].iter().zip(&tripled).all(|(&a, &b)| near(a, b)));
        }
    }
    let margins = vector.predict_margin(&data, &threads).unwrap();
    let single = plain.predict_margin(&data, &threads).unwrap();
    assert_eq!(
        margins,
        [single[0], -3.0 * single[0], single[1], -3.0 * single[1]]
    );
}

#[test]
fn a_linear_model_is_its_own_explanation() {
    let booster = Booster {
        base_score: 0.5,
        kind: BoosterKind::GbLinear(LinearModel {
            weights: vec![2.0, -1.0, 0.25],
            boosted_rounds: 3,
        }),
        ..Booster::new(Objective::new(ObjectiveName::RegSquaredError), 2)
    };
    let data = Dataset::from_rows(2, &[3.0, 4.0, f32::NAN, 1.0], &[0.0; 2]).unwrap();
    let threads = Threads::single();
    let found = booster.predict_contributions(&data, &threads).unwrap();
    assert_eq!(found, [6.0, -4.0, 0.75, 0.0, -1.0, 0.75]);
    let pairs = booster.predict_interactions(&data, &threads).unwrap();
    assert_eq!(pairs[..9], [6.0, 0.0, 0.0, 0.0, -4.0, 0.0, 0.0, 0.0, 0.75]);
    assert_eq!(
        booster.importance(ImportanceType::Weight).unwrap(),
        [(0, 2.0), (1, -1.0)]
    );
    assert_eq!(
        booster.importance(ImportanceType::Gain),
        Err(ExplainError::Linear)
    );
}

#[test]
fn partial_dependence_is_the_mean_with_the_feature_put_to_a_value() {
    let booster = small();
    let rows = [0.0, 1.0, 0.0, 1.0, 3.0, 0.0, f32::NAN, 2.0, 0.0];
    let data = Dataset::from_rows(3, &rows, &[0.0; 3]).unwrap();
    let threads = Threads::single();
    let dependence = |features: &[u32], n_values, scale| {
        let params = DependenceParams {
            features: features.to_vec(),
            n_values,
            scale,
        };
        booster.partial_dependence(&params, &data, &threads)
    };
    let one = dependence(&[0], 10, Scale::Prediction).unwrap();
    assert_eq!(one.values, [[0.0, 1.0]]);
    // x1 is 1, 3, 2: the right side gives 1, 5, 5, twice.
    assert_eq!(one.means, [-2.0, 22.0 / 3.0]);
    let two = dependence(&[1, 0], 2, Scale::Margin).unwrap();
    assert_eq!(two.values, [[1.0, 3.0], [0.0, 1.0]]);
    assert_eq!(two.means, [-2.0, 2.0, -2.0, 10.0]);
    let refusal = |features: &[u32]| {
        let found = dependence(features, 5, Scale::Margin);
        found.unwrap_err().to_string()
    };
    assert_eq!(
        refusal(&[]),
        "partial dependence is of one or two different features"
    );
    assert_eq!(
        refusal(&[1, 1]),
        "partial dependence is of one or two different features"
    );
    assert_eq!(refusal(&[3]), "there is no feature 3, the model has 3");
}

#[test]
fn what_a_row_starts_from_is_no_features_doing() {
    let mut booster = small();
    booster.objective = Objective::new(ObjectiveName::CountPoisson);
    booster.base_score = 2.0;
    let rows = [0.0, 1.0, 0.0, 1.0, 3.0, 0.0];
    let plain = Dataset::from_rows(3, &rows, &[0.0; 2]).unwrap();
    let side = SideColumns {
        exposure: Some(vec![1.0, 8.0]),
        ..SideColumns::default()
    };
    let data = plain.clone().with_side_columns(side).unwrap();
    let threads = Threads::single();
    let margins = booster.predict_margin(&data, &threads).unwrap();
    for explain in [
        Booster::predict_contributions,
        Booster::predict_interactions,
        Booster::predict_approximate_contributions,
    ] {
        let with = explain(&booster, &data, &threads).unwrap();
        let without = explain(&booster, &plain, &threads).unwrap();
        let width = with.len() / 2;
        assert_eq!(with[..width], without[..width]);
        assert_eq!(with[width..2 * width - 1], without[width..2 * width - 1]);
        for (row, margin) in with.chunks(width).zip(&margins) {
            assert!((row.iter().sum::<f64>() - f64::from(*margin)).abs() < 1e-6);
        }
    }
    let params = DependenceParams {
        features: vec![2],
        n_values: 1,
        scale: Scale::Margin,
    };
    let found = booster
        .partial_dependence(&params, &data, &threads)
        .unwrap();
    let mean = f64::from(margins[0] + margins[1]) / 2.0;
    assert!((found.means[0] - mean).abs() < 1e-6);
}

#[test]
fn a_tree_that_nobody_could_explain_is_refused() {
    // A chain of splits: as deep as it has leaves.
    let mut nodes = vec![Node::leaf(NO_PARENT, 0.0, 1.0)];
    for _ in 0..20_000 {
        let parent = nodes.len() - 1;
        nodes[parent].left = Some(nodes.len() as u32);
        nodes.extend([1.0, 2.0].map(|it| Node::leaf(parent as u32, it, 1.0)));
    }
    let booster = Booster {
        trees: vec![Tree {
            nodes,
            categories: BTreeMap::new(),
            leaf_vectors: None,
        }],
        tree_info: vec![0],
        ..Booster::new(Objective::new(ObjectiveName::RegSquaredError), 1)
    };
    let data = Dataset::from_rows(1, &[0.0], &[0.0]).unwrap();
    let threads = Threads::single();
    let err = booster.predict_contributions(&data, &threads).unwrap_err();
    assert_eq!(
        err.to_string(),
        "tree 0: it has 20001 leaves and is 20000 splits deep; ask for approximate contributions"
    );
    assert!(
        booster
            .predict_approximate_contributions(&data, &threads)
            .is_ok()
    );
}
