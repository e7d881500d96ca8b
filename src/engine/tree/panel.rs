//! A table as trees are grown on it: codes by row for histograms, codes by column for dividing rows.
//!
//! Invariants: a tree's [`View`] lists its features, ascending; the cells of the `k`-th of them are at [`View::cells`],
//! one for each bin and, in the dense form, one more for what is missing. Both forms give the same sums.

use crate::bin::{
    AlignedBytes, BinnedMatrix, CODES, Codes, HistogramCuts, SparseCodes, row_stride,
};
use crate::threads::Threads;

use super::cell::Cell;
use super::kernel::{DenseRows, add_listed, add_rows};
use super::partition::{Rule, divide};
use super::record::Record;
use super::split::FeatureCells;

/// Rows that a tree's columns are copied of at a time.
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
    Dense {
        rows: DenseRows<'a>,
        /// Column-major copy `(n_features, n_rows)`: dividing a node reads one column of many rows.
        columns: AlignedBytes,
    },
    Sparse(&'a SparseCodes),
}

/// The rows of a tree's columns.
#[derive(Debug)]
enum ViewRows<'p> {
    /// As they are in the panel; a sparse panel has none.
    All(DenseRows<'p>),
    /// The tree's columns next to each other.
    Chosen(AlignedBytes, usize),
}

/// What one tree sees of a panel.
#[derive(Debug)]
pub(crate) struct View<'p> {
    panel: &'p Panel<'p>,
    features: Vec<u32>,
    rows: ViewRows<'p>,
}

impl<'a> Panel<'a> {
    /// # Panics
    /// If the codes take two bytes; training refuses such tables.
    pub(crate) fn new(
        matrix: &'a BinnedMatrix,
        cuts: &'a HistogramCuts,
        threads: &Threads,
    ) -> Self {
        let form = match matrix.codes() {
            Codes::Dense(codes) => Form::Dense {
                rows: DenseRows {
                    codes,
                    stride: matrix.stride(),
                },
                columns: matrix.columns(threads),
            },
            Codes::Sparse(codes) => Form::Sparse(codes),
            Codes::Wide(_) => unreachable!("training refuses codes of two bytes"),
        };
        Self {
            cuts,
            n_rows: matrix.n_rows(),
            form,
        }
    }

    /// What a tree of these `features`, ascending, sees.
    pub(crate) fn view<'p>(&'p self, features: Vec<u32>, threads: &Threads) -> View<'p> {
        let rows = match &self.form {
            Form::Dense { rows, .. } if features.len() < self.cuts.n_features() => {
                let stride = row_stride(features.len());
                ViewRows::Chosen(choose(*rows, &features, stride, threads), stride)
            }
            Form::Dense { rows, .. } => ViewRows::All(*rows),
            Form::Sparse(_) => ViewRows::All(DenseRows {
                codes: &[],
                stride: 0,
            }),
        };
        View {
            panel: self,
            features,
            rows,
        }
    }
}

impl View<'_> {
    /// The tree's features.
    pub(crate) fn features(&self) -> &[u32] {
        &self.features
    }

    pub(crate) fn cuts(&self) -> &HistogramCuts {
        self.panel.cuts
    }

    /// Cells of a histogram.
    pub(crate) fn n_cells(&self) -> usize {
        match &self.panel.form {
            Form::Dense { .. } => self.features.len().next_multiple_of(4) * CODES,
            Form::Sparse(codes) => codes.n_slots(),
        }
    }

    /// Additions that a row costs, about.
    pub(crate) fn adds_per_row(&self) -> usize {
        match &self.panel.form {
            Form::Dense { .. } => self.features.len(),
            Form::Sparse(codes) => codes.n_listed() / self.panel.n_rows.max(1) + 1,
        }
    }

    /// Adds `records` to a histogram.
    pub(crate) fn add<C: Cell>(
        &self,
        records: &[Record<C::Unit>],
        histogram: &mut [C],
        threads: &Threads,
    ) {
        match &self.panel.form {
            Form::Dense { .. } => {
                let rows = match &self.rows {
                    ViewRows::All(rows) => *rows,
                    ViewRows::Chosen(codes, stride) => DenseRows {
                        codes,
                        stride: *stride,
                    },
                };
                add_rows(rows, records, histogram, threads.simd());
            }
            Form::Sparse(codes) => add_listed(codes.lists(), records, histogram),
        }
    }

    /// The cells of the `k`-th feature in the histogram of a node of this `total`.
    #[inline(always)]
    pub(crate) fn cells<'h, C: Cell>(
        &self,
        k: usize,
        histogram: &'h [C],
        total: C,
    ) -> FeatureCells<'h, C> {
        let feature = self.features[k];
        let n_bins = self.panel.cuts.n_bins(feature as usize);
        match &self.panel.form {
            Form::Dense { .. } => {
                let column = &histogram[k * CODES..][..CODES];
                FeatureCells {
                    feature,
                    bins: &column[..n_bins],
                    missing: column.get(n_bins).copied().unwrap_or_default(),
                }
            }
            Form::Sparse(codes) => {
                let bins = &histogram[codes.first_slot(feature)..][..n_bins];
                let present = bins.iter().fold(C::default(), |sum, &cell| sum.plus(cell));
                FeatureCells {
                    feature,
                    bins,
                    missing: total.minus(present),
                }
            }
        }
    }

    /// Divides records: those that go left are then at the begin of `records`, the others at the begin of `spare`, each
    /// in their order; the rest of both is scratch. Gives how many go left.
    pub(crate) fn divide<U: Copy>(
        &self,
        rule: &Rule,
        records: &mut [Record<U>],
        spare: &mut [Record<U>],
    ) -> usize {
        match &self.panel.form {
            Form::Dense { columns, .. } => {
                let column =
                    &columns[rule.feature() as usize * self.panel.n_rows..][..self.panel.n_rows];
                divide(records, spare, |row| rule.goes_left(column[row as usize]))
            }
            Form::Sparse(codes) => divide(records, spare, |row| {
                self.goes_left_listed(codes, rule, row)
            }),
        }
    }

    /// Calls `found` with each record and whether it goes left.
    #[inline(always)]
    pub(crate) fn for_each_side<U>(
        &self,
        rule: &Rule,
        records: &[Record<U>],
        mut found: impl FnMut(u32, bool),
    ) {
        match &self.panel.form {
            Form::Dense { columns, .. } => {
                let column =
                    &columns[rule.feature() as usize * self.panel.n_rows..][..self.panel.n_rows];
                for record in records {
                    found(record.row, rule.goes_left(column[record.row as usize]));
                }
            }
            Form::Sparse(codes) => {
                for record in records {
                    found(record.row, self.goes_left_listed(codes, rule, record.row));
                }
            }
        }
    }

    fn goes_left_listed(&self, codes: &SparseCodes, rule: &Rule, row: u32) -> bool {
        match codes.code(row as usize, rule.feature()) {
            Some(code) => rule.goes_left(code),
            None => rule.missing_goes_left(),
        }
    }
}

/// Copies the columns `features` of all rows, so that a tree of few columns reads few bytes.
fn choose(rows: DenseRows<'_>, features: &[u32], stride: usize, threads: &Threads) -> AlignedBytes {
    let n_rows = rows.codes.len() / rows.stride.max(1);
    let mut chosen = AlignedBytes::zeros(n_rows * stride);
    let parts = chosen
        .chunks_mut(ROWS_AT_A_TIME * stride.max(1))
        .zip(rows.codes.chunks(ROWS_AT_A_TIME * rows.stride.max(1)))
        .collect();
    threads.for_each(parts, |(to, from): (&mut [u8], &[u8])| {
        for (to, from) in to
            .chunks_exact_mut(stride)
            .zip(from.chunks_exact(rows.stride))
        {
            for (to, &feature) in to.iter_mut().zip(features) {
                *to = from[feature as usize];
            }
        }
    });
    chosen
}
