//! What a row's place in its query has to do with its label, where labels are clicks: rows that were shown first are
//! clicked more. Rows stand in their query in the order in which they were shown.
//!
//! Invariants: ratios are those to the first place, which has 1. They are numbers that a model holds (`f32`), so a training
//! that continues goes on as if it had never stopped.
//!
//! Source: XGBoost 3.2 `src/objective/lambdarank_obj.cc`, `LambdaRankUpdatePositionBias`; Hu et al. 2019, "Unbiased
//! `LambdaMART`", equations 30 and 31. XGBoost forgets what it has learned when a training continues.

use crate::dataset::Targets;

use super::{LambdaRank, PairMethod};

/// Places that are looked at where pairs come from all over a query.
const MOST_PLACES: usize = 32;

/// Ratios below this are not divided by.
pub(super) const SMALLEST_RATIO: f64 = 1e-16;

/// The part that each place of a query has in clicks, as a share of the first place's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PositionBias {
    /// XGBoost's `ti+`: in that a row was clicked.
    pub clicked: Vec<f32>,
    /// XGBoost's `tj-`: in that a row was not clicked.
    pub passed: Vec<f32>,
}

impl PositionBias {
    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.clicked.is_empty()
    }
}

/// Costs of the pairs that have a row at each place: `(clicked, passed)`.
pub(super) type Costs = Vec<(f64, f64)>;

/// The ratios, made ready for gradients.
#[derive(Clone, Copy)]
pub(super) struct Places<'a> {
    clicked: &'a [f32],
    passed: &'a [f32],
}

impl Places<'_> {
    pub(super) fn len(&self) -> usize {
        self.clicked.len()
    }

    /// The ratio of a clicked row's place and that of one that was not; `None` beyond the places that are looked at.
    pub(super) fn of(&self, clicked: usize, passed: usize) -> Option<(f64, f64)> {
        let of_clicked = f64::from(*self.clicked.get(clicked)?);
        // Both lists are equally long, and a row is looked at if both are.
        let of_passed = f64::from(*self.passed.get(passed)?);
        Some((of_clicked, of_passed))
    }
}

/// Learns the ratios, round by round.
#[derive(Clone, Debug)]
pub(crate) struct BiasLearner {
    bias: PositionBias,
    /// What costs are raised to.
    power: f64,
}

impl BiasLearner {
    pub(super) fn new(settings: &LambdaRank, known: &PositionBias, targets: &Targets<'_>) -> Self {
        let n_places = match settings.pair_method {
            PairMethod::TopK => settings.n_pairs() as usize,
            PairMethod::Mean => {
                let whole = [0, targets.labels().len()];
                let group_ptr = targets.group_ptr().unwrap_or(&whole);
                let sizes = group_ptr.windows(2).map(|it| it[1] - it[0]);
                sizes.max().unwrap_or(0).min(MOST_PLACES)
            }
        };
        let bias = if known.clicked.len() == n_places && known.passed.len() == n_places {
            known.clone()
        } else {
            PositionBias {
                clicked: vec![1.0; n_places],
                passed: vec![1.0; n_places],
            }
        };
        Self {
            bias,
            power: 1.0 / (1.0 + settings.bias_norm),
        }
    }

    /// What was learned so far.
    pub(crate) fn bias(&self) -> &PositionBias {
        &self.bias
    }

    pub(super) fn places(&self) -> Places<'_> {
        Places {
            clicked: &self.bias.clicked,
            passed: &self.bias.passed,
        }
    }

    /// Learns from a round's costs.
    pub(super) fn learn(&mut self, costs: &[(f64, f64)]) {
        let Some(&first) = costs.first() else {
            return;
        };
        let ratio = |cost: f64, first: f64| (cost / first).powf(self.power) as f32;
        for (place, cost) in costs.iter().enumerate() {
            if first.0 >= SMALLEST_RATIO {
                self.bias.clicked[place] = ratio(cost.0, first.0);
            }
            if first.1 >= SMALLEST_RATIO {
                self.bias.passed[place] = ratio(cost.1, first.1);
            }
        }
    }
}
