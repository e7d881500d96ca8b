//! The rows of a request, as whatever content type gave them.
//!
//! Invariants: of dense rows each has every column; of sparse ones what is not listed is missing, and the indexes of a row
//! ascend and are there once. No value is infinite, NaN is missing.

/// Rows that are to be predicted.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rows {
    /// Row-major, `(n_rows, n_columns)`.
    Dense { n_columns: usize, values: Vec<f32> },
    /// Row-major, of the values that there are.
    Sparse {
        /// Columns that rows may have.
        n_columns: usize,
        /// Where each row begins in the other two, `(n_rows + 1,)`.
        indptr: Vec<usize>,
        indices: Vec<u32>,
        values: Vec<f32>,
    },
}

impl Rows {
    /// How many there are.
    pub(super) fn n_rows(&self) -> usize {
        match self {
            Self::Dense { n_columns, values } => values.len() / (*n_columns).max(1),
            Self::Sparse { indptr, .. } => indptr.len() - 1,
        }
    }

    /// Columns of a row.
    pub(super) fn n_columns(&self) -> usize {
        match self {
            Self::Dense { n_columns, .. } | Self::Sparse { n_columns, .. } => *n_columns,
        }
    }
}

/// A row that does not go with the ones before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RowProblem {
    /// Another number of values than the first row.
    #[error("{found} values, expected {expected} as in the first row")]
    Ragged {
        /// Values of the row.
        found: usize,
        /// Values of the first.
        expected: usize,
    },
    /// An index twice.
    #[error("index {0} is there twice")]
    Repeated(u32),
}

/// Dense rows while they are read.
#[derive(Debug, Default)]
pub(super) struct DenseRows {
    n_columns: Option<usize>,
    pub(super) values: Vec<f32>,
    row: usize,
}

impl DenseRows {
    /// Ends a row of the values that were pushed since the last one.
    pub(super) fn end_row(&mut self) -> Result<(), RowProblem> {
        let found = self.values.len() - self.row;
        let expected = *self.n_columns.get_or_insert(found);
        if found != expected {
            return Err(RowProblem::Ragged { found, expected });
        }
        self.row = self.values.len();
        Ok(())
    }

    pub(super) fn finish(self) -> Rows {
        Rows::Dense {
            n_columns: self.n_columns.unwrap_or(0),
            values: self.values,
        }
    }
}

/// Sparse rows while they are read.
#[derive(Debug)]
pub(super) struct SparseRows {
    n_columns: usize,
    indptr: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
    row: Vec<(u32, f32)>,
}

impl Default for SparseRows {
    fn default() -> Self {
        Self {
            n_columns: 0,
            indptr: vec![0],
            indices: Vec::new(),
            values: Vec::new(),
            row: Vec::new(),
        }
    }
}

impl SparseRows {
    /// Adds an entry to the row.
    pub(super) fn push(&mut self, index: u32, value: f32) {
        self.row.push((index, value));
    }

    /// Rows have at least that many columns.
    pub(super) fn widen(&mut self, n_columns: usize) {
        self.n_columns = self.n_columns.max(n_columns);
    }

    /// Ends the row of the entries that were pushed since the last one, in whatever order.
    pub(super) fn end_row(&mut self) -> Result<(), RowProblem> {
        if !self.row.is_sorted_by_key(|it| it.0) {
            self.row.sort_by_key(|it| it.0);
        }
        if let Some(pair) = self.row.windows(2).find(|it| it[0].0 == it[1].0) {
            return Err(RowProblem::Repeated(pair[0].0));
        }
        if let Some(last) = self.row.last() {
            self.n_columns = self.n_columns.max(last.0 as usize + 1);
        }
        for (index, value) in self.row.drain(..) {
            self.indices.push(index);
            self.values.push(value);
        }
        self.indptr.push(self.indices.len());
        Ok(())
    }

    pub(super) fn finish(self) -> Rows {
        Rows::Sparse {
            n_columns: self.n_columns,
            indptr: self.indptr,
            indices: self.indices,
            values: self.values,
        }
    }
}
