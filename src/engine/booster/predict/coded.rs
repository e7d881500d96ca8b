//! Trees over coded columns: every split of a tree is decided for every row, by vectors of bytes.
//!
//! Invariants: a slot holds a leaf's number for each row; the first [`CONSTANTS`] slots hold their own number. A pair is
//! a split with two leaves: pair `k` writes leaf `2k` or `2k + 1` to slot `CONSTANTS + k`. A merge takes one of two
//! earlier slots and writes the next one. What stands in the slot `root` is the tree's leaf. So loops without a branch do
//! any tree of at most 256 leaves, and 63 splits of 32 rows cost less than 6 dependent steps of each.

use crate::tree::Tree;

/// Slots that hold their own number: leaves that a merge takes directly. A leaf's number is a byte.
pub(super) const CONSTANTS: usize = 256;

/// All slots: the constants, and one for each split of the largest tree.
pub(super) const SLOTS: usize = CONSTANTS + CONSTANTS - 1;

/// Whether a row goes right: its code in `column` is above `threshold`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    pub(super) column: u32,
    pub(super) threshold: i8,
}

/// A split whose children are slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Merge {
    pub(super) split: Split,
    pub(super) left: u16,
    pub(super) right: u16,
}

/// A tree as two loops, and its leaves' values; see the module.
#[derive(Clone, Debug)]
pub(super) struct CodedTree {
    pub(super) pairs: Vec<Split>,
    pub(super) merges: Vec<Merge>,
    /// By number; as many as a byte can name, so that no number needs to be checked.
    pub(super) leaves: Box<[f32; CONSTANTS]>,
    pub(super) root: u16,
}

impl CodedTree {
    /// A tree of at most [`CONSTANTS`] leaves, which are multiplied by `weight`; `split_of` codes the split of a node.
    pub(super) fn new(tree: &Tree, weight: f32, split_of: impl Fn(usize) -> Split) -> Self {
        let is_leaf = |idx: usize| tree.nodes[idx].left.is_none();
        let mut leaves = Leaves::default();
        let mut slots = vec![None; tree.nodes.len()];
        let mut pairs = Vec::new();
        for (idx, node) in tree.nodes.iter().enumerate() {
            if let Some(left) = node.left.map(|it| it as usize)
                && is_leaf(left)
                && is_leaf(left + 1)
            {
                slots[idx] = Some((CONSTANTS + pairs.len()) as u16);
                pairs.push(split_of(idx));
                for leaf in [left, left + 1] {
                    slots[leaf] = Some(leaves.number(tree.nodes[leaf].split_condition * weight));
                }
            }
        }
        let mut merges = Vec::new();
        // Children come after their parent, so that backwards they are there before it.
        for (idx, node) in tree.nodes.iter().enumerate().rev() {
            if slots[idx].is_some() {
                continue;
            }
            slots[idx] = Some(match node.left {
                None => leaves.number(node.split_condition * weight),
                Some(left) => {
                    let child =
                        |idx: u32| slots[idx as usize].expect("a child comes after its parent");
                    merges.push(Merge {
                        split: split_of(idx),
                        left: child(left),
                        right: child(left + 1),
                    });
                    (CONSTANTS + pairs.len() + merges.len() - 1) as u16
                }
            });
        }
        Self {
            pairs,
            merges,
            leaves: leaves.values,
            root: slots[0].expect("every node has a slot"),
        }
    }
}

/// Leaves that have a number.
struct Leaves {
    values: Box<[f32; CONSTANTS]>,
    n: usize,
}

impl Default for Leaves {
    fn default() -> Self {
        Self {
            values: Box::new([0.0; CONSTANTS]),
            n: 0,
        }
    }
}

impl Leaves {
    fn number(&mut self, value: f32) -> u16 {
        self.values[self.n] = value;
        self.n += 1;
        (self.n - 1) as u16
    }
}
