//! SIGTERM and SIGINT: the round in progress ends, and what is kept is what was asked for.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::process::Child;

use engine::model;

use crate::job::{Job, send, table};

/// Far more rounds than there is time for.
const N_ROUNDS: usize = 100_000;

fn endless(save: &str) -> Job {
    Job::new(&[
        ("num_round", &N_ROUNDS.to_string()),
        ("save_model_on_termination", save),
    ])
    .csv("train", &table(2000))
}

/// Reads the metric lines of a job, and sends `signal` after the third. Gives all lines that came.
pub(crate) fn stop_after_three_rounds(job: &Job, signal: &str) -> (Vec<String>, Child) {
    let mut child = job.start();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut lines = Vec::new();
    for _ in 0..3 {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        lines.push(line);
    }
    send(signal, &child);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    lines.extend(rest.lines().map(ToOwned::to_owned));
    (lines, child)
}

#[test]
fn a_stopped_job_leaves_the_model_of_its_last_round_where_that_is_asked_for() {
    for signal in ["-TERM", "-INT"] {
        let job = endless("true");
        let (lines, child) = stop_after_three_rounds(&job, signal);
        let ended = job.wait(child);
        assert!(lines.len() < N_ROUNDS, "the job went on to its end");
        assert_eq!(model::load(&ended.model()).unwrap().n_rounds(), lines.len());
        let evaluation = ended.json("output/data/evaluation.json");
        assert_eq!(
            (&evaluation["end"], &evaluation["rounds"]),
            (&"stopped".into(), &lines.len().into())
        );
    }
}

#[test]
fn a_stopped_job_leaves_no_model_where_none_is_asked_for() {
    let job = endless("false");
    let (lines, child) = stop_after_three_rounds(&job, "-TERM");
    let ended = job.wait(child);
    assert!(lines.len() < N_ROUNDS, "the job went on to its end");
    assert_eq!(
        (ended.exit_code, ended.read("model/xgboost-model")),
        (Some(0), None)
    );
    assert!(
        ended.stderr.contains(
            "The job was stopped and save_model_on_termination is false; there is no model"
        ),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.read("output/failure"), None);
}

#[test]
fn folds_of_one_round_are_stopped_between_two_of_them() {
    let (n_folds, n_repeats) = (10, 200);
    let job = Job::new(&[
        ("num_round", "1"),
        ("save_model_on_termination", "true"),
        ("_kfold", &n_folds.to_string()),
        ("_num_cv_round", &n_repeats.to_string()),
    ])
    .csv("train", &table(2000));
    let (lines, child) = stop_after_three_rounds(&job, "-TERM");
    let ended = job.wait(child);
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    assert!(
        lines.len() < n_folds * n_repeats,
        "the job went on to its end"
    );
    // Every tenth fold ends with a line of means.
    let n_models = lines.len() - lines.iter().filter(|it| it.starts_with("[1]")).count();
    let is_there = |fold: usize| ended.read(&format!("model/xgboost-model-{fold}")).is_some();
    assert!(is_there(n_models - 1) && !is_there(n_models));
    assert_eq!(ended.read("output/data/evaluation.json"), None);
}

#[test]
fn a_job_that_is_stopped_while_it_reads_ends_without_a_model() {
    let job = endless("true").csv("train", &table(100_000));
    // One file under many names: enough to read for the signal to arrive in the middle of it.
    for idx in 0..60 {
        let link = job.path(&format!("input/data/train/link-{idx}.csv"));
        symlink("data.csv", link).unwrap();
    }
    let mut child = job.start();
    // The first line of the log comes before the data, so the signal arrives while it is read.
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    send("-TERM", &child);
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    let ended = job.wait(child);
    assert_eq!(
        (ended.exit_code, ended.read("model/xgboost-model")),
        (Some(0), None),
        "{rest}"
    );
    assert!(
        rest.contains("The job was stopped while the data was being read; there is no model"),
        "{rest}"
    );
}
