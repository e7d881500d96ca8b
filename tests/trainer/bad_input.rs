//! Jobs that must fail: exit code 1, the reason in the failure file's first line, and the same text on stderr.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use serde_json::json;

use crate::job::{Job, program, table};

/// A job that only needs one thing to go wrong.
fn good() -> Job {
    Job::new(&[("num_round", "2")]).csv("train", "1,2\n2,3\n3,4\n")
}

/// A job with this text as its training file.
fn csv(text: &str) -> Job {
    Job::new(&[("num_round", "2")]).csv("train", text)
}

fn libsvm(text: &str) -> Job {
    Job::new(&[("num_round", "2")]).libsvm("train", text)
}

fn wrote(job: Job, path: &str, text: &str) -> Job {
    job.write(path, text);
    job
}

/// Runs each job and compares the reason with what is expected; `…` at the end of the expectation stands for anything.
pub(crate) fn check(cases: Vec<(Job, &str)>) {
    for (job, expected) in cases {
        let reason = job.run().reason();
        let root = job.path("").display().to_string();
        let reason = reason.replace(root.trim_end_matches('/'), "ROOT");
        let fits = match expected.strip_suffix('…') {
            Some(start) => reason.starts_with(start),
            None => reason == expected,
        };
        assert!(fits, "\nreason:   {reason}\nexpected: {expected}");
    }
}

#[test]
fn hyperparameters_that_are_refused() {
    check(vec![
        (
            Job::new(&[]).csv("train", "1,2\n"),
            "UserError: Missing required hyperparameter: num_round",
        ),
        (
            good().set("etta", "0.1"),
            "UserError: Extraneous hyperparameter found: etta; did you mean `eta`?",
        ),
        (
            good().set("eta", "-0.1"),
            "UserError: Hyperparameter eta: -0.1 is not in [0, 1]",
        ),
        (
            good().set("max_depth", "-1"),
            "UserError: Hyperparameter max_depth: -1 is not in [0, …",
        ),
        (
            good().set("num_round", "0"),
            "UserError: Hyperparameter num_round: 0 is not in [1, …",
        ),
        (
            good().set("num_round", "many"),
            "UserError: Hyperparameter num_round: could not parse value `many`, expected an integer",
        ),
        (
            good().set("subsample", "1.5"),
            "UserError: Hyperparameter subsample: 1.5 is not in (0, 1]",
        ),
        (
            good().set("objective", "reg:cubed"),
            "UserError: Hyperparameter objective: reg:cubed is not in …",
        ),
        (
            good().set("objective", "rank:best"),
            "UserError: Hyperparameter objective: rank:best is not in …",
        ),
        (
            good().set("booster", "gbliner"),
            "UserError: Hyperparameter booster: gbliner is not in [gbtree, dart, gblinear]; did you mean `gblinear`?",
        ),
        (
            good().set("eval_metric", "rsme"),
            "UserError: Hyperparameter eval_metric: …",
        ),
        (
            good().set("eval_metric", "auc"),
            "UserError: Metric 'auc' can only be applied for classification and ranking problems.",
        ),
        (
            good().set("objective", "multi:softprob"),
            "UserError: Require input for parameter 'num_class' for multi-classification",
        ),
        (
            good().set("feature_names", "a,b"),
            "UserError: Hyperparameter feature_names: 2 names for 1 feature columns",
        ),
        (
            good().set("baseline_columns", "7"),
            "UserError: Hyperparameter baseline_columns: there is no column `7`, allowed are 0 to 0",
        ),
        (
            good().set("algorithm", "forest"),
            "UserError: Hyperparameter algorithm: forest is not in …",
        ),
    ]);
}

#[test]
fn documents_that_do_not_say_what_they_should() {
    let config = "input/config";
    check(vec![
        (
            wrote(
                good(),
                "input/config/hyperparameters.json",
                "{\"num_round\": ",
            ),
            "PlatformError: hyperparameters.json: …",
        ),
        (
            wrote(good(), "input/config/hyperparameters.json", "[1]"),
            "PlatformError: hyperparameters.json: …",
        ),
        (
            wrote(good(), "input/config/inputdataconfig.json", "{\"train\": {"),
            "PlatformError: inputdataconfig.json: …",
        ),
        (
            wrote(good(), "input/config/resourceconfig.json", "nonsense"),
            "PlatformError: resourceconfig.json: …",
        ),
        (
            wrote(
                good(),
                &format!("{config}/resourceconfig.json"),
                r#"{"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]}"#,
            ),
            "UserError: the job has 2 hosts, but this version trains on one host only",
        ),
        (
            wrote(
                good(),
                &format!("{config}/resourceconfig.json"),
                r#"{"current_host": "algo-9", "hosts": ["algo-1"]}"#,
            ),
            "PlatformError: resourceconfig.json: `current_host` is `algo-9`, which is not among `hosts` (algo-1)",
        ),
        (
            wrote(good(), &format!("{config}/checkpointconfig.json"), "{"),
            "PlatformError: checkpointconfig.json: …",
        ),
    ]);
}

#[test]
fn channels_that_are_not_there_or_not_readable() {
    let config = |key: &str, value: &str| json!({"ContentType": "text/csv", key: value});
    let changed = |key, value| good().channel_config("train", config(key, value));
    check(vec![
        (
            Job::new(&[("num_round", "2")]),
            "UserError: Missing required channel: train",
        ),
        (
            Job::new(&[("num_round", "2")]).csv("validation", "1,2\n"),
            "UserError: Missing required channel: train",
        ),
        (
            good().csv("test", "1,2\n"),
            "UserError: Extraneous channel found: test; allowed are `train`, `validation` and `model`",
        ),
        (
            good().csv("Train", "1,2\n"),
            "UserError: Extraneous channel found: Train; allowed are `train`, `validation` and `model`",
        ),
        (
            good().channel_config("model", json!({"TrainingInputMode": "Pipe"})),
            "UserError: channel `model` is in Pipe mode, in which no model comes; allowed are File and FastFile",
        ),
        (
            changed("ContentType", "text/tsv"),
            "UserError: channel `train`: `text/tsv` is not an accepted ContentType: csv, libsvm, …",
        ),
        (
            changed("ContentType", "text/csv;label_size=2"),
            "UserError: channel `train`: `text/csv;label_size=2` is not an accepted csv ContentType. Optional parameter label_size must be equal to 1",
        ),
        (
            changed("ContentType", "application/x-recordio-protobuf"),
            "UserError: train/data.csv, record 1: the record starts with 31 2c 32 0a, expected RecordIO's magic word 0a 23 d7 ce",
        ),
        (
            changed("RecordWrapperType", "RecordIO"),
            "UserError: channel `train` has RecordWrapperType RecordIO, which goes with Pipe mode alone; allowed is None",
        ),
        (
            changed("TrainingInputMode", "Floppy"),
            "PlatformError: inputdataconfig.json: `train.TrainingInputMode` is `Floppy`, allowed is `File`, `FastFile` or `Pipe`",
        ),
    ]);
}

#[test]
fn channels_without_data() {
    check(vec![
        (
            good().channel("validation", "text/csv", &[]),
            "UserError: No data in validation channel path ROOT/input/data/validation",
        ),
        (
            Job::new(&[("num_round", "2")]).channel("train", "text/csv", &[]),
            "UserError: No data in training channel path ROOT/input/data/train",
        ),
        (
            csv(""),
            "UserError: No data in training channel path ROOT/input/data/train",
        ),
        (
            csv("\n\n  \n"),
            "UserError: No data in training channel path ROOT/input/data/train",
        ),
        (
            libsvm("# nothing\n"),
            "UserError: No data in training channel path ROOT/input/data/train",
        ),
        (
            Job::new(&[("num_round", "2")]).channel(
                "train",
                "text/csv",
                &[("_SUCCESS", "1,2\n"), (".x", "1,2\n")],
            ),
            "UserError: No data in training channel path ROOT/input/data/train",
        ),
    ]);
}

#[test]
fn csv_that_does_not_fit() {
    let sorted = Job::new(&[("num_round", "2")]);
    check(vec![
        (
            csv("label,x\n1,2\n"),
            "UserError: train/data.csv, line 1, column 1: text `label` where the first label is expected: the file starts with a header",
        ),
        (
            csv("1,2\n2,abc\n"),
            "UserError: train/data.csv, line 2, column 2: text `abc` where a number is expected",
        ),
        (
            csv("1,2\n2,3,4\n"),
            "UserError: train/data.csv, line 2: 3 columns, expected 2 as in train/data.csv, line 1",
        ),
        (
            sorted.channel(
                "train",
                "text/csv",
                &[("b/2.csv", "1,2\n"), ("a/1.csv", "1,2,3\n")],
            ),
            "UserError: train/b/2.csv, line 1: 2 columns, expected 3 as in train/a/1.csv, line 1",
        ),
        (
            csv("1,2\n2,-inf\n"),
            "UserError: train/data.csv, line 2, column 2: `-inf` is infinite or beyond 32-bit floating point, …",
        ),
        (
            csv("1,2\n,3\n"),
            "UserError: train/data.csv, line 2, column 1: the label is missing, every row needs one",
        ),
        (
            csv("1\n2\n"),
            "UserError: train/data.csv, line 1: Could not determine delimiter on line `1`: …",
        ),
        (
            csv("1,2\n3,\"4\n"),
            "UserError: train/data.csv, line 2, column 2: the quote in `\"4�` is not closed",
        ),
        (
            csv("\u{1f}\u{8b}"),
            "UserError: train/data.csv, line 1: Could not determine delimiter on line …",
        ),
        (
            csv("1,1,2\n1,-3,2\n").set("csv_weights", "1"),
            "UserError: train/data.csv, line 2, column 2: weight `-3` is not allowed, allowed are finite numbers from 0",
        ),
        (
            good().csv("validation", "1,2\n1,x\n"),
            "UserError: validation/data.csv, line 2, column 2: text `x` where a number is expected",
        ),
        (
            good().csv("validation", "1,2,3\n"),
            "UserError: feature_names mismatch: train has 1 feature columns, validation has 2",
        ),
    ]);
}

#[test]
fn labels_that_the_objective_cannot_learn_from() {
    check(vec![
        (
            csv("0,2\n1,2\n2,3\n").set("objective", "binary:logistic"),
            "UserError: train/data.csv, line 3, column 1: label must be in [0,1] for logistic regression…",
        ),
        (
            csv("0,2\n1.5,2\n").set("objective", "reg:logistic"),
            "UserError: train/data.csv, line 2, column 1: label must be in [0,1] for logistic regression…",
        ),
        (
            csv("0,2\n-1,2\n").set("objective", "count:poisson"),
            "UserError: train/data.csv, line 2, column 1: PoissonRegression: label must be nonnegative…",
        ),
        (
            csv("0,2\n3,2\n")
                .set("objective", "multi:softmax")
                .set("num_class", "3"),
            "UserError: train/data.csv, line 2, column 1: SoftmaxMultiClassObj: label must be in [0, num_class)…",
        ),
        (
            libsvm("0 1:2\n0.5 1:2\n")
                .set("objective", "multi:softprob")
                .set("num_class", "2"),
            "UserError: train/data.libsvm, line 2: SoftmaxMultiClassObj: label must be in [0, num_class)…",
        ),
        (
            csv("1,0,2\n2,0,3\n").set("csv_weights", "1"),
            "UserError: `train`: every row has weight 0",
        ),
    ]);
}

#[test]
fn libsvm_that_does_not_fit() {
    check(vec![
        (
            libsvm("1 0:1\n1 7\n"),
            "UserError: train/data.libsvm, line 2: `7` is not a pair, expected `index:value`",
        ),
        (
            libsvm("1 x:1\n"),
            "UserError: train/data.libsvm, line 1: index `x` in `x:1` is not a column, allowed are whole numbers from 0 to 1048575",
        ),
        (
            libsvm("1 -1:1\n"),
            "UserError: train/data.libsvm, line 1: index `-1` in `-1:1` is not a column, allowed are whole numbers from 0 to 1048575",
        ),
        (
            libsvm("1 99999999999:1\n"),
            "UserError: train/data.libsvm, line 1: index `99999999999` in …",
        ),
        (
            libsvm("1 2:1 1:1\n"),
            "UserError: train/data.libsvm, line 1: index 1 comes after 2, indexes must ascend and be there once",
        ),
        (
            libsvm("1 0:nope\n"),
            "UserError: train/data.libsvm, line 1: text `nope` where a number is expected (in `0:nope`)",
        ),
        (
            libsvm("1,2,3\n"),
            "UserError: train/data.libsvm, line 1: First line '1,2,3' is not 'LIBSVM' format, it looks like CSV",
        ),
    ]);
}

#[test]
fn files_that_are_none() {
    let linked = |target: &str| {
        let job = good();
        symlink(target, job.path("input/data/train/link")).unwrap();
        job
    };
    let outside = tempfile::NamedTempFile::new().unwrap();
    let outside = outside.path().display().to_string();
    let socket = good();
    let _listener = UnixListener::bind(socket.path("input/data/train/socket")).unwrap();
    let folder = good();
    std::fs::remove_dir_all(folder.path("input/data/train")).unwrap();
    folder.write("input/data/train", "1,2\n");
    check(vec![
        (
            linked("."),
            "UserError: `ROOT/input/data/train/link` links to a folder above itself, so the channel has no end",
        ),
        (
            linked("nothing"),
            "UserError: `ROOT/input/data/train/link` is a link to nothing",
        ),
        (
            linked(&outside),
            "UserError: `ROOT/input/data/train/link` links to `…",
        ),
        (
            socket,
            "UserError: `ROOT/input/data/train/socket` is neither a file nor a folder",
        ),
        (
            folder,
            "PlatformError: cannot read `ROOT/input/data/train`: Not a directory (os error 20)",
        ),
    ]);
}

#[test]
fn all_problems_of_the_hyperparameters_are_in_the_failure_file() {
    let job = good()
        .set("etta", "1")
        .set("max_depth", "x")
        .set("lambda", "-1");
    let ended = job.run();
    ended.reason();
    let text = String::from_utf8(ended.read("output/failure").unwrap()).unwrap();
    for name in ["etta", "max_depth", "lambda"] {
        assert_eq!(text.matches(name).count(), 1, "{text}");
    }
}

#[test]
fn places_that_cannot_be_written_are_named() {
    let job = good();
    std::fs::remove_dir(job.path("model")).unwrap();
    job.write("model", "a file in the folder's place");
    check(vec![(
        job,
        "PlatformError: cannot write `ROOT/model/xgboost-model`: …",
    )]);
}

#[test]
fn a_failure_file_that_cannot_be_written_is_told_on_stderr() {
    let job = Job::new(&[]).csv("train", "1,2\n");
    job.write("output/failure/in_the_way", "");
    let ended = job.run();
    assert_eq!(ended.exit_code, Some(1));
    let lines: Vec<&str> = ended.stderr.lines().rev().take(2).collect();
    assert!(
        lines[1].starts_with("UserError: Missing required hyperparameter: num_round"),
        "{}",
        ended.stderr
    );
    assert!(
        lines[0].contains("output/failure` could not be written: "),
        "{}",
        ended.stderr
    );
}

#[test]
fn words_that_are_not_known_are_refused_and_told_of_train() {
    for (words, expected) in [
        (
            &["trian"][..],
            "UserError: unknown command `trian`, expected `train` or `serve`",
        ),
        (
            &["serve", "now"],
            "UserError: `serve` takes nothing behind it, found `now`",
        ),
        (
            &["train", "now"],
            "UserError: `train` takes nothing behind it, found `now`",
        ),
    ] {
        let ended = good().run_with(words);
        assert_eq!(ended.reason(), expected);
        assert!(
            ended.stderr.contains("hint: linden-trainer --help"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn a_mistyped_word_on_a_laptop_makes_no_folder() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("opt/ml");
    let output = program(&["trian"])
        .env("SAGEMAKER_BASE_DIR", &root)
        .output()
        .unwrap();
    assert_eq!((output.status.code(), root.exists()), (Some(1), false));
}

#[test]
fn help_and_version_are_answers_and_no_failures() {
    for (word, expected) in [
        ("--help", "Usage: linden-trainer [train | serve]"),
        ("--version", "linden-trainer 0."),
    ] {
        let ended = good().run_with(&[word]);
        assert_eq!(
            (ended.exit_code, ended.read("output/failure")),
            (Some(0), None)
        );
        assert!(ended.stdout.contains(expected), "{}", ended.stdout);
    }
}

#[test]
fn a_job_whose_metrics_nobody_reads_fails_and_says_so() {
    let job = Job::new(&[("num_round", "100000")]).csv("train", &table(1000));
    let mut child = job.start();
    drop(child.stdout.take());
    let reason = job.wait(child).reason();
    assert!(
        reason.starts_with("PlatformError: cannot write metrics to stdout: "),
        "{reason}"
    );
}
