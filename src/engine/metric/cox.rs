//! `cox-nloglik`: the negative log partial likelihood of proportional hazards, a mean over events; see `objective/cox.rs`.
//! Rows count once, whatever their weights, as in XGBoost. Hazards at risk are summed from the last time backwards.
//!
//! Source: XGBoost `src/metric/rank_metric.cc`.

use crate::threads::Threads;

use super::row::{Judged, TableMetric};

#[derive(Clone, Copy)]
pub(super) struct CoxNloglik;

impl TableMetric for CoxNloglik {
    const MAXIMIZE: bool = false;

    fn evaluate(self, rows: &Judged<'_>, _: &Threads) -> f64 {
        let (labels, hazards) = (rows.targets().labels(), rows.predictions());
        let order = rows.targets().time_order();
        let (mut at_risk, mut sum, mut n_events) = (0.0, 0.0, 0_u64);
        let time = |row: u32| labels[row as usize].abs();
        for tie in order.chunk_by(|&a, &b| time(a) == time(b)).rev() {
            at_risk += tie
                .iter()
                .map(|&row| f64::from(hazards[row as usize]))
                .sum::<f64>();
            for &row in tie {
                if labels[row as usize] > 0.0 {
                    let hazard = f64::from(hazards[row as usize]);
                    sum += libm::log(at_risk) - libm::log(hazard);
                    n_events += 1;
                }
            }
        }
        sum / n_events as f64
    }
}
