//! A model's trees in parts, whose splits of one feature have few enough thresholds to be told apart by a byte.
//!
//! Invariants: parts hold successive trees, so that their order stays; the trees of a part share the codes of its columns.
//! Trees grown on histograms share their thresholds too, so a model of theirs is one part.

use std::ops::Range;

use crate::dataset::Selection;
use crate::tree::Tree;

use super::super::Booster;
use super::code::{ColumnCodes, MAX_THRESHOLDS};
use super::coded::{CONSTANTS, CodedTree, Split};
use super::walk::threshold;

/// What is done with a tree.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Its splits are decided on codes.
    Coded(CodedTree),
    /// The tree of this number is walked: it is too large.
    Walked(usize),
}

/// Successive trees that share the codes of their columns.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// By column of the block; codes of column `c` are coded column `2c`, with missing values high `2c + 1`.
    pub(super) columns: Vec<ColumnCodes>,
    /// Whether a split of the column sends missing values right.
    pub(super) missing_right: Vec<bool>,
    /// What to do with each tree, and its group.
    pub(super) steps: Vec<(Step, u32)>,
}

/// Splits that are decided for a row on codes, in the time in which it is walked down by one, or one of its values coded.
const SPLITS_PER_STEP: usize = 48;

/// The parts of a model; none if coding a row's values costs more than it saves in the trees.
pub(super) fn parts(booster: &Booster, selection: &Selection) -> Vec<Part> {
    let parts = all_parts(booster, selection);
    let coded = booster.trees.iter().filter(|tree| is_coded(tree));
    let steps: usize = coded.clone().map(Tree::depth).sum();
    let splits: usize = coded.map(|tree| tree.nodes.len() / 2).sum();
    let used = |part: &Part| part.columns.iter().filter(|it| !it.is_empty()).count();
    let values: usize = parts.iter().map(used).sum();
    if steps > values + splits / SPLITS_PER_STEP {
        parts
    } else {
        Vec::new()
    }
}

fn all_parts(booster: &Booster, selection: &Selection) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut first = 0;
    let mut thresholds = Thresholds::new(selection);
    for (idx, tree) in booster.trees.iter().enumerate() {
        if !is_coded(tree) || thresholds.add(tree) {
            continue;
        }
        parts.push(thresholds.part(booster, first..idx));
        first = idx;
        thresholds = Thresholds::new(selection);
        thresholds.add(tree);
    }
    parts.push(thresholds.part(booster, first..booster.trees.len()));
    parts
}

/// Whether a tree's splits can be coded.
fn is_coded(tree: &Tree) -> bool {
    tree.nodes.len() / 2 < CONSTANTS
}

/// The different thresholds of each column, ascending.
struct Thresholds<'a> {
    selection: &'a Selection,
    columns: Vec<Vec<f32>>,
    missing_right: Vec<bool>,
}

impl<'a> Thresholds<'a> {
    fn new(selection: &'a Selection) -> Self {
        let n_columns = selection.features().len();
        Self {
            selection,
            columns: vec![Vec::new(); n_columns],
            missing_right: vec![false; n_columns],
        }
    }

    fn column(&self, feature: u32) -> usize {
        self.selection
            .column(feature)
            .expect("the features of all splits are selected")
    }

    /// Adds a tree's thresholds; `false`, with nothing added, if a column would have too many.
    fn add(&mut self, tree: &Tree) -> bool {
        let mut new: Vec<(usize, f32)> = Vec::new();
        for node in tree.nodes.iter().filter(|node| node.left.is_some()) {
            let column = self.column(node.split_index);
            if self.place(column, threshold(node)).is_err() {
                new.push((column, threshold(node)));
            }
        }
        new.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        new.dedup();
        let too_many =
            |same: &[(usize, f32)]| self.columns[same[0].0].len() + same.len() > MAX_THRESHOLDS;
        if new.chunk_by(|a, b| a.0 == b.0).any(too_many) {
            return false;
        }
        for (column, threshold) in new {
            if let Err(place) = self.place(column, threshold) {
                self.columns[column].insert(place, threshold);
            }
        }
        for node in tree.nodes.iter().filter(|node| node.left.is_some()) {
            let column = self.column(node.split_index);
            self.missing_right[column] |= !node.default_left;
        }
        true
    }

    /// Where a threshold is, or belongs.
    fn place(&self, column: usize, threshold: f32) -> Result<usize, usize> {
        let known = &self.columns[column];
        let place = known.partition_point(|&it| it < threshold);
        match known.get(place) {
            Some(&it) if it == threshold => Ok(place),
            _ => Err(place),
        }
    }

    /// The part of these trees.
    fn part(&self, booster: &Booster, trees: Range<usize>) -> Part {
        let columns: Vec<_> = self.columns.iter().cloned().map(ColumnCodes::new).collect();
        let step = |idx: usize| {
            let tree = &booster.trees[idx];
            if !is_coded(tree) {
                return Step::Walked(idx);
            }
            Step::Coded(CodedTree::new(tree, booster.tree_weight(idx), |node| {
                let node = &tree.nodes[node];
                let column = self.column(node.split_index);
                Split {
                    column: 2 * column as u32 + u32::from(!node.default_left),
                    threshold: columns[column].threshold_code(threshold(node)),
                }
            }))
        };
        let steps = trees
            .map(|idx| (step(idx), booster.tree_info[idx]))
            .collect();
        Part {
            columns,
            missing_right: self.missing_right.clone(),
            steps,
        }
    }
}
