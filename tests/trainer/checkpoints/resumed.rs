//! A job that was interrupted ends in the bytes of one that was not.

use super::{Settings, bring, bring_below, check_every_round, files, judged, keeping, regression};
use crate::job::{rows, table};

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
