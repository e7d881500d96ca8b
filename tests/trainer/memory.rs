//! A job that takes more memory than there is says so before it takes it.

use std::fmt::Write as _;

use serde_json::json;

use crate::job::{Ended, Job};

/// Runs a job of so many classes, whose program may have a gigabyte of addresses.
fn of_classes(n_classes: usize) -> Ended {
    let mut table = String::new();
    for row in 0..60_000 {
        writeln!(table, "{},{}", row % 3, row % 7).unwrap();
    }
    let job = Job::new(&[
        ("objective", "multi:softprob"),
        ("num_class", &n_classes.to_string()),
        ("num_round", "1"),
        ("max_depth", "2"),
        ("nthread", "2"),
    ])
    .csv("train", &table);
    let resources = json!({
        "current_host": "algo-1",
        "hosts": ["algo-1"],
        "current_instance_type": "ml.m5.large",
    });
    job.write("input/config/resourceconfig.json", resources.to_string());
    job.run_by("bash", &["-c", "ulimit -v 1000000; exec \"$0\" train"])
}

#[test]
fn a_job_that_does_not_fit_is_refused_with_what_it_takes_what_there_is_and_what_helps() {
    // A margin and a gradient pair for each row and class are 1.3 GiB.
    let ended = of_classes(2000);
    let reason = ended.reason();
    let said = "UserError: training takes 1.3 GiB of memory at least (gradients and margins 1.3 GiB, tables 1 MiB), and `ml.m5.large` has ";
    assert!(reason.starts_with(said), "{reason}");
    assert!(reason.ends_with(" MiB"), "{reason}");
    let hint = "hint: take an instance type with more memory; fewer columns, rows or classes,";
    assert!(ended.stderr.contains(hint), "{}", ended.stderr);
    assert!(ended.metric_lines().is_empty());
}

#[test]
fn a_job_that_fits_is_trained_without_a_word_about_memory() {
    let ended = of_classes(3);
    ended.model();
    assert!(
        !ended.stderr.contains("training may take"),
        "{}",
        ended.stderr
    );
}
