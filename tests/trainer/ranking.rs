//! Ranking as a job: queries in each content type, what is printed, and how wrong rows are told.

use crate::bad_input::check;
use crate::job::{Ended, Job, rows};

fn job(objective: &str) -> Job {
    Job::new(&[
        ("num_round", "4"),
        ("max_depth", "3"),
        ("objective", objective),
    ])
}

/// Rows of queries of ten: a label from 0 to 3, and what it follows.
fn ranked(n_rows: usize) -> impl Iterator<Item = (u32, usize, [f32; 3])> {
    rows(n_rows).enumerate().map(|(row, (_, [a, b, c]))| {
        (
            u32::from(a > 11.0) + u32::from(b > 3.0),
            row / 10,
            [a, b, c],
        )
    })
}

fn csv(n_rows: usize) -> String {
    ranked(n_rows)
        .map(|(label, query, [a, b, c])| format!("{label},{query},{a},{b},{c}\n"))
        .collect::<Vec<_>>()
        .concat()
}

fn libsvm(n_rows: usize) -> String {
    ranked(n_rows)
        .map(|(label, query, [a, b, c])| format!("{label} qid:{query} 0:{a} 1:{b} 2:{c}\n"))
        .collect::<Vec<_>>()
        .concat()
}

fn trained(job: &Job) -> Ended {
    let ended = job.run();
    ended.model();
    ended
}

#[test]
fn csv_and_libsvm_print_the_same_metrics_of_queries() {
    let of_csv = trained(
        &job("rank:ndcg")
            .set("qid_column", "1")
            .csv("train", &csv(200)),
    );
    let of_libsvm = trained(&job("rank:ndcg").libsvm("train", &libsvm(200)));
    assert_eq!(of_csv.stdout, of_libsvm.stdout);
    let lines = of_csv.metric_lines();
    assert!(lines[0].starts_with("[0]\ttrain-ndcg@32:"), "{}", lines[0]);
    let value = |line: &str| line.rsplit(':').next().unwrap().parse::<f64>().unwrap();
    assert!(value(lines[3]) > 0.9 && value(lines[3]) >= value(lines[0]));
}

#[test]
fn metrics_are_named_as_they_are_asked_for() {
    let ended = job("rank:pairwise")
        .set("qid_column", "1")
        .set("eval_metric", "ndcg,ndcg@5-,map@3,pre@2,auc,ndcg-")
        .csv("train", &csv(100));
    let ended = trained(&ended);
    let names: Vec<_> = ended.metric_lines()[0]
        .split('\t')
        .skip(1)
        .map(|it| it.split_once(':').unwrap().0)
        .collect();
    let expected = ["ndcg", "ndcg@5-", "map@3", "pre@2", "auc", "ndcg-"];
    assert_eq!(names, expected.map(|it| format!("train-{it}")));
}

#[test]
fn models_do_not_depend_on_threads() {
    for value in ["topk", "mean"] {
        let model = |nthread: &str| {
            let job = job("rank:ndcg").set("lambdarank_pair_method", value);
            let job = job.set("nthread", nthread);
            trained(&job.set("qid_column", "1").csv("train", &csv(900))).model()
        };
        let first = model("1");
        for nthread in ["2", "3", "8"] {
            assert_eq!(model(nthread), first, "{value}");
        }
    }
}

#[test]
fn early_stopping_goes_for_the_largest_value() {
    let ended = job("rank:ndcg")
        .set("num_round", "200")
        .set("early_stopping_rounds", "3")
        .set("eval_metric", "ndcg@3")
        .set("qid_column", "1")
        .csv("train", &csv(300))
        .csv("validation", &csv(100));
    let ended = trained(&ended);
    let evaluation = ended.json("output/data/evaluation.json");
    let rounds = evaluation["metrics"][1]["rounds"].as_array().unwrap();
    let values: Vec<f64> = rounds.iter().map(|it| it.as_f64().unwrap()).collect();
    let largest = values.iter().copied().fold(0.0, f64::max);
    assert_eq!(evaluation["best_round"]["value"].as_f64(), Some(largest));
    assert!(values.len() < 200);
}

#[test]
fn what_pairs_were_made_by_is_written_down() {
    let job = job("rank:ndcg").set("lambdarank_pair_method", "mean");
    let ended = trained(&job.set("qid_column", "1").csv("train", &csv(100)));
    let effective = ended.json("model/linden/hyperparameters.json");
    for (name, value) in [
        ("lambdarank_pair_method", "mean"),
        ("lambdarank_score_normalization", "true"),
        ("ndcg_exp_gain", "true"),
    ] {
        assert_eq!(effective[name], value, "{name}");
    }
}

#[test]
fn rows_without_queries_are_one_and_that_is_told() {
    let ended = trained(&job("rank:ndcg").csv("train", &csv(100)));
    assert!(
        ended.stderr.contains("WARN] no row names its query"),
        "{}",
        ended.stderr
    );
}

#[test]
fn wrong_rows_are_told() {
    let qid = |objective: &str| job(objective).set("qid_column", "1");
    check(vec![
        (
            qid("rank:map").csv("train", "1,7,3\n2,7,4\n"),
            "UserError: train/data.csv, line 2, column 1: map can only be used with binary labels, 0 or 1, got `2`",
        ),
        (
            qid("rank:ndcg").csv("train", "1,7,3\n-1,7,4\n"),
            "UserError: train/data.csv, line 2, column 1: a degree of relevance must be in [0, 31], got `-1`",
        ),
        (
            job("rank:ndcg").libsvm("train", "1 qid:7 0:3\n0 0:4\n"),
            "UserError: train/data.libsvm, line 2: the row has no query, while the first row of the channel has one",
        ),
        (
            job("rank:ndcg").libsvm("train", "1 qid:7 0:3\n0 qid:8 0:4\n1 qid:7 0:4\n"),
            "UserError: train/data.libsvm, row 3: query 7 was there before other queries; the rows of a query must be adjacent",
        ),
        (
            job("rank:ndcg").libsvm("train", "1:2 qid:7 0:3\n0:3 qid:7 0:4\n"),
            "UserError: `train` row 1: weight `3`, but the query's first row has `2`; a query has one weight",
        ),
        (
            qid("rank:ndcg")
                .set("lambdarank_unbiased", "yes")
                .csv("train", "1,7,3\n"),
            "UserError: Hyperparameter lambdarank_unbiased: yes is not in [true, false, 1, 0]",
        ),
        (
            qid("rank:ndcg")
                .set("lambdarank_bias_norm", "-1")
                .csv("train", "1,7,3\n"),
            "UserError: Hyperparameter lambdarank_bias_norm: -1 is not in [0, +inf)",
        ),
        (
            qid("rank:ndcg")
                .set("lambdarank_pair_method", "top")
                .csv("train", "1,7,3\n"),
            "UserError: Hyperparameter lambdarank_pair_method: top is not in [topk, mean]; did you mean `topk`?",
        ),
    ]);
}
