//! Growth to a number of leaves, and what may not show in a tree: threads and instructions.

use std::collections::BTreeSet;

use engine::model::{ModelFormat, save};
use engine::objective::ObjectiveName;
use engine::params::{BoosterParams, GrowPolicy};
use engine::simd::Simd;
use engine::tree::{Node, Tree};

use crate::table::{Shape, binned, fit};

fn shape(n_rows: usize) -> Shape {
    Shape {
        n_rows,
        n_features: 9,
        missing: 0.1,
        weighted: false,
    }
}

fn one_tree(params: &BoosterParams, n_rows: usize) -> Tree {
    let data = binned(shape(n_rows).table(ObjectiveName::RegSquaredError, 3), 256);
    let trained = fit(&params.clone().num_round(1), &data, None);
    trained.booster.trees[0].clone()
}

/// What tells a split: the feature, the value, and the gain.
fn split(node: &Node) -> (u32, u32, u32) {
    (
        node.split_index,
        node.split_condition.to_bits(),
        node.loss_change.to_bits(),
    )
}

fn splits(tree: &Tree) -> BTreeSet<(u32, u32, u32)> {
    let inner = tree.nodes.iter().filter(|node| node.left.is_some());
    inner.map(split).collect()
}

/// The splits that `n` expansions of a whole tree choose, by `first` among the nodes that are open.
fn expand(whole: &Tree, n: usize, first: impl Fn(&[usize]) -> usize) -> BTreeSet<(u32, u32, u32)> {
    let mut open = vec![0];
    let mut chosen = BTreeSet::new();
    for _ in 0..n {
        open.retain(|&idx| whole.nodes[idx].left.is_some());
        if open.is_empty() {
            break;
        }
        let node = &whole.nodes[open.remove(first(&open))];
        chosen.insert(split(node));
        let left = node.left.expect("open nodes are split") as usize;
        open.extend([left, left + 1]);
    }
    chosen
}

#[test]
fn lossguide_splits_the_node_that_gains_most() {
    let whole = one_tree(&BoosterParams::default().max_depth(0), 3000);
    assert!(whole.nodes.len() > 400);
    let most_gain = |open: &[usize]| {
        let gain = |at: &usize| whole.nodes[open[*at]].loss_change;
        (0..open.len())
            .max_by(|a, b| gain(a).total_cmp(&gain(b)))
            .expect("some node is open")
    };
    for max_leaves in [1, 2, 3, 17, 64, 100_000] {
        for n_threads in [1, 2, 3] {
            let params = BoosterParams::default()
                .max_depth(0)
                .max_leaves(max_leaves)
                .grow_policy(GrowPolicy::LossGuide)
                .nthread(Some(n_threads));
            let tree = one_tree(&params, 3000);
            let expected = expand(&whole, max_leaves as usize - 1, most_gain);
            assert_eq!(
                splits(&tree),
                expected,
                "{max_leaves} leaves, {n_threads} threads"
            );
        }
    }
}

#[test]
fn depthwise_splits_the_node_nearest_to_the_root() {
    let whole = one_tree(&BoosterParams::default().max_depth(0), 3000);
    for max_leaves in [2, 5, 40] {
        let tree = one_tree(
            &BoosterParams::default().max_depth(0).max_leaves(max_leaves),
            3000,
        );
        let expected = expand(&whole, max_leaves as usize - 1, |_| 0);
        assert_eq!(splits(&tree), expected, "{max_leaves} leaves");
    }
}

#[test]
fn the_order_of_splits_does_not_show_where_nothing_ends_them() {
    let depthwise = BoosterParams::default().max_depth(5);
    let lossguide = depthwise.clone().grow_policy(GrowPolicy::LossGuide);
    let limited = lossguide.clone().max_leaves(32);
    let tree = one_tree(&depthwise, 5000);
    assert_eq!(tree, one_tree(&lossguide, 5000));
    assert_eq!(tree, one_tree(&limited, 5000));
}

#[test]
fn how_many_histograms_wait_does_not_show_in_a_model() {
    let train = binned(shape(20_000).table(ObjectiveName::BinaryLogistic, 5), 256);
    for (policy, max_leaves) in [(GrowPolicy::DepthWise, 0), (GrowPolicy::LossGuide, 300)] {
        let model = |n_waiting: u32, n_threads: usize| {
            let params = BoosterParams::default()
                .objective(ObjectiveName::BinaryLogistic)
                .num_round(2)
                .max_depth(0)
                .max_leaves(max_leaves)
                .grow_policy(policy)
                .colsample_bynode(0.7)
                .max_cached_hist_node(n_waiting)
                .nthread(Some(n_threads));
            save(&fit(&params, &train, None).booster, ModelFormat::Ubj)
        };
        let expected = model(65_536, 1);
        for n_waiting in [1, 2, 7] {
            for n_threads in [1, 3] {
                assert!(
                    model(n_waiting, n_threads) == expected,
                    "{policy}, {n_waiting} waiting, {n_threads} threads"
                );
            }
        }
    }
}

#[test]
fn neither_threads_nor_instructions_show_in_a_model() {
    // Enough rows for packed sums and for nodes that are worth all threads.
    let data = |seed| {
        binned(
            shape(80_000).table(ObjectiveName::BinaryLogistic, seed),
            256,
        )
    };
    let (train, validation) = (data(1), data(1));
    for (max_leaves, max_depth) in [(40, 0), (0, 10)] {
        let params = BoosterParams::default()
            .objective(ObjectiveName::BinaryLogistic)
            .num_round(3)
            .max_depth(max_depth)
            .max_leaves(max_leaves)
            .grow_policy(GrowPolicy::LossGuide);
        let run = |params: &BoosterParams| {
            let trained = fit(params, &train, Some(&validation));
            (save(&trained.booster, ModelFormat::Ubj), trained.history)
        };
        let first = run(&params.clone().nthread(Some(1)).simd(Some(Simd::Portable)));
        for n_threads in [1, 2, 3, 8] {
            assert!(
                run(&params.clone().nthread(Some(n_threads))) == first,
                "{n_threads} threads"
            );
        }
        for simd in Simd::ALL.into_iter().filter(|it| it.is_available()) {
            assert!(run(&params.clone().simd(Some(simd))) == first, "{simd}");
        }
    }
}

/// The features that each level of a tree splits on.
fn features_by_level(tree: &Tree) -> Vec<BTreeSet<u32>> {
    let mut levels = vec![BTreeSet::new(); 16];
    let mut depths = vec![0; tree.nodes.len()];
    for (idx, node) in tree.nodes.iter().enumerate() {
        if let Some(left) = node.left {
            levels[depths[idx]].insert(node.split_index);
            for child in [left, left + 1] {
                depths[child as usize] = depths[idx] + 1;
            }
        }
    }
    levels.retain(|level| !level.is_empty());
    levels
}

#[test]
fn a_level_splits_on_its_share_of_the_columns_and_levels_differ() {
    let params = BoosterParams::default()
        .max_depth(7)
        .colsample_bylevel(0.34);
    let levels = features_by_level(&one_tree(&params, 20_000));
    assert_eq!(levels.len(), 7);
    // 0.34 of 9 columns.
    assert!(levels.iter().all(|level| level.len() <= 3), "{levels:?}");
    assert!(levels.iter().any(|level| *level != levels[0]), "{levels:?}");
}

#[test]
fn a_node_splits_on_its_share_of_its_levels_columns_and_nodes_differ() {
    let params = BoosterParams::default()
        .max_depth(7)
        .colsample_bylevel(0.67);
    let one_each = params.clone().colsample_bynode(0.2);
    let levels = features_by_level(&one_tree(&one_each, 20_000));
    // One of six columns for each node; so many nodes do not all draw the same one.
    assert!(levels.iter().all(|level| level.len() <= 6), "{levels:?}");
    assert!(levels[4].len() > 1 && levels[5].len() > 1, "{levels:?}");
    let all = one_tree(&BoosterParams::default().max_depth(7), 20_000);
    assert_ne!(splits(&one_tree(&one_each, 20_000)), splits(&all));
}

#[test]
fn sampled_columns_of_nodes_do_not_depend_on_threads_or_on_the_order_of_growth() {
    let data = binned(shape(40_000).table(ObjectiveName::RegSquaredError, 3), 256);
    let params = BoosterParams::default()
        .num_round(3)
        .max_depth(6)
        .colsample_bytree(0.8)
        .colsample_bylevel(0.7)
        .colsample_bynode(0.7);
    let bytes = |params: &BoosterParams, n_threads: usize| {
        let params = params.clone().nthread(Some(n_threads));
        save(&fit(&params, &data, None).booster, ModelFormat::Ubj)
    };
    let one = bytes(&params, 1);
    for n_threads in [2, 3, 8] {
        assert_eq!(bytes(&params, n_threads), one, "{n_threads} threads");
    }
    // As many leaves as the depth allows: the same nodes, split in another order.
    let by_gain = params.grow_policy(GrowPolicy::LossGuide).max_leaves(64);
    assert_eq!(bytes(&by_gain, 2), one);
}
