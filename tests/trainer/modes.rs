//! Ways of running beside the plain one: folds, continuing from a model, the best round, a tree that is searched exactly.

use std::fs;
use std::io::Write as _;

use engine::dataset::Dataset;
use engine::model;
use engine::threads::Threads;

use crate::bad_input::check;
use crate::job::{Ended, Job, rows, table};

fn job() -> Job {
    Job::new(&[("num_round", "4"), ("max_depth", "3"), ("eta", "0.5")])
}

/// Labels that features cannot tell, so that more rounds are worse.
fn noise(n_rows: usize, seed: usize) -> String {
    (0..n_rows)
        .map(|row| {
            let label = (row * 7919 + seed * 104_729) % 1009;
            format!("{label},{},{}\n", row % 13, row * 31 % 17)
        })
        .collect::<Vec<_>>()
        .concat()
}

fn predictions(ended: &Ended) -> Vec<Vec<f64>> {
    let text = String::from_utf8(ended.read("output/data/predictions.csv").unwrap()).unwrap();
    let line = |line: &str| line.split(',').map(|it| it.parse().unwrap()).collect();
    text.lines().map(line).collect()
}

/// Three folds, twice.
fn folded() -> Ended {
    let ended = job()
        .set("_kfold", "3")
        .set("_num_cv_round", "2")
        .set("eval_metric", "rmse,mae")
        .csv("train", &table(70))
        .csv("validation", &table(20))
        .run();
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    ended
}

#[test]
fn folds_leave_a_model_each_and_lines_of_means() {
    let ended = folded();
    let mut models: Vec<_> = fs::read_dir(ended.root().join("model"))
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    models.sort();
    let expected: Vec<String> = (0..6).map(|it| format!("xgboost-model-{it}")).collect();
    assert_eq!(models[1..], expected);
    assert_eq!(models[0], "linden");
    // Four rounds of each fold, the means of each repetition, and those of both.
    let lines = ended.metric_lines();
    assert_eq!(lines.len(), 6 * 4 + 2 + 1);
    assert!(lines[0].starts_with("[0]\ttrain-rmse:") && lines[3].starts_with("[3]\t"));
    let names = |line: &str| -> Vec<String> {
        let parts = line.split('\t').skip(1);
        parts
            .map(|it| it.split_once(':').unwrap().0.to_owned())
            .collect()
    };
    for summary in [lines[12], lines[25], lines[26]] {
        assert!(summary.starts_with("[4]\t"), "{summary}");
        assert_eq!(
            names(summary),
            [
                "train-rmse",
                "validation-rmse",
                "train-mae",
                "validation-mae"
            ]
        );
    }
    for expected in [
        "Run 2-round of 3-fold cross validation with 90 rows",
        "Train matrix has 70 rows and 3 columns",
        "Validation matrix has 20 rows",
        "The overall metrics of 2-round cross validation",
    ] {
        assert!(
            ended.stderr.contains(expected),
            "{expected}: {}",
            ended.stderr
        );
    }
}

#[test]
fn folds_leave_predictions_and_an_evaluation() {
    let ended = folded();
    let predictions = predictions(&ended);
    assert_eq!(predictions.len(), 90);
    let labels: Vec<f64> = rows(70)
        .chain(rows(20))
        .map(|(label, _)| f64::from(label))
        .collect();
    for (row, label) in predictions.iter().zip(&labels) {
        assert!(row.len() == 2 && (row[0] - label).abs() < 1e-4);
    }
    // The evaluation repeats the means, and the held-out metric is that of the predictions' own rows.
    let evaluation = ended.json("output/data/evaluation.json");
    let folds = &evaluation["cross_validation"];
    assert_eq!(folds["models"].as_array().unwrap().len(), 6);
    let spread = &folds["metrics"][2];
    assert_eq!(
        (&spread["data"], &spread["metric"]),
        (&"validation".into(), &"rmse".into())
    );
    let mean = spread["mean"].as_f64().unwrap();
    let of_models: Vec<f64> = folds["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["metrics"][2]["value"].as_f64().unwrap())
        .collect();
    assert!((of_models.iter().sum::<f64>() / 6.0 - mean).abs() < 1e-9);
    assert!(ended.metric_lines()[26].contains(&format!("\tvalidation-rmse:{mean:.5}")));
    let variance = of_models.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / 6.0;
    assert!((spread["std"].as_f64().unwrap() - variance.sqrt()).abs() < 1e-9);
}

#[test]
fn a_row_is_predicted_by_the_models_that_have_not_seen_it() {
    let ended = job()
        .set("_kfold", "3")
        .set("objective", "binary:logistic")
        .csv(
            "train",
            &(0..60)
                .map(|row| format!("{},{},{}\n", u8::from(row % 7 < 3), row % 7, row % 5))
                .collect::<Vec<_>>()
                .concat(),
        )
        .run();
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    let features: Vec<f32> = (0..60)
        .flat_map(|row| [(row % 7) as f32, (row % 5) as f32])
        .collect();
    let data = Dataset::from_rows(2, &features, &[0.0; 60]).unwrap();
    let of_models: Vec<Vec<f32>> = (0..3)
        .map(|fold| {
            let bytes = ended.read(&format!("model/xgboost-model-{fold}")).unwrap();
            model::load(&bytes)
                .unwrap()
                .predict(&data, &Threads::single())
                .unwrap()
        })
        .collect();
    let predictions = predictions(&ended);
    for (row, predicted) in predictions.iter().enumerate() {
        let is_one_of_them = of_models
            .iter()
            .any(|it| (f64::from(it[row]) - predicted[1]).abs() < 1e-5);
        assert!(is_one_of_them, "row {row}: {predicted:?}");
        assert_eq!(predicted[2], f64::from(u8::from(predicted[1] > 0.5)));
        assert_eq!(predicted[0], f64::from(u8::from(row % 7 < 3)));
    }
    // What the folds were judged by is what these predictions are worth, all rows together.
    let losses = predictions.iter().map(|row| match row[..] {
        [label, share, _] => -(label * share.ln() + (1.0 - label) * (1.0 - share).ln()),
        _ => panic!("{row:?} is no label, probability and class"),
    });
    let evaluation = ended.json("output/data/evaluation.json");
    let folds = evaluation["cross_validation"]["models"].as_array().unwrap();
    let of_folds = folds.iter().map(|fold| {
        assert_eq!(fold["metrics"][1]["data"], "validation");
        fold["held_out_rows"].as_f64().unwrap() * fold["metrics"][1]["value"].as_f64().unwrap()
    });
    let (loss, of_folds) = (losses.sum::<f64>(), of_folds.sum::<f64>());
    assert!((loss - of_folds).abs() < 1e-3, "{loss} {of_folds}");
}

#[test]
fn folds_follow_from_the_seed_and_not_from_threads() {
    let run = |seed: &str, nthread: &str| {
        let job = job()
            .set("_kfold", "4")
            .set("seed", seed)
            .set("nthread", nthread);
        let ended = job.csv("train", &table(150)).run();
        assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
        let models: Vec<_> = (0..4)
            .map(|it| ended.read(&format!("model/xgboost-model-{it}")))
            .collect();
        (
            models,
            ended.read("output/data/predictions.csv"),
            ended.stdout,
        )
    };
    let first = run("3", "1");
    for nthread in ["2", "3", "8"] {
        assert_eq!(run("3", nthread), first);
    }
    assert_ne!(run("4", "1").1, first.1);
}

#[test]
fn folds_that_cannot_be_are_refused() {
    check(vec![
        (
            job().set("_kfold", "5").csv("train", "1,2\n3,4\n5,6\n"),
            "UserError: Hyperparameter _kfold: 5 folds of 3 rows: a fold would be empty",
        ),
        (
            job().set("_num_cv_round", "2").csv("train", &table(20)),
            "UserError: Hyperparameter _num_cv_round: `2` repeats cross-validation, which `_kfold` asks for; …",
        ),
        (
            job()
                .set("_kfold", "2")
                .set("algorithm", "decision_tree")
                .set("num_round", "1")
                .set("eta", "1")
                .csv("train", &table(20)),
            "UserError: Hyperparameter _kfold: `2` does not go with `algorithm` = `decision_tree`; …",
        ),
    ]);
}

#[test]
fn queries_are_held_out_whole() {
    let table: String = rows(60)
        .enumerate()
        .map(|(row, (label, [a, b, _]))| format!("{label},{},{a},{b}\n", row / 10))
        .collect::<Vec<_>>()
        .concat();
    let job = job().set("_kfold", "3").set("qid_column", "1");
    let ended = job.csv("train", &table).run();
    let evaluation = ended.json("output/data/evaluation.json");
    for fold in evaluation["cross_validation"]["models"].as_array().unwrap() {
        assert_eq!(fold["held_out_rows"], 20);
    }
}

/// A model archive as SageMaker writes it.
fn archive(model: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(model.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive
        .append_data(&mut header, "xgboost-model", model)
        .unwrap();
    let bytes = archive.into_inner().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&bytes).unwrap();
    gzip.finish().unwrap()
}

pub(crate) fn continuing(job: Job, model: &[u8]) -> Job {
    let job = job.channel("model", "application/x-sagemaker-model", &[]);
    job.write("input/data/model/model.tar.gz", archive(model));
    job
}

#[test]
fn continuing_is_as_if_training_had_never_stopped() {
    for (name, value) in [
        ("subsample", "0.7"),
        ("objective", "count:poisson"),
        ("objective", "reg:absoluteerror"),
        ("objective", "rank:pairwise"),
        ("csv_weights", "1"),
        ("num_parallel_tree", "3"),
    ] {
        let job = |rounds: &str| {
            job()
                .set("num_round", rounds)
                .set(name, value)
                .csv("train", &table(300))
                .csv("validation", &table(50))
        };
        let whole = job("7").run();
        let half = job("3").run().model();
        let ended = continuing(job("4"), &half).run();
        assert_eq!(ended.model(), whole.model(), "{name}");
        assert_eq!(ended.metric_lines(), whole.metric_lines()[3..]);
        assert!(
            ended
                .stderr
                .contains("Continuing from model/model.tar.gz, a model of 3 rounds")
        );
        let evaluation = ended.json("output/data/evaluation.json");
        assert_eq!(evaluation["rounds"], 7);
        let last = ended.metric_lines()[3];
        let value = evaluation["metrics"][1]["final"].as_f64().unwrap();
        assert!(last.ends_with(&format!(":{value:.5}")), "{last} {value}");
    }
}

#[test]
fn continuing_keeps_exposures() {
    let table: String = rows(200)
        .enumerate()
        .map(|(row, (label, [a, b, _]))| format!("{},{a},{b},{}\n", label.round(), 1 + row % 5))
        .collect::<Vec<_>>()
        .concat();
    let job = |rounds: &str| {
        let job = job()
            .set("num_round", rounds)
            .set("objective", "count:poisson");
        job.set("exposure_column", "3").csv("train", &table)
    };
    let whole = job("6").run().model();
    let half = job("2").run().model();
    assert_eq!(continuing(job("4"), &half).run().model(), whole);
}

#[test]
fn every_fold_continues_from_the_model() {
    let folds = |rounds: &str| {
        let job = job().set("num_round", rounds).set("_kfold", "3");
        job.set("subsample", "0.8").csv("train", &table(90))
    };
    let start = job()
        .set("num_round", "2")
        .csv("train", &table(40))
        .run()
        .model();
    let ended = continuing(folds("3"), &start).run();
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("it knows rows that are held out"),
        "{}",
        ended.stderr
    );
    let start = model::load(&start).unwrap();
    let features: Vec<f32> = rows(90).flat_map(|(_, features)| features).collect();
    let labels: Vec<f32> = rows(90).map(|(label, _)| label).collect();
    let data = Dataset::from_rows(3, &features, &labels).unwrap();
    let of_models: Vec<Vec<f32>> = (0..3)
        .map(|fold| {
            let bytes = ended.read(&format!("model/xgboost-model-{fold}")).unwrap();
            let booster = model::load(&bytes).unwrap();
            assert_eq!(booster.n_rounds(), 5);
            assert_eq!(booster.trees[..2], start.trees[..]);
            booster.predict(&data, &Threads::single()).unwrap()
        })
        .collect();
    assert_ne!(of_models[0], of_models[1]);
    for (row, line) in predictions(&ended).into_iter().enumerate() {
        let found = of_models
            .iter()
            .any(|it| (f64::from(it[row]) - line[1]).abs() < 1e-5);
        assert!(found, "row {row}: {line:?}");
    }
    let lines = ended.metric_lines();
    assert!(
        lines[0].starts_with("[2]\t") && lines[2].starts_with("[4]\t"),
        "{lines:?}"
    );
}

#[test]
fn a_model_that_does_not_fit_is_refused() {
    let model = job().csv("train", &table(50)).run().model();
    let named = job()
        .set("feature_names", "a,b,c")
        .csv("train", &table(50))
        .run()
        .model();
    let good = || job().csv("train", &table(50));
    let half = good().channel("model", "", &[]);
    let whole = archive(&model);
    half.write("input/data/model/model.tar.gz", &whole[..whole.len() / 2]);
    check(vec![
        (
            continuing(good().set("objective", "count:poisson"), &model),
            "UserError: the booster to continue from has objective `reg:squarederror`, the parameters ask for `count:poisson`",
        ),
        (
            continuing(job().csv("train", "1,2,3\n4,5,6\n"), &model),
            "UserError: the model in channel `model` has 3 feature columns, channel `train` has 2",
        ),
        (
            good().channel("model", "", &[]),
            "UserError: channel `model` holds no file, expected `xgboost-model` or `model.tar.gz`",
        ),
        (
            good().channel("model", "", &[("xgboost-model", "{}")]),
            "UserError: model/xgboost-model: …",
        ),
        // Whoever uploaded half an archive can upload all of it.
        (
            half,
            "UserError: model/model.tar.gz: the archive is damaged: …",
        ),
        (
            continuing(good().set("feature_names", "a,x,c"), &named),
            "UserError: feature_names mismatch: feature column 2 is `b` in the model in channel `model` and `x` in train",
        ),
    ]);
}

#[test]
fn the_model_ends_with_its_best_round_where_that_is_asked_for() {
    let job = |settings: &[(&str, &str)]| {
        let job = Job::new(&[("num_round", "12"), ("eta", "1")]);
        let job = settings
            .iter()
            .fold(job, |job, (name, value)| job.set(name, value));
        let ended = job
            .csv("train", &noise(120, 1))
            .csv("validation", &noise(60, 2))
            .run();
        (model::load(&ended.model()).unwrap(), ended)
    };
    let (all, _) = job(&[]);
    assert_eq!((all.n_rounds(), all.attributes.len()), (12, 0));
    let (best, ended) = job(&[("save_best", "true")]);
    assert_eq!(ended.metric_lines().len(), 12);
    let round: usize = best.attributes["best_iteration"].parse().unwrap();
    assert!(round < 11 && best.n_rounds() == round + 1);
    assert_eq!(all.trees[..=round], best.trees);
    let (stopped, ended) = job(&[("early_stopping_rounds", "2")]);
    assert_eq!(stopped.n_rounds() + 2, ended.metric_lines().len());
    let (kept, ended) = job(&[("early_stopping_rounds", "2"), ("save_best", "false")]);
    assert_eq!(kept.n_rounds(), ended.metric_lines().len());
    assert_eq!(kept.attributes, stopped.attributes);
}

#[test]
fn boosting_searches_exactly_where_each_value_has_a_bin_and_else_says_where_not() {
    // One column has 200 values, the other as many as there are rows.
    let rows = |n_values: [usize; 2]| -> String {
        let row = |idx: usize| {
            let [few, many] = n_values.map(|it| idx * 7919 % it);
            format!("{},{few},{many}.5\n", usize::from(few > 77) + many % 5)
        };
        (0..600).map(row).collect()
    };
    let by = |method: &str, max_bin: &str, n_values| {
        let job = job().set("tree_method", method).set("max_bin", max_bin);
        job.csv("train", &rows(n_values)).run()
    };
    let (exact, hist) = (by("exact", "16", [200, 250]), by("hist", "256", [200, 250]));
    assert!(exact.model() == hist.model());
    assert!(exact.model() != by("hist", "16", [200, 250]).model());
    assert!(
        exact.stderr.contains("the search is exact"),
        "{}",
        exact.stderr
    );
    assert!(!hist.stderr.contains("exact"), "{}", hist.stderr);
    let exact = by("exact", "16", [200, 600]);
    let warning = "different values: feature 1 is searched among 256 quantiles";
    assert!(exact.stderr.contains(warning), "{}", exact.stderr);
}

#[test]
fn a_tree_is_searched_exactly_or_refused_with_the_reason() {
    let classes: String = (0..80)
        .map(|row| format!("{},{},{}\n", u8::from(row % 9 < 4), row % 9, row))
        .collect::<Vec<_>>()
        .concat();
    let tree = |method: &str, objective: &str| {
        Job::new(&[
            ("algorithm", "decision_tree"),
            ("tree_method", method),
            ("objective", objective),
        ])
    };
    let ended = tree("exact", "binary:logistic")
        .csv("train", &classes)
        .run();
    ended.model();
    assert!(
        ended.stderr.contains("among all values"),
        "{}",
        ended.stderr
    );
    check(vec![(
        tree("exact", "reg:squarederror").csv("train", &table(40)),
        "UserError: no exact decision tree: `reg:squarederror` predicts numbers, the exact search only tells classes apart; …",
    )]);
    tree("hist", "reg:squarederror")
        .csv("train", &table(40))
        .run()
        .model();
}
