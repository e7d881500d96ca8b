//! What growing makes of nodes: a tree in the order in which it grew, then breadth first, and where every row ended.
//!
//! Invariant: the stretches of a tree hold every one of its rows once.

use std::collections::VecDeque;

use super::cell::Cell;
use super::grow::Open;
use super::partition::Rule;
use super::record::Record;
use super::split::SplitEntry;

/// A grown tree before its weights are known. Nodes are breadth first.
#[derive(Debug)]
pub(crate) struct Grown<'r, C: Cell> {
    pub(crate) nodes: Vec<GrownNode<C>>,
    /// Every row of the tree once.
    pub(crate) stretches: Vec<Stretch<'r, C::Unit>>,
}

/// A node of a grown tree: a leaf, or a split with the index of its left child; the right one follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GrownNode<C> {
    pub(crate) total: C,
    pub(crate) split: Option<(SplitEntry<C>, usize)>,
}

/// Rows that ascend, and where they ended.
#[derive(Debug)]
pub(crate) enum Stretch<'r, U> {
    /// In this leaf.
    Leaf(usize, &'r [Record<U>]),
    /// In this leaf or the next one, as the rule says.
    Undivided(usize, Box<Rule>, &'r [Record<U>]),
}

/// The rows of two leaves, and the rule that divides them.
type Undivided<'r, U> = (Box<Rule>, &'r [Record<U>]);

/// A split node.
#[derive(Debug)]
pub(super) struct Expanded<'r, C: Cell> {
    pub(super) entry: SplitEntry<C>,
    pub(super) children: [Child<'r, C>; 2],
    /// The rows of both children, where both are leaves for certain.
    pub(super) undivided: Option<Undivided<'r, C::Unit>>,
}

/// What became of one side of a split.
#[derive(Debug)]
pub(super) struct Child<'r, C: Cell> {
    pub(super) total: C,
    pub(super) fate: Fate<'r, C>,
}

#[derive(Debug)]
pub(super) enum Fate<'r, C: Cell> {
    /// A leaf with these rows.
    Leaf(&'r [Record<C::Unit>]),
    /// A leaf whose rows are still its sibling's too.
    Undivided,
    /// To be split.
    Open(Open<'r, C>),
}

/// Nodes in the order in which they were made, and the rows that have arrived.
#[derive(Debug)]
pub(super) struct Sprout<'r, C: Cell> {
    pub(super) nodes: Vec<GrownNode<C>>,
    pub(super) stretches: Vec<Stretch<'r, C::Unit>>,
}

impl<'r, C: Cell> Expanded<'r, C> {
    /// The rows of both children, where they were not divided.
    pub(super) fn undivided_records(&self) -> Option<&'r [Record<C::Unit>]> {
        self.undivided.as_ref().map(|&(_, records)| records)
    }
}

impl<'r, C: Cell> Sprout<'r, C> {
    /// Writes down what became of node `idx`. Open children go on the stack, the one with fewer rows on top, so that the
    /// stack holds no more histograms than the logarithm of the rows.
    pub(super) fn settle(
        &mut self,
        idx: usize,
        expanded: Expanded<'r, C>,
        open: &mut Vec<Open<'r, C>>,
    ) {
        let left = self.nodes.len();
        self.nodes[idx].split = Some((expanded.entry, left));
        if let Some((rule, records)) = expanded.undivided {
            self.stretches.push(Stretch::Undivided(left, rule, records));
        }
        let first_open = open.len();
        for (side, child) in expanded.children.into_iter().enumerate() {
            self.nodes.push(GrownNode {
                total: child.total,
                split: None,
            });
            match child.fate {
                Fate::Leaf(records) => self.stretches.push(Stretch::Leaf(left + side, records)),
                Fate::Undivided => {}
                Fate::Open(mut child) => {
                    child.idx = left + side;
                    open.push(child);
                }
            }
        }
        open[first_open..].sort_by_key(|node| std::cmp::Reverse(node.n_rows()));
    }

    /// Puts a sub-tree in the place of node `root`.
    pub(super) fn graft(&mut self, root: usize, subtree: Self) {
        // Node 0 of the sub-tree is `root`; the others follow those that are there.
        let offset = self.nodes.len() - 1;
        let moved = |idx: usize| if idx == 0 { root } else { idx + offset };
        for (idx, mut node) in subtree.nodes.into_iter().enumerate() {
            node.split = node.split.map(|(entry, left)| (entry, moved(left)));
            if idx == 0 {
                self.nodes[root] = node;
            } else {
                self.nodes.push(node);
            }
        }
        let stretches = subtree.stretches.into_iter();
        self.stretches
            .extend(stretches.map(|stretch| stretch.renumbered(moved)));
    }

    pub(super) fn breadth_first(self) -> Grown<'r, C> {
        let mut nodes = Vec::with_capacity(self.nodes.len());
        let mut numbers = vec![0; self.nodes.len()];
        let mut queue = VecDeque::from([0]);
        let mut n_numbered = 1;
        while let Some(idx) = queue.pop_front() {
            let mut node = self.nodes[idx];
            numbers[idx] = nodes.len();
            if let Some((_, left)) = &mut node.split {
                queue.extend([*left, *left + 1]);
                *left = n_numbered;
                n_numbered += 2;
            }
            nodes.push(node);
        }
        let stretches = self.stretches.into_iter();
        let stretches = stretches
            .map(|stretch| stretch.renumbered(|idx| numbers[idx]))
            .collect();
        Grown { nodes, stretches }
    }
}

impl<U> Stretch<'_, U> {
    fn renumbered(self, number: impl Fn(usize) -> usize) -> Self {
        match self {
            Self::Leaf(idx, records) => Self::Leaf(number(idx), records),
            Self::Undivided(left, rule, records) => Self::Undivided(number(left), rule, records),
        }
    }

    /// The rows.
    pub(crate) fn records(&self) -> &[Record<U>] {
        match self {
            Self::Leaf(_, records) | Self::Undivided(_, _, records) => records,
        }
    }
}
