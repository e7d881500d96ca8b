//! What a request's rows bring beside their features: the exposure and the base margin that a model was trained with.
//!
//! Invariants: a column that the environment names is taken out of every row and is no feature then. Of dense rows the
//! columns behind it move up, as in training on CSV; in sparse rows every other index stays what it was, as in training on
//! libsvm. Every row has the value, and it is one that is allowed.

use engine::dataset::{SideColumn, SideColumns};

use super::rows::Rows;

/// Which columns of a row are no features, from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SidePlan {
    pub(super) exposure: Option<usize>,
    /// One for each output.
    pub(super) base_margin: Vec<usize>,
}

/// Why a row's value beside the features was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum SideError {
    /// Rows end before the column.
    #[error("there is no column {column} for the {what}, rows have {found}")]
    NoColumn {
        /// What should be there.
        what: SideColumn,
        /// Where, from 0.
        column: usize,
        /// Columns of a row.
        found: usize,
    },
    /// A value is missing or not allowed.
    #[error("row {row}: {what} `{value}`, allowed is {}", what.allowed())]
    Value {
        /// The row, from 1.
        row: usize,
        /// What should be there.
        what: SideColumn,
        /// What is there.
        value: f32,
    },
}

impl SidePlan {
    /// Whether every column is a feature.
    pub(super) fn is_empty(&self) -> bool {
        self.exposure.is_none() && self.base_margin.is_empty()
    }

    /// A column that is named as two things.
    pub(super) fn repeated(&self) -> Option<usize> {
        let columns = self.columns();
        let mut later = columns.iter().enumerate();
        let is_earlier = |at: usize, it: usize| columns[..at].iter().any(|earlier| earlier.0 == it);
        later
            .find(|(at, it)| is_earlier(*at, it.0))
            .map(|(_, it)| it.0)
    }

    /// Whether a column is named.
    pub(super) fn has(&self, what: SideColumn) -> bool {
        self.columns().iter().any(|it| it.1 == what)
    }

    /// Whether a column is no feature.
    pub(super) fn names(&self, column: usize) -> bool {
        self.columns().iter().any(|it| it.0 == column)
    }

    /// The columns, and what they hold; those of the base margin in its order.
    fn columns(&self) -> Vec<(usize, SideColumn)> {
        let exposure = self.exposure.map(|it| (it, SideColumn::Exposure));
        let margins = self.base_margin.iter();
        let margins = margins.map(|&it| (it, SideColumn::BaseMargin));
        exposure.into_iter().chain(margins).collect()
    }

    /// Takes the columns out of `rows`.
    ///
    /// # Errors
    /// [`SideError`] for the first row that does not bring them.
    pub(super) fn split(&self, rows: Rows) -> Result<(Rows, SideColumns), SideError> {
        let columns = self.columns();
        let (rows, values) = match rows {
            Rows::Dense { n_columns, values } => split_dense(&columns, n_columns, &values)?,
            Rows::Sparse {
                n_columns,
                indptr,
                indices,
                values,
            } => {
                let mut sparse = Sparse::default();
                for row in indptr.windows(2) {
                    let entries = row[0]..row[1];
                    sparse.push(&columns, &indices[entries.clone()], &values[entries]);
                }
                sparse.finish(n_columns)
            }
        };
        let side = gathered(&columns, &values)?;
        Ok((rows, side))
    }
}

fn split_dense(
    columns: &[(usize, SideColumn)],
    n_columns: usize,
    values: &[f32],
) -> Result<(Rows, Vec<f32>), SideError> {
    if let Some(&(column, what)) = columns.iter().find(|it| it.0 >= n_columns) {
        return Err(SideError::NoColumn {
            what,
            column,
            found: n_columns,
        });
    }
    let is_feature: Vec<bool> = (0..n_columns)
        .map(|it| columns.iter().all(|named| named.0 != it))
        .collect();
    let (mut features, mut side) = (Vec::new(), Vec::new());
    for row in values.chunks_exact(n_columns) {
        let kept = row.iter().zip(&is_feature).filter(|it| *it.1);
        features.extend(kept.map(|it| *it.0));
        side.extend(columns.iter().map(|it| row[it.0]));
    }
    let rows = Rows::Dense {
        n_columns: n_columns - columns.len(),
        values: features,
    };
    Ok((rows, side))
}

/// Sparse rows without what is no feature.
struct Sparse {
    indptr: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
    side: Vec<f32>,
}

impl Default for Sparse {
    fn default() -> Self {
        Self {
            indptr: vec![0],
            indices: Vec::new(),
            values: Vec::new(),
            side: Vec::new(),
        }
    }
}

impl Sparse {
    fn push(&mut self, columns: &[(usize, SideColumn)], indices: &[u32], values: &[f32]) {
        let of = |column: usize| indices.iter().position(|&it| it as usize == column);
        let side = columns.iter().map(|it| of(it.0));
        self.side
            .extend(side.map(|at| at.map_or(f32::NAN, |at| values[at])));
        for (&index, &value) in indices.iter().zip(values) {
            if columns.iter().all(|it| it.0 != index as usize) {
                self.indices.push(index);
                self.values.push(value);
            }
        }
        self.indptr.push(self.indices.len());
    }

    fn finish(self, n_columns: usize) -> (Rows, Vec<f32>) {
        // A named index behind the features is no reason for rows to be too wide.
        let used = self.indices.iter().max().map_or(0, |it| *it as usize + 1);
        let rows = Rows::Sparse {
            n_columns: n_columns.min(used),
            indptr: self.indptr,
            indices: self.indices,
            values: self.values,
        };
        (rows, self.side)
    }
}

/// Checks values, `(n_rows, n_columns)` row-major, and puts those of a kind together.
fn gathered(columns: &[(usize, SideColumn)], values: &[f32]) -> Result<SideColumns, SideError> {
    let mut side = SideColumns::default();
    for (row, values) in values.chunks_exact(columns.len().max(1)).enumerate() {
        for (&(_, what), &value) in columns.iter().zip(values) {
            if !what.accepts(value, 0.0) {
                let row = row + 1;
                return Err(SideError::Value { row, what, value });
            }
            let column = match what {
                SideColumn::Exposure => &mut side.exposure,
                SideColumn::BaseMargin => &mut side.base_margin,
                // The plan names none of them.
                SideColumn::QueryId | SideColumn::LabelUpperBound | SideColumn::FurtherLabel => {
                    continue;
                }
            };
            column.get_or_insert_default().push(value);
        }
    }
    Ok(side)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> SidePlan {
        SidePlan {
            exposure: Some(1),
            base_margin: vec![3, 0],
        }
    }

    #[test]
    fn columns_of_dense_rows_are_taken_out() {
        let rows = Rows::Dense {
            n_columns: 4,
            values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
        };
        let (rows, side) = plan().split(rows).unwrap();
        let expected = Rows::Dense {
            n_columns: 1,
            values: vec![3.0, 7.0],
        };
        assert_eq!(rows, expected);
        assert_eq!(side.exposure, Some(vec![2.0, 6.0]));
        assert_eq!(side.base_margin, Some(vec![4.0, 1.0, 8.0, 5.0]));
    }

    #[test]
    fn other_indexes_of_sparse_rows_stay() {
        let rows = Rows::Sparse {
            n_columns: 4,
            indptr: vec![0, 4],
            indices: vec![0, 1, 2, 3],
            values: vec![1.0, 2.0, 3.0, 4.0],
        };
        let (rows, side) = plan().split(rows).unwrap();
        let expected = Rows::Sparse {
            n_columns: 3,
            indptr: vec![0, 1],
            indices: vec![2],
            values: vec![3.0],
        };
        assert_eq!(rows, expected);
        assert_eq!(side.base_margin, Some(vec![4.0, 1.0]));
    }

    #[test]
    fn a_row_without_its_value_is_named() {
        let rows = Rows::Dense {
            n_columns: 4,
            values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 0.0, 7.0, 8.0],
        };
        let told = plan().split(rows).unwrap_err().to_string();
        assert_eq!(
            told,
            "row 2: exposure `0`, allowed is a finite number above 0"
        );
        let rows = Rows::Dense {
            n_columns: 2,
            values: vec![1.0, 2.0],
        };
        let told = plan().split(rows).unwrap_err().to_string();
        assert_eq!(
            told,
            "there is no column 3 for the base margin, rows have 2"
        );
    }
}
