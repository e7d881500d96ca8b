//! `survival:cox`: proportional hazards. A positive label is the time of an event, a negative one the time until which
//! there was none. With Breslow's method for equal times, the loss is minus the sum over events of the margin less the
//! logarithm of the summed hazards of the rows at risk then.
//!
//! Invariant: the order of rows does not show but in the last bits, and threads not at all. Hazards at risk are summed from
//! the last time backwards, so that no sum is a difference of large ones. XGBoost shows a row only those of the events at
//! its own time that come before it in the table; here it sees all of them, as the loss has it.
//!
//! Source: XGBoost `src/objective/regression_obj.cu`; Breslow, "Covariance analysis of censored survival data" (1974).

use crate::dataset::Targets;
use crate::metric::Metric;
use crate::threads::Threads;

use super::link::Link;
use super::loss::{Facts, Loss, TableLoss, Task};
use super::{GradientPair, Objective};

/// Rows that one thread takes at a time.
const ROWS_AT_A_TIME: usize = 1 << 14;

pub(super) struct Cox;

impl Loss for Cox {
    const FACTS: Facts = Facts {
        task: Task::Time,
        link: Link::Exponential,
        ..Facts::NUMBER
    };

    fn default_metric(_: &Objective) -> Metric {
        Metric::CoxNloglik
    }
}

impl TableLoss for Cox {
    fn gradients(
        _: &Objective,
        margins: &[f32],
        targets: &Targets<'_>,
        pairs: &mut [GradientPair],
        threads: &Threads,
    ) {
        let labels = targets.labels();
        let order = targets.time_order();
        let parts = order.chunks(ROWS_AT_A_TIME).collect();
        let hazards = threads.map(parts, |rows: &[u32]| {
            let hazard = |&row: &u32| libm::exp(f64::from(margins[row as usize]));
            rows.iter().map(hazard).collect::<Vec<_>>()
        });
        let hazards = hazards.concat();
        let time = |row: u32| labels[row as usize].abs();
        let ties = order.chunk_by(|&a, &b| time(a) == time(b));
        let at_risk = at_risk(ties.clone().map(<[u32]>::len), &hazards);
        // Sums over the events so far of one over the hazards at risk, and of its square.
        let (mut sum, mut sum_of_squares) = (0.0, 0.0);
        let mut hazards = hazards.iter();
        for (tie, at_risk) in ties.zip(at_risk) {
            let events = tie.iter().filter(|&&row| labels[row as usize] > 0.0);
            let n_events = events.count() as f64;
            sum += n_events / at_risk;
            sum_of_squares += n_events / (at_risk * at_risk);
            for (&row, hazard) in tie.iter().zip(hazards.by_ref()) {
                let event = if labels[row as usize] > 0.0 { 1.0 } else { 0.0 };
                let hess = hazard * sum - hazard * hazard * sum_of_squares;
                pairs[row as usize] = GradientPair {
                    grad: (hazard * sum - event) as f32,
                    hess: hess.max(0.0) as f32,
                };
            }
        }
    }
}

/// For each tie, from how many rows it has, the summed hazards of its rows and of all later ones.
fn at_risk(ties: impl DoubleEndedIterator<Item = usize>, hazards: &[f64]) -> Vec<f64> {
    let (mut rest, mut sum) = (hazards, 0.0);
    let mut at_risk: Vec<f64> = ties
        .rev()
        .map(|n_rows| {
            let (earlier, tie) = rest.split_at(rest.len() - n_rows);
            rest = earlier;
            sum += tie.iter().sum::<f64>();
            sum
        })
        .collect();
    at_risk.reverse();
    at_risk
}
