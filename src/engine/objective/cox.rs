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
use super::name::any_number;
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

    #[inline(always)]
    fn takes(label: f32, _: u32) -> bool {
        label.is_finite()
    }

    fn allowed(_: u32) -> String {
        any_number()
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
        let at_risk = at_risk(&order, &hazards, labels);
        // Sums over the events so far of one over the hazards at risk, and of its square.
        let (mut sum, mut sum_of_squares) = (0.0, 0.0);
        let mut first = 0;
        while first < order.len() {
            let end = end_of_tie(&order, labels, first);
            let events = order[first..end].iter();
            let n_events = events.filter(|&&row| labels[row as usize] > 0.0).count() as f64;
            sum += n_events / at_risk[first];
            sum_of_squares += n_events / (at_risk[first] * at_risk[first]);
            for (&row, hazard) in order[first..end].iter().zip(&hazards[first..end]) {
                let event = if labels[row as usize] > 0.0 { 1.0 } else { 0.0 };
                let hess = hazard * sum - hazard * hazard * sum_of_squares;
                pairs[row as usize] = GradientPair {
                    grad: (hazard * sum - event) as f32,
                    hess: hess.max(0.0) as f32,
                };
            }
            first = end;
        }
    }
}

/// For each place in the order, the summed hazards of the rows at its time and later.
fn at_risk(order: &[u32], hazards: &[f64], labels: &[f32]) -> Vec<f64> {
    let mut at_risk = vec![0.0; order.len()];
    let mut sum = 0.0;
    let mut end = order.len();
    while end > 0 {
        let first = first_of_tie(order, labels, end - 1);
        sum += hazards[first..end].iter().sum::<f64>();
        at_risk[first..end].fill(sum);
        end = first;
    }
    at_risk
}

fn end_of_tie(order: &[u32], labels: &[f32], first: usize) -> usize {
    let time = labels[order[first] as usize].abs();
    let same = order[first..].iter();
    first
        + same
            .take_while(|&&row| labels[row as usize].abs() == time)
            .count()
}

fn first_of_tie(order: &[u32], labels: &[f32], last: usize) -> usize {
    let time = labels[order[last] as usize].abs();
    let same = order[..last].iter().rev();
    last - same
        .take_while(|&&row| labels[row as usize].abs() == time)
        .count()
}
