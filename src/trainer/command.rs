//! The word that the program is called with.
//!
//! SageMaker calls `train`; its SDK's local mode may call nothing at all, which is the same. In an image without an
//! entry point `train` and `serve` are programs, so links of those names to this one stand for the words.

use std::ffi::OsString;
use std::path::Path;

use crate::error::TrainerError;

/// What `--version` prints.
pub const VERSION: &str = concat!("linden-trainer ", env!("CARGO_PKG_VERSION"));

/// What `--help` prints.
pub const HELP: &str = "\
Trains gradient boosted trees, a random forest or a decision tree as a SageMaker training job, and serves the model.

Usage: linden-trainer [train | serve]

train, which is also what happens without a word:
The job is what lies under /opt/ml: input/config and input/data are read, model and output are written.
The model is at model/xgboost-model and loads in XGBoost. Metric lines go to stdout, logs to stderr.
A failure is explained in output/failure and on stderr. SIGTERM ends the job after the round in progress.

serve:
Answers GET /ping, GET /execution-parameters and POST /invocations on port 8080 with predictions of the models in
/opt/ml/model, as the built-in algorithm's container does, until SIGTERM. Requests are text/csv, text/libsvm,
application/x-recordio-protobuf, application/json or application/jsonlines, without labels.

Options:
  -h, --help     Print this help
  -V, --version  Print the version

Environment:
  SAGEMAKER_BASE_DIR  Root of the tree, instead of /opt/ml
  LINDEN_LOG          What is logged, such as `info` or `trainer=debug`
  LINDEN_SIMD         Instructions: avx512, avx2 or portable; the processor's best unless set
  of train, for channels that are read straight from S3:
  LINDEN_CHANNEL_TRAIN, LINDEN_CHANNEL_VALIDATION, LINDEN_CHANNEL_MODEL
                      Addresses such as s3://bucket/prefix
  LINDEN_CONTENT_TYPE_TRAIN, LINDEN_CONTENT_TYPE_VALIDATION
                      What they hold, such as text/csv
  AWS_REQUEST_PAYER   `requester` pays for what is read; region, credentials and AWS_ENDPOINT_URL are as in the AWS SDKs
  of serve:
  SAGEMAKER_BIND_TO_PORT, MAX_CONTENT_LENGTH, SAGEMAKER_MODEL_SERVER_WORKERS, SAGEMAKER_MODEL_SERVER_TIMEOUT,
  SAGEMAKER_MODEL_JOB_QUEUE_SIZE, SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT, SAGEMAKER_INFERENCE_OUTPUT,
  SAGEMAKER_INFERENCE_ENSEMBLE, SAGEMAKER_MULTI_MODEL and SAGEMAKER_BATCH, as in the built-in algorithm's container
  LINDEN_BIND_ADDRESS         Address that it listens on; 0.0.0.0 unless set
  LINDEN_EXPOSURE_COLUMN      Column of a request's rows that is the exposure, from 0
  LINDEN_BASE_MARGIN_COLUMNS  Columns that are the base margin, from 0, such as 0,1,2
  LINDEN_METRICS              1 answers GET /metrics in Prometheus' text format

Exit codes:
  0  The job ended, or it or the server was stopped
  1  It failed
";

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Train; also when there is no word.
    Train,
    /// Serve the model.
    Serve,
    /// Print [`HELP`].
    Help,
    /// Print [`VERSION`].
    Version,
}

/// The words of a call. The first argument is the name that the program was called by, which is no word unless it is that
/// of the link `train` or `serve`.
pub fn words(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args = args.into_iter();
    let link = args.next().and_then(|called| {
        let name = Path::new(&called).file_name()?.to_owned();
        (name == "train" || name == "serve").then_some(name)
    });
    link.into_iter().chain(args).collect()
}

/// Reads the words of a call.
///
/// # Errors
/// [`TrainerError::Usage`] for any other word, and for more than one.
pub fn parse(words: &[OsString]) -> Result<Command, TrainerError> {
    let words: Vec<_> = words.iter().map(|it| it.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [] | ["train"] => Ok(Command::Train),
        ["-h" | "--help" | "help"] | ["train" | "serve", "-h" | "--help"] => Ok(Command::Help),
        ["-V" | "--version" | "version"] => Ok(Command::Version),
        ["serve"] => Ok(Command::Serve),
        [word @ ("train" | "serve"), rest, ..] => {
            usage(format!("`{word}` takes nothing behind it, found `{rest}`"))
        }
        [word, ..] => usage(format!(
            "unknown command `{word}`, expected `train` or `serve`"
        )),
    }
}

fn usage(message: String) -> Result<Command, TrainerError> {
    Err(TrainerError::Usage(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_train() {
        for words in [&[][..], &["train"]] {
            let words: Vec<OsString> = words.iter().map(Into::into).collect();
            assert_eq!(parse(&words).unwrap(), Command::Train);
        }
    }

    #[test]
    fn a_link_stands_for_its_word() {
        for (args, expected) in [
            (&["/usr/local/bin/linden-trainer"][..], &[][..]),
            (&["linden-trainer", "train"], &["train"]),
            (&["train"], &["train"]),
            (&["/usr/local/bin/serve"], &["serve"]),
            (&["train", "--help"], &["train", "--help"]),
            (&[], &[]),
        ] {
            assert_eq!(words(args.iter().map(Into::into)), *expected, "{args:?}");
        }
    }

    #[test]
    fn each_word_tells_of_itself() {
        for words in [&["--help"][..], &["train", "--help"], &["serve", "-h"]] {
            let words: Vec<OsString> = words.iter().map(Into::into).collect();
            assert_eq!(parse(&words).unwrap(), Command::Help);
        }
    }

    #[test]
    fn other_words_are_refused_and_told_of_train() {
        for words in [
            &["trian"][..],
            &["serve", "train"],
            &["train", "--now"],
            &["--verbose"],
        ] {
            let words: Vec<OsString> = words.iter().map(Into::into).collect();
            let said = parse(&words).unwrap_err().to_string();
            assert!(said.contains("train"), "{said}");
        }
    }
}
