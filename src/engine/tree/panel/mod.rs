//! A table as trees are grown on it: codes by row for histograms, codes by column for dividing rows.
//!
//! Invariants: a tree's [`View`] lists its features, ascending; the cells of the `k`-th of them come from
//! [`View::cells`], one for each bin and the one of what is missing. All forms give the same sums.

mod view;

use crate::bin::{AlignedBytes, BinnedMatrix, Codes, HistogramCuts, SparseCodes, row_stride};
use crate::threads::Threads;

use super::bundle::{Bundles, Member};
use super::column_tree::Columns;
use super::kernel::DenseRows;
use super::listed::ListedColumns;

pub(crate) use view::View;

/// Rows that are copied at a time.
const ROWS_AT_A_TIME: usize = 1 << 14;

/// The training table.
#[derive(Debug)]
pub(crate) struct Panel<'a> {
    cuts: &'a HistogramCuts,
    n_rows: usize,
    form: Form<'a>,
}

#[derive(Debug)]
enum Form<'a> {
    /// Every feature has a column of its own.
    Dense {
        rows: DenseRows<'a>,
        /// Column-major copy `(n_features, n_rows)`: dividing a node reads one column of many rows.
        columns: AlignedBytes,
    },
    /// Features share columns; `rows` has them row-major.
    Bundled {
        rows: AlignedBytes,
        bundles: Bundles,
    },
    Sparse {
        codes: &'a SparseCodes,
        columns: ListedColumns,
    },
}

impl<'a> Panel<'a> {
    /// # Panics
    /// If the codes take two bytes; training refuses such tables.
    pub(crate) fn new(
        matrix: &'a BinnedMatrix,
        cuts: &'a HistogramCuts,
        threads: &Threads,
    ) -> Self {
        let n_rows = matrix.n_rows();
        let form = match matrix.codes() {
            Codes::Dense(codes) => {
                let columns = matrix.columns(threads);
                match Bundles::of(&columns, n_rows, threads) {
                    Some(bundles) => Form::Bundled {
                        rows: by_row(&bundles, n_rows, threads),
                        bundles,
                    },
                    None => Form::Dense {
                        rows: DenseRows {
                            codes,
                            stride: matrix.stride(),
                        },
                        columns,
                    },
                }
            }
            Codes::Sparse(codes) => Form::Sparse {
                codes,
                columns: ListedColumns::new(codes, cuts.n_features()),
            },
            Codes::Wide(_) => unreachable!("training refuses codes of two bytes"),
        };
        Self { cuts, n_rows, form }
    }

    fn member(&self, feature: u32) -> Option<&Member> {
        match &self.form {
            Form::Bundled { bundles, .. } => Some(&bundles.members[feature as usize]),
            Form::Dense { .. } | Form::Sparse { .. } => None,
        }
    }

    /// The column that holds a feature of a dense or bundled panel.
    fn column(&self, feature: u32) -> usize {
        self.member(feature)
            .map_or(feature as usize, |member| member.column)
    }

    /// Its columns, if it has some.
    pub(crate) fn table(&self) -> Option<Columns<'_>> {
        let codes: &[u8] = match &self.form {
            Form::Dense { columns, .. } => columns,
            Form::Bundled { bundles, .. } => &bundles.columns,
            Form::Sparse { .. } => return None,
        };
        let n_rows = self.n_rows;
        Some(Columns { codes, n_rows })
    }

    /// The codes of a feature's column, all rows.
    fn codes_of(&self, feature: u32) -> &[u8] {
        let columns: &[u8] = match &self.form {
            Form::Dense { columns, .. } => columns,
            Form::Bundled { bundles, .. } => &bundles.columns,
            Form::Sparse { .. } => &[],
        };
        &columns[self.column(feature) * self.n_rows..][..self.n_rows]
    }
}

/// Bundled columns, row-major.
fn by_row(bundles: &Bundles, n_rows: usize, threads: &Threads) -> AlignedBytes {
    let stride = row_stride(bundles.n_columns);
    let mut rows = AlignedBytes::zeros(n_rows * stride);
    let parts = rows
        .chunks_mut(ROWS_AT_A_TIME * stride)
        .enumerate()
        .collect();
    threads.for_each(parts, |(part, rows): (usize, &mut [u8])| {
        let first = part * ROWS_AT_A_TIME;
        for (column, codes) in bundles.columns.chunks_exact(n_rows).enumerate() {
            for (row, &code) in rows.chunks_exact_mut(stride).zip(&codes[first..]) {
                row[column] = code;
            }
        }
    });
    rows
}
