//! What a job leaves: model, metric lines, side files, evaluation, logs.

use std::fs;
use std::path::Path;

use engine::dataset::Dataset;
use engine::model;
use engine::threads::Threads;

use crate::job::{Job, rows, sparse_table, table};

fn regression() -> Job {
    Job::new(&[("num_round", "5"), ("max_depth", "3"), ("eta", "0.5")])
}

#[test]
fn a_table_becomes_a_model_that_predicts_it() {
    let job = regression()
        .csv("train", &table(500))
        .csv("validation", &table(60));
    let ended = job.run();
    let booster = model::load(&ended.model()).unwrap();
    assert_eq!((booster.n_rounds(), booster.n_features()), (5, 3));
    let (labels, features): (Vec<f32>, Vec<[f32; 3]>) = rows(500).unzip();
    let data = Dataset::from_rows(3, features.as_flattened(), &labels).unwrap();
    let predictions = booster.predict(&data, &Threads::single()).unwrap();
    let squares: f64 = predictions
        .iter()
        .zip(&labels)
        .map(|(a, b)| f64::from(a - b).powi(2))
        .sum();
    let rmse = (squares / labels.len() as f64).sqrt();
    let last = ended.metric_lines()[4];
    assert!(
        last.starts_with(&format!("[4]\ttrain-rmse:{rmse:.3}")),
        "{last}, {rmse}"
    );
}

#[test]
fn stdout_holds_one_metric_line_a_round_and_nothing_else() {
    let job = regression()
        .set("eval_metric", "rmse,mae")
        .csv("train", &table(100))
        .csv("validation", &table(50));
    let ended = job.run();
    let lines = ended.metric_lines();
    assert_eq!(lines.len(), 5);
    let is_number = |text: &str| {
        text.split_once('.')
            .is_some_and(|(_, decimals)| decimals.len() == 5)
            && text.parse::<f64>().is_ok()
    };
    for (round, line) in lines.iter().enumerate() {
        let parts: Vec<&str> = line.split('\t').collect();
        assert_eq!(parts[0], format!("[{round}]"));
        let names = [
            "train-rmse",
            "train-mae",
            "validation-rmse",
            "validation-mae",
        ];
        assert_eq!(parts.len(), 5, "{line}");
        for (part, name) in parts[1..].iter().zip(names) {
            let (found, value) = part.split_once(':').unwrap();
            assert!(found == name && is_number(value), "{line}");
        }
    }
}

#[test]
fn logs_read_like_the_built_in_containers() {
    let ended = regression()
        .csv("train", &table(100))
        .csv("validation", &table(50))
        .run();
    for expected in [
        "Single node training.",
        "Determined delimiter of CSV input is ','",
        "Train matrix has 100 rows and 3 columns",
        "Validation matrix has 50 rows",
    ] {
        let line = ended.stderr.lines().find(|it| it.ends_with(expected));
        let line = line.unwrap_or_else(|| panic!("no line `{expected}` in {}", ended.stderr));
        // [2026-11-23:03:40:00:INFO]
        let pattern: String = line
            .chars()
            .take(26)
            .map(|it| if it.is_ascii_digit() { '9' } else { it })
            .collect();
        assert_eq!(pattern, "[9999-99-99:99:99:99:INFO]", "{line}");
    }
}

#[test]
fn no_word_trains_and_json_is_json() {
    let job = regression()
        .set("model_format", "json")
        .csv("train", &table(50));
    let ended = job.run_with(&[]);
    let document: serde_json::Value = serde_json::from_slice(&ended.model()).unwrap();
    assert_eq!(
        document["learner"]["learner_model_param"]["num_feature"],
        "3"
    );
}

#[test]
fn the_model_folder_holds_the_model_and_the_side_folder() {
    let names = "hour,weekday,temperature";
    let ended = regression()
        .set("feature_names", names)
        .csv("train", &table(50))
        .run();
    ended.model();
    let mut entries: Vec<_> = fs::read_dir(ended.root().join("model"))
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    entries.sort();
    assert_eq!(entries, ["linden", "xgboost-model"]);

    let features = ended.json("model/linden/features.json");
    assert_eq!(
        features["feature_names"],
        serde_json::json!(["hour", "weekday", "temperature"])
    );
    assert_eq!(features["n_features"], 3);
    let effective = ended.json("model/linden/hyperparameters.json");
    assert_eq!(
        (
            &effective["eta"],
            &effective["lambda"],
            &effective["eval_metric"]
        ),
        (&"0.5".into(), &"1".into(), &"rmse".into())
    );
    let training = ended.json("model/linden/training.json");
    let evaluation = ended.json("output/data/evaluation.json");
    assert_eq!(training["model"]["sha256"], evaluation["model"]["sha256"]);
    assert_eq!(training["model"]["bytes"], ended.model().len());
    assert_eq!(
        model::load(&ended.model()).unwrap().feature_names,
        ["hour", "weekday", "temperature"]
    );
}

#[test]
fn the_evaluation_repeats_the_metric_lines() {
    let ended = regression()
        .csv("train", &table(100))
        .csv("validation", &table(50))
        .run();
    let bytes = ended.read("output/data/evaluation.json").unwrap();
    let evaluation = contract::artifact::Evaluation::read(&bytes).unwrap();
    assert_eq!(
        (evaluation.rounds, evaluation.algorithm.as_str()),
        (5, "gradient_boosting")
    );
    assert_eq!(
        evaluation
            .data
            .iter()
            .map(|it| (it.rows, it.columns))
            .collect::<Vec<_>>(),
        [(100, 3), (50, 3)]
    );
    let last = ended.metric_lines()[4];
    let value = evaluation.final_value("validation", "rmse").unwrap();
    assert!(
        last.ends_with(&format!("\tvalidation-rmse:{value:.5}")),
        "{last} {value}"
    );
    let steps: Vec<&str> = evaluation
        .timings
        .iter()
        .map(|it| it.step.as_str())
        .collect();
    assert_eq!(steps, ["read", "bin", "train", "save"]);
}

#[test]
fn the_baseline_is_compared_in_the_evaluation_and_on_one_line() {
    let job = regression()
        .set("feature_names", "hour,weekday,temperature")
        .set("baseline_columns", "hour,weekday");
    let ended = job
        .csv("train", &table(400))
        .csv("validation", &table(100))
        .run();
    ended.model();
    let line = ended
        .stderr
        .lines()
        .find(|it| it.contains("Baseline"))
        .unwrap();
    assert!(
        line.contains("INFO] Baseline (mean by hour, weekday): validation rmse "),
        "{line}"
    );
    let evaluation = ended.json("output/data/evaluation.json");
    let baseline = &evaluation["baseline"];
    assert_eq!(
        (&baseline["groups"], &baseline["unseen_rows"]),
        (&168.into(), &0.into())
    );
    let model = &baseline["metrics"][0]["model"];
    assert_eq!(model, &evaluation["metrics"][1]["final"]);
    // The label is hour and weekday and a little more, so their mean is hard to beat in five rounds.
    assert!(
        baseline["metrics"][0]["baseline"].as_f64().unwrap() < 1.0,
        "{baseline}"
    );
}

#[test]
fn early_stopping_keeps_the_best_round() {
    // Validation labels are the training labels upside down: every round makes it worse.
    let upside_down = rows(50)
        .map(|(label, [a, b, c])| format!("{},{a},{b},{c}\n", 60.0 - label))
        .collect::<Vec<_>>()
        .concat();
    let job = regression()
        .set("num_round", "50")
        .set("early_stopping_rounds", "3");
    let ended = job
        .csv("train", &table(200))
        .csv("validation", &upside_down)
        .run();
    let booster = model::load(&ended.model()).unwrap();
    let evaluation = ended.json("output/data/evaluation.json");
    let best = evaluation["best_round"]["round"].as_u64().unwrap() as usize;
    assert_eq!(booster.n_rounds(), best + 1);
    assert_eq!(ended.metric_lines().len(), best + 1 + 3);
    assert_eq!(evaluation["end"], "early_stopping");
    let rounds = evaluation["metrics"][1]["rounds"].as_array().unwrap();
    assert_eq!(evaluation["metrics"][1]["final"], rounds[best]);
}

#[test]
fn early_stopping_without_validation_warns_and_goes_on() {
    let ended = regression()
        .set("early_stopping_rounds", "3")
        .csv("train", &table(50))
        .run();
    ended.model();
    assert!(
        ended
            .stderr
            .contains("WARN] early_stopping_rounds has no effect"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.metric_lines().len(), 5);
}

#[test]
fn many_nested_files_are_one_table() {
    let whole = regression().csv("train", &table(300)).run().model();
    let text = table(300);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let files: Vec<(String, String)> = lines
        .chunks(17)
        .enumerate()
        .map(|(idx, lines)| {
            (
                format!("year={}/part-{idx:03}.csv", 2000 + idx / 5),
                lines.concat(),
            )
        })
        .collect();
    let mut files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    files.extend([
        ("_SUCCESS", "done"),
        ("year=2000/empty.csv", ""),
        ("year=2001/.part.crc", "crc"),
    ]);
    let ended = regression().channel("train", "text/csv", &files).run();
    assert!(
        ended.model() == whole,
        "the cut into files shows in the model"
    );
    assert!(
        ended
            .stderr
            .contains("WARN] Hidden file found in the data path"),
        "{}",
        ended.stderr
    );
}

#[test]
fn csv_and_libsvm_of_the_same_table_give_the_same_model() {
    let dense = regression()
        .csv("train", &table(300))
        .csv("validation", &table(40))
        .run();
    let sparse = regression()
        .libsvm("train", &sparse_table(300))
        .libsvm("validation", &sparse_table(40))
        .run();
    assert!(dense.model() == sparse.model(), "{}", sparse.stderr);
    assert_eq!(dense.stdout, sparse.stdout);
    let mixed = regression()
        .csv("train", &table(300))
        .libsvm("validation", &sparse_table(40))
        .run();
    assert!(dense.model() == mixed.model(), "{}", mixed.stderr);
}

#[test]
fn libsvm_channels_of_different_width_are_harmonised() {
    let narrow = "1 0:1\n2 0:2\n3 0:3\n";
    let wide = "1 0:1 5:2\n2 0:2\n";
    for (train, validation) in [(narrow, wide), (wide, narrow)] {
        let ended = Job::new(&[("num_round", "2"), ("min_child_weight", "0")])
            .libsvm("train", train)
            .libsvm("validation", validation)
            .run();
        assert_eq!(model::load(&ended.model()).unwrap().n_features(), 6);
    }
}

#[test]
fn spellings_of_the_same_csv_give_the_same_model() {
    let text = table(200);
    let expected = regression().csv("train", &text).run().model();
    let quoted = text
        .lines()
        .map(|line| {
            line.split(',')
                .map(|it| format!("\"{it}\""))
                .collect::<Vec<_>>()
                .join(";")
                + "\r\n"
        })
        .collect::<Vec<_>>()
        .concat();
    let spellings = [
        text.replace('\n', "\r\n"),
        format!("\u{feff}{text}"),
        quoted,
        text.replace(',', "\t"),
        text.replace('\n', "\n\n"),
    ];
    for spelling in spellings {
        let ended = regression().csv("train", &spelling).run();
        assert!(ended.model() == expected, "{:?}", &spelling[..40]);
    }
}

#[test]
fn weights_count_as_rows_do() {
    let twice = table(100)
        .lines()
        .enumerate()
        .map(|(idx, line)| format!("{line}\n").repeat(1 + idx % 2))
        .collect::<Vec<_>>()
        .concat();
    let weighted = table(100)
        .lines()
        .enumerate()
        .map(|(idx, line)| {
            let (label, features) = line.split_once(',').unwrap();
            format!("{label},{},{features}\n", 1 + idx % 2)
        })
        .collect::<Vec<_>>()
        .concat();
    let libsvm = sparse_table(100)
        .lines()
        .enumerate()
        .map(|(idx, line)| {
            let (label, features) = line.split_once(' ').unwrap();
            format!("{label}:{} {features}\n", 1 + idx % 2)
        })
        .collect::<Vec<_>>()
        .concat();
    let repeated = regression().csv("train", &twice).run();
    let csv = regression()
        .set("csv_weights", "1")
        .csv("train", &weighted)
        .run();
    let sparse = regression().libsvm("train", &libsvm).run();
    assert!(csv.model() == sparse.model());
    assert_eq!(csv.stdout, repeated.stdout);
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let objectives: [&[(&str, &str)]; 3] = [
        &[("objective", "reg:squarederror")],
        &[
            ("objective", "count:poisson"),
            ("subsample", "0.7"),
            ("colsample_bytree", "0.7"),
            ("seed", "3"),
        ],
        &[
            ("algorithm", "random_forest"),
            ("num_parallel_tree", "7"),
            ("num_round", "1"),
            ("eta", "1"),
        ],
    ];
    for settings in objectives {
        let run = |nthread: &str| {
            let job = settings.iter().fold(
                regression().set("nthread", nthread),
                |job, (name, value)| job.set(name, value),
            );
            let ended = job
                .csv("train", &table(9000))
                .csv("validation", &table(500))
                .run();
            (ended.model(), ended.stdout)
        };
        let one = run("1");
        for nthread in ["2", "3", "8"] {
            assert!(run(nthread) == one, "{settings:?} on {nthread} threads");
        }
    }
}

#[test]
fn a_channel_without_content_type_is_looked_at() {
    let csv = regression()
        .csv("train", &table(50))
        .channel_config("train", serde_json::json!({}))
        .run();
    csv.model();
    assert!(
        csv.stderr
            .contains("WARN] channel `train` has no content type"),
        "{}",
        csv.stderr
    );
    let libsvm = regression()
        .libsvm("train", &sparse_table(50))
        .channel_config("train", serde_json::json!({}))
        .run();
    assert!(libsvm.model() == csv.model());
    assert!(!libsvm.stderr.contains("WARN"), "{}", libsvm.stderr);
}

/// Hyperparameters by name.
type Settings = &'static [(&'static str, &'static str)];

#[test]
fn every_objective_trains_through_the_program() {
    let classes = rows(200)
        .map(|(label, [a, b, c])| format!("{},{a},{b},{c}\n", (label as u32) / 30))
        .collect::<Vec<_>>()
        .concat();
    let binary = rows(200)
        .map(|(label, [a, b, c])| format!("{},{a},{b},{c}\n", u8::from(label > 40.0)))
        .collect::<Vec<_>>()
        .concat();
    let table = table(200);
    let jobs: [(&str, Settings, &str, &str); 6] = [
        ("reg:squarederror", &[], &table, "rmse"),
        ("reg:logistic", &[], &binary, "rmse"),
        (
            "binary:logistic",
            &[("eval_metric", "auc,error,logloss")],
            &binary,
            "auc",
        ),
        ("count:poisson", &[], &table, "poisson-nloglik"),
        ("multi:softmax", &[("num_class", "4")], &classes, "mlogloss"),
        (
            "multi:softprob",
            &[("num_class", "4"), ("eval_metric", "merror")],
            &classes,
            "merror",
        ),
    ];
    for (objective, settings, text, metric) in jobs {
        let job = settings.iter().fold(
            regression().set("objective", objective),
            |job, (name, value)| job.set(name, value),
        );
        let ended = job.csv("train", text).run();
        let booster = model::load(&ended.model()).unwrap();
        assert_eq!(booster.objective.name.to_string(), objective);
        assert!(
            ended.metric_lines()[0].starts_with(&format!("[0]\ttrain-{metric}:")),
            "{}",
            ended.stdout
        );
    }
}

#[test]
fn a_decision_tree_is_one_round_and_measured_like_the_others() {
    let classes = |n_rows| {
        let line =
            |(label, [a, b, c]): (f32, [f32; 3])| format!("{},{a},{b},{c}\n", label as u32 / 30);
        rows(n_rows).map(line).collect::<Vec<_>>().concat()
    };
    for (objective, metric) in [
        ("multi:softmax", "mlogloss"),
        ("multi:softprob", "mlogloss"),
    ] {
        let job = Job::new(&[
            ("algorithm", "decision_tree"),
            ("objective", objective),
            ("num_class", "4"),
        ]);
        let ended = job
            .csv("train", &classes(300))
            .csv("validation", &classes(40))
            .run();
        let booster = model::load(&ended.model()).unwrap();
        assert_eq!((booster.n_rounds(), booster.trees.len()), (1, 4));
        assert!(
            ended.stderr.contains("searched among all values"),
            "{}",
            ended.stderr
        );
        let lines = ended.metric_lines();
        assert!(
            lines.len() == 1 && lines[0].starts_with(&format!("[0]\ttrain-{metric}:")),
            "{lines:?}"
        );
        assert!(
            lines[0].contains(&format!("\tvalidation-{metric}:")),
            "{lines:?}"
        );
    }
    let ended = Job::new(&[("algorithm", "decision_tree"), ("max_depth", "4")])
        .csv("train", &table(300))
        .run();
    assert_eq!(model::load(&ended.model()).unwrap().trees.len(), 1);
    assert!(
        ended
            .stderr
            .contains("searched among bins: `reg:squarederror` predicts numbers"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_metric_that_is_no_number_is_warned_of_once() {
    let job = Job::new(&[
        ("num_round", "3"),
        ("objective", "binary:logistic"),
        ("eval_metric", "auc"),
    ]);
    let ended = job.csv("train", "0,1\n0,2\n").run();
    ended.model();
    assert_eq!(ended.metric_lines()[2], "[2]\ttrain-auc:nan");
    let warnings = ended
        .stderr
        .matches("train-auc is not a number: the data set only contains pos or neg samples");
    assert_eq!(warnings.count(), 1, "{}", ended.stderr);
}

#[test]
fn an_old_model_is_replaced_whole() {
    let job = regression().csv("train", &table(50));
    job.write("model/xgboost-model", "old");
    assert!(model::load(&job.run().model()).is_ok());
    let leftovers = fs::read_dir(job.path("model")).unwrap().filter(|it| {
        let name = it.as_ref().unwrap().file_name();
        Path::new(&name) != Path::new("xgboost-model") && Path::new(&name) != Path::new("linden")
    });
    assert_eq!(leftovers.count(), 0);
}
