//! Every metric over predictions in memory; those of classes over three columns.

use std::hint::black_box;

use criterion::Criterion;
use engine::dataset::Targets;
use engine::metric::{Judged, Metric};
use engine::objective::{Objective, ObjectiveName};
use engine::threads::Threads;

use crate::table::rows;

const N_ROWS: usize = 100_000;
const N_CLASSES: usize = 3;

pub(crate) fn bench(criterion: &mut Criterion) {
    let (values, labels) = rows(N_ROWS, 0.0);
    let threads = Threads::single();
    for metric in Metric::ALL {
        let objectives = [
            ObjectiveName::BinaryLogistic,
            ObjectiveName::RegSquaredError,
            ObjectiveName::MultiSoftprob,
            ObjectiveName::RegQuantileError,
            ObjectiveName::SurvivalAft,
        ];
        let objectives = objectives.map(|name| Objective {
            num_class: N_CLASSES as u32,
            ..Objective::new(name)
        });
        let judged = objectives.iter().find(|it| metric.judges(it));
        let objective = judged.expect("every metric judges something");
        let predictions = &values[..N_ROWS * objective.n_groups()];
        criterion.bench_function(&format!("{metric} of 100k"), |it| {
            it.iter(|| {
                let targets = Targets::new(&labels, None);
                metric.evaluate_on(
                    &Judged::new(black_box(predictions), targets, objective),
                    &threads,
                )
            });
        });
    }
}
