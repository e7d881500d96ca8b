//! Grows one tree and gives its nodes breadth first.
//!
//! Invariants: a node's split depends on its own rows and nothing else, so the order in which nodes are split, and on
//! how many threads, does not show in the tree. Nodes with much work are split one after the other, each on all threads;
//! the sub-trees below are then grown side by side, one thread each. Only the child with fewer rows gets its histogram
//! from rows, its sibling's is the parent's minus it, exactly, since cells are whole numbers. A node whose children are
//! leaves for certain is not divided: what its rows get is known from the histogram. Where too many histograms wait
//! ([`Spares`]), both children get theirs from rows, which are the same sums.

use crate::params::GrowPolicy;
use crate::threads::Threads;

use super::cell::Cell;
use super::constraint::{Constraints, Scope};
use super::grow_node;
use super::panel::View;
use super::partition::{Rule, divide_on};
use super::penalty::Penalty;
use super::quantise::Scales;
use super::record::{Record, Rows};
use super::sample::{NodeColumns, Path};
use super::spares::Spares;
use super::split::SplitEntry;
use super::sprout::{Child, Expanded, Fate, Grown, GrownNode, Sprout, Stretch};

/// Additions (rows times columns) below which a node stays on one thread.
const SPLIT_ALONE: usize = 1 << 18;

/// Additions from which a node's children are offered to idle threads.
const FORK: usize = 1 << 15;

/// The deepest node whose children are offered: a fork is a call within a call, and trees without a limit can be as deep
/// as the table is long.
const FORK_DEPTH: u32 = 64;

/// How far a tree may grow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Splits from the root to a leaf; 0 is no limit.
    pub(crate) max_depth: u32,
    /// Leaves; 0 is no limit.
    pub(crate) max_leaves: u32,
    /// Which node is split first, where `max_leaves` makes that matter.
    pub(crate) policy: GrowPolicy,
}

/// What a tree is grown from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grower<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) scales: Scales,
    /// What no sum of gradients exceeds.
    pub(crate) largest_sum: f64,
    pub(crate) penalty: &'a Penalty,
    pub(crate) constraints: &'a Constraints,
    pub(crate) limits: Limits,
    pub(crate) columns: NodeColumns<'a>,
    pub(crate) threads: &'a Threads,
}

/// A node that will be split.
#[derive(Debug)]
pub(super) struct Open<'r, C: Cell> {
    pub(super) idx: usize,
    path: Path,
    scope: Scope,
    rows: Rows<'r, C>,
    total: C,
    /// `None` where too many others wait.
    histogram: Option<Vec<C>>,
    pub(super) entry: SplitEntry<C>,
}

impl Grower<'_> {
    /// Grows a tree on `rows`, which ascend and sum to `total`.
    pub(crate) fn grow<'r, C: Cell>(
        &self,
        rows: Rows<'r, C>,
        total: C,
        spares: &Spares<C>,
    ) -> Grown<'r, C> {
        let alone = self.alone_below(rows.records.len());
        let mut sprout = Sprout {
            nodes: vec![GrownNode { total, split: None }],
            stretches: Vec::new(),
        };
        let root = self.root(rows, total, spares);
        let root = match root {
            Fate::Open(root) => root,
            Fate::Leaf(records) => {
                sprout.stretches.push(Stretch::Leaf(0, records));
                return sprout.breadth_first();
            }
            Fate::Undivided => unreachable!("a root has no sibling"),
        };
        if self.limits.max_leaves > 0 {
            self.grow_in_order(root, &mut sprout, spares);
            return sprout.breadth_first();
        }
        let mut open = vec![root];
        let mut subtrees = Vec::new();
        while let Some(node) = open.pop() {
            let n_rows = node.rows.records.len();
            if n_rows <= alone || self.threads_for(n_rows).is_none() {
                subtrees.push(node);
            } else {
                let idx = node.idx;
                let expanded = self.expand(node, spares, Some(self.threads));
                sprout.settle(idx, expanded, &mut open);
            }
        }
        subtrees.sort_by_key(|node| std::cmp::Reverse(node.rows.records.len()));
        let roots: Vec<usize> = subtrees.iter().map(|node| node.idx).collect();
        let grown = self
            .threads
            .map(subtrees, |root| self.grow_subtree(root, spares));
        for (root, subtree) in roots.into_iter().zip(grown) {
            sprout.graft(root, subtree);
        }
        sprout.breadth_first()
    }

    /// Grows a sub-tree, whose root becomes node 0, and lets idle threads have a part of it.
    fn grow_subtree<'r, C: Cell>(
        &self,
        mut root: Open<'r, C>,
        spares: &Spares<C>,
    ) -> Sprout<'r, C> {
        root.idx = 0;
        let mut sprout = Sprout {
            nodes: vec![GrownNode {
                total: root.total,
                split: None,
            }],
            stretches: Vec::new(),
        };
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            let idx = node.idx;
            let forks = self.is_worth_a_fork(&node);
            let expanded = self.expand(node, spares, None);
            let n_before = open.len();
            sprout.settle(idx, expanded, &mut open);
            if forks && open.len() == n_before + 2 {
                let children = open.split_off(n_before);
                let roots: Vec<usize> = children.iter().map(|child| child.idx).collect();
                let grown = self
                    .threads
                    .map(children, |child| self.grow_subtree(child, spares));
                for (root, subtree) in roots.into_iter().zip(grown) {
                    sprout.graft(root, subtree);
                }
            }
        }
        sprout
    }

    fn root<'r, C: Cell>(&self, rows: Rows<'r, C>, total: C, spares: &Spares<C>) -> Fate<'r, C> {
        let on = self.threads_for(rows.records.len());
        let node = Node {
            path: Path::ROOT,
            scope: Scope::ROOT,
            rows,
            total,
        };
        self.fate_by_rows(node, on, spares)
    }

    /// Divides a node's rows, and finds its children's splits.
    pub(super) fn expand<'r, C: Cell>(
        &self,
        node: Open<'r, C>,
        spares: &Spares<C>,
        on: Option<&Threads>,
    ) -> Expanded<'r, C> {
        let Open {
            path,
            scope,
            rows,
            total,
            histogram,
            entry,
            ..
        } = node;
        let on = on.filter(|_| self.threads_for(rows.records.len()).is_some());
        let histogram = spares.end_wait(histogram);
        let rule = self.view.rule(entry.feature, entry.cut, entry.default_left);
        let totals = [entry.left, total.minus(entry.left)];
        if !totals
            .iter()
            .any(|&total| self.may_split(total, path.depth + 1))
        {
            if let Some(histogram) = histogram {
                spares.put(histogram);
            }
            let children = totals.map(|total| Child {
                total,
                fate: Fate::Undivided,
            });
            return Expanded {
                entry,
                children,
                undivided: Some((Box::new(rule), rows.records)),
            };
        }
        let [left, right] = self.divide(&rule, rows, on);
        let [left_total, right_total] = totals;
        let [left_path, right_path] = path.children();
        let [left_scope, right_scope] = self.scopes(&scope, &entry, totals);
        let left = Node {
            path: left_path,
            scope: left_scope,
            rows: left,
            total: left_total,
        };
        let right = Node {
            path: right_path,
            scope: right_scope,
            rows: right,
            total: right_total,
        };
        let fates = if left.rows.records.len() <= right.rows.records.len() {
            self.fates([left, right], histogram, on, spares)
        } else {
            let [right, left] = self.fates([right, left], histogram, on, spares);
            [left, right]
        };
        let [left, right] = fates;
        let children = [
            Child {
                total: left_total,
                fate: left,
            },
            Child {
                total: right_total,
                fate: right,
            },
        ];
        Expanded {
            entry,
            children,
            undivided: None,
        }
    }

    /// What the sides of a split inherit.
    fn scopes<C: Cell>(&self, scope: &Scope, entry: &SplitEntry<C>, totals: [C; 2]) -> [Scope; 2] {
        let weights = totals.map(|total| {
            let weight = self.penalty.weight(
                self.scales.grad(total.grad() as f64),
                self.scales.hess(total.hess() as f64),
            );
            scope.bounds.clip(weight as f32)
        });
        let direction = self.constraints.of_split(self.view.cuts(), entry);
        self.constraints
            .below(scope, (entry.feature, direction), weights)
    }

    fn divide<'r, C: Cell>(
        &self,
        rule: &Rule,
        rows: Rows<'r, C>,
        on: Option<&Threads>,
    ) -> [Rows<'r, C>; 2] {
        let Rows { records, spare } = rows;
        let n_left = match on {
            Some(threads) => divide_on(self.view, rule, records, spare, threads),
            None => self.view.divide(rule, records, spare),
        };
        let (left, right_spare) = records.split_at_mut(n_left);
        let (right, left_spare) = spare.split_at_mut(right_spare.len());
        [
            Rows {
                records: left,
                spare: left_spare,
            },
            Rows {
                records: right,
                spare: right_spare,
            },
        ]
    }

    /// What becomes of the two halves of a node, whose own `histogram` it is; the one with fewer rows comes first.
    fn fates<'r, C: Cell>(
        &self,
        [small, large]: [Node<'r, C>; 2],
        histogram: Option<Vec<C>>,
        on: Option<&Threads>,
        spares: &Spares<C>,
    ) -> [Fate<'r, C>; 2] {
        let Some(mut histogram) = histogram else {
            return [small, large].map(|half| self.fate_by_rows(half, on, spares));
        };
        let large_opens = self.may_split(large.total, large.path.depth);
        let small_opens = self.may_split(small.total, small.path.depth);
        let built = self.build(small.rows.records, spares, on);
        let large = if large_opens {
            grow_node::subtract(&mut histogram, &built);
            self.fate(large, histogram, on, spares)
        } else {
            spares.put(histogram);
            Fate::Leaf(large.rows.records)
        };
        let small = if small_opens {
            self.fate(small, built, on, spares)
        } else {
            spares.put(built);
            Fate::Leaf(small.rows.records)
        };
        [small, large]
    }

    /// What becomes of a node whose sums are added up from its rows.
    fn fate_by_rows<'r, C: Cell>(
        &self,
        node: Node<'r, C>,
        on: Option<&Threads>,
        spares: &Spares<C>,
    ) -> Fate<'r, C> {
        if !self.may_split(node.total, node.path.depth) {
            return Fate::Leaf(node.rows.records);
        }
        let histogram = self.build(node.rows.records, spares, on);
        self.fate(node, histogram, on, spares)
    }

    /// Finds the split of a node that may have one.
    fn fate<'r, C: Cell>(
        &self,
        node: Node<'r, C>,
        histogram: Vec<C>,
        on: Option<&Threads>,
        spares: &Spares<C>,
    ) -> Fate<'r, C> {
        let Node {
            path,
            scope,
            rows,
            total,
        } = node;
        if let Some(entry) = self.best(&histogram, (total, path, &scope), on) {
            return Fate::Open(Open {
                idx: 0,
                path,
                scope,
                rows,
                total,
                histogram: spares.wait(histogram),
                entry,
            });
        }
        spares.put(histogram);
        Fate::Leaf(rows.records)
    }

    fn may_split<C: Cell>(&self, total: C, depth: u32) -> bool {
        // A tree that nobody wants any more ends where it is.
        if self.threads.is_stopped() {
            return false;
        }
        let within = self.limits.max_depth == 0 || depth < self.limits.max_depth;
        within && self.search(total).is_worthwhile()
    }

    /// Whether a node's children are offered to idle threads.
    fn is_worth_a_fork<C: Cell>(&self, node: &Open<'_, C>) -> bool {
        self.threads.n_threads() > 1
            && node.path.depth < FORK_DEPTH
            && node.n_rows() * self.view.adds_per_row() >= FORK
    }

    /// All threads where a node has work for them.
    pub(super) fn threads_for(&self, n_rows: usize) -> Option<&Threads> {
        let enough =
            self.threads.n_threads() > 1 && n_rows * self.view.adds_per_row() >= SPLIT_ALONE;
        enough.then_some(self.threads)
    }

    /// Rows up to which a node's whole sub-tree is left to one thread.
    fn alone_below(&self, n_rows: usize) -> usize {
        if self.threads_for(n_rows).is_some() {
            n_rows / self.threads.n_threads()
        } else {
            usize::MAX
        }
    }
}

/// A node whose split is not known.
struct Node<'r, C: Cell> {
    path: Path,
    scope: Scope,
    rows: Rows<'r, C>,
    total: C,
}

impl<'r, C: Cell> Open<'r, C> {
    pub(super) fn n_rows(&self) -> usize {
        self.rows.records.len()
    }

    /// The rows of a node that is not split after all.
    pub(super) fn into_leaf(self, spares: &Spares<C>) -> &'r [Record<C::Unit>] {
        spares.put_waiting(self.histogram);
        self.rows.records
    }
}
