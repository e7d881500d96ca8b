//! One round of coordinate descent: the bias first, then weight after weight, each to the minimum of the loss's parabola.
//!
//! Invariant: groups share nothing in a round but the order of a shuffle, so they go side by side.
//!
//! Source: XGBoost 3.2 `src/linear/coordinate_common.h`, `CoordinateDelta` and `CoordinateDeltaBias`.

use crate::objective::GradientPair;
use crate::params::{BoosterValidParams, Linear};
use crate::threads::Threads;

use super::ColumnTable;
use super::kernel::{Sums, bias_sums, change, change_bias, sums};
use super::select::Order;

/// A weight whose hessians add up to less stays where it is.
const LEAST_HESS: f64 = 1e-5;

/// What holds weights back. Penalties are for the mean of the rows' losses, so they grow with the sum of the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Penalties {
    learning_rate: f64,
    lambda: f64,
    alpha: f64,
    lambda_bias: f64,
}

impl Penalties {
    pub(crate) fn new(params: &BoosterValidParams, total_weight: f64) -> Self {
        let of_all = |penalty: f32| f64::from((f64::from(penalty) * total_weight) as f32);
        Self {
            learning_rate: params.learning_rate().into(),
            lambda: of_all(params.reg_lambda()),
            alpha: of_all(params.reg_alpha()),
            lambda_bias: of_all(params.linear().lambda_bias),
        }
    }

    /// What takes the weight to the minimum.
    fn change(&self, (grad, hess): Sums, weight: f32) -> f64 {
        if hess < LEAST_HESS {
            return 0.0;
        }
        let weight = f64::from(weight);
        let (grad, hess) = (grad + self.lambda * weight, hess + self.lambda);
        if weight - grad / hess >= 0.0 {
            (-(grad + self.alpha) / hess).max(-weight)
        } else {
            (-(grad - self.alpha) / hess).min(-weight)
        }
    }

    fn change_of_bias(&self, (grad, hess): Sums, bias: f32) -> f64 {
        let change = -(grad + self.lambda_bias * f64::from(bias)) / (hess + self.lambda_bias);
        if change.is_finite() { change } else { 0.0 }
    }

    /// A step on the way there.
    fn step(&self, change: f64) -> f32 {
        (self.learning_rate * change) as f32
    }
}

/// What a round of one group works with.
#[derive(Clone, Copy)]
pub(crate) struct Descent<'a> {
    pub(crate) table: &'a ColumnTable,
    pub(crate) penalties: Penalties,
    pub(crate) settings: Linear,
    /// Where the round's draws begin.
    pub(crate) draw: u64,
    pub(crate) threads: &'a Threads,
}

impl Descent<'_> {
    /// Improves the weights of a group, `(n_features + 1,)` with the bias last. `pairs` are its gradients and become those
    /// of the improved weights, as far as a parabola tells.
    pub(crate) fn improve(&self, group: usize, weights: &mut [f32], pairs: &mut [GradientPair]) {
        let threads = self.threads;
        let Some((bias, weights)) = weights.split_last_mut() else {
            return;
        };
        let change_of_bias = self
            .penalties
            .change_of_bias(bias_sums(pairs, threads), *bias);
        let step = self.penalties.step(change_of_bias);
        *bias += step;
        change_bias(step, pairs, threads);
        let draw = (self.draw, group);
        let at_first = &mut || self.changes(weights, pairs);
        let mut order = Order::new(self.settings, weights.len(), draw, at_first);
        loop {
            let next = order.next(&mut || self.changes(weights, pairs));
            let Some(feature) = next else {
                return;
            };
            let column = &self.table.columns()[feature];
            let weight = &mut weights[feature];
            let to_minimum = self.penalties.change(sums(column, pairs, threads), *weight);
            let step = self.penalties.step(to_minimum);
            *weight += step;
            change(column, step, pairs, threads);
        }
    }

    /// What each weight would change by if it was alone to change.
    fn changes(&self, weights: &[f32], pairs: &[GradientPair]) -> Vec<f32> {
        let columns = self.table.columns().iter().zip(weights).collect();
        self.threads.map(columns, |(column, &weight)| {
            let sums = sums(
                column,
                pairs,
                &Threads::single().with_simd(self.threads.simd()),
            );
            self.penalties.change(sums, weight) as f32
        })
    }
}
