//! One round: a tree for each group (several for a forest), and every set's margins after it.
//!
//! Invariant: a margin is the `f32` sum of the start and of the leaf values in the order of the trees, exactly as a
//! prediction adds them up; so a training that continues from predicted margins goes on as if it had never stopped.

mod margins;

use std::borrow::Cow;

use crate::metric::Metric;
use crate::objective::Objective;
use crate::params::{BoosterValidParams, SamplingMethod};
use crate::threads::Threads;
use crate::tree::Tree;
use crate::tree::adaptive::Adaptive;
use crate::tree::by_gradient::{Sampled, Threshold};
use crate::tree::cell::{Cell, Packed, Wide};
use crate::tree::column_tree::ColumnTree;
use crate::tree::constraint::Constraints;
use crate::tree::finish::Weigher;
use crate::tree::follow::CodeTree;
use crate::tree::grow::{Grower, Limits};
use crate::tree::panel::Panel;
use crate::tree::penalty::Penalty;
use crate::tree::quantise::{Magnitude, Scales};
use crate::tree::record::{Records, Seen};
use crate::tree::sample::{Draw, mix};
use crate::tree::spares::Spares;
use crate::tree::split_categories::CategoryLimits;

use super::base_score::BaseScores;
use super::binned_set::BinnedSet;
use super::dart::Dropouts;
use super::dart_start::GroupStarts;
use super::margins::Update;
use super::observe::{Gradients, Set};
use super::run::Boosting;
use super::{Booster, BoosterKind, Evaluation, NamedData, TrainError};

/// A booster that grows, with what it takes to add a round.
pub(super) struct Rounds<'a> {
    params: &'a BoosterValidParams,
    threads: &'a Threads,
    penalty: Penalty,
    constraints: Constraints,
    booster: Booster,
    /// The objective with the settings of every metric.
    objective: Objective,
    /// Margins that go into the leaves of each group's first tree, `(n_groups,)`, until there are such trees.
    offsets: Option<Vec<f32>>,
    train: BinnedSet<'a>,
    evals: Vec<BinnedSet<'a>>,
    panel: Panel<'a>,
    /// Of the training set's margins; those of a round that leaves trees out are computed when it begins.
    gradients: Gradients,
    /// Of a `dart`.
    dropouts: Option<Dropouts>,
    /// What the tree at hand sees, where rows are sampled by gradients.
    sampled: Sampled,
    /// Trees of the round, by group, whose leaves the training set's margins do not have yet.
    waiting: Vec<(usize, ColumnTree)>,
    narrow: Memory<Packed<u32>>,
    packed: Memory<Packed<[u32; 2]>>,
    wide: Memory<Wide>,
}

/// What trees of one kind of sums use again.
struct Memory<C: Cell> {
    records: Records<C>,
    spares: Spares<C>,
}

impl<C: Cell> Memory<C> {
    /// Where so many histograms may wait.
    fn new(most_waiting: u32) -> Self {
        Self {
            records: Records::default(),
            spares: Spares::new(most_waiting as usize),
        }
    }
}

impl<C: Cell> Default for Memory<C> {
    /// What stands in while a tree has the real one.
    fn default() -> Self {
        Self::new(0)
    }
}

/// Where the draws of an objective begin that draws for each round.
pub(super) fn draw(seed: i64, round: u32) -> u64 {
    mix(mix(!seed.cast_unsigned()) ^ u64::from(round))
}

/// What makes weights smaller and splits rarer.
pub(super) fn penalty(params: &BoosterValidParams) -> Penalty {
    Penalty {
        lambda: f64::from(params.reg_lambda()),
        alpha: f64::from(params.reg_alpha()),
        max_delta_step: f64::from(params.leaf_limit()),
        gamma: params.min_split_loss(),
        min_child_weight: f64::from(params.min_child_weight()),
        categories: CategoryLimits {
            max_cat_to_onehot: params.max_cat_to_onehot(),
            max_cat_threshold: params.max_cat_threshold(),
        },
    }
}

/// Which tree of a round is grown.
#[derive(Clone, Copy)]
struct Place {
    group: usize,
    tree: usize,
}

/// What a tree is grown from.
#[derive(Clone, Copy)]
struct Source<'r> {
    place: Place,
    draw: Draw,
    seen: Seen,
    /// What the margins before the round leave of the labels, where leaves are made of that.
    residuals: Option<&'r [f32]>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(
        params: &'a BoosterValidParams,
        threads: &'a Threads,
        train: &NamedData<'a>,
        evals: &[NamedData<'a>],
        (mut booster, start): (Booster, BaseScores),
    ) -> Self {
        let objective = params.with_settings_of_metrics(&booster.objective);
        let margins = start.margins(&objective);
        let train = BinnedSet::new(train, &margins);
        let data = train.data;
        let dropouts = match booster.kind {
            BoosterKind::Dart { .. } => {
                let starts = if start.is_by_group() {
                    booster.tell_group_starts(&margins);
                    Some(margins.clone())
                } else {
                    booster.group_starts()
                };
                let per_group = booster.num_parallel_tree as usize;
                let starts = starts.map(|it| GroupStarts::new(it, per_group));
                Some(Dropouts::new(params.dart(), params.seed()).with_starts(starts))
            }
            BoosterKind::GbTree | BoosterKind::GbLinear(_) => None,
        };
        let constraints = Constraints::new(
            params.monotone_constraints(),
            params.interaction_constraints(),
            data.n_features(),
        );
        Self {
            params,
            threads,
            penalty: penalty(params),
            constraints,
            panel: threads.enter(|| Panel::new(data.matrix(), data.cuts(), threads)),
            gradients: Gradients::new(&booster, &data.targets()),
            dropouts,
            evals: evals
                .iter()
                .map(|set| BinnedSet::new(set, &margins).with_columns(threads))
                .collect(),
            offsets: start.is_by_group().then_some(margins),
            objective,
            train,
            sampled: Sampled::default(),
            waiting: Vec::new(),
            booster,
            narrow: Memory::new(params.max_cached_hist_node()),
            packed: Memory::new(params.max_cached_hist_node()),
            wide: Memory::new(params.max_cached_hist_node()),
        }
    }

    /// Grows the trees of one group of a round; they are in the booster then, and in the training set's margins or waiting to be.
    fn add_trees(&mut self, (round, group): (u32, usize)) -> Vec<CodeTree> {
        let residuals = self.residuals(group);
        let threshold = self.threshold(group);
        let places =
            (0..self.params.num_parallel_tree() as usize).map(|tree| Place { group, tree });
        places
            .map(|place| {
                let draw = Draw::new(self.params.seed(), round as usize, group, place.tree);
                let share = self.params.subsample();
                let seen = match threshold {
                    Some(threshold) => {
                        let pairs = self.gradients.of_group(group);
                        self.sampled.fill(pairs, threshold, draw, self.threads);
                        Seen::WithGradient
                    }
                    None if share < 1.0 => Seen::Share(draw, share),
                    None => Seen::All,
                };
                let residuals = residuals.as_deref();
                let (mut tree, code_tree) = self.grow_any(Source {
                    place,
                    draw,
                    seen,
                    residuals,
                });
                self.move_start(place, &mut tree);
                self.booster.trees.push(tree);
                self.booster.tree_info.push(group as u32);
                code_tree
            })
            .collect()
    }

    /// The size from which on rows are seen for certain, where they are sampled by their gradients.
    fn threshold(&self, group: usize) -> Option<Threshold> {
        let share = self.params.subsample();
        let by_gradient = match self.params.sampling_method() {
            SamplingMethod::Uniform => false,
            SamplingMethod::GradientBased => share < 1.0,
        };
        by_gradient.then(|| Threshold::new(self.gradients.of_group(group), share, self.threads))
    }

    /// Grows a tree with sums as fine as its gradients ask for.
    fn grow_any(&mut self, source: Source<'_>) -> (Tree, CodeTree) {
        let magnitude = match source.seen {
            Seen::WithGradient => self.sampled.magnitude,
            Seen::All | Seen::Share(..) => self.gradients.magnitudes[source.place.group],
        };
        let n_rows = self.train.data.n_rows();
        if magnitude.fits::<Packed<u32>>(n_rows) {
            let mut memory = std::mem::take(&mut self.narrow);
            let trees = self.grow(source, &magnitude, &mut memory);
            self.narrow = memory;
            trees
        } else if magnitude.fits::<Packed<[u32; 2]>>(n_rows) {
            let mut memory = std::mem::take(&mut self.packed);
            let trees = self.grow(source, &magnitude, &mut memory);
            self.packed = memory;
            trees
        } else {
            let mut memory = std::mem::take(&mut self.wide);
            let trees = self.grow(source, &magnitude, &mut memory);
            self.wide = memory;
            trees
        }
    }

    /// What the margins before the round leave of the labels, where leaves are made of that.
    fn residuals(&self, group: usize) -> Option<Vec<f32>> {
        self.booster.objective.leaf_level(group)?;
        let margins = self.train.set.margins[group..].iter();
        let margins = margins.step_by(self.booster.n_groups());
        let labels = self.train.set.labels_of(group);
        Some(
            labels
                .zip(margins)
                .map(|(label, margin)| label - margin)
                .collect(),
        )
    }

    /// A model has one base score. Where groups start apart its margin is 0, and each group's own is in the leaves of the group's
    /// first tree: the same sums bit for bit, since the first addition is the same one.
    fn move_start(&mut self, place: Place, tree: &mut Tree) {
        let Some(offsets) = self.offsets.as_ref().filter(|_| place.tree == 0) else {
            return;
        };
        self.booster.base_score = self.booster.neutral_base_score().unwrap_or(0.0);
        tree.change_leaves(|value| value + offsets[place.group]);
    }

    fn grow<C: Cell>(
        &mut self,
        source: Source<'_>,
        magnitude: &Magnitude,
        memory: &mut Memory<C>,
    ) -> (Tree, CodeTree) {
        let (params, threads) = (self.params, self.threads);
        let Source {
            place, draw, seen, ..
        } = source;
        let n_rows = self.train.data.n_rows();
        let weights = params.feature_weights();
        let n_features = self.train.data.n_features();
        let features = draw.columns(n_features, params.colsample_bytree(), weights);
        let view = self.panel.view(features, threads);
        let scales = Scales::new::<C>(magnitude, n_rows);
        let pairs = match seen {
            Seen::WithGradient => &self.sampled.pairs,
            Seen::All | Seen::Share(..) => self.gradients.of_group(place.group),
        };
        let Memory { records, spares } = memory;
        records.fill(pairs, scales, seen, threads);
        let total = records.total();
        let shares = (params.colsample_bylevel(), params.colsample_bynode());
        let grower = Grower {
            view: &view,
            scales,
            largest_sum: magnitude.largest_sum(),
            penalty: &self.penalty,
            constraints: &self.constraints,
            limits: Limits {
                max_depth: params.max_depth(),
                max_leaves: params.max_leaves(),
                policy: params.grow_policy(),
            },
            columns: draw.node_columns(shares, weights),
            threads,
        };
        let grown = grower.grow(records.rows(), total, spares);
        let weights = self.row_weights(source);
        let weigher = Weigher {
            penalty: &self.penalty,
            constraints: &self.constraints,
            learning_rate: params.learning_rate() / params.num_parallel_tree() as f32,
            scales,
            exact: magnitude.is_rough::<C>(n_rows).then_some(pairs),
            adaptive: self.adaptive(source, weights.as_deref()),
        };
        let (tree, code_tree) = weigher.finish(&grown, &view, threads);
        let by_columns = ColumnTree::new(&code_tree, |idx| view.column_split(&code_tree, idx));
        if let Some(by_columns) = by_columns.filter(|_| self.panel.table().is_some()) {
            self.waiting.push((place.group, by_columns));
            return (tree, code_tree);
        }
        // Margins add up in the order of the trees.
        add_waiting(&mut self.waiting, &self.panel, &mut self.train.set, threads);
        let update = Update::new(&grown, &tree, (place.group, self.booster.n_groups()));
        update.add(&mut self.train.set.margins, &view, threads);
        if !matches!(seen, Seen::All) {
            let matrix = self.train.data.matrix();
            update.add_left_out(&mut self.train.set.margins, threads, |row| {
                let left_out = !seen.has(row as u32, pairs[row]);
                left_out.then(|| code_tree.leaf_value(matrix, row))
            });
        }
        (tree, code_tree)
    }

    /// What rows count in quantiles, where that is not what they weigh: as often as they were drawn for others.
    fn row_weights(&self, source: Source<'_>) -> Option<Cow<'a, [f32]>> {
        let weights = self.train.data.weights();
        match (source.seen, source.residuals) {
            (Seen::WithGradient, Some(_)) => {}
            (Seen::WithGradient | Seen::All | Seen::Share(..), _) => {
                return weights.map(Cow::Borrowed);
            }
        }
        let counts = self.sampled.counts.iter().enumerate();
        let weight = |row: usize| weights.map_or(1.0, |it| it[row]);
        Some(counts.map(|(row, count)| count * weight(row)).collect())
    }

    fn adaptive<'r>(&self, source: Source<'r>, weights: Option<&'r [f32]>) -> Option<Adaptive<'r>> {
        Some(Adaptive {
            level: self.booster.objective.leaf_level(source.place.group)?,
            residuals: source.residuals?,
            weights,
        })
    }
}

/// Lets the training set's margins learn the trees that wait, all in one pass.
fn add_waiting(
    waiting: &mut Vec<(usize, ColumnTree)>,
    panel: &Panel<'_>,
    train: &mut Set<'_>,
    threads: &Threads,
) {
    if let Some(table) = panel.table() {
        let n_groups = train.n_groups();
        ColumnTree::add_all(waiting, table, (&mut train.margins, n_groups), threads);
    }
    waiting.clear();
}

impl Boosting for Rounds<'_> {
    fn booster(&self) -> &Booster {
        &self.booster
    }

    fn into_booster(self) -> Booster {
        self.booster
    }

    fn boost(
        &mut self,
        round: u32,
        metrics: &[Metric],
    ) -> Result<Option<Vec<Evaluation>>, TrainError> {
        let threads = self.threads;
        if threads.is_stopped() {
            return Ok(None);
        }
        threads.enter(|| {
            let n_trees = self.booster.trees.len();
            let before = (self.booster.objective.clone(), self.booster.base_score);
            self.leave_out();
            self.gradients.begin(round, &mut self.booster.objective)?;
            let mut added = Vec::new();
            for group in 0..self.booster.n_groups() {
                added.extend(
                    self.add_trees((round, group))
                        .into_iter()
                        .map(|tree| (group, tree)),
                );
            }
            add_waiting(&mut self.waiting, &self.panel, &mut self.train.set, threads);
            // Any of the trees may have ended early.
            if threads.is_stopped() {
                (self.booster.objective, self.booster.base_score) = before;
                self.booster.trees.truncate(n_trees);
                self.booster.tree_info.truncate(n_trees);
                return Ok(None);
            }
            self.offsets = None;
            self.follow(added);
            let mut evaluations = self.look(round + 1, metrics);
            for set in &self.evals {
                let seen = set.set.observe(&self.objective, metrics, None, threads);
                evaluations.extend(seen);
            }
            Ok(Some(evaluations))
        })
    }
}
