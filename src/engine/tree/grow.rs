//! Grows one tree, depth first, and gives its nodes breadth first.
//!
//! Invariants: a node's split depends on its own rows and nothing else, so the order in which nodes are split, and on
//! how many threads, does not show in the tree. Nodes with much work are split one after the other, each on all threads;
//! the sub-trees below are then grown side by side, one thread each. Leaf weights and covers are sums of the exact
//! gradients in `f64`, in the order of rows; only the choice of splits uses quantised ones.

use std::collections::VecDeque;

use crate::objective::GradientPair;
use crate::threads::Threads;

use super::cell::Cell;
use super::histogram::{Histogram, Source};
use super::partition::{Columns, Rule};
use super::quantise::Scales;
use super::split::{Penalty, Search, SplitEntry};

/// Additions (rows times columns) below which a node stays on one thread.
const SPLIT_ALONE: usize = 1 << 18;

/// Columns that one thread scans at least.
const SCAN_ALONE: usize = 128;

/// What a tree is grown from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grower<'a, C> {
    pub(crate) source: Source<'a, C>,
    pub(crate) columns: Columns<'a>,
    pub(crate) scales: Scales,
    pub(crate) penalty: &'a Penalty,
    /// Splits from the root to a leaf; 0 is no limit.
    pub(crate) max_depth: u32,
    pub(crate) threads: &'a Threads,
}

/// The gradients that leaves are made from: one group of `(n_rows, n_groups)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExactGradients<'a> {
    pub(crate) pairs: &'a [GradientPair],
    pub(crate) group: usize,
    pub(crate) n_groups: usize,
}

/// A grown tree before its weights are known. Nodes are breadth first.
#[derive(Debug)]
pub(crate) struct Grown<'r, C> {
    pub(crate) nodes: Vec<GrownNode<'r, C>>,
}

/// A node of a grown tree.
#[derive(Debug)]
pub(crate) enum GrownNode<'r, C> {
    /// A leaf and its rows, ascending.
    Leaf(&'r [u32]),
    /// A split and the index of its left child; the right one follows.
    Split(SplitEntry<C>, usize),
}

/// A node whose histogram is there and whose split is not.
struct Open<'r, C> {
    idx: usize,
    depth: u32,
    rows: &'r mut [u32],
    total: C,
    histogram: Histogram<C>,
}

/// A child before anyone knows whether it needs a histogram.
struct Child<'r, C> {
    rows: &'r mut [u32],
    total: C,
}

/// What a split node leaves to its children.
struct Parent<'t, C> {
    depth: u32,
    histogram: Histogram<C>,
    on: Option<&'t Threads>,
}

/// Buffers of one thread.
struct Scratch<C> {
    rows: Vec<u32>,
    histograms: Vec<Histogram<C>>,
}

impl<C> Default for Scratch<C> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            histograms: Vec::new(),
        }
    }
}

/// What became of a node.
enum Step<'r, C> {
    Leaf(&'r [u32]),
    Split(SplitEntry<C>, [Next<'r, C>; 2]),
}

/// A child: a leaf already, or open.
enum Next<'r, C> {
    Leaf(&'r [u32]),
    Open(Open<'r, C>),
}

impl<C: Cell> Grower<'_, C> {
    /// Grows a tree on `rows`, which ascend and are put in the order of the leaves.
    pub(crate) fn grow<'r>(&self, rows: &'r mut [u32]) -> Grown<'r, C> {
        let total = rows.iter().fold(C::default(), |sum, &row| {
            sum.plus(self.source.cells[row as usize])
        });
        let mut scratch = Scratch::default();
        let child = Child { rows, total };
        let mut nodes = vec![None];
        let mut open = Vec::new();
        if self.may_split(&child, 0) {
            let on = self.threads_for(child.rows.len());
            let histogram = self.build(&child, &mut scratch, on);
            open.push(Open {
                idx: 0,
                depth: 0,
                rows: child.rows,
                total,
                histogram,
            });
        } else {
            nodes[0] = Some(GrownNode::Leaf(child.rows));
        }
        let mut subtrees = Vec::new();
        let alone = self.alone_below(open.first().map_or(0, |root: &Open<'_, C>| root.rows.len()));
        while let Some(node) = open.pop() {
            if node.rows.len() <= alone {
                subtrees.push(node);
            } else {
                let idx = node.idx;
                let step = self.split(node, &mut scratch, Some(self.threads));
                settle(&mut nodes, idx, step, &mut open);
            }
        }
        subtrees.sort_by_key(|node| std::cmp::Reverse(node.rows.len()));
        let roots: Vec<usize> = subtrees.iter().map(|node| node.idx).collect();
        let grown = self.threads.map(subtrees, |root| self.grow_alone(root));
        for (root, subtree) in roots.into_iter().zip(grown) {
            graft(&mut nodes, root, subtree);
        }
        breadth_first(nodes)
    }

    /// Grows a sub-tree on the calling thread. Node 0 is its root.
    fn grow_alone<'r>(&self, mut root: Open<'r, C>) -> Vec<Option<GrownNode<'r, C>>> {
        root.idx = 0;
        let mut scratch = Scratch::default();
        let mut nodes = vec![None];
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            let idx = node.idx;
            let step = self.split(node, &mut scratch, None);
            settle(&mut nodes, idx, step, &mut open);
        }
        nodes
    }

    /// Finds a node's split, divides its rows, and gives both children their histograms.
    fn split<'r>(
        &self,
        node: Open<'r, C>,
        scratch: &mut Scratch<C>,
        on: Option<&Threads>,
    ) -> Step<'r, C> {
        let on = on.filter(|_| self.threads_for(node.rows.len()).is_some());
        let Some(entry) = self.best(&node, on) else {
            scratch.histograms.push(node.histogram);
            return Step::Leaf(node.rows);
        };
        let n_bins = self.source.cuts.n_bins(entry.feature as usize);
        let rule = Rule::new(entry.feature, entry.bin, n_bins, entry.default_left);
        let n_left = match on {
            Some(threads) => {
                self.columns
                    .partition_on(&rule, node.rows, &mut scratch.rows, threads)
            }
            None => self.columns.partition(&rule, node.rows, &mut scratch.rows),
        };
        let (left, right) = node.rows.split_at_mut(n_left);
        let left = Child {
            rows: left,
            total: entry.left,
        };
        let right = Child {
            rows: right,
            total: node.total.minus(entry.left),
        };
        let parent = Parent {
            depth: node.depth,
            histogram: node.histogram,
            on,
        };
        Step::Split(entry, self.open(parent, [left, right], scratch))
    }

    /// Gives a histogram to each of a node's two children that may split.
    fn open<'r>(
        &self,
        mut parent: Parent<'_, C>,
        children: [Child<'r, C>; 2],
        scratch: &mut Scratch<C>,
    ) -> [Next<'r, C>; 2] {
        let depth = parent.depth + 1;
        let [left, right] = children;
        let small_is_left = left.rows.len() <= right.rows.len();
        let (small, large) = if small_is_left {
            (left, right)
        } else {
            (right, left)
        };
        let (small_opens, large_opens) =
            (self.may_split(&small, depth), self.may_split(&large, depth));
        let histogram =
            (small_opens || large_opens).then(|| self.build(&small, scratch, parent.on));
        let mut give =
            |child: Child<'r, C>, opens: bool, histogram: Option<Histogram<C>>| match histogram {
                Some(histogram) if opens => Next::Open(Open {
                    idx: 0,
                    depth,
                    rows: child.rows,
                    total: child.total,
                    histogram,
                }),
                spare => {
                    scratch.histograms.extend(spare);
                    Next::Leaf(child.rows)
                }
            };
        if let Some(histogram) = histogram.as_ref().filter(|_| large_opens) {
            parent.histogram.subtract(histogram);
        }
        let large = give(large, large_opens, Some(parent.histogram));
        let small = give(small, small_opens, histogram);
        if small_is_left {
            [small, large]
        } else {
            [large, small]
        }
    }

    fn best(&self, node: &Open<'_, C>, on: Option<&Threads>) -> Option<SplitEntry<C>> {
        let search = Search::new(self.penalty, self.scales, node.total);
        let n_columns = self.source.columns.len();
        let Some(threads) = on.filter(|_| n_columns >= 2 * SCAN_ALONE) else {
            return search.best(&self.source, &node.histogram, 0..n_columns);
        };
        let parts = (0..n_columns).step_by(SCAN_ALONE);
        let parts = parts
            .map(|first| first..n_columns.min(first + SCAN_ALONE))
            .collect();
        let entries = threads.map(parts, |part| {
            search.best(&self.source, &node.histogram, part)
        });
        // Parts ascend, so the first of equal gains has the lowest feature.
        entries.into_iter().flatten().reduce(|best, next| {
            if next.loss_change > best.loss_change {
                next
            } else {
                best
            }
        })
    }

    fn build(
        &self,
        child: &Child<'_, C>,
        scratch: &mut Scratch<C>,
        on: Option<&Threads>,
    ) -> Histogram<C> {
        let mut histogram = self.source.empty(scratch.histograms.pop());
        if let Some(threads) = on {
            let part = child.rows.len().div_ceil(threads.n_threads()).max(1);
            let parts = threads.map(child.rows.chunks(part).collect(), |rows| {
                let mut histogram = self.source.empty(None);
                self.source.accumulate(rows, &mut histogram);
                histogram
            });
            for part in &parts {
                histogram.add(part);
            }
        } else {
            self.source.accumulate(child.rows, &mut histogram);
        }
        self.source.complete(child.total, &mut histogram);
        histogram
    }

    fn may_split(&self, child: &Child<'_, C>, depth: u32) -> bool {
        let within = self.max_depth == 0 || depth < self.max_depth;
        within
            && child.rows.len() > 1
            && Search::new(self.penalty, self.scales, child.total).is_worthwhile()
    }

    /// All threads where a node has work for them.
    fn threads_for(&self, n_rows: usize) -> Option<&Threads> {
        let enough =
            self.threads.n_threads() > 1 && n_rows * self.source.columns.len() >= SPLIT_ALONE;
        enough.then_some(self.threads)
    }

    /// Rows up to which a node's whole sub-tree is left to one thread.
    fn alone_below(&self, n_rows: usize) -> usize {
        if self.threads_for(n_rows).is_some() {
            n_rows / (4 * self.threads.n_threads())
        } else {
            n_rows
        }
    }
}

impl ExactGradients<'_> {
    /// The sums of gradients and hessians of `rows`, in that order.
    pub(crate) fn sum(&self, rows: &[u32]) -> (f64, f64) {
        let mut sums = (0.0, 0.0);
        for &row in rows {
            let pair = self.pairs[row as usize * self.n_groups + self.group];
            sums.0 += f64::from(pair.grad);
            sums.1 += f64::from(pair.hess);
        }
        sums
    }
}

/// Writes down what became of node `idx`; open children go on the stack, the one with fewer rows on top, so that the
/// stack holds no more histograms than the logarithm of the rows.
fn settle<'r, C>(
    nodes: &mut Vec<Option<GrownNode<'r, C>>>,
    idx: usize,
    step: Step<'r, C>,
    open: &mut Vec<Open<'r, C>>,
) {
    let (entry, children) = match step {
        Step::Leaf(rows) => {
            nodes[idx] = Some(GrownNode::Leaf(rows));
            return;
        }
        Step::Split(entry, children) => (entry, children),
    };
    nodes[idx] = Some(GrownNode::Split(entry, nodes.len()));
    let first_open = open.len();
    for child in children {
        match child {
            Next::Leaf(rows) => nodes.push(Some(GrownNode::Leaf(rows))),
            Next::Open(child) => {
                open.push(Open {
                    idx: nodes.len(),
                    ..child
                });
                nodes.push(None);
            }
        }
    }
    open[first_open..].sort_by_key(|node| std::cmp::Reverse(node.rows.len()));
}

/// Puts a sub-tree in the place of node `root`.
fn graft<'r, C>(
    nodes: &mut Vec<Option<GrownNode<'r, C>>>,
    root: usize,
    subtree: Vec<Option<GrownNode<'r, C>>>,
) {
    // Node 0 of the sub-tree is `root`; the others follow those that are there.
    let offset = nodes.len() - 1;
    for (idx, node) in subtree.into_iter().enumerate() {
        let node = node.map(|node| match node {
            GrownNode::Split(entry, left) => GrownNode::Split(entry, left + offset),
            leaf @ GrownNode::Leaf(_) => leaf,
        });
        if idx == 0 {
            nodes[root] = node;
        } else {
            nodes.push(node);
        }
    }
}

fn breadth_first<C>(mut drafts: Vec<Option<GrownNode<'_, C>>>) -> Grown<'_, C> {
    let mut nodes = Vec::with_capacity(drafts.len());
    let mut queue = VecDeque::from([0]);
    let mut n_numbered = 1;
    while let Some(idx) = queue.pop_front() {
        let node = drafts[idx]
            .take()
            .expect("every node became a leaf or a split");
        nodes.push(match node {
            GrownNode::Split(entry, left) => {
                queue.extend([left, left + 1]);
                n_numbered += 2;
                GrownNode::Split(entry, n_numbered - 2)
            }
            leaf @ GrownNode::Leaf(_) => leaf,
        });
    }
    Grown { nodes }
}
