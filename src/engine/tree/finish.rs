//! Weights for a grown tree: leaf values, covers, and the tree as the model holds it.
//!
//! Invariants: a node's sums are those of its rows' units, which are whole numbers, so no order of rows shows in them.
//! Where a few gradients are so large that the others have next to no units, leaves are computed from the gradients
//! themselves, in `f64` and in the order of rows; an inner node's sums are then its children's, left plus right. Leaves
//! that hold something else than a Newton step have it in the place of their weight. Whatever weights are made of, where
//! features have directions they are in order.

use std::collections::BTreeMap;

use crate::bin::HistogramCuts;
use crate::objective::GradientPair;
use crate::threads::Threads;

use super::adaptive::{self, Adaptive};
use super::bin_set::{BinSet, Cut};
use super::cell::Cell;
use super::constraint::{self, Constraints};
use super::follow::{CodeNode, CodeTree};
use super::panel::View;
use super::penalty::Penalty;
use super::quantise::Scales;
use super::split::SplitEntry;
use super::sprout::{Grown, Stretch};
use super::{CategorySet, NO_CONDITION, NO_PARENT, Node, Tree};

/// How sums become weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weigher<'a> {
    pub(crate) penalty: &'a Penalty,
    pub(crate) constraints: &'a Constraints,
    pub(crate) learning_rate: f32,
    pub(crate) scales: Scales,
    /// One group's gradients, `(n_rows,)`, where units are too rough.
    pub(crate) exact: Option<&'a [GradientPair]>,
    /// What leaves hold, where it is not a Newton step.
    pub(crate) adaptive: Option<Adaptive<'a>>,
}

impl Weigher<'_> {
    /// Gives a grown tree its weights.
    pub(crate) fn finish<C: Cell>(
        &self,
        grown: &Grown<'_, C>,
        view: &View<'_>,
        threads: &Threads,
    ) -> (Tree, CodeTree) {
        let sums = match self.exact {
            Some(pairs) => exact_sums(grown, view, pairs, threads),
            None => grown
                .nodes
                .iter()
                .map(|node| self.sums(node.total))
                .collect(),
        };
        let weights = self.weights(grown, &sums, (view, threads));
        let mut parents = vec![NO_PARENT; sums.len()];
        for (idx, node) in grown.nodes.iter().enumerate() {
            if let Some((_, left)) = node.split {
                parents[left] = idx as u32;
                parents[left + 1] = idx as u32;
            }
        }
        let mut nodes = Vec::with_capacity(sums.len());
        let mut code_nodes = Vec::with_capacity(sums.len());
        let weighed = sums.into_iter().zip(weights);
        for ((node, ((_, hess), weight)), parent) in grown.nodes.iter().zip(weighed).zip(parents) {
            let leaf = Node::leaf(parent, weight * self.learning_rate, hess as f32);
            let (node, code_node) = match &node.split {
                None => (leaf, CodeNode::leaf(weight * self.learning_rate)),
                Some((entry, left)) => {
                    let node = Node {
                        left: Some(*left as u32),
                        split_condition: self.condition(view, entry),
                        base_weight: weight,
                        ..leaf
                    };
                    split_nodes(entry, &node, view.cuts())
                }
            };
            nodes.push(node);
            code_nodes.push(code_node);
        }
        let (categories, sets) = divided_categories(grown, view.cuts());
        let tree = Tree {
            categories,
            ..Tree::from(nodes)
        };
        let code_tree = CodeTree {
            nodes: code_nodes,
            sets,
        };
        (tree, code_tree)
    }

    /// The value that a split compares with.
    fn condition<C: Cell>(&self, view: &View<'_>, entry: &SplitEntry<C>) -> f32 {
        let direction = self.constraints.direction(entry.feature);
        if direction != self.constraints.of_split(view.cuts(), entry) {
            // All values are on one side, larger ones than training has seen too: else they would be out of order.
            return f32::MAX;
        }
        match entry.cut {
            Cut::Through(bin) => view.cuts().cuts(entry.feature as usize)[usize::from(bin)],
            Cut::Without(_) => NO_CONDITION,
        }
    }

    /// Every node's weight before the learning rate.
    fn weights<C: Cell>(
        &self,
        grown: &Grown<'_, C>,
        sums: &[(f64, f64)],
        (view, threads): (&View<'_>, &Threads),
    ) -> Vec<f32> {
        let newton = sums.iter();
        let newton = newton.map(|&(grad, hess)| self.penalty.weight(grad, hess) as f32);
        let mut weights: Vec<f32> = newton.collect();
        let are_monotone = self.constraints.are_monotone();
        if let Some(adaptive) = self.adaptive {
            let rows = adaptive::RowsOfNodes::new(grown, view, threads);
            // What bounds leaves must be of their kind, so inner nodes need a quantile too.
            let is_wanted = |node: usize| are_monotone || grown.nodes[node].split.is_none();
            for (node, weight) in adaptive.quantiles(&rows, is_wanted, threads) {
                weights[node] = weight;
            }
        }
        if are_monotone {
            constraint::order(&mut weights, |idx| {
                let (entry, left) = grown.nodes[idx].split?;
                Some((self.constraints.of_split(view.cuts(), &entry), left))
            });
        }
        weights
    }

    fn sums<C: Cell>(&self, total: C) -> (f64, f64) {
        (
            self.scales.grad(total.grad() as f64),
            self.scales.hess(total.hess() as f64),
        )
    }
}

/// A split, by values and by codes; `node` has its place, its condition and its weight.
fn split_nodes<C>(entry: &SplitEntry<C>, node: &Node, cuts: &HistogramCuts) -> (Node, CodeNode) {
    let cuts = cuts.cuts(entry.feature as usize);
    // It means nothing where categories are divided.
    let bin = match entry.cut {
        Cut::Through(bin) => bin,
        Cut::Without(_) => 0,
    };
    let code_node = CodeNode {
        left: node.left.unwrap_or(0),
        feature: entry.feature,
        bin,
        missing: cuts.len() as u16,
        default_left: entry.default_left,
        value: 0.0,
    };
    let node = Node {
        split_index: entry.feature,
        default_left: entry.default_left,
        loss_change: entry.loss_change,
        ..node.clone()
    };
    (node, code_node)
}

/// The categories that nodes send right, and by node the bins, which are none where no node divides categories.
fn divided_categories<C: Cell>(
    grown: &Grown<'_, C>,
    cuts: &HistogramCuts,
) -> (BTreeMap<u32, CategorySet>, Vec<Option<BinSet>>) {
    let (mut categories, mut sets) = (BTreeMap::new(), Vec::new());
    for (idx, node) in grown.nodes.iter().enumerate() {
        let Some((entry, _)) = &node.split else {
            continue;
        };
        let (Cut::Without(right), Some(known)) =
            (entry.cut, cuts.categories(entry.feature as usize))
        else {
            continue;
        };
        let codes = known.codes().iter().enumerate();
        let codes = codes.filter(|&(bin, _)| right.contains(bin as u8));
        let set = CategorySet::new(codes.map(|(_, &code)| code).collect());
        categories.insert(
            idx as u32,
            set.expect("a split sends some categories right"),
        );
        sets.resize(grown.nodes.len(), None);
        sets[idx] = Some(right);
    }
    (categories, sets)
}

/// Calls `found` with every row of a stretch and its side: 0 for the leaf that the stretch names, 1 for the next one.
pub(super) fn for_each_row<U>(
    stretch: &Stretch<'_, U>,
    view: &View<'_>,
    mut found: impl FnMut(usize, u32),
) {
    match stretch {
        Stretch::Leaf(_, records) => records.iter().for_each(|record| found(0, record.row)),
        Stretch::Undivided(_, rule, records) => {
            view.for_each_side(rule, records, |row, goes_left| {
                found(usize::from(!goes_left), row);
            });
        }
    }
}

/// Every node's sums of the gradients themselves.
fn exact_sums<C: Cell>(
    grown: &Grown<'_, C>,
    view: &View<'_>,
    pairs: &[GradientPair],
    threads: &Threads,
) -> Vec<(f64, f64)> {
    let of_stretch = threads.map(grown.stretches.iter().collect(), |stretch| {
        let mut sides = [(0.0, 0.0); 2];
        for_each_row(stretch, view, |side, row| {
            let pair = pairs[row as usize];
            sides[side].0 += f64::from(pair.grad);
            sides[side].1 += f64::from(pair.hess);
        });
        sides
    });
    let mut sums = vec![(0.0, 0.0); grown.nodes.len()];
    for (stretch, [first, second]) in grown.stretches.iter().zip(of_stretch) {
        let (leaf, sides) = match stretch {
            Stretch::Leaf(leaf, _) => (*leaf, &[first][..]),
            Stretch::Undivided(left, ..) => (*left, &[first, second][..]),
        };
        for (sum, side) in sums[leaf..].iter_mut().zip(sides) {
            *sum = (sum.0 + side.0, sum.1 + side.1);
        }
    }
    for (idx, node) in grown.nodes.iter().enumerate().rev() {
        if let Some((_, left)) = node.split {
            let (a, b) = (sums[left], sums[left + 1]);
            sums[idx] = (a.0 + b.0, a.1 + b.1);
        }
    }
    sums
}
