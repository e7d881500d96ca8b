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
/// How logs are written.
pub const LINDEN_LOG_FORMAT: Variable = Variable {
    name: "LINDEN_LOG_FORMAT",
    doc: "With `json`, every log line on stderr is a JSON document of `timestamp`, `level`, `message` and what belongs to it.",
};

/// Whose job it is.
pub const LINDEN_SUBMISSION: Variable = Variable {
    name: "LINDEN_SUBMISSION",
    doc: "Mark of the submission, which `linden run` sets: by it a job whose answer got lost is known again.",
};
/// What the job reads.
pub const LINDEN_DATA_DIGEST: Variable = Variable {
    name: "LINDEN_DATA_DIGEST",
    doc: "Digest of the channels' objects, which `linden run` sets: by it a job on other data is told from one on the same.",
};
/// Which instructions the trainer uses.
pub const LINDEN_SIMD: Variable = Variable {
    name: "LINDEN_SIMD",
    doc: "Instructions that the trainer uses, `avx512`, `avx2` or `portable`, instead of the processor's best; the model does not depend on it.",
};

/// Where the training channel is read from.
pub const LINDEN_CHANNEL_TRAIN: Variable = Variable {
    name: "LINDEN_CHANNEL_TRAIN",
    doc: "An address such as `s3://bucket/prefix`: the trainer reads channel `train` from there, with no copy on its disk.",
};
/// Where the validation channel is read from.
pub const LINDEN_CHANNEL_VALIDATION: Variable = Variable {
    name: "LINDEN_CHANNEL_VALIDATION",
    doc: "The same of channel `validation`.",
};
/// Where the model to continue from is read from.
pub const LINDEN_CHANNEL_MODEL: Variable = Variable {
    name: "LINDEN_CHANNEL_MODEL",
    doc: "The same of channel `model`.",
};
/// What the training channel is.
pub const LINDEN_CONTENT_TYPE_TRAIN: Variable = Variable {
    name: "LINDEN_CONTENT_TYPE_TRAIN",
    doc: "Content type of channel `train` where `LINDEN_CHANNEL_TRAIN` is set, such as `text/csv`.",
};
/// What the validation channel is.
pub const LINDEN_CONTENT_TYPE_VALIDATION: Variable = Variable {
    name: "LINDEN_CONTENT_TYPE_VALIDATION",
    doc: "Content type of channel `validation` where `LINDEN_CHANNEL_VALIDATION` is set; that of `train` unless set.",
};
/// Whether the one who reads pays.
pub const AWS_REQUEST_PAYER: Variable = Variable {
    name: "AWS_REQUEST_PAYER",
    doc: "With `requester`, the job's account pays for what the trainer reads from a bucket whose owner does not.",
};
/// Whom the trainer asks as.
pub const AWS_ACCESS_KEY_ID: Variable = Variable {
    name: "AWS_ACCESS_KEY_ID",
    doc: "Key that channels are read from S3 with, where the job has no role; the local SageMaker sets one.",
};
/// The key's secret.
pub const AWS_SECRET_ACCESS_KEY: Variable = Variable {
    name: "AWS_SECRET_ACCESS_KEY",
    doc: "The key's secret.",
};
/// Another S3 than Amazon's, and the API's others.
pub const AWS_ENDPOINT_URL: Variable = Variable {
    name: "AWS_ENDPOINT_URL",
    doc: "Endpoint of AWS's services instead of their own; the trainer reads channels from S3 there.",
};
/// Another S3 than Amazon's.
pub const AWS_ENDPOINT_URL_S3: Variable = Variable {
    name: "AWS_ENDPOINT_URL_S3",
    doc: "The same of S3 alone.",
};

/// Where the server listens.
pub const SAGEMAKER_BIND_TO_PORT: Variable = Variable {
    name: "SAGEMAKER_BIND_TO_PORT",
    doc: "Port that `serve` listens on; 8080 unless set, 0 for any free one.",
};
/// Who may reach the server.
pub const LINDEN_BIND_ADDRESS: Variable = Variable {
    name: "LINDEN_BIND_ADDRESS",
    doc: "Address that `serve` listens on; `0.0.0.0` unless set, as SageMaker needs it, and `127.0.0.1` where the local SageMaker starts it.",
};
/// The largest request.
pub const MAX_CONTENT_LENGTH: Variable = Variable {
    name: "MAX_CONTENT_LENGTH",
    doc: "Bytes that a request to `serve` may have, 6291456 unless set; with many models at most 20971520.",
};
/// The largest request of a transform job.
pub const SAGEMAKER_MAX_PAYLOAD_IN_MB: Variable = Variable {
    name: "SAGEMAKER_MAX_PAYLOAD_IN_MB",
    doc: "What a transform job sends at most in one request, in MiB, 0 for any; SageMaker sets it, and `serve` takes as much.",
};
/// The largest request of a multi-model endpoint.
pub const SAGEMAKER_MAX_REQUEST_SIZE: Variable = Variable {
    name: "SAGEMAKER_MAX_REQUEST_SIZE",
    doc: "Bytes that a request to a multi-model endpoint may have, in the place of `MAX_CONTENT_LENGTH`.",
};
/// Whether a transform job asks.
pub const SAGEMAKER_BATCH: Variable = Variable {
    name: "SAGEMAKER_BATCH",
    doc: "Set to anything in a transform job: every row is answered by a line, whatever is accepted.",
};
/// What is answered.
pub const SAGEMAKER_INFERENCE_OUTPUT: Variable = Variable {
    name: "SAGEMAKER_INFERENCE_OUTPUT",
    doc: "What `serve` answers for a row, a list of `predicted_label`, `labels`, `probability`, `probabilities`, `raw_score`, `raw_scores` and `predicted_score`.",
};
/// Whether several models are one.
pub const SAGEMAKER_INFERENCE_ENSEMBLE: Variable = Variable {
    name: "SAGEMAKER_INFERENCE_ENSEMBLE",
    doc: "With `true`, as without it, the models of a folder (those of folds) answer together; else the first one alone.",
};
/// The form of an answer.
pub const SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT: Variable = Variable {
    name: "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT",
    doc: "The form in which `serve` answers a request that accepts any; `text/csv` unless set.",
};
/// Whether models come and go.
pub const SAGEMAKER_MULTI_MODEL: Variable = Variable {
    name: "SAGEMAKER_MULTI_MODEL",
    doc: "Set to anything on a multi-model endpoint: models are loaded and unloaded by request.",
};
/// How many requests are worked on.
pub const SAGEMAKER_MODEL_SERVER_WORKERS: Variable = Variable {
    name: "SAGEMAKER_MODEL_SERVER_WORKERS",
    doc: "Requests that `serve` works on at once, beside those of a few rows; as many as there are processors unless set.",
};
/// How long a request may take.
pub const SAGEMAKER_MODEL_SERVER_TIMEOUT: Variable = Variable {
    name: "SAGEMAKER_MODEL_SERVER_TIMEOUT",
    doc: "Seconds in which a request must have come, found a worker, or been taken from the socket; 60 unless set.",
};
/// How many requests may wait.
pub const SAGEMAKER_MODEL_JOB_QUEUE_SIZE: Variable = Variable {
    name: "SAGEMAKER_MODEL_JOB_QUEUE_SIZE",
    doc: "Requests that may wait for a worker before further ones are answered by 429; 100 unless set.",
};
/// Where the exposure is.
pub const LINDEN_EXPOSURE_COLUMN: Variable = Variable {
    name: "LINDEN_EXPOSURE_COLUMN",
    doc: "The column of a request's rows that is the exposure, from 0, for models that were trained with one.",
};
/// Where the base margin is.
pub const LINDEN_BASE_MARGIN_COLUMNS: Variable = Variable {
    name: "LINDEN_BASE_MARGIN_COLUMNS",
    doc: "The columns of a request's rows that are the base margin, from 0, one for each output, such as `0,1,2`.",
};
/// Whether the server counts aloud.
pub const LINDEN_METRICS: Variable = Variable {
    name: "LINDEN_METRICS",
    doc: "With `1`, `serve` answers `/metrics` with its counters in Prometheus' text format.",
};

/// All of them, for the documentation.
pub const ALL: &[Variable] = &[
    SAGEMAKER_BASE_DIR,
    TRAINING_JOB_NAME,
    TRAINING_JOB_ARN,
    AWS_REGION,
    LINDEN_LOG,
    LINDEN_LOG_FORMAT,
    LINDEN_SUBMISSION,
    LINDEN_DATA_DIGEST,
    LINDEN_SIMD,
    LINDEN_CHANNEL_TRAIN,
    LINDEN_CHANNEL_VALIDATION,
    LINDEN_CHANNEL_MODEL,
    LINDEN_CONTENT_TYPE_TRAIN,
    LINDEN_CONTENT_TYPE_VALIDATION,
    AWS_REQUEST_PAYER,
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    AWS_ENDPOINT_URL,
    AWS_ENDPOINT_URL_S3,
    SAGEMAKER_BIND_TO_PORT,
    LINDEN_BIND_ADDRESS,
    MAX_CONTENT_LENGTH,
    SAGEMAKER_MAX_PAYLOAD_IN_MB,
    SAGEMAKER_MAX_REQUEST_SIZE,
    SAGEMAKER_BATCH,
    SAGEMAKER_INFERENCE_OUTPUT,
    SAGEMAKER_INFERENCE_ENSEMBLE,
    SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT,
    SAGEMAKER_MULTI_MODEL,
    SAGEMAKER_MODEL_SERVER_WORKERS,
    SAGEMAKER_MODEL_SERVER_TIMEOUT,
    SAGEMAKER_MODEL_JOB_QUEUE_SIZE,
    LINDEN_EXPOSURE_COLUMN,
    LINDEN_BASE_MARGIN_COLUMNS,
    LINDEN_METRICS,
];
