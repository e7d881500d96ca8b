//! One decision tree: exact where linfa-trees can be exact, else one round of this crate's own boosting.
//!
//! linfa-trees' search is exact, but for classes only, without missing values and without weights, and it takes time
//! and memory in proportion to the table at every level. [`Obstacle`] says which of these stands in the way of a table;
//! then [`fit_decision_tree`] grows one tree on bins (`num_round` 1, `eta` 1, every row and column), which has none of
//! these limits and is exact itself where no column has more values than `max_bin`. [`DecisionTree::search`] says which
//! of the two it was.
//!
//! Several classes get a tree each, which tells its rows from all others and holds the logarithm of their share; the
//! softmax makes probabilities of them. linfa-trees could take the classes together, but adds them up in the order of a
//! hash map, which changes from run to run.
//!
//! Invariants: the same data and parameters give the same tree, for any number of threads. Both kinds become an
//! ordinary [`Booster`] with no learning rate in its leaves.

mod exact;
mod ranks;

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::bin::{BinError, HistogramCuts};
use crate::booster::{self, Booster, NamedData, RoundReport, TrainError};
use crate::dataset::Dataset;
use crate::objective::{LabelError, Objective, ObjectiveName};
use crate::params::{BoosterParams, BoosterValidParams, Monotone, ParamError};
use crate::threads::{Threads, ThreadsError};

use exact::{Bounds, ClassTree};
use linfa::ParamGuard;
use ranks::Ranks;

/// The most values, rows times columns, that the exact search takes: about a second for each level of the tree.
pub const MAX_EXACT_VALUES: usize = 1 << 21;

/// The parameters of one decision tree.
///
/// Of a booster's parameters an exact tree heeds `objective`, `num_class`, `max_depth`, `min_child_weight` (the fewest
/// rows of a leaf) and `nthread`. A tree on bins heeds all but those that make several trees, or a sample, of one.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionTreeParams {
    params: BoosterParams,
    exact_only: bool,
}

impl DecisionTreeParams {
    /// One tree with these parameters.
    pub fn new(params: BoosterParams) -> Self {
        Self {
            params,
            exact_only: false,
        }
    }

    /// Whether a table that stands in the way of the exact search is refused; else it gets a tree on bins.
    #[must_use]
    pub fn exact_only(mut self, exact_only: bool) -> Self {
        self.exact_only = exact_only;
        self
    }
}

/// What stands in the way of the exact search.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Obstacle {
    /// Numbers are predicted, not classes and their probabilities.
    #[error("`{0}` predicts numbers, the exact search only tells classes apart")]
    Regression(ObjectiveName),
    /// A value is missing.
    #[error("`{object}` row {row} column {feature} is missing, the exact search needs every value")]
    Missing {
        /// The object.
        object: String,
        /// The row in it.
        row: u64,
        /// The column, from 0.
        feature: usize,
    },
    /// A label between two classes.
    #[error("`{object}` row {row}: label `{label}` is a share, the exact search needs 0 or 1")]
    Share {
        /// The object.
        object: String,
        /// The row in it.
        row: u64,
        /// The label.
        label: f32,
    },
    /// Rows have weights, or `scale_pos_weight` gives them some.
    #[error("rows have weights, the exact search counts each once")]
    Weights,
    /// A constraint, which the exact search does not look at.
    #[error("`{0}` is heeded among bins only")]
    Constraint(&'static str),
    /// Some features are categories.
    #[error("some features are categories, the exact search only knows numbers")]
    Categories,
    /// The table is too large.
    #[error(
        "{n_rows} rows times {n_features} columns, the exact search takes at most {MAX_EXACT_VALUES} values"
    )]
    Large {
        /// Rows.
        n_rows: usize,
        /// Columns.
        n_features: usize,
    },
}

/// How a tree's splits were found.
#[derive(Clone, Debug, PartialEq)]
pub enum TreeSearch {
    /// Among all values, by linfa-trees.
    Exact,
    /// Among the bounds of the bins, by this crate's booster.
    Binned(Obstacle),
}

/// A decision tree, and how it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionTree {
    /// The tree; for several classes, one tree each.
    pub booster: Booster,
    /// How its splits were found.
    pub search: TreeSearch,
    /// Features with more categories than have a bin each, and how many have none.
    pub grouped: Vec<(u32, usize)>,
}

/// Why there is no decision tree.
#[derive(Debug, thiserror::Error)]
pub enum DecisionTreeError {
    /// A parameter is out of its range.
    #[error(transparent)]
    Params(#[from] ParamError),
    /// Only an exact tree was asked for, and there can be none.
    #[error("no exact decision tree: {0}; use gradient_boosting or random_forest")]
    NotExact(#[from] Obstacle),
    /// A label that the objective cannot learn from.
    #[error("`{object}` row {row}: {source}")]
    Label {
        /// The object.
        object: String,
        /// The row in it.
        row: u64,
        /// What is allowed.
        source: LabelError,
    },
    /// No threads.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// The table cannot be binned.
    #[error(transparent)]
    Bin(#[from] BinError),
    /// The tree on bins cannot be trained.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// linfa-trees found no tree.
    #[error("linfa-trees: {0}")]
    Linfa(#[from] linfa::Error),
}

/// Fits one decision tree: exact where nothing stands in the way, on bins otherwise.
///
/// # Errors
/// - [`DecisionTreeError::Params`] if a parameter is out of its range.
/// - [`DecisionTreeError::Label`] if the objective cannot learn from a label.
/// - [`DecisionTreeError::NotExact`] if something stands in the way and only an exact tree was asked for.
/// - Whatever keeps a booster from being trained, for a tree on bins.
pub fn fit_decision_tree(
    params: &DecisionTreeParams,
    data: &Dataset,
) -> Result<DecisionTree, DecisionTreeError> {
    let checked = params.params.check_ref()?;
    match fit_exact(checked, data)? {
        Ok(booster) => Ok(DecisionTree {
            booster,
            search: TreeSearch::Exact,
            grouped: Vec::new(),
        }),
        Err(obstacle) if params.exact_only => Err(DecisionTreeError::NotExact(obstacle)),
        Err(obstacle) => {
            let (booster, grouped) = fit_binned(params.params.clone(), data)?;
            Ok(DecisionTree {
                booster,
                search: TreeSearch::Binned(obstacle),
                grouped,
            })
        }
    }
}

/// One round of one tree a class, without shrinkage or sampling.
fn fit_binned(
    params: BoosterParams,
    data: &Dataset,
) -> Result<(Booster, Vec<(u32, usize)>), DecisionTreeError> {
    let one_tree = params
        .num_round(1)
        .num_parallel_tree(1)
        .learning_rate(1.0)
        .subsample(1.0)
        .colsample_bytree(1.0)
        .early_stopping_rounds(None)
        .check()?;
    let threads = Threads::new(one_tree.nthread())?;
    let categorical = one_tree.categorical_features();
    let cuts = HistogramCuts::with_categories(data, one_tree.max_bin(), categorical, &threads)?;
    let grouped = cuts.grouped();
    let binned = data.clone().bin(&Arc::new(cuts), &threads)?;
    let named = NamedData {
        name: "train",
        data: &binned,
    };
    let mut to_the_end = |_: &RoundReport<'_>| ControlFlow::Continue(());
    let trained = booster::train(&one_tree, &named, &[], None, &mut to_the_end)?;
    Ok((trained.booster, grouped))
}

/// Fits an exact tree, or says what stands in the way.
fn fit_exact(
    params: &BoosterValidParams,
    data: &Dataset,
) -> Result<Result<Booster, Obstacle>, DecisionTreeError> {
    let objective = params.full_objective();
    check_labels(&objective, data)?;
    if let Some(obstacle) = obstacle(params, data) {
        return Ok(Err(obstacle));
    }
    let ranks = match Ranks::new(data) {
        Ok(ranks) => ranks,
        Err((row, feature)) => {
            let (object, row) = data.origin(row);
            let object = object.to_owned();
            return Ok(Err(Obstacle::Missing {
                object,
                row,
                feature,
            }));
        }
    };
    let threads = Threads::new(params.nthread())?;
    let bounds = Bounds {
        max_depth: params.max_depth(),
        min_rows: params.min_child_weight().max(1.0),
    };
    // A class's tree holds its log-probability; two classes need one tree, which holds the log-odds.
    let n_classes = objective.n_groups();
    let (classes, leaf_value): (_, &(dyn Fn(usize, usize) -> f32 + Sync)) = if n_classes == 1 {
        (1..2, &log_odds)
    } else {
        (0..n_classes, &|n_positive, n_rows| {
            log_share(n_positive, n_rows, n_classes)
        })
    };
    let mut trees = Vec::with_capacity(classes.len());
    for class in classes {
        let labels = data.labels().iter();
        let positive: Vec<_> = labels.map(|&label| label == class as f32).collect();
        let tree = ClassTree {
            ranks: &ranks,
            positive: &positive,
            bounds,
            leaf_value,
        };
        trees.push(tree.grow(&threads)?);
    }
    Ok(Ok(Booster {
        tree_info: (0..trees.len() as u32).collect(),
        trees,
        ..Booster::new(objective, data.n_features() as u32)
    }))
}

/// What stands in the way of the exact search before the table's values are looked at.
fn obstacle(params: &BoosterValidParams, data: &Dataset) -> Option<Obstacle> {
    let (n_rows, n_features) = (data.n_rows(), data.n_features());
    let name = params.objective();
    if name != ObjectiveName::BinaryLogistic && !name.is_multiclass() {
        return Some(Obstacle::Regression(name));
    }
    if data.weights().is_some() || params.scale_pos_weight() != 1.0 {
        return Some(Obstacle::Weights);
    }
    let free = Monotone::Free;
    if params.monotone_constraints().iter().any(|it| *it != free) {
        return Some(Obstacle::Constraint("monotone_constraints"));
    }
    if !params.interaction_constraints().is_empty() {
        return Some(Obstacle::Constraint("interaction_constraints"));
    }
    if !params.categorical_features().is_empty() {
        return Some(Obstacle::Categories);
    }
    if n_rows.saturating_mul(n_features) > MAX_EXACT_VALUES {
        return Some(Obstacle::Large { n_rows, n_features });
    }
    let row = data
        .labels()
        .iter()
        .position(|label| label.fract() != 0.0)?;
    let (object, origin_row) = data.origin(row);
    Some(Obstacle::Share {
        object: object.to_owned(),
        row: origin_row,
        label: data.labels()[row],
    })
}

fn check_labels(objective: &Objective, data: &Dataset) -> Result<(), DecisionTreeError> {
    for (row, &label) in data.labels().iter().enumerate() {
        let checked = objective.check_target(label, data.label_upper_bound().map(|it| it[row]));
        checked.map_err(|source| {
            let (object, row) = data.origin(row);
            DecisionTreeError::Label {
                object: object.to_owned(),
                row,
                source,
            }
        })?;
    }
    Ok(())
}

/// The log-odds of a class, its and the others' rows counted with one more each, so that a pure leaf is not certain.
fn log_odds(n_positive: usize, n_rows: usize) -> f32 {
    let n_negative = n_rows - n_positive;
    ((n_positive as f64 + 1.0) / (n_negative as f64 + 1.0)).ln() as f32
}

/// The logarithm of a class's share of the rows, every class counted with one more row.
fn log_share(n_positive: usize, n_rows: usize, n_classes: usize) -> f32 {
    ((n_positive as f64 + 1.0) / (n_rows as f64 + n_classes as f64)).ln() as f32
}
