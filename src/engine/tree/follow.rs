//! Following a tree by codes: how a row learns which leaf it reaches without its values.
//!
//! Invariant: the codes of a [`CodeTree`] and the values of [`super::Tree`] lead a row to the same leaf. This is the walk
//! from node to node; [`super::column_tree`] does the same for many rows at once where a tree and a table allow it.

use crate::bin::{BinnedMatrix, HistogramCuts};

use super::bin_set::{BinSet, Cut};
use super::column_tree::Side;
use super::{Node, Tree};

/// A tree that is followed by codes.
#[derive(Clone, Debug)]
pub(crate) struct CodeTree {
    pub(crate) nodes: Vec<CodeNode>,
    /// The bins that a node sends right, by node, where it divides categories; empty if no node does.
    pub(crate) sets: Vec<Option<BinSet>>,
}

/// A node; children come after their parent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodeNode {
    /// 0 for a leaf, since the root is nobody's child.
    pub(crate) left: u32,
    pub(crate) feature: u32,
    /// The last bin that goes left, where the node divides numbers.
    pub(crate) bin: u16,
    /// The feature's code for what is missing.
    pub(crate) missing: u16,
    pub(crate) default_left: bool,
    /// The value of a leaf.
    pub(crate) value: f32,
}

impl CodeNode {
    /// A node whose split is among these cuts.
    fn new(node: &Node, cuts: &HistogramCuts) -> Self {
        let Some(left) = node.left else {
            return Self::leaf(node.split_condition);
        };
        let cuts = cuts.cuts(node.split_index as usize);
        let bin = cuts.partition_point(|&cut| cut < node.split_condition);
        Self {
            left,
            feature: node.split_index,
            // A condition above all cuts has every value on the left.
            bin: bin.min(cuts.len().saturating_sub(1)) as u16,
            missing: cuts.len() as u16,
            default_left: node.default_left,
            value: 0.0,
        }
    }

    /// A leaf of this value.
    pub(crate) fn leaf(value: f32) -> Self {
        Self {
            left: 0,
            feature: 0,
            bin: 0,
            missing: 0,
            default_left: false,
            value,
        }
    }
}

impl CodeTree {
    /// The codes of a tree whose splits are among these cuts.
    pub(crate) fn new(tree: &Tree, cuts: &HistogramCuts) -> Self {
        let nodes = tree.nodes.iter().map(|node| CodeNode::new(node, cuts));
        let mut sets = Vec::new();
        for (&idx, right) in &tree.categories {
            let feature = tree.nodes[idx as usize].split_index as usize;
            if let Some(categories) = cuts.categories(feature) {
                let codes = categories.codes().iter().zip(0..);
                let bins = codes.filter(|&(&code, _)| right.contains(code as f32));
                sets.resize(tree.nodes.len(), None);
                sets[idx as usize] = Some(bins.map(|(_, bin)| bin).collect());
            }
        }
        Self {
            nodes: nodes.collect(),
            sets,
        }
    }

    /// Puts another value in the place of each leaf's.
    pub(crate) fn change_leaves(&mut self, changed: impl Fn(f32) -> f32) {
        for node in self.nodes.iter_mut().filter(|node| node.left == 0) {
            node.value = changed(node.value);
        }
    }

    /// How a split divides what is present.
    pub(crate) fn cut(&self, idx: usize) -> Cut {
        match self.set(idx) {
            None => Cut::Through(self.nodes[idx].bin),
            Some(right) => Cut::Without(right),
        }
    }

    /// Which codes of its feature a split sends right.
    pub(crate) fn right_side(&self, idx: usize) -> Side {
        let node = &self.nodes[idx];
        let Some(right) = self.set(idx) else {
            return Side::above(node.bin, node.missing, node.default_left);
        };
        Side::others(usize::from(node.missing) + 1, |code| {
            if u16::from(code) == node.missing {
                node.default_left
            } else {
                !right.contains(code)
            }
        })
    }

    fn set(&self, idx: usize) -> Option<BinSet> {
        self.sets.get(idx).copied().flatten()
    }

    /// The same tree with leaves of `weight` times the value.
    pub(crate) fn scaled(&self, weight: f32) -> Self {
        let mut scaled = self.clone();
        scaled.change_leaves(|value| value * weight);
        scaled
    }

    /// The value of the leaf that a row of `matrix` reaches.
    pub(crate) fn leaf_value(&self, matrix: &BinnedMatrix, row: usize) -> f32 {
        self.value_of(|node| matrix.code(row, node.feature, node.missing))
    }

    /// The value of the leaf that a row of these codes reaches; `code` gives that of a split's feature.
    pub(crate) fn value_of(&self, code: impl Fn(&CodeNode) -> u16) -> f32 {
        if !self.sets.is_empty() {
            return self.value_by_sets(code);
        }
        let mut node = &self.nodes[0];
        while node.left != 0 {
            let code = code(node);
            let goes_left = if code == node.missing {
                node.default_left
            } else {
                code <= node.bin
            };
            node = &self.nodes[node.left as usize + usize::from(!goes_left)];
        }
        node.value
    }

    /// As [`CodeTree::value_of`], of a tree that divides categories.
    fn value_by_sets(&self, code: impl Fn(&CodeNode) -> u16) -> f32 {
        let mut idx = 0;
        loop {
            let node = &self.nodes[idx];
            if node.left == 0 {
                return node.value;
            }
            let code = code(node);
            let goes_left = if code == node.missing {
                node.default_left
            } else {
                match self.sets[idx] {
                    None => code <= node.bin,
                    Some(right) => !right.contains(code as u8),
                }
            };
            idx = node.left as usize + usize::from(!goes_left);
        }
    }
}
