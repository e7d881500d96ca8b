//! One regression tree, as XGBoost's model document holds it.
//!
//! Invariants: node 0 is the root; a split's right child is its left child plus one, since XGBoost's predictors compute
//! it so; children come after their parent. Trees that are grown here number their nodes breadth first; trees that are
//! read keep their numbers where these hold what is said before.
//!
//! Source: XGBoost `doc/model.schema`.

pub(crate) mod adaptive;
pub(crate) mod bin_set;
mod bundle;
pub(crate) mod by_gradient;
mod category;
pub(crate) mod cell;
pub(crate) mod column_tree;
pub(crate) mod constraint;
pub(crate) mod finish;
pub(crate) mod follow;
pub(crate) mod grow;
mod grow_in_order;
mod grow_node;
mod kernel;
mod listed;
mod ordered;
pub(crate) mod panel;
pub(crate) mod partition;
pub(crate) mod penalty;
pub(crate) mod prune;
pub(crate) mod quantise;
pub(crate) mod record;
pub(crate) mod refresh;
pub(crate) mod sample;
mod scan;
pub(crate) mod spares;
pub(crate) mod split;
pub(crate) mod split_categories;
pub(crate) mod sprout;

use std::collections::BTreeMap;

pub use category::{CategoryError, CategorySet, MAX_CATEGORIES};

/// The parent of the root in XGBoost's document.
pub const NO_PARENT: u32 = 2_147_483_647;

/// What [`Node::split_condition`] is where categories are divided, as XGBoost writes it.
pub(crate) const NO_CONDITION: f32 = f32::from_bits(1);

/// A node: a split (`left` is some node) or a leaf.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The parent's index, [`NO_PARENT`] for the root.
    pub parent: u32,
    /// The left child's index; the right child is the next one. `None` for a leaf.
    pub left: Option<u32>,
    /// The feature that the split tests; 0 for a leaf.
    pub split_index: u32,
    /// A split sends `x < split_condition` left. At a leaf this is the leaf's value, learning rate included. It means
    /// nothing at a categorical split, nor at a leaf of a tree with several outputs.
    pub split_condition: f32,
    /// Where a missing value goes.
    pub default_left: bool,
    /// The node's own weight before the learning rate; at a leaf the leaf's value, as XGBoost writes it.
    pub base_weight: f32,
    /// The gain of the split; 0 for a leaf.
    pub loss_change: f32,
    /// The sum of hessians of the rows that reached the node ("cover").
    pub sum_hessian: f32,
}

impl Node {
    /// A leaf below `parent` with this `value` (learning rate included).
    pub fn leaf(parent: u32, value: f32, sum_hessian: f32) -> Self {
        Self {
            parent,
            left: None,
            split_index: 0,
            split_condition: value,
            default_left: false,
            base_weight: value,
            loss_change: 0.0,
            sum_hessian,
        }
    }
}

/// The leaves of a tree with several outputs (XGBoost's `multi_output_tree`).
#[derive(Clone, Debug, PartialEq)]
pub struct LeafVectors {
    /// Outputs of the tree, at least 2.
    pub size: u32,
    /// `(n_nodes, size)` row-major: a leaf's values, learning rate included; at a split the node's weights.
    pub values: Vec<f32>,
}

impl LeafVectors {
    /// The values of a node, `(size,)`.
    pub fn of(&self, node: usize) -> &[f32] {
        let size = self.size as usize;
        &self.values[node * size..(node + 1) * size]
    }
}

/// A tree of at least one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The nodes, root first.
    pub nodes: Vec<Node>,
    /// The categorical splits, by node: what goes right. Every other split is numeric.
    pub categories: BTreeMap<u32, CategorySet>,
    /// The leaves' values where the tree has several outputs.
    pub leaf_vectors: Option<LeafVectors>,
}

impl From<Vec<Node>> for Tree {
    /// A tree of numeric splits with one output.
    fn from(nodes: Vec<Node>) -> Self {
        Self {
            nodes,
            categories: BTreeMap::new(),
            leaf_vectors: None,
        }
    }
}

impl Tree {
    /// Whether the split `node_idx` sends the value `x` of its feature left; NaN is a missing value.
    pub fn goes_left(&self, node_idx: usize, x: f32) -> bool {
        let node = &self.nodes[node_idx];
        if x.is_nan() {
            node.default_left
        } else if let Some(right) = self.categories.get(&(node_idx as u32)) {
            !right.contains(x)
        } else {
            x < node.split_condition
        }
    }

    /// The index of the leaf that a row reaches. `value(feature)` is NaN where the row has none.
    pub fn leaf_idx(&self, value: impl Fn(u32) -> f32) -> usize {
        let mut node_idx = 0;
        loop {
            let node = &self.nodes[node_idx];
            let Some(left) = node.left else {
                return node_idx;
            };
            let goes_left = self.goes_left(node_idx, value(node.split_index));
            node_idx = left as usize + usize::from(!goes_left);
        }
    }

    /// Puts another value in the place of each leaf's, of a tree with one output.
    pub(crate) fn change_leaves(&mut self, mut changed: impl FnMut(f32) -> f32) {
        for node in self.nodes.iter_mut().filter(|node| node.left.is_none()) {
            node.split_condition = changed(node.split_condition);
            node.base_weight = node.split_condition;
        }
    }

    /// The value of the leaf that a row reaches; a tree with several outputs has none.
    pub fn leaf_value(&self, value: impl Fn(u32) -> f32) -> f32 {
        self.nodes[self.leaf_idx(value)].split_condition
    }

    /// The values of a leaf, one for each output of the tree.
    pub fn leaf_values(&self, leaf: usize) -> &[f32] {
        match &self.leaf_vectors {
            Some(vectors) => vectors.of(leaf),
            None => std::slice::from_ref(&self.nodes[leaf].split_condition),
        }
    }

    /// Whether all splits are numeric and every leaf is one value.
    pub fn is_plain(&self) -> bool {
        self.categories.is_empty() && self.leaf_vectors.is_none()
    }

    /// Splits on the longest way from the root to a leaf.
    pub fn depth(&self) -> usize {
        let mut depths = vec![0; self.nodes.len()];
        for (idx, node) in self.nodes.iter().enumerate() {
            if let Some(left) = node.left {
                depths[left as usize] = depths[idx] + 1;
                depths[left as usize + 1] = depths[idx] + 1;
            }
        }
        depths.into_iter().max().unwrap_or(0)
    }
}
