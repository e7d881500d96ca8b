//! Codes of a few rows, on their way into a [`super::BinnedMatrix`].
//!
//! Invariant: a code depends on the value and the cuts alone, so tiles can be binned in any order and by any thread.

use crate::dataset::FeaturesView;
use crate::simd::Simd;

use super::matrix::row_stride;
use super::search::{Code, Searches};

/// Rows whose codes are put in place at a time, so that their bytes stay in the first cache.
const ROWS_AT_A_TIME: usize = 64;

/// Codes of a few rows.
#[derive(Debug)]
pub(super) enum TileCodes {
    /// Row-major `(n_rows, row_stride(n_features))`.
    Dense {
        /// Columns: as many as have cuts, or more where the tile has more.
        n_features: usize,
        codes: Vec<u8>,
    },
    /// The same, where "missing" does not fit a byte in some column.
    Wide { n_features: usize, codes: Vec<u16> },
    /// What is present, as `feature * 256 + code`, and where each row ends.
    Sparse { ends: Vec<usize>, slots: Vec<u32> },
}

/// How the codes of a table are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A byte for each cell.
    Dense,
    /// A list of what is present.
    Sparse,
}

impl TileCodes {
    /// Bins `n_rows` rows.
    pub(super) fn new(
        features: FeaturesView<'_>,
        n_rows: usize,
        form: Form,
        (searches, simd): (&Searches, Simd),
    ) -> Self {
        if form == Form::Sparse {
            return listed(features, n_rows, searches);
        }
        let n_features = searches.n_features().max(width(features));
        if has_unfit_missing(features, n_rows, searches) {
            let codes = dense(features, (n_rows, n_features), (searches, simd));
            Self::Wide { n_features, codes }
        } else {
            let codes = dense(features, (n_rows, n_features), (searches, simd));
            Self::Dense { n_features, codes }
        }
    }
}

/// Columns of a tile.
pub(super) fn width(features: FeaturesView<'_>) -> usize {
    match features {
        FeaturesView::Dense { n_features, .. } => n_features,
        FeaturesView::Csr { indices, .. } => indices.iter().max().map_or(0, |&it| it as usize + 1),
    }
}

/// Values of a tile that are not missing.
pub(crate) fn n_present(features: FeaturesView<'_>) -> usize {
    let (FeaturesView::Dense { values, .. } | FeaturesView::Csr { values, .. }) = features;
    values
        .iter()
        .map(|value| usize::from(!value.is_nan()))
        .sum()
}

fn dense<C: Code>(
    features: FeaturesView<'_>,
    (n_rows, n_features): (usize, usize),
    (searches, simd): (&Searches, Simd),
) -> Vec<C> {
    let stride = row_stride(n_features);
    let mut codes = vec![C::default(); n_rows * stride];
    let absent_from = match features {
        FeaturesView::Dense { n_features, .. } => n_features,
        FeaturesView::Csr { .. } => 0,
    };
    if absent_from < n_features {
        for row in codes.chunks_exact_mut(stride) {
            for (feature, code) in row[..n_features].iter_mut().enumerate().skip(absent_from) {
                *code = C::of(searches.feature(feature).missing());
            }
        }
    }
    match features {
        FeaturesView::Dense { n_features, values } => {
            for first in (0..n_rows).step_by(ROWS_AT_A_TIME) {
                let end = n_rows.min(first + ROWS_AT_A_TIME);
                let mut column_codes = [C::default(); ROWS_AT_A_TIME];
                for feature in 0..n_features {
                    let column = &values[feature * n_rows..][first..end];
                    let search = searches.feature(feature);
                    search.codes(column, &mut column_codes, simd);
                    let targets = codes[first * stride + feature..].iter_mut().step_by(stride);
                    targets
                        .zip(&column_codes[..column.len()])
                        .for_each(|(target, &code)| *target = code);
                }
            }
        }
        FeaturesView::Csr {
            indptr,
            indices,
            values,
        } => {
            for (row, bounds) in codes.chunks_exact_mut(stride.max(1)).zip(indptr.windows(2)) {
                for entry in bounds[0]..bounds[1] {
                    let feature = indices[entry] as usize;
                    row[feature] = C::of(searches.feature(feature).code(values[entry]));
                }
            }
        }
    }
    codes
}

fn listed(features: FeaturesView<'_>, n_rows: usize, searches: &Searches) -> TileCodes {
    let mut ends = Vec::with_capacity(n_rows);
    let mut slots = Vec::with_capacity(n_present(features));
    let mut push = |feature: usize, value: f32| {
        if !value.is_nan() {
            let code = searches.feature(feature).code(value);
            slots.push((feature as u32) << 8 | u32::from(code));
        }
        slots.len()
    };
    let mut end = 0;
    for row in 0..n_rows {
        match features {
            FeaturesView::Dense { n_features, values } => {
                for feature in 0..n_features {
                    end = push(feature, values[feature * n_rows + row]);
                }
            }
            FeaturesView::Csr {
                indptr,
                indices,
                values,
            } => {
                for entry in indptr[row]..indptr[row + 1] {
                    end = push(indices[entry] as usize, values[entry]);
                }
            }
        }
        ends.push(end);
    }
    TileCodes::Sparse { ends, slots }
}

/// Whether a feature that has no code left for "missing" is missing somewhere.
fn has_unfit_missing(features: FeaturesView<'_>, n_rows: usize, searches: &Searches) -> bool {
    let full = (0..searches.n_features()).filter(|&it| searches.feature(it).is_full());
    let mut full = full.peekable();
    if full.peek().is_none() {
        return false;
    }
    match features {
        FeaturesView::Dense { n_features, values } => full.any(|feature| {
            let is_missing = |any: bool, value: &f32| any | value.is_nan();
            feature >= n_features
                || values[feature * n_rows..][..n_rows]
                    .iter()
                    .fold(false, is_missing)
        }),
        FeaturesView::Csr {
            indices, values, ..
        } => {
            let mut n_present = vec![0; searches.n_features()];
            for (&feature, value) in indices.iter().zip(values) {
                if let Some(n_present) = n_present.get_mut(feature as usize) {
                    *n_present += usize::from(!value.is_nan());
                }
            }
            full.any(|feature| n_present[feature] < n_rows)
        }
    }
}
