//! The columns beside the features: where the job says that they are, and what may stand in them.
//!
//! Invariants: a column that is declared is not a feature; every row has a value in it, but for the upper bound of a
//! label, whose absence is infinity. Query ids are read as whole numbers and never by way of `f32`, which would take
//! neighbours for one.

use contract::hyperparameter::{DeclaredColumn, DeclaredColumns};
use engine::dataset::{SideColumn, SideColumns};

use super::libsvm::MAX_INDEX;
use super::number::{parse_digits, shown, whole};

/// Which columns beside label and features the job wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SideOptions {
    /// Columns by number or name.
    pub declared: DeclaredColumns,
    /// What becomes of the queries that libsvm files bring by themselves.
    pub queries: Queries,
}

/// What becomes of `qid:`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Queries {
    /// It must be a number, and is left out.
    #[default]
    Ignored,
    /// It is read.
    Read,
}

/// Why a column beside the features was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SideProblem {
    /// Rows have no such column.
    #[error(
        "Hyperparameter {hyperparameter}: there is no column `{text}`, allowed are {first} to {last}, counted from 0 for the label"
    )]
    NoColumn {
        /// The hyperparameter.
        hyperparameter: &'static str,
        /// What it says.
        text: String,
        /// The first column behind label and weight.
        first: usize,
        /// The last column.
        last: usize,
    },
    /// libsvm has no such index.
    #[error(
        "Hyperparameter {hyperparameter}: `{text}` is not an index, allowed are whole numbers from 0 to {MAX_INDEX}"
    )]
    NoIndex {
        /// The hyperparameter.
        hyperparameter: &'static str,
        /// What it says.
        text: String,
    },
    /// A name that no column has.
    #[error(
        "Hyperparameter {hyperparameter}: there is no column `{text}`, allowed are names of columns and {first} to {last}{}",
        did_you_mean(nearest.as_deref())
    )]
    NoName {
        /// The hyperparameter.
        hyperparameter: &'static str,
        /// What it says.
        text: String,
        /// The first column behind label and weight.
        first: u32,
        /// The last column.
        last: u32,
        /// The nearest name.
        nearest: Option<Box<str>>,
    },
    /// The column is something else already.
    #[error("Hyperparameter {hyperparameter}: column `{text}` is {by} already")]
    Taken {
        /// The hyperparameter.
        hyperparameter: &'static str,
        /// What it says.
        text: String,
        /// What the column is.
        by: &'static str,
    },
    /// The first label is not the first column.
    #[error(
        "Hyperparameter label_columns: begins with `{text}`, but the first label is the first column, {expected}"
    )]
    FirstLabel {
        /// What it begins with.
        text: String,
        /// What the first column may be called.
        expected: String,
    },
    /// libsvm has one label a row.
    #[error(
        "Hyperparameter label_columns: a row of libsvm has one label; use text/csv or application/x-parquet"
    )]
    OneLabel,
    /// libsvm has its own way to say it.
    #[error(
        "Hyperparameter qid_column: libsvm has no column for it; write `label qid:Q index:value ...` on every line"
    )]
    QueryColumn,
    /// Some rows have a query and others have none.
    #[error("the row has {} query, while the first row of the channel has {}", if *.expected { "no" } else { "a" }, if *.expected { "one" } else { "none" })]
    MixedQueries {
        /// Whether the first row has one.
        expected: bool,
    },
    /// The cell is empty.
    #[error("the {column} is missing, every row needs {}", column.allowed())]
    Missing {
        /// What the column holds.
        column: SideColumn,
    },
    /// The value is not allowed.
    #[error("{column} `{value}` is not allowed, allowed is {}", column.allowed())]
    Value {
        /// What the column holds.
        column: SideColumn,
        /// The cell.
        value: String,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |it| format!("; did you mean `{it}`?"))
}

impl SideProblem {
    /// Whether one cell is to blame.
    pub(super) fn is_of_cell(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Value { .. })
    }
}

impl SideOptions {
    /// The numbers of the declared columns in rows of `n_columns`, of which the first `n_leading` are label and weight.
    ///
    /// # Errors
    /// [`SideProblem`] for what is no number of a column, and for a column that is something else.
    pub fn numbered(
        &self,
        n_columns: usize,
        n_leading: usize,
    ) -> Result<Vec<(usize, SideColumn)>, SideProblem> {
        if let Some(text) = self.declared.first_label().filter(|it| *it != "0") {
            return Err(SideProblem::FirstLabel {
                text: text.to_owned(),
                expected: "`0`".to_owned(),
            });
        }
        let mut found = Vec::new();
        for DeclaredColumn {
            hyperparameter,
            column,
            text,
        } in self.declared.iter()
        {
            let number = text.parse().ok().filter(|it| *it < n_columns);
            let Some(number) = number else {
                return Err(SideProblem::NoColumn {
                    hyperparameter,
                    text: text.to_owned(),
                    first: n_leading,
                    last: n_columns - 1,
                });
            };
            if let Some(by) = taken(number, n_leading, &found) {
                return Err(SideProblem::Taken {
                    hyperparameter,
                    text: text.to_owned(),
                    by,
                });
            }
            found.push((number, column));
        }
        Ok(found)
    }
}

/// What the column `number` is already.
pub(super) fn taken(
    number: usize,
    n_leading: usize,
    found: &[(usize, SideColumn)],
) -> Option<&'static str> {
    match number {
        0 => Some("the label's"),
        1 if n_leading > 1 => Some("the weight's, since csv_weights is 1,"),
        _ if found.iter().any(|(it, _)| *it == number) => Some("declared"),
        _ => None,
    }
}

/// Checks a value; NaN is missing.
pub(super) fn check(column: SideColumn, value: f32, label: f32) -> Result<(), SideProblem> {
    if value.is_nan() && column != SideColumn::LabelUpperBound {
        return Err(SideProblem::Missing { column });
    }
    if column.accepts(complete(column, value), label) {
        Ok(())
    } else {
        Err(SideProblem::Value {
            column,
            value: value.to_string(),
        })
    }
}

/// What a value that is missing stands for, where it stands for something.
pub(super) fn complete(column: SideColumn, value: f32) -> f32 {
    match column {
        SideColumn::LabelUpperBound if value.is_nan() => f32::INFINITY,
        SideColumn::QueryId
        | SideColumn::BaseMargin
        | SideColumn::Exposure
        | SideColumn::LabelUpperBound
        | SideColumn::FurtherLabel => value,
    }
}

/// The columns beside the features, but for the query, of rows that lie one behind the other, `(n_rows, n_columns)`;
/// `side` says where in a row they are.
pub(super) fn gather(rows: &[f32], n_columns: usize, side: &[(usize, SideColumn)]) -> SideColumns {
    let reals = |column: SideColumn| {
        let of_column = side.iter().filter(|(_, it)| *it == column);
        let numbers: Vec<usize> = of_column.map(|(number, _)| *number).collect();
        let cell = |cell: f32| complete(column, cell);
        let rows = rows.chunks_exact(n_columns.max(1));
        let cells = rows.flat_map(|row| numbers.iter().map(|&number| cell(row[number])));
        (!numbers.is_empty()).then(|| cells.collect())
    };
    SideColumns {
        query_ids: None,
        base_margin: reals(SideColumn::BaseMargin),
        exposure: reals(SideColumn::Exposure),
        label_upper_bound: reals(SideColumn::LabelUpperBound),
        further_labels: reals(SideColumn::FurtherLabel),
    }
}

/// Why a number is no query id; NaN is missing.
pub(super) fn no_query(value: f64) -> SideProblem {
    let column = SideColumn::QueryId;
    if value.is_nan() {
        return SideProblem::Missing { column };
    }
    SideProblem::Value {
        column,
        value: value.to_string(),
    }
}

/// Reads a query id.
///
/// # Errors
/// [`SideProblem`] if the cell is empty or not a whole number from 0.
pub(super) fn parse_query(cell: &[u8]) -> Result<u64, SideProblem> {
    let cell = cell.trim_ascii();
    let bare = cell.strip_prefix(b"\"").unwrap_or(cell);
    let bare = bare.strip_suffix(b"\"").unwrap_or(bare).trim_ascii();
    if bare.is_empty() {
        return Err(SideProblem::Missing {
            column: SideColumn::QueryId,
        });
    }
    let id = parse_digits(bare).or_else(|| whole(fast_float2::parse(bare).ok()?));
    id.ok_or_else(|| SideProblem::Value {
        column: SideColumn::QueryId,
        value: shown(cell),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_ids_are_whole_numbers_of_any_length() {
        for (text, expected) in [
            ("7", Some(7)),
            (" 16777217 ", Some(16_777_217)),
            ("18446744073709551615", Some(u64::MAX)),
            ("\"3\"", Some(3)),
            ("3.0", Some(3)),
            ("1e3", Some(1000)),
            ("3.5", None),
            ("-1", None),
            ("", None),
            ("abc", None),
            ("18446744073709551616", None),
        ] {
            assert_eq!(parse_query(text.as_bytes()).ok(), expected, "{text}");
        }
    }

    #[test]
    fn an_upper_bound_may_be_missing_and_nothing_else_may() {
        assert!(check(SideColumn::LabelUpperBound, f32::NAN, 3.0).is_ok());
        assert!(check(SideColumn::LabelUpperBound, 2.0, 3.0).is_err());
        for column in [SideColumn::BaseMargin, SideColumn::Exposure] {
            assert_eq!(
                check(column, f32::NAN, 3.0),
                Err(SideProblem::Missing { column })
            );
        }
        let said = check(SideColumn::Exposure, -2.0, 3.0)
            .unwrap_err()
            .to_string();
        assert_eq!(
            said,
            "exposure `-2` is not allowed, allowed is a finite number above 0"
        );
    }
}
