//! The best round so far, and whether to go on.
//!
//! Invariant: only a strictly better value is an improvement, and NaN never is one.
//!
//! Source: XGBoost `python-package/xgboost/callback.py`, `EarlyStopping` with `save_best`.

use crate::metric::Metric;

/// The round after which the watched metric was best.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestRound {
    /// The round, from 0.
    pub round: u32,
    /// The metric's value after it.
    pub value: f64,
}

/// Watches one metric of one set.
#[derive(Clone, Copy, Debug)]
pub(super) struct EarlyStopping {
    /// `None` never stops.
    patience: Option<u32>,
    maximize: bool,
    best: Option<BestRound>,
    first_round: Option<u32>,
}

impl EarlyStopping {
    /// Stops after `patience` rounds without improvement of `metric`, if there is one.
    pub(super) fn new(patience: Option<u32>, metric: Metric) -> Self {
        Self {
            patience,
            maximize: metric.maximize(),
            best: None,
            first_round: None,
        }
    }

    /// Takes note of a round; whether it was the last.
    pub(super) fn is_over(&mut self, round: u32, value: f64) -> bool {
        let first_round = *self.first_round.get_or_insert(round);
        let is_better = match self.best {
            None => !value.is_nan(),
            Some(best) if self.maximize => value > best.value,
            Some(best) => value < best.value,
        };
        if is_better {
            self.best = Some(BestRound { round, value });
        }
        let last_gain = self.best.map_or(first_round, |best| best.round);
        self.patience
            .is_some_and(|patience| round - last_gain >= patience)
    }

    pub(super) fn best(&self) -> Option<BestRound> {
        self.best
    }
}
