//! One round of an update: the trees of a model's round are refreshed or pruned, and then they are the new model's.
//!
//! Invariant: a round's gradients are those of the rounds that were updated before it, as if these trees were just grown.
//!
//! Source: XGBoost 3.2 `src/gbm/gbtree.cc`, `process_type` = `update`.

use crate::dataset::Dataset;
use crate::metric::Metric;
use crate::objective::Objective;
use crate::params::{BoosterValidParams, UpdateStep};
use crate::threads::Threads;
use crate::tree::Tree;
use crate::tree::adaptive::Adaptive;
use crate::tree::penalty::Penalty;
use crate::tree::prune::Pruning;
use crate::tree::refresh::Refreshing;

use super::base_score::BaseScores;
use super::observe::{Gradients, Set};
use super::round::{draw, penalty};
use super::run::Boosting;
use super::start::SetRows;
use super::{Booster, Evaluation, TrainError};

/// A model whose trees are updated, round by round.
pub(super) struct Updates<'a> {
    params: &'a BoosterValidParams,
    threads: &'a Threads,
    penalty: Penalty,
    /// The rounds that are done.
    booster: Booster,
    /// The model that is updated.
    model: &'a Booster,
    /// The objective with the settings of every metric.
    objective: Objective,
    /// The training set first.
    sets: Vec<(Set<'a>, &'a Dataset)>,
    gradients: Gradients,
}

/// A tree, its group, and for each node that it had before the node that now holds its rows.
type Updated = (Tree, usize, Vec<u32>);

impl<'a> Updates<'a> {
    /// Begins with the rounds that are done; the training set is the first one.
    pub(super) fn new(
        params: &'a BoosterValidParams,
        threads: &'a Threads,
        (rows, tables): (&[SetRows<'a>], &[&'a Dataset]),
        (booster, model): (Booster, &'a Booster),
    ) -> Self {
        let objective = params.with_settings_of_metrics(&booster.objective);
        let start = BaseScores::together(booster.base_score, booster.n_groups());
        let bases = start.margins(&objective);
        let mut updates = Self {
            params,
            threads,
            penalty: penalty(params),
            gradients: Gradients::new(&booster, &rows[0].targets),
            sets: rows
                .iter()
                .map(|rows| Set::new(rows, &bases))
                .zip(tables.iter().copied())
                .collect(),
            objective,
            booster,
            model,
        };
        let n_rounds = updates.booster.n_rounds() as u32;
        if n_rounds > 0 {
            for (set, table) in &mut updates.sets {
                let margins = updates.booster.predict_margin(table, threads);
                set.margins = margins.expect("the set's columns and margins are the booster's");
            }
        }
        threads.enter(|| updates.look(n_rounds, &[]));
        updates
    }

    /// Evaluates every set, and computes the gradients of the `next` round.
    fn look(&mut self, next: u32, metrics: &[Metric]) -> Vec<Evaluation> {
        self.gradients.draw = draw(self.params.seed(), next);
        let mut wanted = Some(&mut self.gradients);
        let mut evaluations = Vec::new();
        for (set, _) in &self.sets {
            let seen = set.observe(&self.objective, metrics, wanted.take(), self.threads);
            evaluations.extend(seen);
        }
        evaluations
    }

    /// The trees of a round, as a model of their own.
    fn round_of_model(&self, round: u32) -> Booster {
        let per_round = self.model.trees_per_round();
        let trees = round as usize * per_round..(round as usize + 1) * per_round;
        Booster {
            trees: self.model.trees[trees.clone()].to_vec(),
            tree_info: self.model.tree_info[trees].to_vec(),
            ..self.booster.clone()
        }
    }

    /// Updates a tree, the `number`-th of its round; `leaves` are those of the round's trees, `(n_rows, n_trees)` row-major.
    fn update(&self, round: &Booster, number: usize, leaves: &[u32]) -> Updated {
        let mut tree = round.trees[number].clone();
        let group = round.tree_info[number] as usize;
        let n_trees = round.trees.len();
        let mut leaves: Vec<u32> = leaves[number..].iter().step_by(n_trees).copied().collect();
        let mut places: Vec<u32> = (0..tree.nodes.len() as u32).collect();
        let learning_rate = self.params.learning_rate() / self.booster.num_parallel_tree as f32;
        let update = self.params.tree_update();
        let residuals = self.residuals(group);
        for step in &update.steps {
            match step {
                UpdateStep::Refresh => {
                    let level = self.booster.objective.leaf_level(group);
                    let refreshing = Refreshing {
                        penalty: &self.penalty,
                        learning_rate,
                        refresh_leaf: update.refresh_leaf,
                        pairs: self.gradients.of_group(group),
                        adaptive: level.zip(residuals.as_deref()).map(|(level, residuals)| {
                            let weights = self.sets[0].1.weights();
                            Adaptive {
                                level,
                                residuals,
                                weights,
                            }
                        }),
                    };
                    refreshing.refresh(&mut tree, &leaves, self.threads);
                }
                UpdateStep::Prune => {
                    let pruning = Pruning {
                        gamma: self.params.min_split_loss(),
                        max_depth: self.params.max_depth(),
                        learning_rate,
                    };
                    let moved = pruning.prune(&mut tree);
                    for place in places.iter_mut().chain(&mut leaves) {
                        *place = moved[*place as usize];
                    }
                }
            }
        }
        (tree, group, places)
    }

    /// What the margins before the round leave of the labels, where leaves are made of that.
    fn residuals(&self, group: usize) -> Option<Vec<f32>> {
        self.booster.objective.leaf_level(group)?;
        let set = &self.sets[0].0;
        let margins = set.margins[group..].iter().step_by(set.n_groups());
        let labels = set.labels_of(group);
        Some(labels.zip(margins).map(|(a, b)| a - b).collect())
    }
}

impl Boosting for Updates<'_> {
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
        let of_model = self.round_of_model(round);
        let leaves = self.sets.iter();
        let leaves = leaves.map(|(_, table)| of_model.predict_leaf(table, threads));
        let leaves: Vec<Vec<u32>> = leaves.collect::<Result<_, _>>()?;
        Ok(Some(threads.enter(|| {
            let trees = 0..of_model.trees.len();
            let updated = trees.map(|it| self.update(&of_model, it, &leaves[0]));
            let updated: Vec<Updated> = updated.collect();
            for ((set, _), leaves) in self.sets.iter_mut().zip(&leaves) {
                set.add_leaves(&updated, leaves);
            }
            for (tree, group, _) in updated {
                self.booster.trees.push(tree);
                self.booster.tree_info.push(group as u32);
            }
            self.look(round + 1, metrics)
        })))
    }

    fn into_booster(self) -> Booster {
        self.booster
    }
}

impl Set<'_> {
    /// Adds the values of trees to every row's margins, in their order, by the leaves that rows reached before the update.
    fn add_leaves(&mut self, trees: &[Updated], leaves: &[u32]) {
        let value = |tree: &Tree, place: &u32| tree.nodes[*place as usize].split_condition;
        let values = trees.iter().map(|(tree, group, places)| {
            let values: Vec<f32> = places.iter().map(|place| value(tree, place)).collect();
            (*group, values)
        });
        let values: Vec<(usize, Vec<f32>)> = values.collect();
        let n_groups = self.n_groups();
        let rows = self.margins.chunks_exact_mut(n_groups);
        for (margins, leaves) in rows.zip(leaves.chunks_exact(trees.len().max(1))) {
            for (&leaf, (group, values)) in leaves.iter().zip(&values) {
                margins[*group] += values[leaf as usize];
            }
        }
    }
}
