//! What one tree sees of a table: its features, the columns that hold them, and how rows are added and divided.
//!
//! Invariant: features and columns ascend; whatever the panel's form, a feature has a cell for each bin and one for what
//! is missing.

use std::ops::Range;

use crate::bin::{AlignedBytes, CODES, HistogramCuts, row_stride};
use crate::threads::Threads;

use super::super::bin_set::Cut;
use super::super::cell::Cell;
use super::super::column_tree::{ColumnSplit, Side};
use super::super::follow::CodeTree;
use super::super::kernel::{DenseRows, add_listed, add_rows};
use super::super::partition::{Rule, divide};
use super::super::record::Record;
use super::super::split::FeatureCells;
use super::{Form, Panel, ROWS_AT_A_TIME};

/// What one tree sees of a panel.
#[derive(Debug)]
pub(crate) struct View<'p> {
    panel: &'p Panel<'p>,
    features: Vec<u32>,
    /// The columns that hold them, ascending; empty for the sparse form.
    columns: Vec<usize>,
    rows: ViewRows<'p>,
}

/// The rows of a tree's columns.
#[derive(Debug)]
enum ViewRows<'p> {
    /// As they are in the panel; a sparse panel has none.
    All(DenseRows<'p>),
    /// The tree's columns next to each other, where they are not all.
    Chosen(AlignedBytes, usize),
}

impl Panel<'_> {
    /// What a tree of these `features`, ascending, sees.
    pub(crate) fn view<'p>(&'p self, features: Vec<u32>, threads: &Threads) -> View<'p> {
        let (rows, n_columns) = match &self.form {
            Form::Dense { rows, .. } => (*rows, self.cuts.n_features()),
            Form::Bundled { rows, bundles } => {
                let stride = row_stride(bundles.n_columns);
                (
                    DenseRows {
                        codes: rows,
                        stride,
                    },
                    bundles.n_columns,
                )
            }
            Form::Sparse { .. } => (
                DenseRows {
                    codes: &[],
                    stride: 0,
                },
                0,
            ),
        };
        let mut columns: Vec<usize> = match &self.form {
            Form::Sparse { .. } => Vec::new(),
            Form::Dense { .. } | Form::Bundled { .. } => features
                .iter()
                .map(|&feature| self.column(feature))
                .collect(),
        };
        columns.sort_unstable();
        columns.dedup();
        let rows = if columns.len() < n_columns {
            let stride = row_stride(columns.len());
            ViewRows::Chosen(choose(rows, &columns, stride, threads), stride)
        } else {
            ViewRows::All(rows)
        };
        View {
            panel: self,
            features,
            columns,
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
            Form::Dense { .. } | Form::Bundled { .. } => {
                self.columns.len().next_multiple_of(4) * CODES
            }
            Form::Sparse { codes, .. } => codes.n_slots(),
        }
    }

    /// Additions that a row costs, about.
    pub(crate) fn adds_per_row(&self) -> usize {
        match &self.panel.form {
            Form::Dense { .. } | Form::Bundled { .. } => self.columns.len(),
            Form::Sparse { codes, .. } => codes.n_listed() / self.panel.n_rows.max(1) + 1,
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
            Form::Dense { .. } | Form::Bundled { .. } => {
                let rows = match &self.rows {
                    ViewRows::All(rows) => *rows,
                    ViewRows::Chosen(codes, stride) => DenseRows {
                        codes,
                        stride: *stride,
                    },
                };
                add_rows(rows, records, histogram, threads.simd());
            }
            Form::Sparse { codes, .. } => add_listed(codes.lists(), records, histogram),
        }
    }

    /// The cells of the `k`-th feature in the histogram of a node of this `total`. `scratch` is overwritten.
    #[inline(always)]
    pub(crate) fn cells<'h, C: Cell>(
        &self,
        k: usize,
        (histogram, total): (&'h [C], C),
        scratch: &'h mut [C; CODES],
    ) -> FeatureCells<'h, C> {
        let feature = self.features[k];
        let n_bins = self.panel.cuts.n_bins(feature as usize);
        if let Form::Sparse { codes, .. } = &self.panel.form {
            let bins = &histogram[codes.first_slot(feature)..][..n_bins];
            let present = bins.iter().fold(C::default(), |sum, &cell| sum.plus(cell));
            return FeatureCells {
                feature,
                bins,
                missing: total.minus(present),
            };
        }
        let member = self.panel.member(feature);
        let column = member.map_or(feature as usize, |member| member.column);
        let place = if self.columns.len() == self.features.len() && member.is_none() {
            k
        } else {
            self.columns.partition_point(|&it| it < column)
        };
        let cells = &histogram[place * CODES..][..CODES];
        let cells = match member.and_then(|member| member.digits.as_ref()) {
            Some(digits) => {
                scratch.fill(C::default());
                for (&digit, &cell) in digits.occurring().iter().zip(cells) {
                    let sum = &mut scratch[usize::from(digit)];
                    *sum = sum.plus(cell);
                }
                &scratch[..]
            }
            None => cells,
        };
        FeatureCells {
            feature,
            bins: &cells[..n_bins],
            missing: cells.get(n_bins).copied().unwrap_or_default(),
        }
    }

    /// The cells of the first features of `places` that have one bin each and lie next to each other; none if the first
    /// has more, or cells are kept otherwise.
    pub(crate) fn single_bins<'h, C: Cell>(
        &self,
        places: Range<usize>,
        histogram: &'h [C],
    ) -> &'h [C] {
        let Form::Sparse { codes, .. } = &self.panel.form else {
            return &[];
        };
        let features = &self.features[places];
        let first = codes.first_slot(features[0]);
        let lies_next = |&(idx, &feature): &(usize, &u32)| {
            codes.first_slot(feature) == first + idx
                && codes.first_slot(feature + 1) == first + idx + 1
        };
        let n_singles = features.iter().enumerate().take_while(lies_next).count();
        &histogram[first..first + n_singles]
    }

    /// The split of a node of a tree on the panel's columns.
    pub(crate) fn column_split(&self, tree: &CodeTree, idx: usize) -> ColumnSplit {
        let node = &tree.nodes[idx];
        let column = self.panel.column(node.feature);
        let digits = self
            .panel
            .member(node.feature)
            .and_then(|it| it.digits.as_ref());
        let right = match digits {
            Some(digits) => {
                let rule = self.rule(node.feature, tree.cut(idx), node.default_left);
                Side::others(digits.occurring().len(), |code| rule.goes_left(code))
            }
            None => tree.right_side(idx),
        };
        ColumnSplit { column, right }
    }

    /// The rule for the codes of the column that holds its feature.
    pub(crate) fn rule(&self, feature: u32, cut: Cut, default_left: bool) -> Rule {
        let n_bins = self.panel.cuts.n_bins(feature as usize);
        let rule = Rule::new(feature, cut, n_bins, default_left);
        match self
            .panel
            .member(feature)
            .and_then(|member| member.digits.as_ref())
        {
            Some(digits) => rule.for_codes(digits.of_codes()),
            None => rule,
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
            Form::Dense { .. } | Form::Bundled { .. } => {
                let column = self.panel.codes_of(rule.feature());
                divide(records, spare, |row| rule.goes_left(column[row as usize]))
            }
            Form::Sparse { codes, columns } => {
                let mut sides = columns.sides(codes, rule, records);
                divide(records, spare, |row| sides.goes_left(row))
            }
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
            Form::Dense { .. } | Form::Bundled { .. } => {
                let column = self.panel.codes_of(rule.feature());
                for record in records {
                    found(record.row, rule.goes_left(column[record.row as usize]));
                }
            }
            Form::Sparse { codes, columns } => {
                let mut sides = columns.sides(codes, rule, records);
                for record in records {
                    found(record.row, sides.goes_left(record.row));
                }
            }
        }
    }
}

/// Copies `columns` of all rows, so that a tree of few columns reads few bytes.
fn choose(
    rows: DenseRows<'_>,
    columns: &[usize],
    stride: usize,
    threads: &Threads,
) -> AlignedBytes {
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
            for (to, &column) in to.iter_mut().zip(columns) {
                *to = from[column];
            }
        }
    });
    chosen
}
