//! Rows of checkpoints, Linden's own. They matter where the job has a folder for checkpoints.

use super::super::error::Refusal;
use super::super::spec::{Kind, Spec};
use super::POSITIVE_COUNT;
use crate::checkpoint::OnMismatch;

use Kind::{Choice, Integer};

/// Rows of checkpoints.
pub static CHECKPOINTS: &[Spec] = &[
    Spec::new(
        "checkpoint_interval_rounds",
        Integer(POSITIVE_COUNT, |draft, it| {
            draft.checkpoints.rounds = Some(it as u32);
        }),
        "",
        "Linden's own: rounds from one checkpoint to the next, of a job with a `CheckpointConfig`. The last round has one in any case, and so has the round in which a job is stopped.",
    ),
    Spec::new(
        "checkpoint_interval_seconds",
        Integer(POSITIVE_COUNT, |draft, it| {
            draft.checkpoints.seconds = Some(it as u32);
        }),
        "",
        "Linden's own: seconds from one checkpoint to the next; with `checkpoint_interval_rounds` whichever is over first. Where neither is given it is 10, or longer where writing would take more than a twentieth of the time.",
    ),
    Spec::new(
        "checkpoint_keep",
        Integer(POSITIVE_COUNT, |draft, it| {
            draft.checkpoints.keep = it as u32;
        }),
        "5",
        "Linden's own: checkpoints that stay in the folder; older ones are deleted unless SageMaker is just uploading them.",
    ),
    Spec::new(
        "checkpoint_mismatch",
        Choice(OnMismatch::NAMES, |draft, it| {
            draft.on_mismatch = it.parse().map_err(|_| Refusal::message("unknown choice"))?;
            Ok(())
        }),
        "fail",
        "Linden's own: what to do about checkpoints of another job, with other data or with hyperparameters that make another model. `fail` says what differs, `restart` passes over them and begins again: what a job needs that retrains on a schedule and keeps one S3 prefix for checkpoints, since its data are others each time. The built-in algorithm begins again without a word.",
    ),
];
