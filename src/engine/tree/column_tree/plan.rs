//! The steps of a tree over columns, put in an order that needs little room.
//!
//! Invariant: the steps leave one entry on the stack, and no more than the base-two logarithm of the leaves at any time.

use super::super::follow::{CodeNode, CodeTree};
use super::{Children, ColumnSplit, ColumnTree, LEAVES, Step};

impl ColumnTree {
    /// The tree, with the columns and codes that `split_of` gives for the split of a node; `None` for a leaf alone, and if a byte
    /// cannot number the leaves.
    pub(crate) fn new(tree: &CodeTree, split_of: impl Fn(usize) -> ColumnSplit) -> Option<Self> {
        let n_leaves = tree.nodes.len().div_ceil(2);
        if !(2..=LEAVES).contains(&n_leaves) {
            return None;
        }
        let mut plan = Plan {
            nodes: &tree.nodes,
            n_leaves: leaves_below(&tree.nodes),
            split_of,
            steps: Vec::with_capacity(n_leaves - 1),
            values: Box::new([0.0; LEAVES]),
            n_numbered: 0,
        };
        plan.add(0);
        Some(Self {
            steps: plan.steps,
            values: plan.values,
        })
    }
}

/// A [`ColumnTree`] in the making.
struct Plan<'t, F> {
    nodes: &'t [CodeNode],
    /// Of each node.
    n_leaves: Vec<u32>,
    split_of: F,
    steps: Vec<Step>,
    values: Box<[f32; LEAVES]>,
    n_numbered: usize,
}

impl<F: Fn(usize) -> ColumnSplit> Plan<'_, F> {
    /// Adds the steps of a split and of all below it.
    fn add(&mut self, node: usize) {
        let nodes = self.nodes;
        let idx = nodes[node].left as usize;
        let (left, right) = (&nodes[idx], &nodes[idx + 1]);
        let children = match (left.left == 0, right.left == 0) {
            (true, true) => {
                let first = self.number(left.value);
                self.number(right.value);
                Children::Leaves(first)
            }
            (true, false) => {
                self.add(idx + 1);
                Children::LeafLeft(self.number(left.value))
            }
            (false, true) => {
                self.add(idx);
                Children::LeafRight(self.number(right.value))
            }
            (false, false) if self.n_leaves[idx] >= self.n_leaves[idx + 1] => {
                self.add(idx);
                self.add(idx + 1);
                Children::RightOnTop
            }
            (false, false) => {
                self.add(idx + 1);
                self.add(idx);
                Children::LeftOnTop
            }
        };
        let split = (self.split_of)(node);
        self.steps.push(Step { split, children });
    }

    /// Gives a leaf the next number.
    fn number(&mut self, value: f32) -> u8 {
        let number = self.n_numbered;
        self.values[number] = value;
        self.n_numbered += 1;
        number as u8
    }
}

/// The leaves at or below each node.
fn leaves_below(nodes: &[CodeNode]) -> Vec<u32> {
    let mut n_leaves = vec![1; nodes.len()];
    for (idx, node) in nodes.iter().enumerate().rev() {
        if node.left != 0 {
            let left = node.left as usize;
            n_leaves[idx] = n_leaves[left] + n_leaves[left + 1];
        }
    }
    n_leaves
}
