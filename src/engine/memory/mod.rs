//! What training takes in memory, from what it will hold: an estimate before the first row is held.
//!
//! Invariants: `least` is what no training of these tables does without, so whoever has less need not begin; `most` is what
//! it takes if sums are of the widest kind, buffers grow by copies and trees become as large as they may. Both count what is
//! in memory at once at the peak, not what is taken over the whole training.
//!
//! Source: the structures themselves. A dense table keeps its codes twice, by row and by column; a sparse one keeps a slot
//! of four bytes for each value and five for the column's list. A row has a margin and a gradient pair for each group, and
//! two records on its way down a tree; a histogram has 256 cells a column, or one a bin where tables are sparse.

mod table;

use std::fmt::{self, Display};

use crate::bin::{CODES, SAMPLE_VALUES, row_stride};
use crate::params::{BoosterName, BoosterValidParams};
use crate::tree::Node;
use crate::tree::spares;

pub use self::table::TableSize;

/// Bytes of a value, a label, a weight or a margin.
const NUMBER: u64 = size_of::<f32>() as u64;

/// Bytes of a gradient pair.
const PAIR: u64 = 8;

/// Bytes of a record of the narrowest and of the widest sums.
const RECORD: Bytes = Bytes { least: 8, most: 24 };

/// Bytes of a cell of the narrowest and of the widest sums.
const CELL: Bytes = Bytes { least: 8, most: 16 };

/// Bytes of a node as training keeps it, and in a document that is written of it.
const NODE: u64 = size_of::<Node>() as u64 + 64;

/// Numbers that metrics which sort rows take for a row, beside the predictions.
const SORTED: u64 = 6;

/// What training holds of its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Bins, from the first row on.
    Bins,
    /// Values until all are there, then bins.
    ValuesThenBins,
    /// Values.
    Values,
}

/// What is trained on.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// The training table.
    pub train: TableSize,
    /// The table that is evaluated beside it.
    pub validation: Option<TableSize>,
    /// What is held of both.
    pub held: Held,
    /// Parts that the training table is dealt out to, where models are trained on all but one.
    pub n_folds: Option<u32>,
    /// Threads.
    pub n_threads: usize,
}

/// A number of bytes that is known to lie between two others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// No less than this.
    pub least: u64,
    /// No more than this.
    pub most: u64,
}

/// What memory is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The tables' values or codes, labels and weights.
    Tables,
    /// Margins, gradients and records of rows.
    Rows,
    /// Histograms.
    Histograms,
    /// Predictions in the order that a metric wants.
    Metrics,
    /// Trees.
    Trees,
    /// The sample that cuts are made from, and bytes that are being read.
    Reading,
}

/// What a training takes, by use.
#[derive(Clone, Debug)]
pub struct Estimate(Vec<(Use, Bytes)>);

impl Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tables => "tables",
            Self::Rows => "gradients and margins",
            Self::Histograms => "histograms",
            Self::Metrics => "metrics",
            Self::Trees => "trees",
            Self::Reading => "reading",
        })
    }
}

impl Bytes {
    fn exactly(bytes: u64) -> Self {
        Self {
            least: bytes,
            most: bytes,
        }
    }

    fn up_to(bytes: u64) -> Self {
        Self {
            least: 0,
            most: bytes,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            least: self.least + other.least,
            most: self.most + other.most,
        }
    }

    fn times(self, n: u64) -> Self {
        Self {
            least: self.least * n,
            most: self.most * n,
        }
    }
}

impl Estimate {
    /// All of it.
    pub fn total(&self) -> Bytes {
        let all = self.0.iter().map(|(_, bytes)| *bytes);
        all.fold(Bytes::default(), Bytes::plus)
    }

    /// What takes most for certain, first.
    pub fn by_size(&self) -> Vec<(Use, Bytes)> {
        let mut by_size = self.0.clone();
        by_size.sort_by_key(|(_, bytes)| std::cmp::Reverse(bytes.least));
        by_size
    }
}

/// What training takes with these parameters.
pub fn estimate(params: &BoosterValidParams, workload: &Workload) -> Estimate {
    let mut whole = Bytes::default();
    let (mut train, mut validation) = (workload.train, workload.validation);
    if let Some(n_folds) = workload.n_folds.map(u64::from).filter(|it| *it > 0) {
        // All rows stay beside those that a fold is trained on and those that it is held against.
        whole = table(&train, workload.held, false).plus(train.beside());
        validation = Some(train.share(1, n_folds));
        train = train.share(n_folds - 1, n_folds);
    }
    let mut tables = whole.plus(table(&train, workload.held, true).plus(train.beside()));
    let mut n_rows = train.n_rows;
    if let Some(validation) = &validation {
        let beside = table(validation, workload.held, false).plus(validation.beside());
        tables = tables.plus(beside);
        n_rows += validation.n_rows;
    }
    let work = Work {
        params,
        train: &train,
        n_groups: (params.full_objective().n_groups() as u64).max(train.n_targets),
        n_threads: workload.n_threads as u64,
    };
    let margins = Bytes::exactly(NUMBER * n_rows * work.n_groups);
    let is_of_trees = params.booster() != BoosterName::GbLinear && workload.held != Held::Values;
    let histograms = if is_of_trees {
        work.histograms()
    } else {
        Bytes::default()
    };
    Estimate(vec![
        (Use::Tables, tables),
        (Use::Rows, margins.plus(work.rows(is_of_trees))),
        (Use::Histograms, histograms),
        (Use::Metrics, work.metrics()),
        (Use::Trees, Bytes::up_to(work.trees())),
        (Use::Reading, Bytes::up_to(work.reading())),
    ])
}

fn table(size: &TableSize, held: Held, divides: bool) -> Bytes {
    match held {
        Held::Bins => size.codes(divides),
        Held::Values => size.values(),
        Held::ValuesThenBins => {
            let (values, codes) = (size.values(), size.codes(divides));
            Bytes {
                least: values.least.max(codes.least),
                most: values.most + codes.most,
            }
        }
    }
}

/// What is done with a training table.
struct Work<'a> {
    params: &'a BoosterValidParams,
    train: &'a TableSize,
    n_groups: u64,
    n_threads: u64,
}

impl Work<'_> {
    /// Gradients, and what a tree keeps of rows.
    fn rows(&self, is_of_trees: bool) -> Bytes {
        let n_rows = self.train.n_rows;
        let gradients = Bytes::exactly(PAIR * n_rows * self.n_groups);
        if !is_of_trees {
            return gradients;
        }
        let share = f64::from(self.params.subsample());
        let n_seen = (n_rows as f64 * share) as u64;
        let records = Bytes {
            // A sample is drawn by chance, and somewhat smaller now and then.
            least: RECORD.least * 2 * n_seen * 9 / 10,
            // Sampled ones are put together from parts; and those of gradients that count several times have pairs of their own.
            most: if share < 1.0 { 4 } else { 2 } * RECORD.most * n_rows,
        };
        let columns = f64::from(self.params.colsample_bytree());
        let n_chosen = (self.train.n_features as f64 * columns) as usize;
        let chosen = if columns < 1.0 && !self.train.is_sparse() {
            n_rows * row_stride(n_chosen.max(1)) as u64
        } else {
            0
        };
        // What leaves of medians and quantiles are made of.
        let residuals = Bytes::up_to(4 * NUMBER * n_rows);
        gradients
            .plus(records)
            .plus(Bytes::up_to(chosen))
            .plus(residuals)
    }

    fn histograms(&self) -> Bytes {
        let n_features = self.train.n_features;
        let bins = u64::from(self.params.max_bin());
        let n_cells = if self.train.is_sparse() {
            Bytes {
                least: 0,
                most: (n_features * bins).min(2 * self.train.n_present.max(n_features)),
            }
        } else {
            Bytes {
                // Columns that share bytes share cells.
                least: 0,
                most: n_features.next_multiple_of(4) * CODES as u64,
            }
        };
        let waiting = match self.params.max_leaves() {
            0 => self.n_threads * u64::from(self.most_deep()),
            n_leaves => u64::from(n_leaves),
        };
        let waiting = waiting.min(u64::from(self.params.max_cached_hist_node()));
        let of_one = n_cells.most * CELL.most;
        let waiting = (waiting * of_one).min(spares::MOST_BYTES as u64);
        let in_hand = 2 * (self.n_threads + 1);
        Bytes {
            least: n_cells.least,
            most: waiting + in_hand * of_one,
        }
    }

    /// Levels whose nodes can wait at once: the smaller child comes first, so each has half the rows of the one before.
    fn most_deep(&self) -> u32 {
        let by_rows = self.train.n_rows.max(2).ilog2() + 1;
        match self.params.max_depth() {
            0 => by_rows,
            max_depth => max_depth.min(by_rows),
        }
    }

    fn metrics(&self) -> Bytes {
        let metrics = self.params.eval_metrics();
        if !metrics.iter().any(|it| it.needs_all_rows()) {
            return Bytes::default();
        }
        let of_row = Bytes {
            least: self.n_groups,
            most: self.n_groups + SORTED,
        };
        of_row.times(NUMBER * self.train.n_rows)
    }

    /// Trees in memory and the document that is written of them.
    fn trees(&self) -> u64 {
        /// A leaf has so many rows at least, as a rule.
        const ROWS_OF_LEAF: u64 = 4;
        let params = self.params;
        let by_rows = self.train.n_rows / ROWS_OF_LEAF + 1;
        let by_depth = match params.max_depth() {
            0 | 32.. => u64::MAX,
            max_depth => 1 << max_depth,
        };
        let by_leaves = match params.max_leaves() {
            0 => u64::MAX,
            n_leaves => n_leaves.into(),
        };
        let n_nodes = 2 * by_rows.min(by_depth).min(by_leaves);
        let n_trees =
            u64::from(params.num_round()) * u64::from(params.num_parallel_tree()) * self.n_groups;
        n_trees.saturating_mul(n_nodes).saturating_mul(NODE)
    }

    /// The sample, which is gone when training begins, and is less than training takes where tables are large.
    fn reading(&self) -> u64 {
        /// A block of bytes, and the tiles made of it.
        const BLOCK: u64 = 3 << 20;
        /// Blocks that a thread has at hand.
        const BLOCKS: u64 = 4;
        let sample = self.train.n_present.min(SAMPLE_VALUES as u64);
        4 * NUMBER * sample + self.n_threads * BLOCKS * BLOCK
    }
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;

    use crate::objective::ObjectiveName;
    use crate::params::BoosterParams;

    use super::*;

    fn size(n_rows: u64, n_features: u64, n_present: u64) -> TableSize {
        TableSize {
            n_rows,
            n_features,
            n_present,
            n_targets: 1,
            n_beside: 0,
        }
    }

    fn of(params: &BoosterParams, train: TableSize, held: Held) -> Estimate {
        let workload = Workload {
            train,
            validation: None,
            held,
            n_folds: None,
            n_threads: 2,
        };
        estimate(params.check_ref().unwrap(), &workload)
    }

    fn least(estimate: &Estimate, wanted: Use) -> u64 {
        let uses = estimate.by_size();
        let found = uses.iter().find(|(it, _)| *it == wanted);
        found.map_or(0, |(_, bytes)| bytes.least)
    }

    #[test]
    fn a_table_takes_what_its_form_takes() {
        let params = BoosterParams::default();
        // 32 bytes a row, 28 a column, and the label.
        let dense = of(&params, size(1000, 28, 28_000), Held::Bins);
        assert_eq!(least(&dense, Use::Tables), 1000 * (32 + 28 + 4));
        let sparse = of(&params, size(1000, 500, 3000), Held::Bins);
        assert_eq!(least(&sparse, Use::Tables), 3000 * 9 + 1000 * (8 + 4));
        let values = of(&params, size(1000, 28, 28_000), Held::Values);
        assert_eq!(least(&values, Use::Tables), 1000 * (28 * 4 + 4));
        // A margin, a gradient pair, and records of which nine in ten are counted on.
        assert_eq!(least(&dense, Use::Rows), 1000 * (4 + 8) + 16 * 900);
    }

    #[test]
    fn more_of_anything_takes_no_less_and_the_least_is_never_above_the_most() {
        let params = BoosterParams::default()
            .objective(ObjectiveName::MultiSoftprob)
            .num_class(3);
        for held in [Held::Bins, Held::ValuesThenBins, Held::Values] {
            for n_present in [1_000, 40_000] {
                let small = of(&params, size(1000, 40, n_present), held).total();
                let large = of(&params, size(2000, 40, 2 * n_present), held).total();
                assert!(small.least <= small.most && large.least <= large.most);
                assert!(small.least < large.least && small.most < large.most);
            }
        }
        let deep = params.clone().max_depth(0).max_leaves(5000);
        let few = deep.clone().max_cached_hist_node(3);
        let most = |params| {
            of(params, size(50_000, 800, 40_000_000), Held::Bins)
                .total()
                .most
        };
        assert!(most(&few) < most(&deep));
    }
}
