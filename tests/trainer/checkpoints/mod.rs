//! Checkpoints as users meet them.

mod boosters;
mod kept;
mod refused;
mod resumed;
mod stops;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::job::{Ended, Job, table};

/// Hyperparameters by name.
type Settings<'a> = &'a [(&'a str, &'a str)];

const N_ROUNDS: usize = 6;

/// A job that keeps a checkpoint of every round.
pub(crate) fn keeping(settings: Settings<'_>) -> Job {
    let always = [
        ("num_round", "6"),
        ("max_depth", "4"),
        ("checkpoint_interval_rounds", "1"),
        ("checkpoint_keep", "1000"),
    ];
    let job = settings
        .iter()
        .fold(Job::new(&always), |job, (name, value)| job.set(name, value));
    job.write("input/config/checkpointconfig.json", "{}");
    job
}

fn regression(settings: Settings<'_>) -> Job {
    keeping(settings)
        .csv("train", &table(300))
        .csv("validation", &table(100))
}

/// Another machine on which the folder of checkpoints is as `from` left it, up to `round`.
fn bring(to: Job, from: &Job, round: usize) -> Job {
    bring_below(&to, from, "checkpoints", round);
    to
}

fn bring_below(to: &Job, from: &Job, folder: &str, round: usize) {
    for entry in fs::read_dir(from.path(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let number = name.split('.').nth(1).unwrap();
        if number.parse::<usize>().unwrap() <= round {
            to.write(&format!("{folder}/{name}"), fs::read(entry.path()).unwrap());
        }
    }
}

pub(crate) fn files(job: &Job, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(job.path(folder)).unwrap();
    let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn file(job: &Job, round: usize) -> PathBuf {
    job.path(&format!("checkpoints/xgboost-checkpoint.{round}"))
}

/// The metrics of an evaluation, and what else must not depend on an interruption.
fn judged(ended: &Ended) -> [Value; 4] {
    let evaluation = ended.json("output/data/evaluation.json");
    ["metrics", "best_round", "end", "cross_validation"].map(|key| evaluation[key].clone())
}

/// Interrupts a job after each of its rounds, and holds what comes of it against a job that was not interrupted.
fn check_every_round(what: &str, job: impl Fn() -> Job) {
    let whole_job = job();
    let whole = whole_job.run();
    let bytes = whole.model();
    let lines = whole.metric_lines();
    for round in 0..lines.len() {
        let ended = bring(job(), &whole_job, round).run();
        assert!(
            ended.model() == bytes,
            "{what}: another model after round {round}"
        );
        assert_eq!(
            ended.metric_lines(),
            lines[round + 1..],
            "{what}, round {round}"
        );
        assert_eq!(judged(&ended), judged(&whole), "{what}, round {round}");
        let said = format!("Resuming from checkpoint xgboost-checkpoint.{round}, a model of");
        assert!(ended.stderr.contains(&said), "{}", ended.stderr);
    }
}
