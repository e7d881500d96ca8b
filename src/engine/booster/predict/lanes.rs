//! Rows side by side: the loops over [`LANES`] rows that decide splits and add leaves.
//!
//! Invariant: every loop is written for one byte or one float a row, so that the compiler makes vectors of it, whatever
//! the machine; they are compiled for each instruction set. All compute the same.

use crate::simd::{Kernel, Simd, dispatch};

use super::block::Block;
use super::coded::{CONSTANTS, CodedTree, SLOTS};
use super::part::{Part, Step};
use super::walk::WalkedForest;

/// Rows of a block.
pub(super) const LANES: usize = 128;

/// What a thread needs for a block of rows; made once and used again.
pub(super) struct Scratch {
    simd: Simd,
    codes: Vec<[i8; LANES]>,
    slots: Vec<[u8; LANES]>,
    /// By group.
    sums: Vec<[f32; LANES]>,
}

impl Scratch {
    pub(super) fn new(n_columns: usize, n_groups: usize, simd: Simd) -> Self {
        let mut slots = vec![[0; LANES]; SLOTS];
        for (number, slot) in slots[..CONSTANTS].iter_mut().enumerate() {
            slot.fill(number as u8);
        }
        Self {
            simd,
            codes: vec![[0; LANES]; 2 * n_columns],
            slots,
            sums: vec![[0.0; LANES]; n_groups],
        }
    }
}

/// Adds the leaves of all trees to `out`, `(n_rows, n_groups)` row-major. The block's stride is [`LANES`].
pub(super) fn add_all(
    parts: &[Part],
    walked: &WalkedForest,
    block: &Block<'_>,
    scratch: &mut Scratch,
    out: &mut [f32],
) {
    let simd = scratch.simd;
    let kernel = AddAll {
        parts,
        walked,
        block,
        scratch,
        out,
    };
    dispatch(simd, kernel);
}

/// The kernel of [`add_all`].
struct AddAll<'a> {
    parts: &'a [Part],
    walked: &'a WalkedForest,
    block: &'a Block<'a>,
    scratch: &'a mut Scratch,
    out: &'a mut [f32],
}

impl Kernel for AddAll<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        add_all_inlined(self.parts, self.walked, self.block, self.scratch, self.out);
    }
}

#[inline(always)]
fn add_all_inlined(
    parts: &[Part],
    walked: &WalkedForest,
    block: &Block<'_>,
    scratch: &mut Scratch,
    out: &mut [f32],
) {
    let n_groups = scratch.sums.len();
    let Scratch {
        codes, slots, sums, ..
    } = scratch;
    for (row, margins) in out.chunks_exact(n_groups).enumerate() {
        for (sums, &margin) in sums.iter_mut().zip(margins) {
            sums[row] = margin;
        }
    }
    for part in parts {
        encode(part, block, codes);
        for (step, group) in &part.steps {
            let sums = &mut sums[*group as usize];
            match step {
                Step::Coded(tree) => add_tree(tree, codes, slots, sums),
                Step::Walked(tree) => walked.add_tree(*tree, block, sums),
            }
        }
    }
    for (row, margins) in out.chunks_exact_mut(n_groups).enumerate() {
        for (sums, margin) in sums.iter().zip(margins) {
            *margin = sums[row];
        }
    }
}

/// Codes the block's columns.
#[inline(always)]
fn encode(part: &Part, block: &Block<'_>, codes: &mut [[i8; LANES]]) {
    let (values, _) = block.values.as_chunks::<LANES>();
    let columns = part.columns.iter().zip(&part.missing_right);
    for (((column, &missing_right), values), codes) in
        columns.zip(values).zip(codes.as_chunks_mut::<2>().0)
    {
        if column.is_empty() {
            continue;
        }
        let [low, high] = codes;
        column.encode(values, low);
        if missing_right {
            column.encode_missing_high(values, low, high);
        }
    }
}

/// Adds the leaves of one tree to `sums`.
#[inline(always)]
fn add_tree(
    tree: &CodedTree,
    codes: &[[i8; LANES]],
    slots: &mut [[u8; LANES]],
    sums: &mut [f32; LANES],
) {
    for (pair, (split, slot)) in tree.pairs.iter().zip(&mut slots[CONSTANTS..]).enumerate() {
        let first = 2 * pair as u8;
        for (slot, &code) in slot.iter_mut().zip(&codes[split.column as usize]) {
            *slot = first + u8::from(code > split.threshold);
        }
    }
    let n_before = CONSTANTS + tree.pairs.len();
    for (idx, merge) in tree.merges.iter().enumerate() {
        let (before, rest) = slots.split_at_mut(n_before + idx);
        let (left, right) = (&before[merge.left as usize], &before[merge.right as usize]);
        let codes = &codes[merge.split.column as usize];
        let threshold = merge.split.threshold;
        let sides = left.iter().zip(right);
        for ((slot, &code), (&left, &right)) in rest[0].iter_mut().zip(codes).zip(sides) {
            // A choice by masks, since the compiler would make a jump of a choice between two loads.
            let goes_right = 0_u8.wrapping_sub(u8::from(code > threshold));
            *slot = left ^ ((left ^ right) & goes_right);
        }
    }
    for (sum, &leaf) in sums.iter_mut().zip(&slots[tree.root as usize]) {
        *sum += tree.leaves[leaf as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::booster::Booster;
    use crate::booster::predict::part;
    use crate::dataset::Selection;
    use crate::objective::{Objective, ObjectiveName};
    use crate::tree::{NO_PARENT, Node, Tree};

    /// A split of each of 3 features, both ways for missing values, on top of one another.
    fn trees() -> Vec<Tree> {
        let tree = |number: u32| {
            let mut nodes = vec![Node::leaf(NO_PARENT, 0.5, 1.0)];
            for idx in 0..number % 9 {
                let left = nodes.len() as u32;
                let node = &mut nodes[idx as usize];
                node.left = Some(left);
                node.split_index = (number + idx) % 3;
                node.split_condition = (number * 7 + idx * 5) as f32 % 11.0;
                node.default_left = (number + idx).is_multiple_of(2);
                nodes
                    .extend([1.0, 2.0].map(|it| Node::leaf(idx, it / (left + number) as f32, 1.0)));
            }
            Tree::from(nodes)
        };
        (0..40).map(tree).collect()
    }

    #[test]
    fn all_instruction_sets_compute_the_same() {
        let booster = Booster {
            tree_info: vec![0; 40],
            trees: trees(),
            ..Booster::new(Objective::new(ObjectiveName::RegSquaredError), 3)
        };
        let selection = Selection::new(vec![0, 1, 2]);
        let parts = part::parts(&booster, &selection);
        assert_eq!(parts.len(), 1);
        let walked = WalkedForest::new(&booster, &selection);
        let mut values = vec![f32::NAN; 3 * LANES];
        for (idx, value) in values.iter_mut().enumerate().filter(|it| it.0 % 5 > 0) {
            *value = (idx * 7919 % 23) as f32 / 2.0;
        }
        let block = Block {
            values: &values,
            stride: LANES,
            n_rows: LANES,
        };
        let mut walked_margins = [0.25_f32; LANES];
        walked.add_all(&block, 1, &mut walked_margins);
        for simd in Simd::ALL.into_iter().filter(|it| it.is_available()) {
            let mut margins = [0.25_f32; LANES];
            add_all(
                &parts,
                &walked,
                &block,
                &mut Scratch::new(3, 1, simd),
                &mut margins,
            );
            assert_eq!(margins, walked_margins, "{simd}");
        }
    }
}
