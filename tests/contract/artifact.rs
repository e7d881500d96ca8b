//! The evaluation document: what is written is read, and what is not ours is refused.

use std::collections::BTreeMap;

use contract::artifact::{
    Baseline, BaselineMetric, BestRound, DataSet, Evaluation, EvaluationError, MetricHistory,
    ModelDigest, Timing, archive_key,
};

fn evaluation() -> Evaluation {
    Evaluation {
        schema: Evaluation::SCHEMA,
        job_name: Some("usage-3fa91c02-1".to_owned()),
        algorithm: "gradient_boosting".to_owned(),
        objective: "count:poisson".to_owned(),
        data: vec![DataSet {
            name: "train".to_owned(),
            rows: 100,
            columns: 4,
            skipped_rows: 0,
        }],
        rounds: 2,
        best_round: Some(BestRound {
            round: 1,
            metric: "mae".to_owned(),
            value: 0.1 + 0.2,
        }),
        end: Some("early_stopping".to_owned()),
        metrics: vec![MetricHistory {
            data: "train".to_owned(),
            metric: "mae".to_owned(),
            maximize: false,
            final_value: f64::INFINITY,
            rounds: vec![1.5, f64::NEG_INFINITY, f64::INFINITY],
        }],
        cross_validation: None,
        baseline: Some(Baseline {
            data: "validation".to_owned(),
            columns: vec!["hour".to_owned()],
            groups: 24,
            unseen_rows: 0,
            metrics: vec![BaselineMetric {
                metric: "mae".to_owned(),
                maximize: false,
                baseline: 4.0,
                model: 3.0,
            }],
        }),
        timings: vec![Timing {
            step: "read".to_owned(),
            seconds: 0.25,
        }],
        hyperparameters: BTreeMap::from([("num_round".to_owned(), "2".to_owned())]),
        model: ModelDigest {
            file: "xgboost-model".to_owned(),
            bytes: 10,
            sha256: "ab".repeat(32),
        },
    }
}

#[test]
fn what_is_written_is_read() {
    let written = evaluation().write();
    assert_eq!(Evaluation::read(written.as_bytes()), Ok(evaluation()));
    assert!(written.contains("\"final\": \"inf\""), "{written}");
}

#[test]
fn a_metric_that_is_not_a_number_comes_back_as_such() {
    let mut nan = evaluation();
    nan.metrics[0].rounds[0] = f64::NAN;
    let read = Evaluation::read(nan.write().as_bytes()).unwrap();
    assert!(read.metrics[0].rounds[0].is_nan());
}

#[test]
fn other_versions_and_other_documents_are_refused() {
    let newer = evaluation()
        .write()
        .replace("\"schema\": 1", "\"schema\": 2");
    let error = Evaluation::read(newer.as_bytes()).unwrap_err();
    assert_eq!(error, EvaluationError::Schema(2));
    assert_eq!(
        error.to_string(),
        "evaluation.json: `schema` is `2`, allowed is `1`"
    );
    assert!(matches!(
        Evaluation::read(b"{}"),
        Err(EvaluationError::Json(_))
    ));
    assert!(matches!(
        Evaluation::read(b"\xff"),
        Err(EvaluationError::Json(_))
    ));
}

#[test]
fn improvement_counts_from_the_naive_value() {
    let metric = |maximize, baseline, model| BaselineMetric {
        metric: String::new(),
        maximize,
        baseline,
        model,
    };
    assert_eq!(metric(false, 4.0, 3.0).improvement(), 0.25);
    assert!(metric(false, 4.0, 3.0).model_is_better());
    assert!(metric(true, 0.5, 0.75).model_is_better());
    assert_eq!(metric(true, 0.5, 0.75).improvement(), 0.5);
    assert!(!metric(false, 3.0, 3.0).model_is_better());
    assert!(!metric(false, 3.0, f64::NAN).model_is_better());
}

#[test]
fn a_final_value_is_found_by_set_and_metric() {
    assert_eq!(
        evaluation().final_value("train", "mae"),
        Some(f64::INFINITY)
    );
    assert_eq!(evaluation().final_value("validation", "mae"), None);
}

#[test]
fn archives_lie_below_the_jobs_name() {
    assert_eq!(
        archive_key("out/", "j-1", "model.tar.gz"),
        "out/j-1/output/model.tar.gz"
    );
    assert_eq!(
        archive_key("", "j-1", "output.tar.gz"),
        "j-1/output/output.tar.gz"
    );
}
