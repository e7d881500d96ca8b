//! Small random tables, the same for the same seed.

use std::ops::ControlFlow;
use std::sync::Arc;

use engine::bin::{BinnedDataset, HistogramCuts};
use engine::booster::{NamedData, RoundReport, TrainError, Trained, train};
use engine::dataset::{Dataset, SideColumns};
use engine::objective::{ObjectiveName, Task};
use engine::params::BoosterParams;
use engine::threads::Threads;
use linfa::ParamGuard;

/// A generator of numbers that need not be good, only always the same.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, n: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(n)) as u32
    }

    /// In `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f32 {
        self.below(1 << 24) as f32 / 16_777_216.0
    }
}

/// Rows of a query.
const QUERY_ROWS: usize = 17;

/// A table whose labels fit `objective`; `missing` is the share of values that are not there.
pub(crate) struct Shape {
    pub(crate) n_rows: usize,
    pub(crate) n_features: usize,
    pub(crate) missing: f32,
    pub(crate) weighted: bool,
}

impl Shape {
    pub(crate) fn table(&self, objective: ObjectiveName, seed: u64) -> Dataset {
        let is_ranking = objective.task() == Task::Ranking;
        let mut numbers = Numbers::new(seed);
        let mut values = Vec::new();
        let mut labels = Vec::new();
        let mut weights = Vec::new();
        for _ in 0..self.n_rows {
            let row: Vec<f32> = (0..self.n_features).map(|_| numbers.unit()).collect();
            let score = row[0] + row[1 % row.len()] * row[2 % row.len()] + 0.3 * numbers.unit();
            labels.push(label(objective, score));
            // A query has one weight.
            let weight = match weights.last() {
                Some(&last) if is_ranking && labels.len() % QUERY_ROWS != 1 => last,
                _ => numbers.below(4) as f32 / 2.0,
            };
            weights.push(weight);
            values.extend(row.iter().map(|&x| {
                if numbers.unit() < self.missing {
                    f32::NAN
                } else {
                    x
                }
            }));
        }
        let data =
            Dataset::from_rows(self.n_features, &values, &labels).expect("the table is sound");
        let data = if self.weighted {
            data.with_weights(weights).expect("the table is sound")
        } else {
            data
        };
        let mut side = SideColumns::default();
        if is_ranking {
            let ids = (0..self.n_rows).map(|row| (row / QUERY_ROWS) as u64);
            side.query_ids = Some(ids.collect());
        }
        if objective == ObjectiveName::SurvivalAft {
            let bounds = labels.iter().enumerate().map(|(row, label)| match row % 4 {
                0 => f32::INFINITY,
                1 => label + 3.0,
                _ => *label,
            });
            side.label_upper_bound = Some(bounds.collect());
        }
        data.with_side_columns(side).expect("the table is sound")
    }
}

fn label(objective: ObjectiveName, score: f32) -> f32 {
    match objective {
        ObjectiveName::BinaryLogistic
        | ObjectiveName::BinaryLogitraw
        | ObjectiveName::BinaryHinge
        | ObjectiveName::RegLogistic => f32::from(u8::from(score > 0.9)),
        ObjectiveName::CountPoisson | ObjectiveName::RegTweedie => (score * 4.0).floor(),
        ObjectiveName::MultiSoftmax | ObjectiveName::MultiSoftprob => {
            (score * 1.5).floor().min(2.0)
        }
        ObjectiveName::RegSquaredError
        | ObjectiveName::RegPseudoHuberError
        | ObjectiveName::RegAbsoluteError
        | ObjectiveName::RegQuantileError => score * 10.0 - 3.0,
        ObjectiveName::RegSquaredLogError | ObjectiveName::RegGamma => score + 0.1,
        // Whole numbers, so that some times are the same; a third are not known to the end.
        ObjectiveName::SurvivalCox => {
            let time = (score * 20.0).ceil().max(1.0);
            if (time as u32).is_multiple_of(3) {
                -time
            } else {
                time
            }
        }
        ObjectiveName::SurvivalAft => (score * 20.0).ceil().max(1.0),
        ObjectiveName::RankPairwise | ObjectiveName::RankNdcg => (score * 3.0).floor().min(4.0),
        ObjectiveName::RankMap => f32::from(u8::from(score > 1.0)),
    }
}

/// Parameters for `objective` on such tables.
pub(crate) fn params(objective: ObjectiveName) -> BoosterParams {
    BoosterParams::default()
        .objective(objective)
        .num_class(classes(objective))
        .quantile_alpha(vec![0.1, 0.5, 0.9])
}

pub(crate) fn classes(objective: ObjectiveName) -> u32 {
    if objective.is_multiclass() { 3 } else { 0 }
}

/// Bins a table with its own cuts.
pub(crate) fn binned(data: Dataset, max_bin: u32) -> BinnedDataset {
    let threads = Threads::single();
    let cuts = Arc::new(
        HistogramCuts::from_dataset(&data, max_bin, &threads).expect("the table is sound"),
    );
    data.bin(&cuts, &threads).expect("the table is sound")
}

/// Trains to the end, or says why not.
pub(crate) fn try_fit(params: &BoosterParams, data: &BinnedDataset) -> Result<Trained, TrainError> {
    let params = params.check_ref().expect("parameters in their ranges");
    let set = NamedData {
        name: "train",
        data,
    };
    train(params, &set, &[], None, &mut |_: &RoundReport<'_>| {
        ControlFlow::Continue(())
    })
}

/// Trains to the end, without a monitor.
pub(crate) fn fit(
    params: &BoosterParams,
    data: &BinnedDataset,
    validation: Option<&BinnedDataset>,
) -> Trained {
    let params = params.check_ref().expect("the table is sound");
    let evals: Vec<_> = validation
        .iter()
        .map(|&data| NamedData {
            name: "validation",
            data,
        })
        .collect();
    let set = NamedData {
        name: "train",
        data,
    };
    train(params, &set, &evals, None, &mut |_: &RoundReport<'_>| {
        ControlFlow::Continue(())
    })
    .expect("the table is sound")
}
