//! Following a tree by codes: how a row learns which leaf it reaches without its values.
//!
//! Invariant: the codes of a [`CodeTree`] and the values of [`super::Tree`] lead a row to the same leaf. This is the walk
//! from node to node; [`super::column_tree`] does the same for many rows at once where a tree and a table allow it.

use crate::bin::BinnedMatrix;

use super::column_tree::Side;

/// A tree that is followed by codes.
#[derive(Clone, Debug)]
pub(crate) struct CodeTree {
    pub(crate) nodes: Vec<CodeNode>,
}

/// A node; children come after their parent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodeNode {
    /// 0 for a leaf, since the root is nobody's child.
    pub(crate) left: u32,
    pub(crate) feature: u32,
    /// The last bin that goes left.
    pub(crate) bin: u16,
    /// The feature's code for what is missing.
    pub(crate) missing: u16,
    pub(crate) default_left: bool,
    /// The value of a leaf.
    pub(crate) value: f32,
}

impl CodeNode {
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

impl CodeNode {
    /// Which codes of its feature go right.
    pub(crate) fn right_side(&self) -> Side {
        Side::above(self.bin, self.missing, self.default_left)
    }
}

impl CodeTree {
    /// The value of the leaf that a row of `matrix` reaches.
    pub(crate) fn leaf_value(&self, matrix: &BinnedMatrix, row: usize) -> f32 {
        self.value_of(|node| matrix.code(row, node.feature, node.missing))
    }

    /// The value of the leaf that a row of these codes reaches; `code` gives that of a split's feature.
    pub(crate) fn value_of(&self, code: impl Fn(&CodeNode) -> u16) -> f32 {
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
}
