//! What the cells of a row are, for CSV and the formats that bring the same cells as numbers: the label, perhaps a weight, then the features,
//! and among them what the job declares to be something else.
//!
//! Invariant: label and weight are never missing, a feature is a finite number or missing, and columns are numbered from 0
//! for the label.

use engine::dataset::SideColumn;
use engine::objective::LabelError;

use super::csv::CsvOptions;
use super::error::Place;
use super::labels::{LabelRule, is_weight};
use super::rows::{Columns, NoFeature};
use super::side::{self, SideProblem};

/// The most columns that are read: as many as libsvm can number.
pub const MAX_COLUMNS: usize = 1 << 20;

/// Why the cells of a row were refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RowProblem {
    /// The label is missing.
    #[error("the label is missing, every row needs one")]
    NoLabel,
    /// The objective cannot learn from the label.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// The weight cannot be one.
    #[error("weight `{0}` is not allowed, allowed are finite numbers from 0")]
    Weight(String),
    /// A column beside the features is not what it should be.
    #[error(transparent)]
    Side(#[from] SideProblem),
    /// A number is infinite, or too large for 32 bits.
    #[error(
        "`{0}` is infinite or beyond 32-bit floating point, allowed are finite numbers up to 3.4e38"
    )]
    Infinite(f64),
    /// There are more columns than a model can have.
    #[error("{0} columns, allowed are up to {MAX_COLUMNS}")]
    TooManyColumns(u64),
    /// The row is wider or narrower than the first one.
    #[error("{found} columns, expected {expected} as in {fixed_by}")]
    Ragged {
        /// Cells in this row, label and weight among them.
        found: usize,
        /// Cells in the first row.
        expected: usize,
        /// The first row.
        fixed_by: Place,
    },
    /// There is no room for a feature.
    #[error(transparent)]
    NoFeature(#[from] NoFeature),
}

impl RowProblem {
    /// What to do about it, where that is not plain.
    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Weight(_) | Self::NoFeature(NoFeature { weighted: true, .. }) => {
                "csv_weights is 1, so the second column holds weights"
            }
            Self::Ragged { .. } => "all files of a channel have the same columns",
            Self::NoLabel
            | Self::Label(_)
            | Self::Side(_)
            | Self::Infinite(_)
            | Self::TooManyColumns(_)
            | Self::NoFeature(_) => return None,
        };
        Some(hint.to_owned())
    }
}

/// How the cells of a channel's rows lie.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RowLayout {
    pub(super) columns: Columns,
    /// The column of the query.
    pub(super) query: Option<usize>,
    labels: LabelRule,
}

impl RowLayout {
    /// The layout of rows of `n_columns` cells.
    pub(super) fn new(n_columns: usize, options: &CsvOptions) -> Result<Self, RowProblem> {
        if n_columns > MAX_COLUMNS {
            return Err(RowProblem::TooManyColumns(n_columns as u64));
        }
        // Words are CSV's and Parquet's; a code is a number.
        let columns = Columns::of(n_columns, options)?;
        Ok(Self {
            query: columns.query(),
            columns,
            labels: options.labels,
        })
    }

    /// Checks a cell, if it is the label or the weight.
    pub(super) fn check_leading(&self, column: usize, value: f32) -> Result<(), RowProblem> {
        if column == 0 {
            check_label(self.labels, value)?;
        } else if column < self.columns.n_leading() && !is_weight(value) {
            return Err(RowProblem::Weight(value.to_string()));
        }
        Ok(())
    }

    /// Checks a cell beside the features.
    pub(super) fn check_side(
        &self,
        column: SideColumn,
        value: f32,
        label: f32,
    ) -> Result<(), RowProblem> {
        match column {
            SideColumn::FurtherLabel => check_label(self.labels, value),
            SideColumn::QueryId
            | SideColumn::BaseMargin
            | SideColumn::Exposure
            | SideColumn::LabelUpperBound => Ok(side::check(column, value, label)?),
        }
    }

    /// Checks a row of as many cells as the layout has, and gives the column that does not fit.
    pub(super) fn check(&self, row: &[f32]) -> Result<(), (usize, RowProblem)> {
        let label = row[0];
        for (column, &value) in row.iter().enumerate().take(self.columns.n_leading()) {
            self.check_leading(column, value)
                .map_err(|it| (column, it))?;
        }
        for &(number, column) in &self.columns.side {
            self.check_side(column, row[number], label)
                .map_err(|it| (number, it))?;
        }
        let is_bound = |at: usize| {
            let mut side = self.columns.side.iter();
            side.any(|it| *it == (at, SideColumn::LabelUpperBound))
        };
        // Without an early end, so that several are looked at at once.
        let all_finite = row.iter().fold(true, |all, it| all & !it.is_infinite());
        let infinite = || {
            let mut cells = row.iter().enumerate();
            cells.find(|(at, it)| it.is_infinite() && !is_bound(*at))
        };
        match (!all_finite).then(infinite).flatten() {
            Some((at, &value)) => Err((at, RowProblem::Infinite(f64::from(value)))),
            None => Ok(()),
        }
    }
}

/// Checks a label; NaN is missing.
pub(super) fn check_label(rule: LabelRule, label: f32) -> Result<(), RowProblem> {
    if label.is_nan() {
        return Err(RowProblem::NoLabel);
    }
    if label.is_infinite() {
        return Err(RowProblem::Infinite(f64::from(label)));
    }
    Ok(rule.check(label)?)
}
