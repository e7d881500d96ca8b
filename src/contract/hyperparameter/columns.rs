//! Columns that are not features, as a job declares them.
//!
//! Invariant: a column is declared once. Whether it is there, only the reader of a channel can tell: by its number from 0
//! as it lies in the file, the label being number 0, or by its name where files have names.

use engine::dataset::SideColumn;

/// The declared columns beside label, weight and features; each is a number from 0, or a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeclaredColumns {
    /// `qid_column`.
    pub qid: Option<String>,
    /// `base_margin_columns`: one for each output group.
    pub base_margin: Vec<String>,
    /// `exposure_column`.
    pub exposure: Option<String>,
    /// `label_upper_bound_column`.
    pub label_upper_bound: Option<String>,
    /// `label_columns`: the first column of the files, and the columns of further labels.
    pub labels: Vec<String>,
}

/// A column, what it is, and the hyperparameter that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclaredColumn<'a> {
    /// The hyperparameter's name.
    pub hyperparameter: &'static str,
    /// What the column holds.
    pub column: SideColumn,
    /// Its number from 0, or its name.
    pub text: &'a str,
}

impl DeclaredColumns {
    /// Labels of a row.
    pub fn n_targets(&self) -> usize {
        self.labels.len().max(1)
    }

    /// What is said of the label, which is the first column.
    pub fn first_label(&self) -> Option<&str> {
        self.labels.first().map(String::as_str)
    }

    /// Whether none is declared.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The columns beside the label, those of the base margin and of further labels in their order.
    pub fn iter(&self) -> impl Iterator<Item = DeclaredColumn<'_>> {
        SideColumn::ALL.into_iter().flat_map(|column| {
            let texts: Vec<&str> = match column {
                SideColumn::QueryId => self.qid.as_deref().into_iter().collect(),
                SideColumn::BaseMargin => self.base_margin.iter().map(String::as_str).collect(),
                SideColumn::Exposure => self.exposure.as_deref().into_iter().collect(),
                SideColumn::LabelUpperBound => {
                    self.label_upper_bound.as_deref().into_iter().collect()
                }
                SideColumn::FurtherLabel => {
                    self.labels.iter().skip(1).map(String::as_str).collect()
                }
            };
            texts.into_iter().map(move |text| DeclaredColumn {
                hyperparameter: hyperparameter(column),
                column,
                text,
            })
        })
    }
}

/// The hyperparameter that declares a column.
pub fn hyperparameter(column: SideColumn) -> &'static str {
    match column {
        SideColumn::QueryId => "qid_column",
        SideColumn::BaseMargin => "base_margin_columns",
        SideColumn::Exposure => "exposure_column",
        SideColumn::LabelUpperBound => "label_upper_bound_column",
        SideColumn::FurtherLabel => "label_columns",
    }
}
