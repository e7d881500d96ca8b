//! What is computed from margins: metrics of every set and, of the training set, the gradients of the next round.
//!
//! Invariants: both are sums over fixed blocks of rows that are added in order, so they are the same for any number of
//! threads; a block's margins are read once for everything. Evaluations equal those of the saved model's predictions.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::dataset::Targets;
use crate::metric::{self, BlockSums, Judged, Metric};
use crate::objective::{BiasLearner, GradientPair, Objective, Scores};
use crate::simd::{Kernel, dispatch};
use crate::threads::Threads;
use crate::tree::quantise::{BLOCK, Magnitude};

use super::start::{SetRows, Start};
use super::{Booster, Evaluation, TrainError};

/// Rows that one thread takes at a time.
pub(super) const ROWS_AT_A_TIME: usize = 4 * BLOCK;

/// What a set's rows are to be predicted as, and their margins, `(n_rows, n_groups)` row-major.
pub(super) struct Set<'a> {
    name: Arc<str>,
    targets: Targets<'a>,
    start: Start<'a>,
    /// The base score's margins, `(n_groups,)`.
    bases: Vec<f32>,
    pub(super) margins: Vec<f32>,
    /// Labels and weights of a set of several targets, each label with the weight of its row.
    cells: Option<Cells>,
    time_order: OnceLock<Vec<u32>>,
}

/// Labels of several targets, one a cell: to losses and metrics each is a row of its own.
struct Cells {
    n_targets: usize,
    /// `(n_rows, n_targets)` row-major.
    labels: Vec<f32>,
    weights: Option<Vec<f32>>,
}

impl Cells {
    fn of(rows: &SetRows<'_>) -> Option<Self> {
        let n_targets = rows.n_targets;
        let of_cells = |of_rows: &[f32]| {
            let cells = of_rows
                .iter()
                .flat_map(|&it| std::iter::repeat_n(it, n_targets));
            cells.collect()
        };
        (n_targets > 1).then(|| Self {
            n_targets,
            labels: rows.labels.to_vec(),
            weights: rows.targets.weights().map(of_cells),
        })
    }
}

/// Gradient pairs, `(n_groups, n_rows)`, and each group's magnitude.
pub(super) struct Gradients {
    pairs: Vec<GradientPair>,
    n_rows: usize,
    /// Where the draws of the round begin that these are for.
    pub(super) draw: u64,
    pub(super) magnitudes: Vec<Magnitude>,
    /// What is learned of the places of rows, by `lambdarank_unbiased`; what these gradients have taught is in it.
    learner: Option<BiasLearner>,
}

/// A part of [`Gradients`]: for each group, its pairs of some rows.
type GradientPart<'g> = Vec<&'g mut [GradientPair]>;

// Blocks of metrics end where blocks of gradients end.
const _: () = assert!(BLOCK.is_multiple_of(metric::BLOCK));

/// What some rows gave.
#[derive(Default)]
struct Seen {
    sums: Vec<BlockSums>,
    /// `(n_blocks, n_groups)`.
    magnitudes: Vec<Magnitude>,
}

impl Gradients {
    /// Of no rows' margins yet; `targets` are those of the rows.
    pub(super) fn new(booster: &Booster, targets: &Targets<'_>) -> Self {
        let (n_rows, n_groups) = (targets.labels().len(), booster.n_groups());
        Self {
            pairs: vec![GradientPair::default(); n_rows * n_groups],
            n_rows,
            draw: 0,
            magnitudes: vec![Magnitude::default(); n_groups],
            learner: booster.objective.bias_learner(targets),
        }
    }

    /// Begins a round: tells the objective what was learned of the places of rows.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] if gradients have overflowed.
    pub(super) fn begin(&self, round: u32, objective: &mut Objective) -> Result<(), TrainError> {
        if !self.magnitudes.iter().all(Magnitude::is_finite) {
            return Err(TrainError::NotFinite { round });
        }
        if let Some(learner) = &self.learner {
            objective.position_bias = learner.bias().clone();
        }
        Ok(())
    }

    /// A group's pairs, `(n_rows,)`.
    pub(super) fn of_group(&self, group: usize) -> &[GradientPair] {
        &self.pairs[group * self.n_rows..][..self.n_rows]
    }

    /// Each group's pairs, `(n_rows,)`.
    pub(super) fn by_group(&mut self) -> impl Iterator<Item = &mut [GradientPair]> {
        self.pairs.chunks_mut(self.n_rows.max(1))
    }

    /// Adds up the magnitudes of blocks in order, `(n_blocks, n_groups)`.
    fn add_up<'m>(&mut self, blocks: impl Iterator<Item = &'m Magnitude>) {
        self.magnitudes.fill(Magnitude::default());
        let n_groups = self.magnitudes.len();
        for (idx, block) in blocks.enumerate() {
            self.magnitudes[idx % n_groups].add(block);
        }
    }

    /// Parts of [`ROWS_AT_A_TIME`] rows.
    fn parts(&mut self) -> Vec<GradientPart<'_>> {
        let n_parts = self.n_rows.div_ceil(ROWS_AT_A_TIME);
        let mut parts: Vec<_> = (0..n_parts).map(|_| Vec::new()).collect();
        for of_group in self.pairs.chunks_mut(self.n_rows.max(1)) {
            for (part, pairs) in parts.iter_mut().zip(of_group.chunks_mut(ROWS_AT_A_TIME)) {
                part.push(pairs);
            }
        }
        parts
    }
}

impl<'a> Set<'a> {
    /// A set whose margins are `bases`, `(n_groups,)`, unless it brings its own, and what it brings beside them.
    pub(super) fn new(rows: &SetRows<'a>, bases: &[f32]) -> Self {
        let mut set = Self {
            name: rows.name.into(),
            margins: vec![0.0; rows.targets.labels().len() * bases.len()],
            targets: rows.targets,
            start: rows.start,
            bases: bases.to_vec(),
            cells: Cells::of(rows),
            time_order: OnceLock::new(),
        };
        set.begin_again();
        set
    }

    /// Puts the margins back to what the rows start from.
    pub(super) fn begin_again(&mut self) {
        self.start.fill(&self.bases, &mut self.margins);
    }

    /// As [`Set::begin_again`], with `starts`, `(n_groups,)`, in the place of the base score.
    pub(super) fn begin_at(&mut self, starts: &[f32]) {
        self.start.fill(&vec![0.0; starts.len()], &mut self.margins);
        for margins in self.margins.chunks_exact_mut(starts.len()) {
            for (margin, start) in margins.iter_mut().zip(starts) {
                *margin += start;
            }
        }
    }

    /// What the rows are to be predicted as.
    pub(super) fn targets(&self) -> Targets<'_> {
        match &self.cells {
            Some(cells) => Targets::new(&cells.labels, cells.weights.as_deref()),
            None => self.targets.remembering(&self.time_order),
        }
    }

    /// The labels of a group's rows.
    pub(super) fn labels_of(&self, group: usize) -> impl Iterator<Item = &f32> {
        let n_targets = self.n_targets();
        let labels = self.targets().labels()[group % n_targets..].iter();
        labels.step_by(n_targets)
    }

    /// Labels of a row.
    fn n_targets(&self) -> usize {
        self.cells.as_ref().map_or(1, |cells| cells.n_targets)
    }

    /// Columns of the margins.
    pub(super) fn n_groups(&self) -> usize {
        self.bases.len()
    }

    /// Evaluates every metric and, where they are wanted, fills the gradients.
    pub(super) fn observe(
        &self,
        objective: &Objective,
        metrics: &[Metric],
        mut gradients: Option<&mut Gradients>,
        threads: &Threads,
    ) -> Vec<Evaluation> {
        let needs_all_rows = objective.name.needs_all_rows();
        let margins = self
            .margins
            .chunks(ROWS_AT_A_TIME * self.n_groups())
            .enumerate();
        let wanted = match &mut gradients {
            Some(gradients) if !needs_all_rows => gradients.parts().into_iter().map(Some).collect(),
            Some(_) | None => Vec::new(),
        };
        let wanted = wanted.into_iter().chain(std::iter::repeat_with(|| None));
        let parts = margins.zip(wanted).collect();
        let seen = threads.map(parts, |((part, margins), wanted)| {
            let part = Part {
                set: self,
                objective,
                first: part * ROWS_AT_A_TIME,
                margins,
            };
            dispatch(
                threads.simd(),
                Observation {
                    part,
                    metrics,
                    wanted,
                },
            )
        });
        if let Some(gradients) = gradients {
            if needs_all_rows {
                self.compare_rows(objective, gradients, threads);
            } else {
                gradients.add_up(seen.iter().flat_map(|seen| &seen.magnitudes));
            }
        }
        let sums: Vec<_> = seen.into_iter().flat_map(|seen| seen.sums).collect();
        let values = metric::from_blocks(metrics, &sums);
        let of_tables = self.of_tables(objective, metrics, threads);
        let evaluation = |((&metric, value), of_table): ((_, _), Option<f64>)| Evaluation {
            data: Arc::clone(&self.name),
            metric,
            value: of_table.unwrap_or(value),
        };
        let values = metrics.iter().zip(values).zip(of_tables);
        values.map(evaluation).collect()
    }

    /// The values of the metrics that need all rows at once; `None` for the others.
    fn of_tables(
        &self,
        objective: &Objective,
        metrics: &[Metric],
        threads: &Threads,
    ) -> Vec<Option<f64>> {
        if !metrics.iter().any(|metric| metric.needs_all_rows()) {
            return vec![None; metrics.len()];
        }
        let mut predictions = self.margins.clone();
        let parts = predictions
            .chunks_mut(ROWS_AT_A_TIME * self.n_groups())
            .collect();
        threads.for_each(parts, |part: &mut [f32]| {
            objective.transform_for_metrics(part);
        });
        let rows = Judged::new(&predictions, self.targets(), objective);
        let value = |metric: &Metric| metric.of_table(&rows, threads);
        metrics.iter().map(value).collect()
    }

    /// Fills the gradients of an objective that compares rows; it has one group.
    fn compare_rows(&self, objective: &Objective, gradients: &mut Gradients, threads: &Threads) {
        let targets = self.targets().drawing(gradients.draw);
        let pairs = &mut gradients.pairs;
        match &mut gradients.learner {
            None => {
                let scores = Scores::of_margins(&self.margins);
                objective.gradients_on(scores, &targets, pairs, threads);
            }
            Some(learner) => {
                let into = (pairs.as_mut_slice(), learner);
                objective.unbiased_gradients(&self.margins, &targets, into, threads);
            }
        }
        let pairs = &gradients.pairs;
        let blocks = pairs.chunks(BLOCK).collect();
        let magnitudes = threads.map(blocks, |block: &[GradientPair]| Magnitude::of(block));
        gradients.add_up(magnitudes.iter());
    }
}

/// Some rows of a set.
struct Part<'p, 'a> {
    set: &'p Set<'a>,
    objective: &'p Objective,
    first: usize,
    margins: &'p [f32],
}

/// The kernel of [`Set::observe`].
struct Observation<'o, 'p, 'a, 'g> {
    part: Part<'p, 'a>,
    metrics: &'o [Metric],
    wanted: Option<GradientPart<'g>>,
}

impl Kernel for Observation<'_, '_, '_, '_> {
    type Output = Seen;

    #[inline(always)]
    fn run(self) -> Seen {
        self.part.observe(self.metrics, self.wanted)
    }
}

impl Part<'_, '_> {
    /// Block by block, so that what is made of a block's margins is read while it is in the cache.
    #[inline(always)]
    fn observe(&self, metrics: &[Metric], mut wanted: Option<GradientPart<'_>>) -> Seen {
        // To losses and metrics a row of several targets is several rows.
        let (n_groups, n_targets) = (self.set.n_groups(), self.set.n_targets());
        let n_rows = self.margins.len() / n_groups;
        let targets = self.set.targets();
        let targets = targets.slice(self.first * n_targets..(self.first + n_rows) * n_targets);
        let by_blocks = metrics.iter().any(|metric| !metric.needs_all_rows());
        let (mut predictions, mut row_major) = (Vec::new(), Vec::new());
        let mut seen = Seen::default();
        for (block, margins) in self.margins.chunks(BLOCK * n_groups).enumerate() {
            let rows = block * BLOCK..block * BLOCK + margins.len() / n_groups;
            let n_labels = rows.len() * n_targets;
            let targets = targets.slice(rows.start * n_targets..rows.start * n_targets + n_labels);
            let mut scores = Scores::of_margins(margins);
            if by_blocks {
                predictions.clear();
                predictions.extend_from_slice(margins);
                self.objective.transform_for_metrics(&mut predictions);
                scores = self.objective.scores(margins, &predictions);
                let judged = Judged::new(&predictions, targets, self.objective);
                for first in (0..n_labels).step_by(metric::BLOCK) {
                    let rows = first..n_labels.min(first + metric::BLOCK);
                    seen.sums.push(BlockSums::of(metrics, &judged.slice(rows)));
                }
            }
            // Not by a closure, which would be compiled for the plainest processor.
            if let Some(part) = &mut wanted {
                self.gradients(scores, &targets, &mut row_major, (part, rows.clone()));
                for pairs in part {
                    seen.magnitudes.push(Magnitude::of(&pairs[rows.clone()]));
                }
            }
        }
        seen
    }

    /// Fills the gradients of the rows of one block, by way of `row_major` where there are several groups.
    #[inline(always)]
    fn gradients(
        &self,
        scores: Scores<'_>,
        targets: &Targets<'_>,
        row_major: &mut Vec<GradientPair>,
        (part, rows): (&mut GradientPart<'_>, Range<usize>),
    ) {
        let threads = Threads::single();
        let objective = self.objective;
        if let [pairs] = part.as_mut_slice() {
            return objective.gradients_on(scores, targets, &mut pairs[rows], &threads);
        }
        let n_groups = self.set.n_groups();
        row_major.resize(scores.margins.len(), GradientPair::default());
        objective.gradients_on(scores, targets, row_major, &threads);
        for (group, pairs) in part.iter_mut().enumerate() {
            let of_group = row_major[group..].iter().step_by(n_groups);
            for (to, from) in pairs[rows.clone()].iter_mut().zip(of_group) {
                *to = *from;
            }
        }
    }
}
