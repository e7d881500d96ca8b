//! A table by columns, as linear models are trained on it: raw values, since a weight is multiplied by a value.
//!
//! Invariants: a column holds every row's value, or lists the rows whose value is not 0, ascending, where that takes less
//! memory; so a value takes 4 bytes, or one that is not 0 takes 8. What is missing is 0, as it is for a linear model: it
//! adds nothing. Which form a column has follows from its values alone, not from how they were written down.

use crate::dataset::content::{Sink, floats, numbers};
use crate::dataset::{Chunk, Dataset, Side, TileFeatures, beside_features};

/// A table by columns, with labels and what else a row brings.
#[derive(Clone, Debug)]
pub struct ColumnTable {
    columns: Vec<Column>,
    labels: Vec<f32>,
    weights: Option<Vec<f32>>,
    side: Side,
}

/// The values of one feature.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    /// `(n_rows,)`.
    Whole(Vec<f32>),
    /// Those that are not 0.
    Listed {
        /// Ascending.
        rows: Vec<u32>,
        /// One for each of `rows`.
        values: Vec<f32>,
    },
}

impl Column {
    /// An empty column of `n_rows` rows, `n_listed` of which will have a value.
    fn new(n_rows: usize, n_listed: usize) -> Self {
        if n_listed * 2 >= n_rows {
            Self::Whole(vec![0.0; n_rows])
        } else {
            Self::Listed {
                rows: Vec::with_capacity(n_listed),
                values: Vec::with_capacity(n_listed),
            }
        }
    }

    fn set(&mut self, row: usize, value: f32) {
        match self {
            Self::Whole(values) => values[row] = value,
            Self::Listed { rows, values } => {
                rows.push(row as u32);
                values.push(value);
            }
        }
    }

    /// The column of some rows, in this order; `places` has the place of each row among them.
    fn select(&self, rows: &[u32], places: &[u32]) -> Self {
        match self {
            Self::Whole(values) => {
                Self::Whole(rows.iter().map(|&row| values[row as usize]).collect())
            }
            Self::Listed {
                rows: listed,
                values,
            } => {
                let entries = listed.iter().zip(values);
                let mut kept: Vec<(u32, f32)> = entries
                    .map(|(&row, &value)| (places[row as usize], value))
                    .filter(|(place, _)| *place != NOWHERE)
                    .collect();
                kept.sort_unstable_by_key(|(place, _)| *place);
                let (rows, values) = kept.into_iter().unzip();
                Self::Listed { rows, values }
            }
        }
    }
}

/// The place of a row that is not selected.
const NOWHERE: u32 = u32::MAX;

impl From<Dataset> for ColumnTable {
    /// Turns rows into columns, tile by tile, and lets the tiles go.
    fn from(mut data: Dataset) -> Self {
        let n_rows = data.n_rows();
        let mut n_listed = vec![0_usize; data.n_features()];
        for chunk in data.chunks() {
            each_value(chunk, |_, feature, _| n_listed[feature] += 1);
        }
        let mut columns: Vec<Column> = n_listed
            .into_iter()
            .map(|it| Column::new(n_rows, it))
            .collect();
        for chunk in data.take_chunks() {
            each_value(&chunk, |row, feature, value| {
                columns[feature].set(row, value);
            });
        }
        let (labels, weights, side) = data.into_targets();
        Self {
            columns,
            labels,
            weights,
            side,
        }
    }
}

/// Calls `found` with row, feature and value of all that is neither missing nor 0; a feature's rows ascend.
fn each_value(chunk: &Chunk, mut found: impl FnMut(usize, usize, f32)) {
    let counts = |value: f32| !value.is_nan() && value != 0.0;
    match &chunk.features {
        TileFeatures::Dense { values, .. } => {
            let n_rows = chunk.rows.len().max(1);
            for (feature, values) in values.chunks_exact(n_rows).enumerate() {
                let values = values.iter().copied();
                let kept = values.enumerate().filter(|&(_, value)| counts(value));
                kept.for_each(|(row, value)| found(chunk.rows.start + row, feature, value));
            }
        }
        TileFeatures::Csr {
            indptr,
            indices,
            values,
        } => {
            for (row, bounds) in indptr.windows(2).enumerate() {
                let entries = bounds[0]..bounds[1];
                let entries = indices[entries.clone()].iter().zip(&values[entries]);
                for (&feature, &value) in entries.filter(|(_, value)| counts(**value)) {
                    found(chunk.rows.start + row, feature as usize, value);
                }
            }
        }
    }
}

beside_features!(ColumnTable);

impl ColumnTable {
    /// Columns.
    pub fn n_features(&self) -> usize {
        self.columns.len()
    }

    /// Gives all that training reads of this table to `sink`, piece by piece.
    pub fn for_each_piece(&self, sink: Sink<'_>) {
        self.side
            .for_each_piece((&self.labels, self.weights()), sink);
        for column in &self.columns {
            match column {
                Column::Whole(values) => floats("whole", Some(values), sink),
                Column::Listed { rows, values } => {
                    numbers("rows", rows, |it| it.to_le_bytes(), sink);
                    floats("values", Some(values), sink);
                }
            }
        }
    }

    /// Adds columns without values until there are `n_features`; does nothing if there are that many.
    pub fn widen(&mut self, n_features: usize) {
        let n_rows = self.n_rows();
        while self.columns.len() < n_features {
            self.columns.push(Column::new(n_rows, 0));
        }
    }

    /// The table of these rows, in this order, with what stands beside them.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn select(&self, rows: &[u32]) -> Self {
        let mut places = vec![NOWHERE; self.n_rows()];
        for (place, &row) in rows.iter().enumerate() {
            places[row as usize] = place as u32;
        }
        let gather = |values: &[f32]| rows.iter().map(|&row| values[row as usize]).collect();
        let columns = self.columns.iter();
        Self {
            columns: columns.map(|it| it.select(rows, &places)).collect(),
            labels: gather(&self.labels),
            weights: self.weights.as_deref().map(gather),
            side: self.side.select(rows, self.n_rows()),
        }
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }
}
