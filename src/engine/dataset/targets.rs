//! What rows are to be predicted as: the part of a table that losses and metrics read.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

/// Labels with what belongs to them, borrowed from a table; all `(n_rows,)`.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    labels: &'a [f32],
    weights: Option<&'a [f32]>,
    upper_bounds: Option<&'a [f32]>,
    group_ptr: Option<&'a [usize]>,
    draw: u64,
    time_order: Option<&'a OnceLock<Vec<u32>>>,
}

impl<'a> Targets<'a> {
    /// Labels, and the rows' weights; `None` is 1 for every row.
    pub fn new(labels: &'a [f32], weights: Option<&'a [f32]>) -> Self {
        Self {
            labels,
            weights,
            upper_bounds: None,
            group_ptr: None,
            draw: 0,
            time_order: None,
        }
    }

    /// The same, where labels are the lower ends of intervals and these their upper ends; `None` is the labels again.
    #[must_use]
    pub fn bounded(self, upper_bounds: Option<&'a [f32]>) -> Self {
        Self {
            upper_bounds,
            ..self
        }
    }

    /// The same, with the queries that rows belong to, as `Dataset::group_ptr` gives them; `None` is no query.
    #[must_use]
    pub fn grouped(self, group_ptr: Option<&'a [usize]>) -> Self {
        Self { group_ptr, ..self }
    }

    /// The same, for an objective that draws: `draw` is where the draws of a round begin.
    #[must_use]
    pub fn drawing(self, draw: u64) -> Self {
        Self { draw, ..self }
    }

    /// The same, with a place to remember [`Targets::time_order`] from one round to the next.
    pub(crate) fn remembering(self, time_order: &'a OnceLock<Vec<u32>>) -> Self {
        Self {
            time_order: Some(time_order),
            ..self
        }
    }

    /// Labels.
    pub fn labels(&self) -> &'a [f32] {
        self.labels
    }

    /// Weights; `None` is 1 for every row.
    pub fn weights(&self) -> Option<&'a [f32]> {
        self.weights
    }

    /// A row's weight.
    #[inline(always)]
    pub(crate) fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| f64::from(weights[row]))
    }

    /// The sum of all weights.
    #[inline(always)]
    pub(crate) fn total_weight(&self) -> f64 {
        match self.weights {
            Some(weights) => weights.iter().map(|&weight| f64::from(weight)).sum(),
            None => self.labels.len() as f64,
        }
    }

    /// Upper ends of the intervals that labels begin; `None` is the labels again. Infinity is a right-censored label.
    pub fn upper_bounds(&self) -> Option<&'a [f32]> {
        self.upper_bounds
    }

    /// Where each query begins, and behind the last one the number of rows; `None` without queries.
    pub fn group_ptr(&self) -> Option<&'a [usize]> {
        self.group_ptr
    }

    /// Where the draws of a round begin.
    pub(crate) fn draw(&self) -> u64 {
        self.draw
    }

    /// Some of the rows, without the queries that they belong to.
    ///
    /// # Panics
    /// If `rows` reaches beyond them.
    #[must_use]
    #[inline(always)]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        Self {
            labels: &self.labels[rows.clone()],
            weights: self.weights.map(|it| &it[rows.clone()]),
            upper_bounds: self.upper_bounds.map(|it| &it[rows]),
            // Queries and an order of all rows are none of some.
            group_ptr: None,
            draw: self.draw,
            time_order: None,
        }
    }

    /// The rows by the absolute values of their labels, the smallest first, equal ones in their order.
    pub(crate) fn time_order(&self) -> Cow<'a, [u32]> {
        let order = || {
            let mut rows: Vec<u32> = (0..self.labels.len() as u32).collect();
            let time = |row: u32| self.labels[row as usize].abs();
            rows.sort_by(|&a, &b| time(a).total_cmp(&time(b)));
            rows
        };
        match self.time_order {
            Some(remembered) => Cow::Borrowed(remembered.get_or_init(order)),
            None => Cow::Owned(order()),
        }
    }
}
