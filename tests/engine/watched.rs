//! Trainings that are looked at: the booster after every round, and what it is worth.

use std::ops::ControlFlow;

use engine::booster::{Booster, Monitor, RoundReport, TrainError, Trained};
use engine::dataset::Dataset;
use engine::metric::{Judged, Metric};
use engine::threads::Threads;

/// Trains, and gives the booster after every round.
pub(crate) fn watched(
    train: impl FnOnce(&mut dyn Monitor) -> Result<Trained, TrainError>,
) -> Result<(Trained, Vec<Booster>), TrainError> {
    let mut boosters = Vec::new();
    let mut monitor = |report: &RoundReport<'_>| {
        boosters.push(report.booster.clone());
        ControlFlow::Continue(())
    };
    let trained = train(&mut monitor)?;
    Ok((trained, boosters))
}

/// What the booster's margins are worth, by the metric.
pub(crate) fn measured(booster: &Booster, data: &Dataset, metric: Metric) -> f64 {
    let threads = Threads::single();
    let margins = booster.predict_margin(data, &threads);
    let mut predictions = margins.expect("the table has the booster's columns");
    booster.objective.transform_for_metrics(&mut predictions);
    let judged = Judged::new(&predictions, data.targets(), &booster.objective);
    metric.evaluate_on(&judged, &threads)
}

/// Holds every evaluation against the booster as it was then, on the tables in their order.
pub(crate) fn check_evaluations(
    what: &str,
    (trained, boosters): &(Trained, Vec<Booster>),
    tables: &[Dataset],
) {
    assert_eq!(trained.history.len(), boosters.len(), "{what}");
    for (evaluations, booster) in trained.history.iter().zip(boosters) {
        assert_eq!(evaluations.len(), tables.len(), "{what}");
        for (evaluation, data) in evaluations.iter().zip(tables) {
            let value = measured(booster, data, evaluation.metric);
            let off = (value - evaluation.value).abs();
            assert!(off <= 1e-9 * value.abs(), "{what}: {value} {evaluation:?}");
        }
    }
}
