//! Leaves that hold a quantile of what the margins leave of the labels, in the place of a Newton step.
//!
//! Invariant: a leaf's value depends on which rows are in it and not on the order in which they arrived there.
//!
//! Source: XGBoost 3.2 `src/objective/adaptive.cc`.

use std::ops::Range;

use crate::quantile::{quantile, weighted_quantile};
use crate::threads::Threads;

use super::cell::Cell;
use super::finish::for_each_row;
use super::panel::View;
use super::sprout::{Grown, Stretch};

/// What leaves are computed from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adaptive<'a> {
    /// The quantile's level, in `[0, 1]`.
    pub(crate) level: f32,
    /// Labels minus the margins before the round, `(n_rows,)`.
    pub(crate) residuals: &'a [f32],
    /// `(n_rows,)`
    pub(crate) weights: Option<&'a [f32]>,
}

/// The rows of a tree, so that those of every node lie next to each other.
#[derive(Debug)]
pub(crate) struct RowsOfNodes {
    rows: Vec<u32>,
    ranges: Vec<Range<usize>>,
}

impl RowsOfNodes {
    pub(crate) fn new<C: Cell>(grown: &Grown<'_, C>, view: &View<'_>, threads: &Threads) -> Self {
        let of_stretch = threads.map(grown.stretches.iter().collect(), |stretch| {
            let mut sides = [Vec::new(), Vec::new()];
            for_each_row(stretch, view, |side, row| sides[side].push(row));
            sides
        });
        let mut of_leaf = vec![Vec::new(); grown.nodes.len()];
        for (stretch, sides) in grown.stretches.iter().zip(of_stretch) {
            let (Stretch::Leaf(leaf, _) | Stretch::Undivided(leaf, ..)) = stretch;
            for (offset, mut rows) in sides.into_iter().enumerate() {
                if !rows.is_empty() {
                    of_leaf[leaf + offset].append(&mut rows);
                }
            }
        }
        let mut rows = Vec::with_capacity(of_leaf.iter().map(Vec::len).sum());
        let mut ranges = vec![0..0; grown.nodes.len()];
        // Depth first, so that a node's leaves follow each other.
        let mut open = vec![0];
        while let Some(node) = open.pop() {
            if let Some((_, left)) = grown.nodes[node].split {
                open.extend([left + 1, left]);
            } else {
                let begin = rows.len();
                rows.extend(std::mem::take(&mut of_leaf[node]));
                ranges[node] = begin..rows.len();
            }
        }
        for (node, grown) in grown.nodes.iter().enumerate().rev() {
            if let Some((_, left)) = grown.split {
                ranges[node] = ranges[left].start..ranges[left + 1].end;
            }
        }
        Self { rows, ranges }
    }
}

impl Adaptive<'_> {
    /// The quantiles of the rows of those nodes that are wanted and have any, with the nodes.
    pub(crate) fn quantiles(
        &self,
        rows: &RowsOfNodes,
        is_wanted: impl Fn(usize) -> bool,
        threads: &Threads,
    ) -> Vec<(usize, f32)> {
        let nodes = rows.ranges.iter().enumerate();
        let nodes = nodes.filter(|(node, range)| !range.is_empty() && is_wanted(*node));
        let nodes = nodes.map(|(node, range)| (node, range.clone())).collect();
        threads.map(nodes, |(node, range): (usize, Range<usize>)| {
            (node, self.quantile(&rows.rows[range]))
        })
    }

    /// The quantile of what the margins leave of the labels of some rows.
    pub(crate) fn quantile(&self, rows: &[u32]) -> f32 {
        let residual = |row: u32| self.residuals[row as usize];
        match self.weights {
            None => {
                let mut values: Vec<_> = rows.iter().map(|&row| residual(row)).collect();
                quantile(self.level, &mut values)
            }
            Some(weights) => {
                let weighted = |&row: &u32| (residual(row), weights[row as usize]);
                let mut rows: Vec<_> = rows.iter().map(weighted).collect();
                weighted_quantile(self.level, &mut rows)
            }
        }
    }
}
