//! The built-in algorithm's other rows: none of them sets anything.
//!
//! Invariant: a row here either has no effect, with the reason, or lists the values that mean what this version does.

use super::super::draft::Draft;
use super::super::error::Refusal;
use super::super::spec::{Interval, Kind, Spec};
use super::BOOLEAN;

use Kind::{Choice, Real};

const ON_CPU: &str = "it belongs to training on a GPU; leave it out";

/// The built-in algorithm's other rows.
pub static INHERITED: &[Spec] = &[
    Spec::new(
        "use_dask_gpu_training",
        Choice(BOOLEAN, accept),
        "false",
        "Whether several GPUs train.",
    )
    .only(&["false"], ON_CPU),
    Spec::new(
        "sketch_eps",
        Real(Interval::open(0.0, 1.0), accept_real),
        "0.03",
        "Precision of an older sketch.",
    )
    .no_effect("XGBoost has ignored it since 1.6; `max_bin` decides"),
    Spec::new(
        "dsplit",
        Choice(&["row", "col"], accept),
        "row",
        "How data were split among hosts.",
    )
    .no_effect("no recent XGBoost reads it"),
    Spec::new(
        "predictor",
        Choice(&["auto", "cpu_predictor", "gpu_predictor"], accept),
        "auto",
        "What predicts.",
    )
    .no_effect("XGBoost has ignored it since 2.0"),
    Spec::new(
        "deterministic_histogram",
        Choice(BOOLEAN, accept),
        "true",
        "Whether histograms are reproducible.",
    )
    .no_effect("they always are"),
    Spec::new(
        "single_precision_histogram",
        Choice(BOOLEAN, accept),
        "false",
        "Precision of histograms in older versions.",
    )
    .no_effect("histograms are fixed-point sums"),
    Spec::new(
        "prob_buffer_row",
        Real(Interval::above(0.0), accept_real),
        "1.0",
        "A setting of a removed tree method.",
    )
    .no_effect("nothing reads it"),
];

#[expect(clippy::unnecessary_wraps, reason = "a row's setter may refuse")]
fn accept(_: &mut Draft, _: &str) -> Result<(), Refusal> {
    Ok(())
}

fn accept_real(_: &mut Draft, _: f64) {}
