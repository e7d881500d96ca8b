//! Weights for a grown tree: leaf values, covers, and the tree as the model holds it.
//!
//! Invariants: a leaf's sums are those of the exact gradients of its rows; an inner node's are its children's, left plus
//! right. The codes of [`CodeTree`] and the values of [`Tree`] lead a row to the same leaf.

use crate::bin::{BinnedMatrix, HistogramCuts};
use crate::threads::Threads;

use super::cell::Cell;
use super::grow::{ExactGradients, Grown, GrownNode};
use super::split::Penalty;
use super::{NO_PARENT, Node, Tree};

/// A tree that is followed by codes.
#[derive(Clone, Debug)]
pub(crate) struct CodeTree {
    nodes: Vec<CodeNode>,
}

#[derive(Clone, Copy, Debug)]
struct CodeNode {
    /// 0 for a leaf, since the root is nobody's child.
    left: u32,
    feature: u32,
    bin: u16,
    missing: u16,
    default_left: bool,
    value: f32,
}

impl CodeTree {
    /// The value of the leaf that a row of `matrix` reaches.
    pub(crate) fn leaf_value(&self, matrix: &BinnedMatrix, row: usize) -> f32 {
        let mut node = &self.nodes[0];
        while node.left != 0 {
            let code = matrix.code(row, node.feature, node.missing);
            let goes_left = if code == node.missing {
                node.default_left
            } else {
                code <= node.bin
            };
            node = &self.nodes[node.left as usize + usize::from(!goes_left)];
        }
        node.value
    }
}

/// Gives a grown tree its weights. A leaf's value is its weight times `learning_rate`.
pub(crate) fn finish<C: Cell>(
    grown: &Grown<'_, C>,
    exact: &ExactGradients<'_>,
    cuts: &HistogramCuts,
    shape: (&Penalty, f32),
    threads: &Threads,
) -> (Tree, CodeTree) {
    let (penalty, learning_rate) = shape;
    let leaf_sums = threads.map(grown.nodes.iter().collect(), |node| match node {
        GrownNode::Leaf(rows) => exact.sum(rows),
        GrownNode::Split(..) => (0.0, 0.0),
    });
    let mut sums = leaf_sums;
    let mut parents = vec![NO_PARENT; sums.len()];
    for (idx, node) in grown.nodes.iter().enumerate().rev() {
        if let GrownNode::Split(_, left) = node {
            let (a, b) = (sums[*left], sums[left + 1]);
            sums[idx] = (a.0 + b.0, a.1 + b.1);
            parents[*left] = idx as u32;
            parents[left + 1] = idx as u32;
        }
    }
    let mut tree = Tree {
        nodes: Vec::with_capacity(sums.len()),
    };
    let mut code_tree = CodeTree {
        nodes: Vec::with_capacity(sums.len()),
    };
    for ((node, (grad, hess)), parent) in grown.nodes.iter().zip(sums).zip(parents) {
        let weight = penalty.weight(grad, hess) as f32;
        let (node, code_node) = match node {
            GrownNode::Leaf(_) => {
                let value = weight * learning_rate;
                let code_node = CodeNode {
                    left: 0,
                    feature: 0,
                    bin: 0,
                    missing: 0,
                    default_left: false,
                    value,
                };
                (Node::leaf(parent, value, hess as f32), code_node)
            }
            GrownNode::Split(entry, left) => {
                let feature_cuts = cuts.cuts(entry.feature as usize);
                let node = Node {
                    parent,
                    left: Some(*left as u32),
                    split_index: entry.feature,
                    split_condition: feature_cuts[usize::from(entry.bin)],
                    default_left: entry.default_left,
                    base_weight: weight,
                    loss_change: entry.loss_change,
                    sum_hessian: hess as f32,
                };
                let code_node = CodeNode {
                    left: *left as u32,
                    feature: entry.feature,
                    bin: entry.bin,
                    missing: feature_cuts.len() as u16,
                    default_left: entry.default_left,
                    value: 0.0,
                };
                (node, code_node)
            }
        };
        tree.nodes.push(node);
        code_tree.nodes.push(code_node);
    }
    (tree, code_tree)
}
