//! A predictor: a model made ready once, then asked for any rows.
//!
//! Invariant: which layout predicts a row depends on how many rows there are; what is predicted does not.

use crate::bin::BinnedDataset;
use crate::dataset::{Dataset, Selection, TILE_ROWS};
use crate::simd::Simd;
use crate::threads::Threads;
use crate::tree::Tree;

use super::super::start::Start;
use super::super::{Booster, BoosterKind};
use super::PredictError;
use super::block::{Block, RowMajor, Rows};
use super::lanes::{self, LANES, Scratch};
use super::linear::LinearRows;
use super::mixed::MixedForest;
use super::part::{self, Part};
use super::walk::{self, WalkedForest};

/// Rows that are walked: so few are done before vectors with mostly empty lanes are.
const FEW_ROWS: usize = 32;

/// Rows from which on it pays to code the thresholds of a model that is used only once.
const ROWS_TO_PREPARE: usize = 1024;

/// A walked block has at most this many values, small enough for the first-level cache.
const BLOCK_VALUES: usize = 8192;

/// The most rows that one thread takes at a time.
const TASK_ROWS: usize = 32 * LANES;

/// Tasks that each thread gets, if there are rows enough: one that is late is late by little.
const TASKS_PER_THREAD: usize = 8;

/// A model that is ready to predict; made once from a [`Booster`], used from any thread.
#[derive(Clone, Debug)]
pub struct Predictor {
    selection: Selection,
    walked: WalkedForest,
    parts: Vec<Part>,
    /// What predicts in the place of `walked` and `parts`.
    other: Option<Other>,
    base_margin: f32,
    n_features: usize,
    n_groups: usize,
}

/// Models that are not made of plain trees.
#[derive(Clone, Debug)]
enum Other {
    Mixed(MixedForest),
    Linear(LinearRows),
}

impl Other {
    fn add_all(&self, block: &Block<'_>, n_groups: usize, out: &mut [f32]) {
        match self {
            Self::Mixed(forest) => forest.add_all(block, n_groups, out),
            Self::Linear(rows) => rows.add_all(block, n_groups, out),
        }
    }
}

impl Predictor {
    /// Makes a model ready.
    pub fn new(booster: &Booster) -> Self {
        Self::for_rows(booster, usize::MAX)
    }

    /// Makes a model ready for that many rows, after which it is thrown away.
    pub(super) fn for_rows(booster: &Booster, n_rows: usize) -> Self {
        let nodes = booster.trees.iter().flat_map(|tree| &tree.nodes);
        let splits = nodes.filter(|node| node.left.is_some());
        let mut predictor = Self {
            selection: Selection::new(splits.map(|node| node.split_index).collect()),
            walked: WalkedForest::default(),
            parts: Vec::new(),
            other: None,
            base_margin: booster.base_margin(),
            n_features: booster.n_features(),
            n_groups: booster.n_groups(),
        };
        let has_plain_trees =
            booster.zero_is_missing.is_empty() && booster.trees.iter().all(Tree::is_plain);
        if let BoosterKind::GbLinear(linear) = &booster.kind {
            predictor.selection = Selection::new((0..booster.n_features).collect());
            predictor.other = Some(Other::Linear(LinearRows::new(linear, booster)));
        } else if has_plain_trees {
            predictor.walked = WalkedForest::new(booster, &predictor.selection);
            if n_rows >= ROWS_TO_PREPARE {
                predictor.parts = part::parts(booster, &predictor.selection);
            }
        } else {
            let forest = MixedForest::new(booster, &predictor.selection);
            predictor.other = Some(Other::Mixed(forest));
        }
        predictor
    }

    /// Columns of the rows.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Columns of a margin: classes, or 1.
    pub fn n_groups(&self) -> usize {
        self.n_groups
    }

    /// Writes the margins of `values`, `(n_rows, n_features)` row-major with NaN for what is missing, to `out`,
    /// `(n_rows, n_groups)` row-major.
    ///
    /// # Errors
    /// - [`PredictError::Columns`] if `n_features` is not the model's.
    /// - [`PredictError::Rows`] if `out` is not for the rows of `values`.
    pub fn predict_margin_into(
        &self,
        values: &[f32],
        n_features: usize,
        out: &mut [f32],
        threads: &Threads,
    ) -> Result<(), PredictError> {
        if n_features != self.n_features {
            return Err(PredictError::Columns {
                found: n_features,
                expected: self.n_features,
            });
        }
        let n_rows = out.len() / self.n_groups;
        if n_rows * self.n_groups != out.len() || n_rows * n_features != values.len() {
            return Err(PredictError::Rows {
                values: values.len(),
                outputs: out.len(),
            });
        }
        let rows = RowMajor {
            values,
            n_features,
            n_rows,
        };
        out.fill(self.base_margin);
        self.add_trees(&rows, out, threads);
        Ok(())
    }

    /// Margins of a table, as [`Booster::predict_margin`].
    ///
    /// # Errors
    /// As [`Booster::predict_margin`].
    pub fn predict_margin(
        &self,
        data: &Dataset,
        threads: &Threads,
    ) -> Result<Vec<f32>, PredictError> {
        self.check_columns(data)?;
        let start = Start {
            base_margin: data.base_margin(),
            exposure: data.exposure(),
        };
        let mut margins = self.start(&start, data.n_rows())?;
        self.add_trees(data, &mut margins, threads);
        Ok(margins)
    }

    /// Margins of a table in bins, as [`Booster::predict_margin_binned`].
    ///
    /// # Errors
    /// As [`Booster::predict_margin_binned`].
    pub fn predict_margin_binned(
        &self,
        data: &BinnedDataset,
        threads: &Threads,
    ) -> Result<Vec<f32>, PredictError> {
        let n_features = data.n_features();
        if n_features != self.n_features {
            return Err(PredictError::Columns {
                found: n_features,
                expected: self.n_features,
            });
        }
        let start = Start {
            base_margin: data.base_margin(),
            exposure: data.exposure(),
        };
        let mut margins = self.start(&start, data.n_rows())?;
        let mut values = Vec::new();
        for (block, margins) in margins.chunks_mut(TILE_ROWS * self.n_groups).enumerate() {
            let n_rows = margins.len() / self.n_groups;
            let first = block * TILE_ROWS;
            data.copy_stand_ins(first..first + n_rows, &mut values);
            let rows = RowMajor {
                values: &values,
                n_features,
                n_rows,
            };
            self.add_trees(&rows, margins, threads);
        }
        Ok(margins)
    }

    /// What rows start from.
    fn start(&self, start: &Start<'_>, n_rows: usize) -> Result<Vec<f32>, PredictError> {
        start.margins(self.base_margin, n_rows, self.n_groups)
    }

    /// Leaves of a table, as [`Booster::predict_leaf`].
    pub(super) fn predict_leaf(
        &self,
        data: &Dataset,
        threads: &Threads,
    ) -> Result<Vec<u32>, PredictError> {
        self.check_columns(data)?;
        let n_trees = match &self.other {
            None => self.walked.n_trees(),
            Some(Other::Mixed(forest)) => forest.n_trees(),
            Some(Other::Linear(_)) => return Err(PredictError::NoLeaves),
        };
        let mut leaves = vec![0; data.n_rows() * n_trees];
        if n_trees > 0 {
            let tasks = tasks(data.n_rows(), &mut leaves, threads);
            threads.for_each(tasks, |task| {
                self.walk(data, task, |block, out| match &self.other {
                    Some(Other::Mixed(forest)) => forest.leaves(block, out),
                    Some(Other::Linear(_)) | None => self.walked.leaves(block, out),
                });
            });
        }
        Ok(leaves)
    }

    fn check_columns(&self, data: &Dataset) -> Result<(), PredictError> {
        let (found, expected) = (data.n_features(), self.n_features);
        if found == expected || (found < expected && data.is_sparse()) {
            return Ok(());
        }
        Err(PredictError::Columns { found, expected })
    }

    /// Adds all trees to `out`.
    fn add_trees(&self, rows: &impl Rows, out: &mut [f32], threads: &Threads) {
        let tasks = tasks(rows.n_rows(), out, threads);
        if let Some(other) = &self.other {
            threads.for_each(tasks, |task| {
                self.walk(rows, task, |block, out| {
                    other.add_all(block, self.n_groups, out);
                });
            });
            return;
        }
        threads.for_each(tasks, |task| {
            let n_coded = self.n_coded(task.n_rows);
            let (coded, walked) = task.split_at(n_coded);
            if coded.n_rows > 0 {
                self.add_coded(rows, coded, threads.simd());
            }
            self.walk(rows, walked, |block, out| {
                self.walked.add_all(block, self.n_groups, out);
            });
        });
    }

    /// How many of a task's rows are done on codes; the others are walked.
    fn n_coded(&self, n_rows: usize) -> usize {
        match n_rows % LANES {
            _ if self.parts.is_empty() => 0,
            rest if rest < FEW_ROWS => n_rows - rest,
            _ => n_rows,
        }
    }

    fn add_coded(&self, rows: &impl Rows, task: Task<'_, f32>, simd: Simd) {
        let mut memory = Vec::new();
        let mut scratch = Scratch::new(self.selection.features().len(), self.n_groups, simd);
        for task in task.blocks(LANES) {
            let rows_of_task = task.first..task.first + task.n_rows;
            let block = Block::read(rows, rows_of_task, &self.selection, LANES, &mut memory);
            lanes::add_all(&self.parts, &self.walked, &block, &mut scratch, task.out);
        }
    }

    /// Reads blocks of a size that suits walking, and calls `work` with each and its part of the task's `out`.
    fn walk<T>(&self, rows: &impl Rows, task: Task<'_, T>, work: impl Fn(&Block<'_>, &mut [T])) {
        let n_columns = self.selection.features().len().max(1);
        let block_rows = (BLOCK_VALUES / n_columns).clamp(walk::LANES, LANES);
        let mut memory = Vec::new();
        for task in task.blocks(block_rows) {
            let rows_of_task = task.first..task.first + task.n_rows;
            let stride = task.n_rows;
            let block = Block::read(rows, rows_of_task, &self.selection, stride, &mut memory);
            work(&block, task.out);
        }
    }
}

/// Successive rows, and what is to be written for them, `(n_rows, width)` row-major.
struct Task<'a, T> {
    first: usize,
    n_rows: usize,
    out: &'a mut [T],
}

impl<T> Task<'_, T> {
    fn split_at(self, n_rows: usize) -> (Self, Self) {
        let width = self.out.len() / self.n_rows;
        let (out, rest) = self.out.split_at_mut(n_rows * width);
        let before = Self {
            first: self.first,
            n_rows,
            out,
        };
        let after = Self {
            first: self.first + n_rows,
            n_rows: self.n_rows - n_rows,
            out: rest,
        };
        (before, after)
    }

    /// The same rows, at most `n_rows` at a time.
    fn blocks(self, n_rows: usize) -> impl Iterator<Item = Self> {
        let width = self.out.len() / self.n_rows.max(1);
        let blocks = self.out.chunks_mut((n_rows * width).max(1)).enumerate();
        blocks.map(move |(idx, out)| Self {
            first: self.first + idx * n_rows,
            n_rows: out.len() / width,
            out,
        })
    }
}

/// Cuts `out`, `(n_rows, width)` row-major, into tasks for all threads.
fn tasks<'a, T>(n_rows: usize, out: &'a mut [T], threads: &Threads) -> Vec<Task<'a, T>> {
    let share = n_rows / (threads.n_threads() * TASKS_PER_THREAD);
    let task_rows = share.next_multiple_of(LANES).clamp(LANES, TASK_ROWS);
    let first = 0;
    let whole = Task { first, n_rows, out };
    whole.blocks(task_rows).collect()
}
