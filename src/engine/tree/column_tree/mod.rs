//! Following a tree by columns: how the margins of many rows learn a new tree's values.
//!
//! Every split of a tree is decided for every row of a block, by vectors of bytes: a block's codes of one column lie next
//! to each other, a split is a range of codes, and a node's result is for each row the number of the leaf below it. So 63
//! splits cost less than the 6 dependent steps of a walk, and columns are read in the order in which they lie.
//!
//! Invariants: a stack holds leaves' numbers, one byte a row. A step takes what its children left on the stack and leaves
//! its own; of two splits the one with more leaves comes first, so that a stack of [`SLOTS`] is always enough.

mod plan;

use std::ops::Range;

use crate::bin::CODES;
use crate::simd::{Kernel, dispatch};
use crate::threads::Threads;

/// Rows of a block.
const LANES: usize = 1024;

/// Rows that one thread takes at a time.
const ROWS_AT_A_TIME: usize = 16 * LANES;

/// Leaves that a byte can number.
const LEAVES: usize = 256;

/// Entries of the stack: the split that comes second has at most half of its parent's leaves.
const SLOTS: usize = 8;

/// Codes by column, `(n_columns, n_rows)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns<'a> {
    pub(crate) codes: &'a [u8],
    pub(crate) n_rows: usize,
}

/// A tree of 2 to 256 leaves over the columns of one table.
#[derive(Debug)]
pub(crate) struct ColumnTree {
    /// Children before their parents.
    steps: Vec<Step>,
    values: Box<[f32; LEAVES]>,
}

#[derive(Debug)]
struct Step {
    split: ColumnSplit,
    children: Children,
}

/// A column, and which of its codes go right.
#[derive(Debug)]
pub(crate) struct ColumnSplit {
    pub(crate) column: usize,
    pub(crate) right: Side,
}

/// Some of the codes, as ranges: the first code, and how many more follow it.
#[derive(Debug)]
pub(crate) struct Side(Vec<(u8, u8)>);

#[derive(Clone, Copy, Debug)]
enum Children {
    /// Two leaves, of this number and the next.
    Leaves(u8),
    /// A leaf on the left; what is right of it is on top of the stack.
    LeafLeft(u8),
    /// A leaf on the right.
    LeafRight(u8),
    /// Two splits, the right one on top.
    RightOnTop,
    /// Two splits, the left one on top.
    LeftOnTop,
}

impl Side {
    /// What goes right where bins up to `bin` go left: the others, and what is missing (code `n_bins`) unless it goes left.
    pub(crate) fn above(bin: u16, n_bins: u16, default_left: bool) -> Self {
        let end = if default_left { n_bins } else { n_bins + 1 };
        // Where all codes are bins there is none for what is missing.
        let end = end.min(CODES as u16);
        Self(vec![((bin + 1) as u8, end.saturating_sub(bin + 2) as u8)])
    }

    /// The codes below `n_codes` of which `goes_left` is not true.
    pub(crate) fn others(n_codes: usize, goes_left: impl Fn(u8) -> bool) -> Self {
        let mut ranges: Vec<(u8, u8)> = Vec::new();
        let mut was_left = true;
        for code in (0..n_codes).map(|code| code as u8) {
            let is_left = goes_left(code);
            match ranges.last_mut() {
                Some((_, more)) if !is_left && !was_left => *more += 1,
                Some(_) | None if !is_left => ranges.push((code, 0)),
                Some(_) | None => {}
            }
            was_left = is_left;
        }
        Self(ranges)
    }
}

impl ColumnTree {
    /// Adds each row's leaf of every tree, in their order, to the row's margin of the tree's group; margins are
    /// `(n_rows, n_groups)` row-major.
    pub(crate) fn add_all(
        trees: &[(usize, Self)],
        columns: Columns<'_>,
        (margins, n_groups): (&mut [f32], usize),
        threads: &Threads,
    ) {
        if trees.is_empty() {
            return;
        }
        let parts = margins.chunks_mut(ROWS_AT_A_TIME * n_groups).enumerate();
        threads.for_each(parts.collect(), |(part, margins): (usize, &mut [f32])| {
            let kernel = Adding {
                trees,
                columns,
                first: part * ROWS_AT_A_TIME,
                margins,
                n_groups,
            };
            dispatch(threads.simd(), kernel);
        });
    }
}

/// The kernel of [`ColumnTree::add_all`], for the rows from `first` on.
struct Adding<'a> {
    trees: &'a [(usize, ColumnTree)],
    columns: Columns<'a>,
    first: usize,
    margins: &'a mut [f32],
    n_groups: usize,
}

/// A byte for each row of a block.
type Lanes = [u8; LANES];

impl Kernel for Adding<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mut stack = [[0; LANES]; SLOTS];
        let mut first = self.first;
        // All trees of a block before the next one, whose margins come from memory once then.
        for margins in self.margins.chunks_mut(LANES * self.n_groups) {
            let n_rows = margins.len() / self.n_groups;
            for (group, tree) in self.trees {
                tree.find(self.columns, first..first + n_rows, &mut stack);
                let values = &tree.values;
                if self.n_groups == 1 {
                    for (margin, &leaf) in margins.iter_mut().zip(&stack[0]) {
                        *margin += values[usize::from(leaf)];
                    }
                } else {
                    let margins = margins[*group..].iter_mut().step_by(self.n_groups);
                    for (margin, &leaf) in margins.zip(&stack[0]) {
                        *margin += values[usize::from(leaf)];
                    }
                }
            }
            first += n_rows;
        }
    }
}

impl ColumnTree {
    /// Leaves the number of each row's leaf in the first entry of the stack.
    #[inline(always)]
    fn find(&self, columns: Columns<'_>, rows: Range<usize>, stack: &mut [Lanes; SLOTS]) {
        let (mut padded, mut right) = ([0; LANES], [0; LANES]);
        // Entries of the stack.
        let mut n = 0;
        for Step { split, children } in &self.steps {
            let codes = &columns.codes[split.column * columns.n_rows..][rows.clone()];
            if let Ok(codes) = codes.try_into() {
                split.right.masks(codes, &mut right);
            } else {
                padded[..codes.len()].copy_from_slice(codes);
                split.right.masks(&padded, &mut right);
            }
            match *children {
                Children::Leaves(leaf) => {
                    // A mask is -1.
                    for (top, mask) in stack[n].iter_mut().zip(&right) {
                        *top = leaf.wrapping_sub(*mask);
                    }
                    n += 1;
                }
                Children::LeafLeft(leaf) => {
                    for (top, mask) in stack[n - 1].iter_mut().zip(&right) {
                        *top = choose(*mask, leaf, *top);
                    }
                }
                Children::LeafRight(leaf) => {
                    for (top, mask) in stack[n - 1].iter_mut().zip(&right) {
                        *top = choose(*mask, *top, leaf);
                    }
                }
                Children::RightOnTop => {
                    n -= 1;
                    let (left, top) = two(stack, n);
                    for ((left, top), mask) in left.iter_mut().zip(top).zip(&right) {
                        *left = choose(*mask, *left, *top);
                    }
                }
                Children::LeftOnTop => {
                    n -= 1;
                    let (below, top) = two(stack, n);
                    for ((below, top), mask) in below.iter_mut().zip(top).zip(&right) {
                        *below = choose(*mask, *top, *below);
                    }
                }
            }
        }
    }
}

impl Side {
    /// 255 for each code that is in it, 0 for the others.
    #[inline(always)]
    fn masks(&self, codes: &Lanes, masks: &mut Lanes) {
        masks.fill(0);
        for &(first, more) in &self.0 {
            for (mask, code) in masks.iter_mut().zip(codes) {
                *mask |= mask_of(code.wrapping_sub(first) <= more);
            }
        }
    }
}

/// The entry `n` of the stack and the one below it.
#[inline(always)]
fn two(stack: &mut [Lanes; SLOTS], n: usize) -> (&mut Lanes, &Lanes) {
    let (below, top) = stack.split_at_mut(n);
    (&mut below[n - 1], &top[0])
}

#[inline(always)]
fn mask_of(yes: bool) -> u8 {
    u8::from(yes).wrapping_neg()
}

/// `left`, or `right` where the mask is set. By masks, since the compiler would make a jump of a choice.
#[inline(always)]
fn choose(mask: u8, left: u8, right: u8) -> u8 {
    left ^ ((left ^ right) & mask)
}

#[cfg(test)]
mod tests {
    use super::super::follow::{CodeNode, CodeTree};
    use super::*;
    use crate::simd::Simd;

    const N_COLUMNS: usize = 3;
    /// A block and a part of one.
    const N_ROWS: usize = LANES + 77;

    /// Numbers that look random and are always the same.
    fn numbers(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut state = seed;
        move |below| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        }
    }

    /// A tree of `n_leaves`; of the leaves that are there, `chosen` names the one that is split next.
    fn tree(n_leaves: usize, mut chosen: impl FnMut(usize) -> usize) -> CodeTree {
        let mut number = numbers(7);
        let mut nodes = vec![CodeNode::leaf(0.5)];
        let mut leaves = vec![0];
        for left in (1..2 * n_leaves - 1).step_by(2) {
            let idx = leaves.remove(chosen(leaves.len()));
            let missing = [255, 40, 256][number(3) as usize];
            nodes[idx] = CodeNode {
                left: left as u32,
                feature: number(N_COLUMNS as u64) as u32,
                bin: number(u64::from(missing) - 1) as u16,
                missing,
                default_left: number(2) == 0,
                value: 0.0,
            };
            for child in [left, left + 1] {
                nodes.push(CodeNode::leaf(child as f32 + 0.25));
                leaves.push(child);
            }
        }
        CodeTree {
            nodes,
            sets: Vec::new(),
        }
    }

    /// By one range or several, in the second of two groups, on every set of instructions, as a walk from node to node.
    fn leads_to_the_leaves_of_a_walk(tree: &CodeTree) {
        let mut number = numbers(11);
        // Code 40 is missing where it is the highest, and a bin elsewhere.
        let codes: Vec<u8> = (0..N_COLUMNS * N_ROWS)
            .map(|_| [number(256), number(41)][number(2) as usize] as u8)
            .collect();
        let table = Columns {
            codes: &codes,
            n_rows: N_ROWS,
        };
        let several = |node: &CodeNode| {
            let node = *node;
            Side::others(CODES, move |code| {
                let code = u16::from(code);
                if code == node.missing {
                    node.default_left
                } else {
                    code <= node.bin
                }
            })
        };
        let in_one = ColumnTree::new(tree, |idx| ColumnSplit {
            column: tree.nodes[idx].feature as usize,
            right: tree.right_side(idx),
        });
        let in_one = [(1, in_one.unwrap())];
        let in_ranges = ColumnTree::new(tree, |idx| ColumnSplit {
            column: tree.nodes[idx].feature as usize,
            right: several(&tree.nodes[idx]),
        });
        let in_ranges = [(0, in_ranges.unwrap())];
        for simd in Simd::ALL.into_iter().filter(|it| it.is_available()) {
            let threads = Threads::single().with_simd(simd);
            let mut margins = vec![1.0; 2 * N_ROWS];
            ColumnTree::add_all(&in_one, table, (&mut margins, 2), &threads);
            let mut alone = vec![1.0; N_ROWS];
            ColumnTree::add_all(&in_ranges, table, (&mut alone, 1), &threads);
            for row in 0..N_ROWS {
                let code = |feature: u32| u16::from(codes[feature as usize * N_ROWS + row]);
                let walked = tree.value_of(|node| code(node.feature));
                assert_eq!(alone[row], 1.0 + walked, "row {row}, {simd}");
                // A range may give codes that do not occur to either side.
                if tree
                    .nodes
                    .iter()
                    .all(|node| node.left == 0 || code(node.feature) <= node.missing)
                {
                    assert_eq!(
                        margins[2 * row..][..2],
                        [1.0, alone[row]],
                        "row {row}, {simd}"
                    );
                }
            }
        }
    }

    #[test]
    fn trees_of_every_shape_lead_to_the_leaves_of_a_walk() {
        for n_leaves in [2, 3, 4, 64, LEAVES] {
            let mut number = numbers(n_leaves as u64);
            leads_to_the_leaves_of_a_walk(&tree(n_leaves, |n| number(n as u64) as usize));
            // Level by level, and chains to either side.
            leads_to_the_leaves_of_a_walk(&tree(n_leaves, |_| 0));
            leads_to_the_leaves_of_a_walk(&tree(n_leaves, |n| n - 1));
            leads_to_the_leaves_of_a_walk(&tree(n_leaves, |n| n.saturating_sub(2)));
        }
    }

    #[test]
    fn a_leaf_alone_and_more_leaves_than_a_byte_has_numbers_are_walked() {
        for tree in [tree(1, |_| 0), tree(LEAVES + 1, |_| 0)] {
            let split_of = |idx| ColumnSplit {
                column: 0,
                right: tree.right_side(idx),
            };
            assert!(ColumnTree::new(&tree, split_of).is_none());
        }
    }
}
