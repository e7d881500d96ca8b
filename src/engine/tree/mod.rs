//! One regression tree, as XGBoost's model document holds it.
//!
//! Invariants: node 0 is the root; a split's right child is its left child plus one, since XGBoost's predictors compute
//! it so; children come after their parent; nodes are numbered breadth first.
//!
//! Source: XGBoost `doc/model.schema`.

pub(crate) mod adaptive;
mod bundle;
pub(crate) mod cell;
pub(crate) mod column_tree;
pub(crate) mod finish;
pub(crate) mod follow;
pub(crate) mod grow;
mod grow_in_order;
mod kernel;
mod listed;
pub(crate) mod panel;
pub(crate) mod partition;
pub(crate) mod quantise;
pub(crate) mod record;
pub(crate) mod sample;
mod scan;
pub(crate) mod spares;
pub(crate) mod split;
pub(crate) mod sprout;

/// The parent of the root in XGBoost's document.
pub const NO_PARENT: u32 = 2_147_483_647;

/// A node: a split (`left` is some node) or a leaf.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The parent's index, [`NO_PARENT`] for the root.
    pub parent: u32,
    /// The left child's index; the right child is the next one. `None` for a leaf.
    pub left: Option<u32>,
    /// The feature that the split tests; 0 for a leaf.
    pub split_index: u32,
    /// A split sends `x < split_condition` left. At a leaf this is the leaf's value, learning rate included.
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

/// A tree of at least one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The nodes, root first.
    pub nodes: Vec<Node>,
}

impl Tree {
    /// The index of the leaf that a row reaches. `value(feature)` is NaN where the row has none.
    pub fn leaf_idx(&self, value: impl Fn(u32) -> f32) -> usize {
        let mut node_idx = 0;
        loop {
            let node = &self.nodes[node_idx];
            let Some(left) = node.left else {
                return node_idx;
            };
            let x = value(node.split_index);
            let goes_left = if x.is_nan() {
                node.default_left
            } else {
                x < node.split_condition
            };
            node_idx = left as usize + usize::from(!goes_left);
        }
    }

    /// The value of the leaf that a row reaches.
    pub fn leaf_value(&self, value: impl Fn(u32) -> f32) -> f32 {
        self.nodes[self.leaf_idx(value)].split_condition
    }
}
