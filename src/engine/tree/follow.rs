//! Following a tree by codes: how a set that was not trained on learns a new tree's values.
//!
//! Invariant: the codes of a [`CodeTree`] and the values of [`super::Tree`] lead a row to the same leaf.
//!
//! Rows walk down side by side, so that one's wait for memory is another's work. A tree of few levels is laid out as if
//! it were full, so that a step needs no address from memory: node `i` has its children at `2 i + 1` and `2 i + 2`.

use crate::bin::{BinnedMatrix, Codes};
use crate::simd::{Kernel, Simd, dispatch};

/// Rows that walk side by side.
const LANES: usize = 16;

/// The deepest tree that is laid out full: its inner nodes can be numbered by a byte.
const FULL_DEPTH: u32 = 8;

/// Nodes of a full tree of [`FULL_DEPTH`] levels, and one more.
const FULL_NODES: usize = 1 << FULL_DEPTH;

/// The code that nothing has.
const NO_CODE: u16 = u16::MAX;

/// A tree that is followed by codes.
#[derive(Clone, Debug)]
pub(crate) struct CodeTree {
    nodes: Vec<CodeNode>,
    full: Option<Box<FullTree>>,
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

/// A tree as if all leaves were at one depth.
#[derive(Clone, Debug)]
struct FullTree {
    depth: u32,
    steps: [Step; FULL_NODES],
    values: [f32; FULL_NODES],
}

/// A code up to `bin` goes left, and so does the code `missing`.
#[derive(Clone, Copy, Debug)]
struct Step {
    feature: u32,
    bin: u16,
    missing: u16,
}

impl Step {
    /// Every row goes left.
    const LEFT: Self = Self {
        feature: 0,
        bin: NO_CODE,
        missing: NO_CODE,
    };
}

impl CodeTree {
    pub(crate) fn new(nodes: Vec<CodeNode>) -> Self {
        let depth = depth(&nodes);
        let full = (depth <= FULL_DEPTH).then(|| Box::new(FullTree::new(&nodes, depth)));
        Self { nodes, full }
    }

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

    /// Adds the leaf values of the rows of `matrix` from `first` on to every `n_groups`-th of `margins`.
    pub(crate) fn add_to(
        &self,
        matrix: &BinnedMatrix,
        first: usize,
        (margins, n_groups): (&mut [f32], usize),
        simd: Simd,
    ) {
        let margins = margins.iter_mut().step_by(n_groups);
        match (&self.full, matrix.codes()) {
            (Some(full), Codes::Dense(codes)) if matrix.stride() > 0 => {
                let n_rows = margins.len();
                let codes = &codes[first * matrix.stride()..][..n_rows * matrix.stride()];
                let stride = matrix.stride();
                dispatch(
                    simd,
                    Following {
                        full,
                        codes,
                        stride,
                        margins,
                    },
                );
            }
            _ => {
                for (offset, margin) in margins.enumerate() {
                    *margin += self.leaf_value(matrix, first + offset);
                }
            }
        }
    }
}

/// The kernel of [`CodeTree::add_to`].
struct Following<'f, M> {
    full: &'f FullTree,
    codes: &'f [u8],
    stride: usize,
    margins: M,
}

impl<'m, M: Iterator<Item = &'m mut f32>> Kernel for Following<'_, M> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.full.add_to(self.codes, self.stride, self.margins);
    }
}

impl FullTree {
    fn new(nodes: &[CodeNode], depth: u32) -> Self {
        let mut full = Self {
            depth,
            steps: [Step::LEFT; FULL_NODES],
            values: [0.0; FULL_NODES],
        };
        full.fill(nodes, 0, (0, 0));
        full
    }

    /// Lays out the sub-tree of node `idx` at `place`, `level` steps below the root.
    fn fill(&mut self, nodes: &[CodeNode], idx: usize, (place, level): (usize, u32)) {
        let node = nodes[idx];
        if level == self.depth {
            self.values[place + 1 - (1 << self.depth)] = node.value;
        } else if node.left == 0 {
            // A leaf above the others: every row goes left below it.
            self.fill(nodes, idx, (2 * place + 1, level + 1));
        } else {
            self.steps[place] = Step {
                feature: node.feature,
                bin: node.bin,
                missing: if node.default_left {
                    node.missing
                } else {
                    NO_CODE
                },
            };
            let left = node.left as usize;
            self.fill(nodes, left, (2 * place + 1, level + 1));
            self.fill(nodes, left + 1, (2 * place + 2, level + 1));
        }
    }

    #[inline(always)]
    fn add_to<'m>(
        &self,
        codes: &[u8],
        stride: usize,
        mut margins: impl Iterator<Item = &'m mut f32>,
    ) {
        let mut blocks = codes.chunks_exact(LANES * stride.max(1));
        for rows in &mut blocks {
            let values: [f32; LANES] = self.walk(rows, stride);
            for (value, margin) in values.into_iter().zip(&mut margins) {
                *margin += value;
            }
        }
        for row in blocks.remainder().chunks_exact(stride.max(1)) {
            let [value] = self.walk(row, stride);
            if let Some(margin) = margins.next() {
                *margin += value;
            }
        }
    }

    /// The values of `N` rows.
    #[inline(always)]
    fn walk<const N: usize>(&self, rows: &[u8], stride: usize) -> [f32; N] {
        let mut places = [0_u8; N];
        for _ in 0..self.depth {
            for (lane, place) in places.iter_mut().enumerate() {
                let step = self.steps[usize::from(*place)];
                let code = u16::from(rows[lane * stride + step.feature as usize]);
                // Numbers, since a processor guesses half of such branches wrong.
                let goes_right = u8::from(code > step.bin) & u8::from(code != step.missing);
                *place = place.wrapping_mul(2).wrapping_add(1 + goes_right);
            }
        }
        // The places of the last level begin at one less than a power of two; at level 8 they have gone round.
        let first = (1_u32 << self.depth) - 1;
        places.map(|place| self.values[usize::from(place.wrapping_sub(first as u8))])
    }
}

/// Splits on the longest way from the root to a leaf.
fn depth(nodes: &[CodeNode]) -> u32 {
    let mut depths = vec![0_u32; nodes.len()];
    for (idx, node) in nodes.iter().enumerate() {
        if node.left != 0 {
            let left = node.left as usize;
            depths[left] = depths[idx] + 1;
            depths[left + 1] = depths[idx] + 1;
        }
    }
    depths.into_iter().max().unwrap_or(0)
}
