//! Every environment variable that Linden reads or sets in a container, named and documented once.
//!
//! Invariant: no other module spells a variable's name.

/// An environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it does, one sentence.
    pub doc: &'static str,
}

/// Moves the contract tree.
pub const SAGEMAKER_BASE_DIR: Variable = Variable {
    name: "SAGEMAKER_BASE_DIR",
    doc: "Root of the contract tree instead of `/opt/ml`.",
};
/// The job's name.
pub const TRAINING_JOB_NAME: Variable = Variable {
    name: "TRAINING_JOB_NAME",
    doc: "Name of the training job; SageMaker sets it. Written into the evaluation.",
};
/// The job's ARN.
pub const TRAINING_JOB_ARN: Variable = Variable {
    name: "TRAINING_JOB_ARN",
    doc: "ARN of the training job; SageMaker sets it.",
};
/// The region.
pub const AWS_REGION: Variable = Variable {
    name: "AWS_REGION",
    doc: "Region of the job; SageMaker sets it.",
};
/// What is logged.
pub const LINDEN_LOG: Variable = Variable {
    name: "LINDEN_LOG",
    doc: "What the trainer logs on stderr, as a filter such as `info` or `trainer=debug`; stronger than `verbosity`.",
};

/// Which instructions the trainer uses.
pub const LINDEN_SIMD: Variable = Variable {
    name: "LINDEN_SIMD",
    doc: "Instructions that the trainer uses, `avx512`, `avx2` or `portable`, instead of the processor's best; the model does not depend on it.",
};

/// All of them, for the documentation.
pub const ALL: &[Variable] = &[
    SAGEMAKER_BASE_DIR,
    TRAINING_JOB_NAME,
    TRAINING_JOB_ARN,
    AWS_REGION,
    LINDEN_LOG,
    LINDEN_SIMD,
];
