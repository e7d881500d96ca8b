//! One classification tree, every split of which is the best of all: linfa-trees searches, node by node.
//!
//! Invariants: linfa-trees is asked for one split of the rows of one node at a time. Its own recursion looks at a
//! threshold only where the last row of the whole table with that value is in the node, so it overlooks splits of
//! columns with repeated values; it rescans all rows at every node; and it prunes by a vote that a hash map's order
//! decides. Two classes at a time make its sums of two addends the same in either order, so the tree is the same bytes on
//! every run. A row lands where it was counted: the threshold lies between two neighbouring values and `<` is exact.
//!
//! Source: linfa-trees 0.8 `decision_trees/algorithm.rs`; leaves after Provost and Domingos, "Tree induction for
//! probability-based ranking", 2003 (Laplace's correction).

use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};

use crate::threads::Threads;
use crate::tree::{NO_PARENT, Node, Tree};

use super::ranks::Ranks;

/// What bounds the tree.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// Splits from the root to a leaf; 0 is no limit.
    pub(super) max_depth: u32,
    /// The fewest rows of a leaf.
    pub(super) min_rows: f32,
}

/// A node's rows, and those of them that are of the class in question.
struct Rows {
    rows: Vec<u32>,
    n_positive: usize,
}

struct Split {
    feature: usize,
    threshold: f32,
    /// The decrease of the Gini impurity, times the rows of the node.
    gain: f32,
    left: Rows,
    right: Rows,
}

/// A tree that tells the rows of a class from the others.
pub(super) struct ClassTree<'a> {
    pub(super) ranks: &'a Ranks,
    /// Whether each row is of the class.
    pub(super) positive: &'a [bool],
    pub(super) bounds: Bounds,
    /// A leaf's value, from its rows of the class and all its rows.
    pub(super) leaf_value: &'a (dyn Fn(usize, usize) -> f32 + Sync),
}

impl ClassTree<'_> {
    /// Grows the tree a level at a time; the nodes of a level are searched on several threads.
    pub(super) fn grow(&self, threads: &Threads) -> Result<Tree, linfa::Error> {
        let root = self.count((0..self.positive.len() as u32).collect());
        let mut nodes = vec![self.leaf(NO_PARENT, &root)];
        let mut level = vec![(0, root)];
        let mut depth = 0;
        while !level.is_empty() && (self.bounds.max_depth == 0 || depth < self.bounds.max_depth) {
            let found = threads.map(level, |(idx, rows)| (idx, self.best_split(&rows)));
            level = Vec::new();
            for (idx, split) in found {
                let Some(split) = split? else { continue };
                let left = nodes.len();
                let node: &mut Node = &mut nodes[idx];
                node.left = Some(left as u32);
                node.split_index = split.feature as u32;
                node.split_condition = split.threshold;
                node.loss_change = split.gain;
                for (child, rows) in [(left, split.left), (left + 1, split.right)] {
                    nodes.push(self.leaf(idx as u32, &rows));
                    level.push((child, rows));
                }
            }
            depth += 1;
        }
        Ok(Tree::from(nodes))
    }

    fn leaf(&self, parent: u32, rows: &Rows) -> Node {
        let value = (self.leaf_value)(rows.n_positive, rows.rows.len());
        Node::leaf(parent, value, rows.rows.len() as f32)
    }

    fn count(&self, rows: Vec<u32>) -> Rows {
        let n_positive = rows
            .iter()
            .filter(|&&row| self.positive[row as usize])
            .count();
        Rows { rows, n_positive }
    }

    /// The best split of a node's rows, by Gini impurity; `None` where nothing is gained.
    fn best_split(&self, node: &Rows) -> Result<Option<Split>, linfa::Error> {
        let n_rows = node.rows.len();
        if node.n_positive == 0 || node.n_positive == n_rows {
            return Ok(None);
        }
        let cell = |(row, feature): (usize, usize)| {
            self.ranks.column(feature)[node.rows[row] as usize] as f32
        };
        let records = Array2::from_shape_fn((n_rows, self.ranks.n_features()), cell);
        let targets = Array1::from_shape_fn(n_rows, |row| self.positive[node.rows[row] as usize]);
        let stump = linfa_trees::DecisionTree::<f32, bool>::params()
            .max_depth(Some(1))
            .min_weight_leaf(self.bounds.min_rows)
            .fit(&DatasetBase::new(records, targets))?;
        // A split both sides of which vote for one class is pruned from linfa's tree, but its root still tells it.
        let (feature, split_value, decrease) = stump.root_node().split();
        Ok((decrease > 0.0).then(|| self.split(node, feature, split_value, decrease)))
    }

    fn split(&self, node: &Rows, feature: usize, split_value: f32, decrease: f32) -> Split {
        let column = self.ranks.column(feature);
        let goes_left = |row: &u32| column[*row as usize] as f32 <= split_value;
        let (left, right): (Vec<_>, Vec<_>) = node.rows.iter().partition(|row| goes_left(row));
        let rank = |row: &u32| column[*row as usize];
        let low = left
            .iter()
            .map(rank)
            .max()
            .expect("linfa-trees leaves no side empty");
        let high = right
            .iter()
            .map(rank)
            .min()
            .expect("linfa-trees leaves no side empty");
        Split {
            feature,
            threshold: self.ranks.threshold(feature, low, high),
            gain: decrease * node.rows.len() as f32,
            left: self.count(left),
            right: self.count(right),
        }
    }
}
