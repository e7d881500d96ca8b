//! Trees as ONNX's two operators have them: flat lists, one entry a node.
//!
//! In both a node's `missing_value_tracks_true` says whether NaN takes the true branch. `BRANCH_LT` is true left;
//! `BRANCH_MEMBER` is true right, since a set is what goes right.

use crate::booster::Booster;
use crate::tree::Tree;

use super::parts::{
    Operator, byte_tensor, float_tensor, floats, int, ints, node, tensor, text, texts,
};
use super::proto::Message;
use super::{super::scalar, ML};

/// `TreeEnsemble`'s modes of a node.
const BRANCH_LT: u8 = 1;
const BRANCH_MEMBER: u8 = 6;

/// `SUM`, and no transform.
const SUM: i64 = 1;
const NONE: i64 = 0;

fn check(tree: &Tree) -> Result<(), String> {
    let splits = tree.nodes.iter().filter(|it| it.left.is_some());
    match splits.map(|it| it.split_condition).find(|it| it.is_nan()) {
        Some(_) => Err("it has a split at a threshold that is no number".to_owned()),
        None => Ok(()),
    }
}

/// A `TreeEnsembleRegressor` from `features` to `margin`.
pub(super) fn regressor(booster: &Booster) -> Result<Message, String> {
    let mut lists = Regressor::default();
    for (number, tree) in scalar::trees(booster).iter().enumerate() {
        check(&tree.tree)?;
        lists.push(&tree.tree, number as i64, tree.group as i64);
    }
    let n_groups = booster.n_groups();
    let modes: Vec<&str> = lists.modes.iter().map(|it| mode_name(*it)).collect();
    let attributes = [
        int("n_targets", n_groups as i64),
        text("aggregate_function", "SUM"),
        text("post_transform", "NONE"),
        floats("base_values", &vec![booster.base_margin(); n_groups]),
        ints("nodes_treeids", &lists.tree_ids),
        ints("nodes_nodeids", &lists.node_ids),
        ints("nodes_featureids", &lists.features),
        floats("nodes_values", &lists.values),
        texts("nodes_modes", &modes),
        ints("nodes_truenodeids", &lists.when_true),
        ints("nodes_falsenodeids", &lists.when_false),
        ints("nodes_missing_value_tracks_true", &lists.missing_is_true),
        ints("target_treeids", &lists.leaf_trees),
        ints("target_nodeids", &lists.leaf_nodes),
        ints("target_ids", &lists.leaf_groups),
        floats("target_weights", &lists.leaf_values),
    ];
    let operator = Operator {
        name: "TreeEnsembleRegressor",
        domain: ML,
    };
    Ok(node(&operator, &["features"], &["margin"], &attributes))
}

/// What a node of the regressor does.
#[derive(Clone, Copy)]
enum Mode {
    Leaf,
    Below,
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Leaf => "LEAF",
        Mode::Below => "BRANCH_LT",
    }
}

#[derive(Default)]
struct Regressor {
    tree_ids: Vec<i64>,
    node_ids: Vec<i64>,
    features: Vec<i64>,
    values: Vec<f32>,
    modes: Vec<Mode>,
    when_true: Vec<i64>,
    when_false: Vec<i64>,
    missing_is_true: Vec<i64>,
    leaf_trees: Vec<i64>,
    leaf_nodes: Vec<i64>,
    leaf_groups: Vec<i64>,
    leaf_values: Vec<f32>,
}

impl Regressor {
    fn push(&mut self, tree: &Tree, number: i64, group: i64) {
        for (idx, node) in tree.nodes.iter().enumerate() {
            self.tree_ids.push(number);
            self.node_ids.push(idx as i64);
            self.features.push(node.split_index.into());
            self.missing_is_true.push(node.default_left.into());
            if let Some(left) = node.left {
                self.values.push(node.split_condition);
                self.modes.push(Mode::Below);
                self.when_true.push(left.into());
                self.when_false.push(i64::from(left) + 1);
            } else {
                self.values.push(0.0);
                self.modes.push(Mode::Leaf);
                self.when_true.push(0);
                self.when_false.push(0);
                self.leaf_trees.push(number);
                self.leaf_nodes.push(idx as i64);
                self.leaf_groups.push(group);
                self.leaf_values.push(node.split_condition);
            }
        }
    }
}

/// A `TreeEnsemble` from `features` to `leaves`, which has sets of categories.
pub(super) fn with_sets(booster: &Booster) -> Result<Message, String> {
    let mut lists = Ensemble::default();
    for tree in scalar::trees(booster) {
        check(&tree.tree)?;
        lists.push(&tree.tree, tree.group as i64);
    }
    let dims = |len: usize| [len as i64];
    let list =
        |name: &str, values: &[f32]| tensor(name, &float_tensor(name, &dims(values.len()), values));
    let attributes = [
        int("n_targets", booster.n_groups() as i64),
        int("aggregate_function", SUM),
        int("post_transform", NONE),
        ints("tree_roots", &lists.roots),
        ints("nodes_featureids", &lists.features),
        tensor("nodes_modes", &byte_tensor("nodes_modes", &lists.modes)),
        list("nodes_splits", &lists.splits),
        ints("nodes_truenodeids", &lists.when_true.nodes),
        ints("nodes_trueleafs", &lists.when_true.is_leaf),
        ints("nodes_falsenodeids", &lists.when_false.nodes),
        ints("nodes_falseleafs", &lists.when_false.is_leaf),
        ints("nodes_missing_value_tracks_true", &lists.missing_is_true),
        ints("leaf_targetids", &lists.leaf_groups),
        list("leaf_weights", &lists.leaf_values),
        list("membership_values", &lists.members),
    ];
    let operator = Operator {
        name: "TreeEnsemble",
        domain: ML,
    };
    Ok(node(&operator, &["features"], &["leaves"], &attributes))
}

#[derive(Default)]
struct Branch {
    /// A node's number, or a leaf's.
    nodes: Vec<i64>,
    is_leaf: Vec<i64>,
}

impl Branch {
    fn push(&mut self, (number, is_leaf): (i64, bool)) {
        self.nodes.push(number);
        self.is_leaf.push(is_leaf.into());
    }
}

#[derive(Default)]
struct Ensemble {
    roots: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<u8>,
    splits: Vec<f32>,
    when_true: Branch,
    when_false: Branch,
    missing_is_true: Vec<i64>,
    leaf_groups: Vec<i64>,
    leaf_values: Vec<f32>,
    /// The sets one after the other, NaN after each.
    members: Vec<f32>,
}

impl Ensemble {
    fn push(&mut self, tree: &Tree, group: i64) {
        // Splits and leaves are numbered apart, over all trees.
        let (mut n_splits, mut n_leaves) = (self.features.len(), self.leaf_values.len());
        let numbers: Vec<(i64, bool)> = tree
            .nodes
            .iter()
            .map(|node| {
                let is_leaf = node.left.is_none();
                let count = if is_leaf {
                    &mut n_leaves
                } else {
                    &mut n_splits
                };
                *count += 1;
                (*count as i64 - 1, is_leaf)
            })
            .collect();
        self.roots.push(self.features.len() as i64);
        for (idx, node) in tree.nodes.iter().enumerate() {
            let Some(left) = node.left else {
                self.leaf_groups.push(group);
                self.leaf_values.push(node.split_condition);
                continue;
            };
            let [left, right] = [numbers[left as usize], numbers[left as usize + 1]];
            self.features.push(node.split_index.into());
            if let Some(set) = tree.categories.get(&(idx as u32)) {
                let codes = set.codes().iter().map(|&it| it as f32);
                self.members.extend(codes.chain([f32::NAN]));
                self.push_split(BRANCH_MEMBER, 0.0, !node.default_left, [right, left]);
            } else {
                let threshold = node.split_condition;
                self.push_split(BRANCH_LT, threshold, node.default_left, [left, right]);
            }
        }
        if tree.nodes[0].left.is_none() {
            // A root must be a split: one whose sides are the same leaf.
            self.features.push(0);
            self.push_split(BRANCH_LT, 0.0, true, [numbers[0], numbers[0]]);
        }
    }

    fn push_split(
        &mut self,
        mode: u8,
        threshold: f32,
        missing_is_true: bool,
        [when_true, when_false]: [(i64, bool); 2],
    ) {
        self.modes.push(mode);
        self.splits.push(threshold);
        self.missing_is_true.push(missing_is_true.into());
        self.when_true.push(when_true);
        self.when_false.push(when_false);
    }
}
