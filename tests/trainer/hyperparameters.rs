//! Hyperparameters through the program: what the table takes shows in the model, in the metric lines or in the log.
//!
//! Each row of the table is held to its values in `tests/contract/hyperparameter/rows.rs`; here a handful goes all the way.

use serde_json::Value;

use crate::job::{Ended, Job, table};

/// What is left by a job of two rounds with one hyperparameter more, with the model as JSON.
fn left_by(name: &str, value: &str) -> Ended {
    let ended = Job::new(&[("num_round", "2"), ("model_format", "json")])
        .set(name, value)
        .csv("train", &table(200))
        .run();
    assert_eq!(ended.exit_code, Some(0), "{name}: {}", ended.stderr);
    ended
}

fn learner(ended: &Ended) -> Value {
    let document: Value = serde_json::from_slice(&ended.model()).unwrap();
    document["learner"].clone()
}

fn trees(ended: &Ended) -> Vec<Value> {
    let trees = &learner(ended)["gradient_booster"]["model"]["trees"];
    trees.as_array().unwrap().clone()
}

/// The nodes of the largest tree.
fn largest_tree(ended: &Ended) -> usize {
    let nodes = |it: &Value| it["left_children"].as_array().unwrap().len();
    trees(ended).iter().map(nodes).max().unwrap()
}

fn number(value: &Value) -> f64 {
    let text = value.as_str().unwrap();
    text.trim_matches(['[', ']']).parse().unwrap()
}

#[test]
fn what_is_accepted_shows_in_the_model() {
    assert_eq!(largest_tree(&left_by("max_depth", "1")), 3);
    assert_eq!(largest_tree(&left_by("max_leaves", "3")), 5);
    assert_eq!(largest_tree(&left_by("gamma", "1e30")), 1);
    assert_eq!(trees(&left_by("num_parallel_tree", "3")).len(), 6);
    assert_eq!(trees(&left_by("num_round", "5")).len(), 5);
    let scored = learner(&left_by("base_score", "12.5"));
    assert_eq!(number(&scored["learner_model_param"]["base_score"]), 12.5);
    let counted = learner(&left_by("objective", "count:poisson"));
    assert_eq!(counted["objective"]["name"], "count:poisson");
    let named = learner(&left_by("feature_names", "a,b,c"));
    assert_eq!(named["feature_names"], serde_json::json!(["a", "b", "c"]));
    assert_ne!(left_by("eta", "0.1").model(), left_by("eta", "0.2").model());
    assert_eq!(&left_by("model_format", "ubj").model()[..2], b"{L");
}

#[test]
fn what_is_accepted_shows_in_the_metric_lines() {
    let lines = left_by("eval_metric", "mae,rmse").stdout;
    let first = lines.lines().next().unwrap();
    assert!(
        first.starts_with("[0]\ttrain-mae:") && first.contains("\ttrain-rmse:"),
        "{first}"
    );
}

#[test]
fn what_is_accepted_without_effect_is_logged_and_changes_no_byte() {
    let plain = left_by("verbosity", "1").model();
    for (name, value) in [
        ("predictor", "cpu_predictor"),
        ("sketch_eps", "0.5"),
        ("huber_slope", "3"),
    ] {
        let ended = left_by(name, value);
        assert_eq!(ended.model(), plain, "{name}");
        let logged = |it: &str| it.contains(name) && it.contains(value);
        assert!(ended.stderr.lines().any(logged), "{}", ended.stderr);
    }
}
