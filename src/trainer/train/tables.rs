//! The tables of a job's channels, in bins, by columns or as values.
//!
//! Invariant: both tables have the same columns. Only a sparse table is widened, since only there a column can be absent
//! because no row happens to list it; dense tables of different widths are different tables.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use engine::bin::BinnedDataset;
use engine::dataset::{CategoryNames, Dataset};
use engine::linear::ColumnTable;

use super::baseline::Keys;
use super::ingest::{Goal, Growing, Grown};
use crate::error::TrainerError;

/// What the job learns from and is evaluated on.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) rows: Rows,
    /// What the rows of each table are grouped by for the baseline.
    pub(crate) keys: Pair<Keys>,
    /// Rows of each channel, be they one table or two.
    pub(crate) n_rows: Pair<usize>,
    /// Rows of each channel that were left out, since they do not fit.
    pub(crate) n_skipped: Pair<u64>,
    /// What it took to make cuts.
    pub(crate) binning: Duration,
    /// The names of the features' categories, where they have some.
    pub(crate) names: CategoryNames,
}

/// The tables, as the algorithm wants them.
#[derive(Debug)]
pub(crate) enum Rows {
    /// In bins.
    Binned(Pair<BinnedDataset>),
    /// By columns.
    Columns(Pair<ColumnTable>),
    /// As values.
    Raw(Pair<Dataset>),
}

/// One for each channel.
#[derive(Debug)]
pub(crate) struct Pair<T> {
    pub(crate) train: T,
    pub(crate) validation: Option<T>,
}

impl<T> Pair<T> {
    /// Both without the ownership.
    pub(crate) fn each(&self) -> Pair<&T> {
        self.map(|it| it)
    }

    /// What `view` makes of each.
    pub(crate) fn map<'a, R>(&'a self, view: impl Fn(&'a T) -> R) -> Pair<R> {
        Pair {
            train: view(&self.train),
            validation: self.validation.as_ref().map(view),
        }
    }
}

/// What both kinds of tables can tell.
#[derive(Clone, Debug)]
pub(crate) struct Labelled<'a> {
    pub(crate) n_features: usize,
    pub(crate) n_targets: usize,
    /// `(n_rows, n_targets)` row-major.
    pub(crate) labels: Cow<'a, [f32]>,
    pub(crate) weights: Option<&'a [f32]>,
}

impl Rows {
    /// Whether the rows of the training channel belong to queries.
    pub(super) fn has_queries(&self) -> bool {
        match self {
            Self::Binned(pair) => pair.train.group_ptr().is_some(),
            Self::Columns(pair) => pair.train.group_ptr().is_some(),
            Self::Raw(pair) => pair.train.group_ptr().is_some(),
        }
    }

    /// The tables without what makes them different.
    pub(crate) fn labelled(&self) -> Pair<Labelled<'_>> {
        match self {
            Self::Binned(pair) => pair.map(Table::labelled),
            Self::Columns(pair) => pair.map(Table::labelled),
            Self::Raw(pair) => pair.map(Table::labelled),
        }
    }
}

impl Labelled<'_> {
    pub(crate) fn n_rows(&self) -> usize {
        self.labels.len() / self.n_targets
    }
}

/// A kind of table.
pub(super) trait Table: Sized {
    /// The table that was read.
    fn grown(growing: Growing<'_>) -> Result<Grown<Self>, TrainerError>;
    /// What another channel's rows must become to go with this table, of whose features some are `categorical`.
    /// `names` are those of their categories.
    fn goal_beside(&self, categorical: &[u32], names: &CategoryNames) -> Goal;
    /// Adds columns without values until there are so many.
    fn widen(&mut self, n_features: usize);
    fn labelled(&self) -> Labelled<'_>;
}

/// What all kinds of tables answer by methods of the same names.
macro_rules! as_every_table {
    () => {
        fn widen(&mut self, n_features: usize) {
            self.widen(n_features);
        }

        fn labelled(&self) -> Labelled<'_> {
            Labelled {
                n_features: self.n_features(),
                n_targets: self.n_targets(),
                labels: self.label_matrix(),
                weights: self.weights(),
            }
        }
    };
}

impl Table for BinnedDataset {
    fn grown(growing: Growing<'_>) -> Result<Grown<Self>, TrainerError> {
        growing.binned()
    }

    fn goal_beside(&self, _categorical: &[u32], _names: &CategoryNames) -> Goal {
        Goal::BinnedBy(Arc::clone(self.cuts()))
    }

    as_every_table!();
}

impl Table for ColumnTable {
    fn grown(growing: Growing<'_>) -> Result<Grown<Self>, TrainerError> {
        let read = growing.raw()?;
        Ok(Grown {
            rows: read.rows.into(),
            n_features: read.n_features,
            is_sparse: read.is_sparse,
            n_skipped: read.n_skipped,
            binning: read.binning,
            names: read.names,
        })
    }

    fn goal_beside(&self, categorical: &[u32], names: &CategoryNames) -> Goal {
        Goal::Raw(categorical.to_vec(), Some(names.clone()))
    }

    as_every_table!();
}

impl Table for Dataset {
    fn grown(growing: Growing<'_>) -> Result<Grown<Self>, TrainerError> {
        growing.raw()
    }

    fn goal_beside(&self, categorical: &[u32], names: &CategoryNames) -> Goal {
        Goal::Raw(categorical.to_vec(), Some(names.clone()))
    }

    as_every_table!();
}

/// Makes both tables as wide as the wider one.
///
/// # Errors
/// [`TrainerError::Widths`] if the narrower one is dense.
pub(super) fn harmonise<T: Table>(
    train: &mut Grown<T>,
    validation: &mut Grown<T>,
) -> Result<(), TrainerError> {
    let (in_train, in_validation) = (train.n_features, validation.n_features);
    let narrower = if in_train < in_validation {
        &*train
    } else {
        &*validation
    };
    if in_train != in_validation && !narrower.is_sparse {
        return Err(TrainerError::Widths {
            in_train,
            in_validation,
        });
    }
    train.rows.widen(in_validation);
    validation.rows.widen(in_train);
    Ok(())
}
