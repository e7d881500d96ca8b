//! A training that is stopped in the middle of a round is what it was before that round.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use engine::bin::{BinnedDataset, HistogramCuts};
use engine::booster::{Monitor, NamedData, Progress, RoundReport, TrainEnd, Trained, train};
use engine::objective::{LambdaRank, ObjectiveName};
use engine::params::{BoosterName, BoosterParams, Dart, GrowPolicy};
use engine::threads::Threads;
use linfa::ParamGuard;

use crate::resume::uninterrupted;
use crate::table::{Shape, params};

const N_ROUNDS: u32 = 12;

const SHAPE: Shape = Shape {
    n_rows: 6000,
    n_features: 10,
    missing: 0.1,
    weighted: false,
};

fn table(objective: ObjectiveName) -> BinnedDataset {
    let threads = Threads::single();
    let data = SHAPE.table(objective, 3);
    let cuts = HistogramCuts::from_dataset(&data, 64, &threads).expect("it can be cut");
    data.bin(&Arc::new(cuts), &threads).expect("it is as wide")
}

/// Trainings that have something to put back when a round is given up.
fn jobs() -> Vec<(ObjectiveName, BoosterParams)> {
    let short = |objective| params(objective).num_round(N_ROUNDS).max_depth(6);
    let dart = Dart {
        rate_drop: 0.5,
        ..Dart::default()
    };
    vec![
        (
            ObjectiveName::BinaryLogistic,
            short(ObjectiveName::BinaryLogistic).nthread(Some(2)),
        ),
        (
            ObjectiveName::RegSquaredError,
            short(ObjectiveName::RegSquaredError)
                .booster(BoosterName::Dart)
                .dart(dart),
        ),
        (
            ObjectiveName::CountPoisson,
            short(ObjectiveName::CountPoisson)
                .grow_policy(GrowPolicy::LossGuide)
                .max_leaves(40)
                .num_parallel_tree(3)
                .subsample(0.5),
        ),
        (
            ObjectiveName::RankNdcg,
            short(ObjectiveName::RankNdcg).lambdarank(LambdaRank {
                unbiased: true,
                ..LambdaRank::default()
            }),
        ),
    ]
}

/// Stops a training itself after the round `at`, or lets somebody else do so.
struct Halting {
    stop: Arc<AtomicBool>,
    at: Option<u32>,
    n_told: usize,
    broken_off: Option<Progress>,
}

impl Halting {
    fn new(at: Option<u32>) -> Self {
        Self {
            stop: Arc::default(),
            at,
            n_told: 0,
            broken_off: None,
        }
    }
}

impl Monitor for Halting {
    fn after_round(&mut self, report: &RoundReport<'_>) -> ControlFlow<()> {
        self.n_told += 1;
        self.stop
            .fetch_or(self.at == Some(report.round), Ordering::Relaxed);
        ControlFlow::Continue(())
    }

    fn stop(&self) -> Option<Arc<AtomicBool>> {
        Some(Arc::clone(&self.stop))
    }

    fn broken_off(&mut self, last: &RoundReport<'_>) {
        assert!(self.broken_off.is_none());
        self.broken_off = Some(last.progress());
    }
}

fn train_with(params: &BoosterParams, data: &BinnedDataset, monitor: &mut dyn Monitor) -> Trained {
    let set = NamedData {
        name: "train",
        data,
    };
    let params = params.check_ref().expect("they are sound");
    train(params, &set, &[set], None, monitor).expect("the job is sound")
}

/// Holds what a broken-off training gave against the same rounds of the whole one.
fn check(what: &str, trained: &Trained, monitor: &Halting, kept: &[Progress]) {
    let n_rounds = trained.history.len();
    assert_eq!(monitor.n_told, n_rounds, "{what}");
    assert_eq!(trained.end, TrainEnd::Monitor, "{what}");
    let Some(last) = n_rounds.checked_sub(1) else {
        assert!(trained.booster.trees.is_empty() && monitor.broken_off.is_none());
        return;
    };
    assert_eq!(trained.booster, kept[last].booster, "{what}");
    let told = monitor.broken_off.as_ref().expect("a round was done");
    assert_eq!(told.booster, kept[last].booster, "{what}");
    assert_eq!(told.history, kept[last].history, "{what}");
}

#[test]
fn a_round_that_is_broken_off_leaves_no_trace() {
    for (objective, params) in jobs() {
        let data = table(objective);
        let start = Instant::now();
        let (_, kept) = uninterrupted(&|keep| {
            let set = NamedData {
                name: "train",
                data: &data,
            };
            train(params.check_ref().expect("sound"), &set, &[set], None, keep)
        });
        let took = start.elapsed();
        let mut monitor = Halting::new(Some(4));
        let trained = train_with(&params, &data, &mut monitor);
        assert_eq!(trained.history.len(), 5);
        check(objective.as_str(), &trained, &monitor, &kept);
        // From outside, wherever the training happens to be.
        for moment in 0..12 {
            let mut monitor = Halting::new(None);
            let stop = Arc::clone(&monitor.stop);
            let trained = thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(
                        took.mul_f64(f64::from(moment) / 15.0) + Duration::from_micros(1),
                    );
                    stop.store(true, Ordering::Relaxed);
                });
                train_with(&params, &data, &mut monitor)
            });
            // On a busy machine the training may have been quicker than the stop.
            if trained.end == TrainEnd::Monitor {
                check(objective.as_str(), &trained, &monitor, &kept);
            }
        }
    }
}
