//! Partial dependence: what the model predicts on average if a feature had the same value in every row.
//!
//! Invariants: the grid is values that the background has; means are in `f64` over the rows in their order.
//!
//! Source: Friedman, "Greedy Function Approximation: A Gradient Boosting Machine" (2001), section 8.2.

use std::ops::Range;

use crate::booster::{Booster, Predictor};
use crate::dataset::{Dataset, TILE_ROWS};
use crate::threads::Threads;

use super::ExplainError;

/// What is averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// The margins.
    Margin,
    /// The predictions after the objective's transform; probabilities for `multi:softmax` too.
    #[default]
    Prediction,
}

/// What partial dependence is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct DependenceParams {
    /// The features, one or two different ones.
    pub features: Vec<u32>,
    /// The most values that each is put to: of those that it has, evenly spread over the rows.
    pub n_values: usize,
    /// What is averaged.
    pub scale: Scale,
}

/// Mean predictions over a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Dependence {
    /// The features, one or two.
    pub features: Vec<u32>,
    /// For each feature the values that it is put to, ascending.
    pub values: Vec<Vec<f32>>,
    /// `(n_values of the first, n_values of the second if there is one, n_groups)` row-major.
    pub means: Vec<f64>,
    /// Groups of each mean.
    pub n_groups: usize,
}

impl Booster {
    /// The partial dependence on one or two features, averaged over the rows of `background`.
    ///
    /// # Errors
    /// [`ExplainError`] if a feature is not one of the model's or has no value, there is not one or two of them, or the
    /// table does not fit the model.
    pub fn partial_dependence(
        &self,
        params: &DependenceParams,
        background: &Dataset,
        threads: &Threads,
    ) -> Result<Dependence, ExplainError> {
        let features = params.features.as_slice();
        let start = self.start_margins(background)?;
        match features {
            [_] => {}
            [first, second] if first != second => {}
            _ => return Err(ExplainError::Features),
        }
        let n_features = self.n_features();
        if let Some(&feature) = features.iter().find(|&&it| it as usize >= n_features) {
            return Err(ExplainError::NoSuchFeature {
                feature,
                n_features,
            });
        }
        let mut table = background.clone();
        table.widen(n_features);
        let values = features
            .iter()
            .map(|&feature| grid(&table, feature, params.n_values))
            .collect::<Result<Vec<_>, _>>()?;
        let mut sums = Sums {
            booster: self,
            predictor: Predictor::new(self),
            table: &table,
            start: &start,
            scale: params.scale,
        };
        let mut means = Vec::new();
        for &first in &values[0] {
            match values.get(1) {
                None => means.extend(sums.mean(&[(features[0], first)], threads)?),
                Some(others) => {
                    for &second in others {
                        let put = [(features[0], first), (features[1], second)];
                        means.extend(sums.mean(&put, threads)?);
                    }
                }
            }
        }
        Ok(Dependence {
            features: features.to_vec(),
            values,
            means,
            n_groups: self.n_groups(),
        })
    }
}

/// At most `n_values` of a feature's values, from the smallest to the largest.
fn grid(table: &Dataset, feature: u32, n_values: usize) -> Result<Vec<f32>, ExplainError> {
    let mut rows = Vec::new();
    let mut known = Vec::new();
    for block in blocks(table) {
        table.copy_rows(block, &mut rows);
        let column = rows[feature as usize..].iter().step_by(table.n_features());
        known.extend(column.filter(|it| !it.is_nan()));
    }
    if known.is_empty() {
        return Err(ExplainError::NoValues { feature });
    }
    known.sort_by(f32::total_cmp);
    let mut distinct = known.clone();
    distinct.dedup();
    let most = n_values.max(1);
    if distinct.len() <= most {
        return Ok(distinct);
    }
    let last = known.len() - 1;
    let place = |idx: usize| idx * last / (most - 1).max(1);
    let mut spread: Vec<f32> = (0..most).map(|idx| known[place(idx)]).collect();
    spread.dedup();
    Ok(spread)
}

fn blocks(table: &Dataset) -> impl Iterator<Item = Range<usize>> {
    let n_rows = table.n_rows();
    (0..n_rows)
        .step_by(TILE_ROWS)
        .map(move |first| first..n_rows.min(first + TILE_ROWS))
}

struct Sums<'a> {
    booster: &'a Booster,
    predictor: Predictor,
    table: &'a Dataset,
    /// What rows start from, `(n_rows, n_groups)`.
    start: &'a [f32],
    scale: Scale,
}

impl Sums<'_> {
    /// The mean of each group with features put to values.
    fn mean(&mut self, put: &[(u32, f32)], threads: &Threads) -> Result<Vec<f64>, ExplainError> {
        let (n_features, n_groups) = (self.table.n_features(), self.booster.n_groups());
        let mut sums = vec![0.0; n_groups];
        let mut rows = Vec::new();
        let base = self.booster.base_margin();
        for block in blocks(self.table) {
            let start = &self.start[block.start * n_groups..block.end * n_groups];
            let mut margins = vec![0.0; start.len()];
            self.table.copy_rows(block, &mut rows);
            for row in rows.chunks_exact_mut(n_features) {
                for &(feature, value) in put {
                    row[feature as usize] = value;
                }
            }
            self.predictor
                .predict_margin_into(&rows, n_features, &mut margins, threads)?;
            // Rows that bring a margin or an exposure start elsewhere.
            for (margin, start) in margins.iter_mut().zip(start) {
                *margin += start - base;
            }
            match self.scale {
                Scale::Margin => {}
                Scale::Prediction => self.booster.objective.transform(&mut margins),
            }
            for row in margins.chunks_exact(n_groups) {
                for (sum, &it) in sums.iter_mut().zip(row) {
                    *sum += f64::from(it);
                }
            }
        }
        let n_rows = self.table.n_rows() as f64;
        Ok(sums.into_iter().map(|sum| sum / n_rows).collect())
    }
}
