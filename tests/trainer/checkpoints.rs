//! Checkpoints as users meet them: what lies in the folder, what a job goes on from, and what it refuses.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::Command;

use engine::model;
use serde_json::{Value, json};

use crate::job::{Ended, Job, program, rows, table};

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

#[test]
fn the_newest_checkpoints_stay_and_each_is_a_model_with_its_manifest() {
    let job = regression(&[("checkpoint_keep", "2")]);
    let ended = job.run();
    let last = ended.model();
    let expected =
        ["4", "4.manifest", "5", "5.manifest"].map(|it| format!("xgboost-checkpoint.{it}"));
    assert_eq!(files(&job, "checkpoints"), expected);
    for round in [4, 5] {
        let bytes = fs::read(file(&job, round)).unwrap();
        let mut booster = model::load(&bytes).unwrap();
        assert_eq!(booster.n_rounds(), round + 1);
        let manifest = ended.json(&format!("checkpoints/xgboost-checkpoint.{round}.manifest"));
        assert_eq!(manifest["bytes"], bytes.len());
        booster.attributes.remove("linden_checkpoint").unwrap();
        if round == 5 {
            assert_eq!(booster, model::load(&last).unwrap());
        }
    }
}

#[test]
fn a_job_without_a_folder_keeps_none() {
    let job = Job::new(&[("num_round", "3")]).csv("train", &table(50));
    let ended = job.run();
    ended.model();
    assert!(!job.path("checkpoints").exists() && !ended.stderr.contains("heckpoint"));
}

#[test]
fn the_usual_folder_is_enough_and_another_one_can_be_named() {
    let job = Job::new(&[("num_round", "3")]).csv("train", &table(50));
    fs::create_dir(job.path("checkpoints")).unwrap();
    job.run().model();
    assert_eq!(files(&job, "checkpoints").len(), 2);
    let job = Job::new(&[("num_round", "3")]).csv("train", &table(50));
    let config = json!({"LocalPath": "/opt/ml/kept/here", "S3Uri": "s3://bucket/prefix"});
    job.write("input/config/checkpointconfig.json", config.to_string());
    job.run().model();
    assert_eq!(files(&job, "kept/here").len(), 2);
}

#[test]
fn a_resumed_job_ends_like_one_that_was_not_interrupted() {
    let settings: [(&str, Settings<'_>); 5] = [
        ("plain", &[]),
        ("json", &[("model_format", "json")]),
        (
            "sampled",
            &[
                ("subsample", "0.5"),
                ("colsample_bynode", "0.7"),
                ("seed", "3"),
                ("num_parallel_tree", "2"),
            ],
        ),
        (
            "early stopping",
            &[
                ("num_round", "60"),
                ("eta", "0.9"),
                ("early_stopping_rounds", "3"),
                ("eval_metric", "mae,rmse"),
            ],
        ),
        (
            "levels",
            &[
                ("objective", "reg:quantileerror"),
                ("quantile_alpha", "[0.2, 0.7]"),
            ],
        ),
    ];
    for (what, settings) in settings {
        check_every_round(what, || regression(settings));
    }
}

#[test]
fn classes_and_queries_go_on() {
    let classes: String = rows(300)
        .map(|(label, [a, b, c])| format!("{},{a},{b},{c}\n", label as u32 / 30))
        .collect::<Vec<_>>()
        .concat();
    let of_classes: Settings<'_> = &[("objective", "multi:softmax"), ("num_class", "4")];
    check_every_round("classes", || keeping(of_classes).csv("train", &classes));
    let queries: String = rows(300)
        .enumerate()
        .map(|(row, (label, [a, b, c]))| {
            format!("{} qid:{} 0:{a} 1:{b} 2:{c}\n", label as u32 / 25, row / 20)
        })
        .collect::<Vec<_>>()
        .concat();
    let ranking: Settings<'_> = &[
        ("objective", "rank:ndcg"),
        ("lambdarank_pair_method", "mean"),
        ("lambdarank_num_pair_per_sample", "2"),
    ];
    check_every_round("queries", || keeping(ranking).libsvm("train", &queries));
}

#[test]
fn words_and_codes_of_categories_go_on() {
    let lines = |n_rows: usize| {
        let lines = rows(n_rows).map(|(label, [a, b, c])| format!("{label},w{a},{b},{c}\n"));
        lines.collect::<Vec<_>>().concat()
    };
    check_every_round("categories", || {
        keeping(&[("categorical_features", "0,1"), ("subsample", "0.8")])
            .csv("train", &lines(300))
            .csv("validation", &lines(100))
    });
}

#[test]
fn margins_and_exposures_go_on() {
    let with_columns: String = rows(300)
        .enumerate()
        .map(|(row, (label, [a, b, c]))| {
            format!(
                "{},{a},{b},{c},{},{}\n",
                label as u32 / 9,
                row % 5,
                row % 7 + 1
            )
        })
        .collect::<Vec<_>>()
        .concat();
    for (column, number) in [("base_margin_columns", "4"), ("exposure_column", "5")] {
        let settings: Settings<'_> = &[("objective", "count:poisson"), (column, number)];
        check_every_round(column, || keeping(settings).csv("train", &with_columns));
    }
}

#[test]
fn a_job_with_a_model_channel_goes_on_from_both() {
    let model = keeping(&[]).csv("train", &table(300)).run().model();
    let job = || {
        let job = regression(&[("seed", "9"), ("subsample", "0.8")]).channel("model", "", &[]);
        job.write("input/data/model/xgboost-model", &model);
        job
    };
    let whole_job = job();
    let whole = whole_job.run();
    assert_eq!(files(&whole_job, "checkpoints")[0], "xgboost-checkpoint.10");
    for round in [6, 9, 11] {
        let ended = bring(job(), &whole_job, round).run();
        assert!(ended.model() == whole.model());
        assert_eq!(ended.metric_lines(), whole.metric_lines()[round - 5..]);
    }
    let without = bring(
        regression(&[("seed", "9"), ("subsample", "0.8")]),
        &whole_job,
        9,
    );
    assert_eq!(
        without.run().reason(),
        "UserError: checkpoint `xgboost-checkpoint.9` is of a job with other hyperparameters: \
         `channel model` was `given` and is `not given`"
    );
}

#[test]
fn folds_go_on_each_in_a_folder_of_its_own() {
    let job = || regression(&[("_kfold", "3"), ("num_round", "3"), ("subsample", "0.7")]);
    let whole_job = job();
    let whole = whole_job.run();
    assert_eq!(whole.exit_code, Some(0), "{}", whole.stderr);
    let lines = whole.metric_lines();
    for (fold, round) in [(0, 0), (0, 2), (1, 1), (2, 2)] {
        let other = job();
        for done in 0..fold {
            bring_below(&other, &whole_job, &format!("checkpoints/model-{done}"), 2);
        }
        bring_below(
            &other,
            &whole_job,
            &format!("checkpoints/model-{fold}"),
            round,
        );
        let ended = other.run();
        for model in [
            "model/xgboost-model-0",
            "model/xgboost-model-1",
            "model/xgboost-model-2",
        ] {
            assert!(
                ended.read(model) == whole.read(model),
                "fold {fold}, round {round}"
            );
        }
        assert_eq!(
            ended.read("output/data/predictions.csv"),
            whole.read("output/data/predictions.csv")
        );
        assert_eq!(judged(&ended), judged(&whole));
        assert_eq!(ended.metric_lines(), lines[fold * 3 + round + 1..]);
    }
}

/// What the log says about a checkpoint, and what damages it so.
type Damage<'a> = (&'a str, &'a dyn Fn(&Job));

#[test]
fn what_is_damaged_is_passed_over_by_name() {
    let whole_job = regression(&[]);
    let bytes = whole_job.run().model();
    let change = |job: &Job, name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let path = job.path(&format!("checkpoints/xgboost-checkpoint.{name}"));
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
    };
    let damages: [Damage<'_>; 7] = [
        ("it is damaged: it has 100 bytes, and had", &|job| {
            change(job, "5", &|it| it.truncate(100));
        }),
        (
            "it is damaged: its digest is not that of its manifest",
            &|job| {
                change(job, "5", &|it| {
                    let middle = it.len() / 2;
                    it[middle] ^= 1;
                });
            },
        ),
        ("its manifest is missing, so it was not done", &|job| {
            fs::remove_file(job.path("checkpoints/xgboost-checkpoint.5.manifest")).unwrap();
        }),
        ("its manifest is damaged: ", &|job| {
            change(job, "5.manifest", &|it| it.truncate(20));
        }),
        ("its manifest is that of xgboost-checkpoint.4", &|job| {
            fs::copy(
                job.path("checkpoints/xgboost-checkpoint.4.manifest"),
                job.path("checkpoints/xgboost-checkpoint.5.manifest"),
            )
            .unwrap();
        }),
        ("it is damaged: ", &|job| {
            fs::remove_file(job.path("checkpoints/xgboost-checkpoint.5.manifest")).unwrap();
            change(job, "5", &|it| it.truncate(100));
        }),
        ("it is a model of 4 rounds, and its name says 6", &|job| {
            fs::remove_file(job.path("checkpoints/xgboost-checkpoint.5.manifest")).unwrap();
            fs::copy(file(job, 3), file(job, 5)).unwrap();
        }),
    ];
    for (why, damage) in damages {
        let job = bring(regression(&[]), &whole_job, 5);
        damage(&job);
        let ended = job.run();
        assert!(ended.model() == bytes, "{why}");
        assert_eq!(ended.metric_lines().len(), 1, "{why}");
        let said = format!("Checkpoint xgboost-checkpoint.5 is passed over: {why}");
        assert!(ended.stderr.contains(&said), "{}", ended.stderr);
    }
}

#[test]
fn what_was_being_written_is_removed_and_other_files_stay() {
    let job = regression(&[("checkpoint_keep", "1")]);
    for name in [
        "xgboost-checkpoint.9.sagemaker-ignore",
        "notes.txt",
        "xgboost-checkpoint_0.ubj",
    ] {
        job.write(&format!("checkpoints/{name}"), "x");
    }
    fs::create_dir_all(job.path("checkpoints/xgboost-checkpoint.12")).unwrap();
    let ended = job.run();
    ended.model();
    let expected = [
        "notes.txt",
        "xgboost-checkpoint.12",
        "xgboost-checkpoint.5",
        "xgboost-checkpoint.5.manifest",
        "xgboost-checkpoint_0.ubj",
    ];
    assert_eq!(files(&job, "checkpoints"), expected);
    assert!(
        ended
            .stderr
            .contains("xgboost-checkpoint_0.ubj is no checkpoint to the built-in algorithm"),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_sagemaker_is_uploading_is_left_to_it() {
    let job = regression(&[("checkpoint_keep", "1")]);
    let mark = |name: &str| job.write(&format!("checkpoints/xgboost-checkpoint.{name}"), "");
    for name in [
        "1.sagemaker-uploading",
        "2.sagemaker-uploading",
        "2.sagemaker-uploaded",
    ] {
        mark(name);
    }
    job.run().model();
    assert!(file(&job, 1).exists() && file(&job, 5).exists());
    assert!(!file(&job, 0).exists() && !file(&job, 2).exists());
}

#[test]
fn a_checkpoint_of_another_job_is_refused_and_says_what_differs() {
    let whole_job = regression(&[]);
    whole_job.run().model();
    let moved = |settings: Settings<'_>| bring(regression(settings), &whole_job, 2);
    let of = "UserError: checkpoint `xgboost-checkpoint.2` is of a job with other";
    let ended = moved(&[("eta", "0.1"), ("max_bin", "32")]).run();
    assert_eq!(
        ended.reason(),
        format!(
            "{of} hyperparameters: `eta` was `0.3` and is `0.1`; `max_bin` was `256` and is `32`"
        )
    );
    assert!(
        ended.stderr.contains("checkpoint_mismatch set to restart"),
        "{}",
        ended.stderr
    );
    let data = format!("{of} data than the channels hold now");
    let other = bring(
        keeping(&[])
            .csv("train", &table(301))
            .csv("validation", &table(100)),
        &whole_job,
        2,
    );
    assert_eq!(other.run().reason(), data);
    let other = bring(keeping(&[]).csv("train", &table(300)), &whole_job, 2);
    assert_eq!(other.run().reason(), data);
    // These have no say in the model.
    let same: Settings<'_> = &[
        ("nthread", "2"),
        ("save_model_on_termination", "true"),
        ("verbosity", "2"),
    ];
    assert_eq!(moved(same).run().metric_lines().len(), N_ROUNDS - 3);
}

#[test]
fn a_job_may_begin_again_where_a_checkpoint_is_of_another() {
    let whole_job = regression(&[]);
    whole_job.run().model();
    let restart: Settings<'_> = &[("checkpoint_mismatch", "restart"), ("eta", "0.1")];
    let expected = regression(&[("eta", "0.1")]).run();
    let ended = bring(regression(restart), &whole_job, 2).run();
    assert!(ended.model() == expected.model());
    assert_eq!(ended.metric_lines().len(), N_ROUNDS);
    assert!(
        ended.stderr.contains("xgboost-checkpoint.2 is passed over: checkpoint `xgboost-checkpoint.2` is of a job with other hyperparameters: `eta`"),
        "{}",
        ended.stderr
    );
    // Data are only known once they have been read; what lies beside of the same data is found.
    let restart: Settings<'_> = &[("checkpoint_mismatch", "restart")];
    let with = |n_rows: usize| keeping(restart).csv("train", &table(n_rows));
    let first = with(300);
    first.run().model();
    let second = with(200);
    let whole = second.run();
    let mixed = bring(bring(with(200), &first, 5), &second, 3);
    let ended = mixed.run();
    assert!(ended.model() == whole.model());
    assert_eq!(ended.metric_lines(), whole.metric_lines()[4..]);
}

#[test]
fn the_number_of_rounds_may_grow_or_shrink() {
    let whole_job = regression(&[]);
    whole_job.run().model();
    for n_rounds in ["2", "4", "6", "9"] {
        let with: Settings<'_> = &[("num_round", n_rounds)];
        let expected = regression(with).run();
        let ended = bring(regression(with), &whole_job, 5).run();
        assert!(ended.model() == expected.model(), "{n_rounds} rounds");
        assert_eq!(judged(&ended), judged(&expected), "{n_rounds} rounds");
    }
}

#[test]
fn a_model_without_a_manifest_is_gone_on_from_as_the_built_in_algorithm_does() {
    let plain = |n_rounds: &str| regression(&[("num_round", n_rounds)]).run().model();
    let (three, whole) = (plain("3"), plain("6"));
    let job = || {
        let job = regression(&[]);
        job.write("checkpoints/xgboost-checkpoint.1", plain("2"));
        job.write("checkpoints/xgboost-checkpoint.2", &three);
        job
    };
    let first = job();
    let ended = first.run();
    assert!(ended.model() == whole);
    assert_eq!(ended.metric_lines().len(), 3);
    assert!(ended.metric_lines()[0].starts_with("[3]\t"));
    // What it leaves itself is gone on from as well.
    let again = bring(regression(&[]), &first, 4).run();
    assert!(again.model() == whole);
    assert_eq!(again.metric_lines(), &ended.metric_lines()[2..]);
    // Nothing is left to do, or less than nothing.
    for n_rounds in ["3", "2"] {
        let done = regression(&[("num_round", n_rounds)]);
        done.write("checkpoints/xgboost-checkpoint.2", &three);
        let ended = done.run();
        assert!(ended.model() == plain(n_rounds), "{n_rounds} rounds");
        assert_eq!(ended.metric_lines().len(), 0);
    }
    let other = regression(&[("objective", "reg:gamma")]);
    other.write("checkpoints/xgboost-checkpoint.2", &three);
    assert_eq!(
        other.run().reason(),
        "UserError: checkpoint `xgboost-checkpoint.2` does not go with this job: the booster to continue from has objective \
         `reg:squarederror`, the parameters ask for `reg:gamma`"
    );
}

#[test]
fn a_stopped_job_has_a_checkpoint_of_its_last_round() {
    for (signal, save) in [("-TERM", "false"), ("-INT", "true")] {
        let settings: Settings<'_> =
            &[("num_round", "100000"), ("save_model_on_termination", save)];
        let job = Job::new(settings).csv("train", &table(2000));
        job.write("input/config/checkpointconfig.json", "{}");
        let mut child = job.start();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines = String::new();
        for _ in 0..3 {
            stdout.read_line(&mut lines).unwrap();
        }
        let sent = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        stdout.read_to_string(&mut lines).unwrap();
        let ended = job.wait(child);
        assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
        let n_rounds = lines.lines().count();
        assert!(
            file(&job, n_rounds - 1).exists(),
            "{:?}",
            files(&job, "checkpoints")
        );
        let total = (n_rounds + 3).to_string();
        let whole = Job::new(&[("num_round", &total)])
            .csv("train", &table(2000))
            .run();
        let rest = Job::new(&[("num_round", &total)]).csv("train", &table(2000));
        rest.write("input/config/checkpointconfig.json", "{}");
        let resumed = bring(rest, &job, n_rounds).run();
        assert!(resumed.model() == whole.model());
        assert_eq!(resumed.metric_lines(), whole.metric_lines()[n_rounds..]);
    }
}

#[test]
fn a_folder_that_cannot_be_used_ends_the_job_before_it_reads() {
    let job = regression(&[]);
    job.write("checkpoints", "a file");
    let ended = job.run();
    let path = job.path("checkpoints");
    let said = format!(
        "PlatformError: checkpoints cannot be kept in `{}`: ",
        path.display()
    );
    assert!(ended.reason().starts_with(&said), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("hint: let the job write to the folder of checkpoints")
    );
    assert!(!ended.stderr.contains("Train matrix"), "{}", ended.stderr);
}

#[test]
fn a_full_disk_ends_the_job_and_says_so() {
    let job = regression(&[("model_format", "json"), ("num_round", "400")]);
    job.run_with(&["--version"]);
    // Files may have 64 KiB; the signal that comes with the error is ignored, as on a disk that is full.
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" train";
    let trainer = program(&[]).get_program().to_owned();
    let output = Command::new("bash")
        .args(["-c", script])
        .arg(trainer)
        .env("SAGEMAKER_BASE_DIR", job.path(""))
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let failure = fs::read_to_string(job.path("output/failure")).unwrap();
    assert!(
        failure.starts_with("UserError: cannot write checkpoint `"),
        "{failure}"
    );
    assert!(failure.contains("File too large"), "{failure}");
    assert!(
        failure.contains("hint: give the job a larger volume, or set checkpoint_keep lower"),
        "{failure}"
    );
    assert!(!job.path("model/xgboost-model").exists());
    let names = files(&job, "checkpoints");
    assert!(
        names.iter().all(|it| !it.ends_with(".sagemaker-ignore")),
        "{names:?}"
    );
    // With room again it goes on from the last one that is whole.
    let whole = regression(&[("model_format", "json"), ("num_round", "400")]).run();
    let resumed = bring(
        regression(&[("model_format", "json"), ("num_round", "400")]),
        &job,
        400,
    )
    .run();
    assert!(resumed.model() == whole.model());
    assert!(resumed.metric_lines().len() < 400);
}
