//! Leaves that hold a quantile of what the margins leave of the labels, in the place of a Newton step.
//!
//! Invariant: a leaf's value depends on which rows are in it and not on the order in which they arrived there.
//!
//! Source: XGBoost 3.2 `src/objective/adaptive.cc`.

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

impl Adaptive<'_> {
    /// For each node, the quantile of its rows if it is a leaf with any.
    pub(crate) fn leaves<C: Cell>(
        &self,
        grown: &Grown<'_, C>,
        view: &View<'_>,
        threads: &Threads,
    ) -> Vec<Option<f32>> {
        let of_stretch = threads.map(grown.stretches.iter().collect(), |stretch| {
            let mut sides = [Vec::new(), Vec::new()];
            for_each_row(stretch, view, |side, row| sides[side].push(row));
            sides
        });
        let mut rows_of = vec![Vec::new(); grown.nodes.len()];
        for (stretch, sides) in grown.stretches.iter().zip(of_stretch) {
            let (Stretch::Leaf(leaf, _) | Stretch::Undivided(leaf, ..)) = stretch;
            for (offset, mut rows) in sides.into_iter().enumerate() {
                if !rows.is_empty() {
                    rows_of[leaf + offset].append(&mut rows);
                }
            }
        }
        let leaves = rows_of.into_iter().enumerate();
        let leaves = leaves.filter(|(_, rows)| !rows.is_empty()).collect();
        let quantiles = threads.map(leaves, |(leaf, rows): (usize, Vec<u32>)| {
            (leaf, self.quantile(&rows))
        });
        let mut values = vec![None; grown.nodes.len()];
        for (leaf, value) in quantiles {
            values[leaf] = Some(value);
        }
        values
    }

    fn quantile(&self, rows: &[u32]) -> f32 {
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
