//! The built-in algorithm's other rows: none of them sets anything.
//!
//! Invariant: a row here either has no effect, with the reason, or lists the values that mean what this version does.

use super::super::draft::Draft;
use super::super::error::Refusal;
use super::super::spec::{Interval, Kind, Spec};
use super::{BOOLEAN, ZERO_OR_ONE};

use Kind::{Choice, Choices, Integer, Real};

const GBLINEAR: &str = "only `booster` = `gblinear` reads it";
const DART: &str = "only `booster` = `dart` reads it";
const ON_CPU: &str = "it belongs to training on a GPU; leave it out";

/// The built-in algorithm's other rows.
pub static INHERITED: &[Spec] = &[
    Spec::new(
        "booster",
        Choice(&["gbtree", "gblinear", "dart"], accept),
        "gbtree",
        "What is boosted.",
    )
    .only(&["gbtree"], "use `gbtree`, the default"),
    Spec::new(
        "process_type",
        Choice(&["default", "update"], accept),
        "default",
        "Whether trees are grown or updated.",
    )
    .only(&["default"], "trees are grown, not updated; leave it out"),
    Spec::new(
        "updater",
        Choices(UPDATERS, |_, _| Ok(())),
        "",
        "Which steps make a tree.",
    )
    .only(
        &["grow_histmaker", "grow_histmaker,prune"],
        "`tree_method` = `hist` says the same; leave it out",
    ),
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
        "refresh_leaf",
        Integer(ZERO_OR_ONE, accept_integer),
        "1",
        "Whether an update refreshes leaves.",
    )
    .no_effect("only `process_type` = `update` reads it"),
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
    Spec::new(
        "sample_type",
        Choice(&["uniform", "weighted"], accept),
        "uniform",
        "How trees are dropped.",
    )
    .no_effect(DART),
    Spec::new(
        "normalize_type",
        Choice(&["tree", "forest"], accept),
        "tree",
        "How new trees are weighted.",
    )
    .no_effect(DART),
    Spec::new(
        "rate_drop",
        Real(ZERO_OR_ONE, accept_real),
        "0",
        "Share of trees that are dropped.",
    )
    .no_effect(DART),
    Spec::new(
        "one_drop",
        Integer(ZERO_OR_ONE, accept_integer),
        "0",
        "Whether a tree is always dropped.",
    )
    .no_effect(DART),
    Spec::new(
        "skip_drop",
        Real(ZERO_OR_ONE, accept_real),
        "0",
        "Probability that a round drops nothing.",
    )
    .no_effect(DART),
    Spec::new(
        "lambda_bias",
        Real(ZERO_OR_ONE, accept_real),
        "0",
        "L2 penalty on the bias.",
    )
    .no_effect(GBLINEAR),
];

const UPDATERS: &[&str] = &[
    "grow_colmaker",
    "distcol",
    "grow_histmaker",
    "grow_skmaker",
    "sync",
    "refresh",
    "prune",
    "shotgun",
    "coord_descent",
];

#[expect(clippy::unnecessary_wraps, reason = "a row's setter may refuse")]
fn accept(_: &mut Draft, _: &str) -> Result<(), Refusal> {
    Ok(())
}

fn accept_integer(_: &mut Draft, _: i64) {}

fn accept_real(_: &mut Draft, _: f64) {}
