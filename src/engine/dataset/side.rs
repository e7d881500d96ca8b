//! What rows bring beside features, label and weight: the query they belong to, a margin to start from, an exposure, the
//! upper bound of a label that is an interval, and further labels.
//!
//! Invariants: a column is there for all rows of a table or for none; margins are finite, exposures finite and above 0,
//! upper bounds not below the label; the rows of a query are adjacent.
//!
//! Source: XGBoost `include/xgboost/data.h`, `MetaInfo`: `group_ptr_`, `base_margin_`, `labels_upper_bound_`, `labels`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use super::{DatasetError, Origin, Targets};

/// A column beside the features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SideColumn {
    /// The query that a row belongs to; its rows are ranked among themselves.
    QueryId,
    /// The margin that a row starts from in place of the base score; one for each output group.
    BaseMargin,
    /// How much a row could count: its logarithm is added to the margin.
    Exposure,
    /// The end of the interval that begins at the label.
    LabelUpperBound,
    /// What is to be predicted beside the label; one for each target but the first.
    FurtherLabel,
}

impl SideColumn {
    /// Every column.
    pub const ALL: [Self; 5] = [
        Self::QueryId,
        Self::BaseMargin,
        Self::Exposure,
        Self::LabelUpperBound,
        Self::FurtherLabel,
    ];

    /// What a value may be, in words.
    pub fn allowed(self) -> &'static str {
        match self {
            Self::QueryId => "a whole number from 0",
            Self::BaseMargin | Self::FurtherLabel => "a finite number",
            Self::Exposure => "a finite number above 0",
            Self::LabelUpperBound => "a number not below the label, or `inf`",
        }
    }

    /// Whether a row with this label may have this value.
    pub fn accepts(self, value: f32, label: f32) -> bool {
        match self {
            Self::QueryId => value >= 0.0 && value.fract() == 0.0,
            Self::BaseMargin | Self::FurtherLabel => value.is_finite(),
            Self::Exposure => value > 0.0 && value.is_finite(),
            Self::LabelUpperBound => value >= label,
        }
    }
}

impl fmt::Display for SideColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueryId => "query id",
            Self::BaseMargin => "base margin",
            Self::Exposure => "exposure",
            Self::LabelUpperBound => "upper bound of the label",
            Self::FurtherLabel => "label",
        })
    }
}

/// The columns beside the features of a few rows; `None` where there is no such column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SideColumns {
    /// `(n_rows,)`.
    pub query_ids: Option<Vec<u64>>,
    /// `(n_rows, n_margins)` row-major.
    pub base_margin: Option<Vec<f32>>,
    /// `(n_rows,)`.
    pub exposure: Option<Vec<f32>>,
    /// `(n_rows,)`.
    pub label_upper_bound: Option<Vec<f32>>,
    /// `(n_rows, n_targets - 1)` row-major.
    pub further_labels: Option<Vec<f32>>,
}

/// How many values a row has in each of [`SideColumn::ALL`].
pub(crate) type Widths = [usize; 5];

impl SideColumns {
    /// Values of a row in each column.
    pub(crate) fn widths(&self, n_rows: usize) -> Widths {
        let width = |len: Option<usize>| len.map_or(0, |len| len / n_rows.max(1));
        [
            width(self.query_ids.as_ref().map(Vec::len)),
            width(self.base_margin.as_ref().map(Vec::len)),
            width(self.exposure.as_ref().map(Vec::len)),
            width(self.label_upper_bound.as_ref().map(Vec::len)),
            width(self.further_labels.as_ref().map(Vec::len)),
        ]
    }

    /// Checks the columns of rows with these labels.
    pub(super) fn check(&self, labels: &[f32], origin: &Origin) -> Result<(), DatasetError> {
        let n_rows = labels.len();
        let n_ids = self.query_ids.as_ref().map_or(n_rows, Vec::len);
        if n_ids != n_rows {
            return Err(shape(origin, n_ids, n_rows));
        }
        for (column, values) in self.reals() {
            let width = match column {
                SideColumn::BaseMargin | SideColumn::FurtherLabel => (values.len() / n_rows).max(1),
                SideColumn::QueryId | SideColumn::Exposure | SideColumn::LabelUpperBound => 1,
            };
            if values.len() != width * n_rows {
                return Err(shape(origin, values.len(), width * n_rows));
            }
            let mut entries = values.iter().enumerate();
            let refused = entries.find(|&(at, &value)| !column.accepts(value, labels[at / width]));
            if let Some((at, &value)) = refused {
                return Err(DatasetError::SideValue {
                    object: origin.object.to_string(),
                    row: origin.first_row + (at / width) as u64,
                    column,
                    value,
                });
            }
        }
        Ok(())
    }

    fn reals(&self) -> impl Iterator<Item = (SideColumn, &Vec<f32>)> {
        let columns = [
            (SideColumn::BaseMargin, &self.base_margin),
            (SideColumn::Exposure, &self.exposure),
            (SideColumn::LabelUpperBound, &self.label_upper_bound),
            (SideColumn::FurtherLabel, &self.further_labels),
        ];
        let present = columns.into_iter();
        present.filter_map(|(column, values)| Some((column, values.as_ref()?)))
    }
}

fn shape(origin: &Origin, found: usize, expected: usize) -> DatasetError {
    DatasetError::Shape {
        origin: origin.clone(),
        found,
        expected,
    }
}

/// The columns beside the features of a whole table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Side {
    /// Where each query begins, and behind the last one the number of rows: `(n_queries + 1,)`.
    pub(crate) group_ptr: Option<Vec<usize>>,
    pub(crate) base_margin: Option<Vec<f32>>,
    pub(crate) exposure: Option<Vec<f32>>,
    pub(crate) label_upper_bound: Option<Vec<f32>>,
    pub(crate) further_labels: Option<Vec<f32>>,
}

impl Side {
    /// Labels and weights of the same rows with what losses and metrics read beside them.
    pub(crate) fn targets<'a>(
        &'a self,
        labels: &'a [f32],
        weights: Option<&'a [f32]>,
    ) -> Targets<'a> {
        Targets::new(labels, weights)
            .bounded(self.label_upper_bound.as_deref())
            .grouped(self.group_ptr.as_deref())
    }

    /// Labels of a row.
    pub(crate) fn n_targets(&self, n_rows: usize) -> usize {
        1 + self.further_labels.as_ref().map_or(0, Vec::len) / n_rows.max(1)
    }

    /// All labels, `(n_rows, n_targets)` row-major; `labels` are the first of each row.
    pub(crate) fn label_matrix<'a>(&self, labels: &'a [f32]) -> Cow<'a, [f32]> {
        let Some(further) = &self.further_labels else {
            return Cow::Borrowed(labels);
        };
        let n_further = self.n_targets(labels.len()) - 1;
        let rows = labels.iter().zip(further.chunks_exact(n_further));
        let matrix = rows.flat_map(|(first, further)| std::iter::once(first).chain(further));
        Cow::Owned(matrix.copied().collect())
    }

    /// The columns of some rows, in this order; whole queries stay whole where all of their rows follow one another.
    pub(crate) fn select(&self, rows: &[u32], n_rows: usize) -> Self {
        let gather = |values: &Option<Vec<f32>>| {
            let values = values.as_ref()?;
            let width = values.len() / n_rows;
            let of_row = |&row: &u32| &values[row as usize * width..][..width];
            Some(rows.iter().flat_map(of_row).copied().collect())
        };
        Self {
            group_ptr: self.group_ptr.as_ref().map(|it| select_groups(it, rows)),
            base_margin: gather(&self.base_margin),
            exposure: gather(&self.exposure),
            label_upper_bound: gather(&self.label_upper_bound),
            further_labels: gather(&self.further_labels),
        }
    }
}

fn select_groups(group_ptr: &[usize], rows: &[u32]) -> Vec<usize> {
    let group_of = |row: u32| group_ptr.partition_point(|&begin| begin <= row as usize);
    let mut starts = Vec::new();
    let mut last = None;
    for (at, &row) in rows.iter().enumerate() {
        let group = Some(group_of(row));
        if group != last {
            starts.push(at);
            last = group;
        }
    }
    starts.push(rows.len());
    starts
}

/// The columns of a table that grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct GrowingSide {
    side: Side,
    n_rows: usize,
    last: Option<u64>,
    seen: HashSet<u64>,
}

impl GrowingSide {
    /// Adds the columns of `n_rows` rows from `origin`, all of which have passed their checks, or none.
    pub(crate) fn append(
        &mut self,
        columns: SideColumns,
        n_rows: usize,
        origin: &Origin,
    ) -> Result<(), DatasetError> {
        if let Some(ids) = &columns.query_ids {
            self.append_queries(ids, origin)?;
        }
        let pairs = [
            (&mut self.side.base_margin, columns.base_margin),
            (&mut self.side.exposure, columns.exposure),
            (&mut self.side.label_upper_bound, columns.label_upper_bound),
            (&mut self.side.further_labels, columns.further_labels),
        ];
        for (to, from) in pairs {
            if let Some(from) = from {
                to.get_or_insert_default().extend(from);
            }
        }
        self.n_rows += n_rows;
        Ok(())
    }

    fn append_queries(&mut self, ids: &[u64], origin: &Origin) -> Result<(), DatasetError> {
        let mut last = self.last;
        let rows = ids.iter().copied().enumerate();
        let begins: Vec<(usize, u64)> = rows
            .filter(|&(_, id)| last.replace(id) != Some(id))
            .collect();
        for (at, &(row, id)) in begins.iter().enumerate() {
            if !self.seen.insert(id) {
                // The table stays as it was before these rows.
                for (_, id) in &begins[..at] {
                    self.seen.remove(id);
                }
                return Err(DatasetError::SplitQuery {
                    object: origin.object.to_string(),
                    row: origin.first_row + row as u64,
                    id,
                });
            }
        }
        let starts = self.side.group_ptr.get_or_insert_default();
        starts.extend(begins.into_iter().map(|(row, _)| self.n_rows + row));
        self.last = last;
        Ok(())
    }

    /// The columns of all rows.
    pub(crate) fn finish(self) -> Side {
        let mut side = self.side;
        if let Some(starts) = &mut side.group_ptr {
            starts.push(self.n_rows);
        }
        side
    }
}
