//! The margins that rows start from, before the first tree.
//!
//! Invariant: training, evaluation and prediction start from the same `f32`: the row's base margin, or the base score's
//! margin where it has none, plus the rounded logarithm of its exposure.

use std::borrow::Cow;

use crate::dataset::Targets;

use super::PredictError;

/// What a set of any kind says of its rows.
#[derive(Clone, Debug)]
pub(super) struct SetRows<'a> {
    pub(super) name: &'a str,
    pub(super) n_features: usize,
    pub(super) n_targets: usize,
    /// The features whose values are codes of categories.
    pub(super) categorical: Vec<u32>,
    /// `(n_rows, n_targets)` row-major.
    pub(super) labels: Cow<'a, [f32]>,
    /// The first label of each row, and what belongs to it.
    pub(super) targets: Targets<'a>,
    pub(super) start: Start<'a>,
}

/// What rows bring to start from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Start<'a> {
    /// `(n_rows, n_groups)` row-major.
    pub(super) base_margin: Option<&'a [f32]>,
    /// `(n_rows,)`.
    pub(super) exposure: Option<&'a [f32]>,
}

impl Start<'_> {
    /// The margins of `n_rows` rows, `(n_rows, n_groups)` row-major, where every group's base score has the margin `base`.
    pub(super) fn margins(
        &self,
        base: f32,
        n_rows: usize,
        n_groups: usize,
    ) -> Result<Vec<f32>, PredictError> {
        let expected = n_rows * n_groups;
        let found = self.base_margin.map_or(expected, <[f32]>::len);
        if found != expected {
            return Err(PredictError::BaseMargin { found, expected });
        }
        let mut margins = vec![0.0; expected];
        self.fill(&vec![base; n_groups], &mut margins);
        Ok(margins)
    }

    /// Fills `margins`, `(n_rows, n_groups)` row-major; `bases` are the base score's margins, `(n_groups,)`.
    pub(super) fn fill(&self, bases: &[f32], margins: &mut [f32]) {
        match self.base_margin {
            Some(own) => margins.copy_from_slice(own),
            None => {
                for margins in margins.chunks_exact_mut(bases.len()) {
                    margins.copy_from_slice(bases);
                }
            }
        }
        let Some(exposure) = self.exposure else {
            return;
        };
        let n_groups = margins.len() / exposure.len().max(1);
        for (margins, &exposure) in margins.chunks_exact_mut(n_groups.max(1)).zip(exposure) {
            let offset = offset(exposure);
            for margin in margins {
                *margin += offset;
            }
        }
    }
}

/// The logarithm, by way of `f64` so that it is rounded once.
fn offset(exposure: f32) -> f32 {
    f64::from(exposure).ln() as f32
}
