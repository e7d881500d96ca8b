//! One round of a linear booster: each group's weights are improved, and every set's margins computed from them.
//!
//! Invariant: margins are the model's own, computed from all of its weights each time, so that nothing drifts and every
//! evaluation is that of the model's predictions.

use crate::linear::{ColumnTable, Descent, Penalties, add_margins};
use crate::metric::Metric;
use crate::objective::{GradientPair, Objective};
use crate::params::BoosterValidParams;
use crate::threads::Threads;
use crate::tree::sample::mix;

use super::base_score::BaseScores;
use super::observe::{Gradients, Set};
use super::round::draw;
use super::run::Boosting;
use super::start::SetRows;
use super::{Booster, BoosterKind, Evaluation, LinearModel, TrainError};

/// A linear booster, with what it takes to add a round.
pub(super) struct LinearRounds<'a> {
    params: &'a BoosterValidParams,
    threads: &'a Threads,
    booster: Booster,
    linear: LinearModel,
    /// The objective with the settings of every metric.
    objective: Objective,
    penalties: Penalties,
    /// The training set first.
    sets: Vec<(Set<'a>, &'a ColumnTable)>,
    gradients: Gradients,
}

impl<'a> LinearRounds<'a> {
    /// Begins with a booster and where its groups start; the training set is the first one.
    pub(super) fn new(
        params: &'a BoosterValidParams,
        threads: &'a Threads,
        (rows, tables): (&[SetRows<'a>], &[&'a ColumnTable]),
        (mut booster, start): (Booster, BaseScores),
    ) -> Self {
        let objective = params.with_settings_of_metrics(&booster.objective);
        let mut bases = start.margins(&objective);
        let mut linear = match &booster.kind {
            BoosterKind::GbLinear(linear) => linear.clone(),
            BoosterKind::GbTree | BoosterKind::Dart { .. } => {
                unreachable!("the booster is as the parameters say")
            }
        };
        if start.is_by_group() {
            // A model has one base score; where groups start apart, the biases hold it.
            let n_weights = linear.weights.len();
            linear.weights[n_weights - bases.len()..].copy_from_slice(&bases);
            bases.fill(0.0);
            booster.base_score = booster.neutral_base_score().unwrap_or(0.0);
        }
        let targets = &rows[0].targets;
        let mut rounds = Self {
            params,
            threads,
            penalties: Penalties::new(params, targets.total_weight()),
            gradients: Gradients::new(&booster, targets),
            sets: rows
                .iter()
                .map(|rows| Set::new(rows, &bases))
                .zip(tables.iter().copied())
                .collect(),
            objective,
            linear,
            booster,
        };
        rounds.tell();
        let first_round = rounds.booster.n_rounds() as u32;
        threads.enter(|| rounds.look(first_round, &[]));
        rounds
    }

    /// Puts the weights into the booster.
    fn tell(&mut self) {
        self.booster.kind = BoosterKind::GbLinear(self.linear.clone());
    }

    /// Computes every set's margins and evaluates it, and the gradients of the `next` round.
    fn look(&mut self, next: u32, metrics: &[Metric]) -> Vec<Evaluation> {
        let threads = self.threads;
        self.gradients.draw = draw(self.params.seed(), next);
        let mut wanted = Some(&mut self.gradients);
        let mut evaluations = Vec::new();
        for (set, table) in &mut self.sets {
            set.begin_again();
            let n_groups = set.n_groups();
            add_margins(table, &self.linear, (&mut set.margins, n_groups), threads);
            let seen = set.observe(&self.objective, metrics, wanted.take(), threads);
            evaluations.extend(seen);
        }
        evaluations
    }

    /// Improves the weights of all groups.
    fn improve(&mut self, round: u32) {
        let descent = Descent {
            table: self.sets[0].1,
            penalties: self.penalties,
            settings: self.params.linear(),
            draw: mix(draw(self.params.seed(), round).rotate_left(29)),
            threads: self.threads,
        };
        let n_groups = self.booster.n_groups();
        let of_groups = self.gradients.by_group().enumerate().map(|(group, pairs)| {
            let weights = self.linear.weights[group..].iter().step_by(n_groups);
            (group, weights.copied().collect(), pairs)
        });
        let of_groups: Vec<(usize, Vec<f32>, &mut [GradientPair])> = of_groups.collect();
        let improved = self.threads.map(of_groups, |(group, mut weights, pairs)| {
            descent.improve(group, &mut weights, pairs);
            weights
        });
        for (group, weights) in improved.into_iter().enumerate() {
            let places = self.linear.weights[group..].iter_mut().step_by(n_groups);
            places.zip(weights).for_each(|(to, from)| *to = from);
        }
        self.linear.boosted_rounds += 1;
    }
}

impl Boosting for LinearRounds<'_> {
    fn booster(&self) -> &Booster {
        &self.booster
    }

    fn boost(
        &mut self,
        round: u32,
        metrics: &[Metric],
    ) -> Result<Option<Vec<Evaluation>>, TrainError> {
        self.gradients.begin(round, &mut self.booster.objective)?;
        let threads = self.threads;
        Ok(Some(threads.enter(|| {
            self.improve(round);
            self.tell();
            self.look(round + 1, metrics)
        })))
    }

    fn into_booster(self) -> Booster {
        self.booster
    }
}
