//! One round: gradients, a tree for each group (several for a forest), and every set's margins after it.
//!
//! Invariant: a margin is the `f32` sum of the start and of the leaf values in the order of the trees, exactly as a
//! prediction adds them up; so a training that continues from predicted margins goes on as if it had never stopped.

use std::sync::Arc;

use crate::bin::BinnedMatrix;
use crate::metric::{Metric, Outputs};
use crate::objective::GradientPair;
use crate::params::BoosterValidParams;
use crate::threads::Threads;
use crate::tree::cell::{Cell, Packed, Wide};
use crate::tree::finish::{CodeTree, finish};
use crate::tree::grow::{ExactGradients, Grower, GrownNode};
use crate::tree::histogram::Source;
use crate::tree::partition::Columns;
use crate::tree::quantise::{BLOCK, Magnitude, Scales, quantise};
use crate::tree::sample::Draw;
use crate::tree::split::Penalty;

use super::{Booster, Evaluation, NamedData, TrainError};

/// Rows that one thread follows or transforms at a time.
const ROWS_AT_A_TIME: usize = 8 * BLOCK;

/// A booster that grows, with what it takes to add a round.
pub(super) struct Rounds<'a> {
    params: &'a BoosterValidParams,
    threads: &'a Threads,
    penalty: Penalty,
    booster: Booster,
    /// The training set comes first.
    sets: Vec<Set<'a>>,
    columns: Vec<u8>,
    pairs: Vec<GradientPair>,
    rows: Vec<u32>,
    packed: Vec<Packed>,
    wide: Vec<Wide>,
}

/// A set and its margins, `(n_rows, n_groups)` row-major.
struct Set<'a> {
    name: Arc<str>,
    named: NamedData<'a>,
    margins: Vec<f32>,
}

/// Which tree of a round is grown.
#[derive(Clone, Copy)]
struct Place {
    round: u32,
    group: usize,
    tree: usize,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(
        params: &'a BoosterValidParams,
        threads: &'a Threads,
        sets: &[NamedData<'a>],
        booster: Booster,
    ) -> Self {
        let start = booster.objective.prob_to_margin(booster.base_score);
        let set = |named: &NamedData<'a>| {
            let n_margins = named.data.n_rows() * booster.n_groups();
            let margins = named
                .data
                .base_margin()
                .map_or_else(|| vec![start; n_margins], <[f32]>::to_vec);
            Set {
                name: named.name.into(),
                named: *named,
                margins,
            }
        };
        let sets: Vec<_> = sets.iter().map(set).collect();
        let penalty = Penalty {
            lambda: f64::from(params.reg_lambda()),
            alpha: f64::from(params.reg_alpha()),
            max_delta_step: f64::from(params.leaf_limit()),
            gamma: params.min_split_loss(),
            min_child_weight: f64::from(params.min_child_weight()),
        };
        Self {
            params,
            threads,
            penalty,
            columns: sets[0].named.data.matrix().columns(threads),
            pairs: vec![GradientPair::default(); sets[0].margins.len()],
            booster,
            sets,
            rows: Vec::new(),
            packed: Vec::new(),
            wide: Vec::new(),
        }
    }

    pub(super) fn booster(&self) -> &Booster {
        &self.booster
    }

    pub(super) fn into_booster(self) -> Booster {
        self.booster
    }

    /// Adds a round.
    pub(super) fn boost(&mut self, round: u32) -> Result<(), TrainError> {
        let magnitudes = self.compute_gradients();
        if !magnitudes.iter().all(Magnitude::is_finite) {
            return Err(TrainError::NotFinite { round });
        }
        let mut added = Vec::new();
        for (group, magnitude) in magnitudes.iter().enumerate() {
            let n_rows = self.sets[0].named.data.n_rows();
            if magnitude.needs_wide(n_rows, Packed::LIMIT) {
                let mut cells = std::mem::take(&mut self.wide);
                added.extend(self.add_trees((round, group), magnitude, &mut cells));
                self.wide = cells;
            } else {
                let mut cells = std::mem::take(&mut self.packed);
                added.extend(self.add_trees((round, group), magnitude, &mut cells));
                self.packed = cells;
            }
        }
        let n_groups = self.booster.n_groups();
        for set in &mut self.sets[1..] {
            follow(
                &added,
                set.named.data.matrix(),
                &mut set.margins,
                n_groups,
                self.threads,
            );
        }
        Ok(())
    }

    /// Evaluates every metric on every set.
    pub(super) fn evaluate(&self, metrics: &[Metric]) -> Vec<Evaluation> {
        let objective = self.booster.objective;
        let mut evaluations = Vec::with_capacity(self.sets.len() * metrics.len());
        for set in &self.sets {
            let outputs = Outputs {
                values: &set.margins,
                transform: |margins: &mut [f32]| objective.transform(margins),
            };
            let data = set.named.data;
            let values = outputs.evaluate(metrics, data.labels(), data.weights(), self.threads);
            let evaluation = |(&metric, value)| Evaluation {
                data: Arc::clone(&set.name),
                metric,
                value,
            };
            evaluations.extend(metrics.iter().zip(values).map(evaluation));
        }
        evaluations
    }

    /// Fills `pairs` and gives each group's magnitude.
    fn compute_gradients(&mut self) -> Vec<Magnitude> {
        let objective = self.booster.objective;
        let n_groups = objective.n_groups();
        let set = &self.sets[0];
        let data = set.named.data;
        let margins = set.margins.chunks(BLOCK * n_groups);
        let blocks = self
            .pairs
            .chunks_mut(BLOCK * n_groups)
            .zip(margins)
            .enumerate()
            .collect();
        let magnitudes = self.threads.map(
            blocks,
            |(block, (pairs, margins)): (usize, (&mut [GradientPair], &[f32]))| {
                let rows = block * BLOCK..block * BLOCK + margins.len() / n_groups;
                let weights = data.weights().map(|weights| &weights[rows.clone()]);
                objective.gradients(margins, &data.labels()[rows], weights, pairs);
                let of_group =
                    |group: usize| Magnitude::of(pairs[group..].iter().step_by(n_groups));
                (0..n_groups).map(of_group).collect::<Vec<_>>()
            },
        );
        let mut totals = vec![Magnitude::default(); n_groups];
        for block in magnitudes {
            totals
                .iter_mut()
                .zip(&block)
                .for_each(|(total, block)| total.add(block));
        }
        totals
    }

    /// Grows the trees of one group of a round; they are in the booster and in the training set's margins then.
    fn add_trees<C: Cell>(
        &mut self,
        (round, group): (u32, usize),
        magnitude: &Magnitude,
        cells: &mut Vec<C>,
    ) -> Vec<(usize, CodeTree)> {
        let n_groups = self.booster.n_groups();
        let scales = Scales::new(magnitude, self.pairs.len() / n_groups, C::LIMIT);
        quantise(&self.pairs, (group, n_groups), scales, self.threads, cells);
        let places =
            (0..self.params.num_parallel_tree() as usize).map(|tree| Place { round, group, tree });
        places
            .map(|place| (group, self.add_tree(place, scales, cells)))
            .collect()
    }

    fn add_tree<C: Cell>(&mut self, place: Place, scales: Scales, cells: &[C]) -> CodeTree {
        let params = self.params;
        let data = self.sets[0].named.data;
        let matrix = data.matrix();
        let draw = Draw::new(params.seed(), place.round as usize, place.group, place.tree);
        draw.rows(data.n_rows(), params.subsample(), &mut self.rows);
        let columns = draw.columns(data.n_features(), params.colsample_bytree());
        let grower = Grower {
            source: Source {
                matrix,
                cuts: data.cuts(),
                columns: &columns,
                cells,
            },
            columns: Columns {
                matrix,
                dense: &self.columns,
            },
            scales,
            penalty: &self.penalty,
            max_depth: params.max_depth(),
            threads: self.threads,
        };
        let grown = grower.grow(&mut self.rows);
        let n_groups = self.booster.n_groups();
        let exact = ExactGradients {
            pairs: &self.pairs,
            group: place.group,
            n_groups,
        };
        let learning_rate = params.learning_rate() / params.num_parallel_tree() as f32;
        let (tree, code_tree) = finish(
            &grown,
            &exact,
            data.cuts(),
            (&self.penalty, learning_rate),
            self.threads,
        );
        let leaves = grown
            .nodes
            .iter()
            .zip(&tree.nodes)
            .filter_map(|(grown, node)| match grown {
                GrownNode::Leaf(rows) => Some((*rows, node.split_condition)),
                GrownNode::Split(..) => None,
            });
        let leaves: Vec<_> = leaves.collect();
        let update = Update {
            group: place.group,
            n_groups,
            leaves: &leaves,
        };
        update.add(&mut self.sets[0].margins, self.threads);
        if params.subsample() < 1.0 {
            let left_out = |row: u32| !draw.has(row, params.subsample());
            update.add_left_out(&mut self.sets[0].margins, self.threads, |row| {
                left_out(row as u32).then(|| code_tree.leaf_value(matrix, row))
            });
        }
        self.booster.trees.push(tree);
        self.booster.tree_info.push(place.group as u32);
        code_tree
    }
}

/// Adds a tree's leaves to the margins of the rows that it was grown on.
struct Update<'t> {
    group: usize,
    n_groups: usize,
    /// The rows of each leaf, ascending, and its value.
    leaves: &'t [(&'t [u32], f32)],
}

impl Update<'_> {
    /// Threads take ranges of rows; since a leaf's rows ascend, those within a range are a part of them.
    fn add(&self, margins: &mut [f32], threads: &Threads) {
        let n_rows = margins.len() / self.n_groups;
        let range = n_rows.div_ceil(4 * threads.n_threads()).max(ROWS_AT_A_TIME);
        let ranges = margins
            .chunks_mut(range * self.n_groups)
            .enumerate()
            .collect();
        threads.for_each(ranges, |(idx, margins): (usize, &mut [f32])| {
            let first = idx * range;
            let end = first + margins.len() / self.n_groups;
            for &(rows, value) in self.leaves {
                let from = rows.partition_point(|&row| (row as usize) < first);
                let to = rows.partition_point(|&row| (row as usize) < end);
                for &row in &rows[from..to] {
                    margins[(row as usize - first) * self.n_groups + self.group] += value;
                }
            }
        });
    }

    /// Adds `value(row)` where there is one.
    fn add_left_out(
        &self,
        margins: &mut [f32],
        threads: &Threads,
        value: impl Fn(usize) -> Option<f32> + Sync + Send,
    ) {
        let parts = margins
            .chunks_mut(ROWS_AT_A_TIME * self.n_groups)
            .enumerate()
            .collect();
        threads.for_each(parts, |(idx, margins): (usize, &mut [f32])| {
            for (offset, margins) in margins.chunks_exact_mut(self.n_groups).enumerate() {
                if let Some(value) = value(idx * ROWS_AT_A_TIME + offset) {
                    margins[self.group] += value;
                }
            }
        });
    }
}

/// Adds the trees `(group, tree)` to the margins of every row of `matrix`.
fn follow(
    trees: &[(usize, CodeTree)],
    matrix: &BinnedMatrix,
    margins: &mut [f32],
    n_groups: usize,
    threads: &Threads,
) {
    let parts = margins
        .chunks_mut(ROWS_AT_A_TIME * n_groups)
        .enumerate()
        .collect();
    threads.for_each(parts, |(idx, margins): (usize, &mut [f32])| {
        for (offset, margins) in margins.chunks_exact_mut(n_groups).enumerate() {
            for (group, tree) in trees {
                margins[*group] += tree.leaf_value(matrix, idx * ROWS_AT_A_TIME + offset);
            }
        }
    });
}
