//! Trees with several outputs as one tree for each output, for formats that know no others.

use crate::booster::Booster;
use crate::tree::{Node, Tree};

/// A tree with one output, which is added to `group`.
#[derive(Clone, Debug)]
pub(super) struct ScalarTree {
    pub(super) tree: Tree,
    pub(super) group: usize,
    /// Trees of the same group before this one.
    pub(super) iteration: usize,
}

/// All trees with one output each, dart's weights multiplied into the leaves, in the order of their iterations and in these
/// of their groups. A model without trees has a leaf of 0 for each group.
pub(super) fn trees(booster: &Booster) -> Vec<ScalarTree> {
    let n_groups = booster.n_groups();
    let mut n_before = vec![0; n_groups];
    let mut trees = Vec::new();
    for (idx, tree) in booster.trees.iter().enumerate() {
        for output in 0..tree.leaf_values(0).len() {
            let group = booster.tree_info[idx] as usize + output;
            trees.push(ScalarTree {
                tree: one_output(tree, output, booster.tree_weight(idx)),
                group,
                iteration: n_before[group],
            });
            n_before[group] += 1;
        }
    }
    if trees.is_empty() {
        let nothing = || Tree::from(vec![Node::leaf(crate::tree::NO_PARENT, 0.0, 0.0)]);
        trees.extend((0..n_groups).map(|group| ScalarTree {
            tree: nothing(),
            group,
            iteration: 0,
        }));
    }
    trees.sort_by_key(|it| (it.iteration, it.group));
    trees
}

fn one_output(tree: &Tree, output: usize, weight: f32) -> Tree {
    let nodes = tree.nodes.iter().enumerate().map(|(idx, node)| {
        let mut node = node.clone();
        if node.left.is_none() {
            node.split_condition = tree.leaf_values(idx)[output] * weight;
        }
        node
    });
    Tree {
        nodes: nodes.collect(),
        categories: tree.categories.clone(),
        leaf_vectors: None,
    }
}
