//! Boosters whose rounds change what was there before: `dart`, `gblinear`, updates, and what is learned of places.

use super::{Settings, bring, bring_below, check_every_round, judged, keeping, regression};
use crate::job::{Job, rows, table};
use crate::modes::continuing;

const DART: [(&str, &str); 5] = [
    ("booster", "dart"),
    ("rate_drop", "0.4"),
    ("one_drop", "1"),
    ("subsample", "0.7"),
    ("seed", "5"),
];

const LINEAR: [(&str, &str); 3] = [("booster", "gblinear"), ("lambda", "0.01"), ("eta", "0.3")];

/// Rows whose labels the features do not tell, so that the second set's metric soon gets worse.
fn noise(seed: usize) -> String {
    let label = |row: usize| (row * 7919 + seed * 104_729) % 1009;
    let line = |row: usize| format!("{},{},{}\n", label(row), row % 13, row * 31 % 17);
    (0..200).map(line).collect::<Vec<_>>().concat()
}

fn with<'a>(some: &[(&'a str, &'a str)], more: Settings<'a>) -> Vec<(&'a str, &'a str)> {
    some.iter().chain(more).copied().collect()
}

#[test]
fn a_dart_goes_on_with_its_weights_and_its_draws() {
    let settings: [(&str, Settings<'_>); 4] = [
        ("dart", &[]),
        ("json", &[("model_format", "json")]),
        (
            "weighted forest",
            &[
                ("sample_type", "weighted"),
                ("normalize_type", "forest"),
                ("num_parallel_tree", "2"),
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
        check_every_round(what, || regression(&with(&DART, settings)));
    }
}

#[test]
fn a_linear_booster_goes_on_with_its_weights() {
    let settings: [(&str, Settings<'_>); 3] = [
        ("linear", &[]),
        ("json", &[("model_format", "json")]),
        (
            "drawn",
            &[
                ("updater", "coord_descent"),
                ("feature_selector", "random"),
                ("seed", "4"),
            ],
        ),
    ];
    for (what, settings) in settings {
        check_every_round(what, || regression(&with(&LINEAR, settings)));
    }
}

#[test]
fn the_best_round_is_brought_back_after_any_interruption() {
    let stopping: Settings<'_> = &[
        ("num_round", "60"),
        ("early_stopping_rounds", "3"),
        ("eta", "0.9"),
    ];
    let levels: Settings<'_> = &[
        ("objective", "reg:quantileerror"),
        ("quantile_alpha", "[0.2, 0.7]"),
    ];
    for (what, settings) in [
        ("dart", with(&DART, stopping)),
        ("levels", with(&with(&DART, levels), stopping)),
        ("linear", with(&LINEAR, stopping)),
    ] {
        let job = || {
            keeping(&settings)
                .csv("train", &noise(1))
                .csv("validation", &noise(2))
        };
        check_every_round(what, job);
        let ended = job().run();
        let evaluation = ended.json("output/data/evaluation.json");
        let best = evaluation["best_round"]["round"].as_u64().unwrap();
        assert!(best + 1 < ended.metric_lines().len() as u64, "{what}");
    }
}

#[test]
fn what_is_learned_of_places_goes_on() {
    let queries: String = rows(300)
        .enumerate()
        .map(|(row, (label, [a, b, c]))| {
            format!(
                "{} qid:{} 0:{a} 1:{b} 2:{c}\n",
                u32::from(label > 40.0),
                row / 20
            )
        })
        .collect::<Vec<_>>()
        .concat();
    let ranking: Settings<'_> = &[
        ("objective", "rank:ndcg"),
        ("lambdarank_unbiased", "true"),
        ("subsample", "0.8"),
    ];
    check_every_round("unbiased", || keeping(ranking).libsvm("train", &queries));
}

fn trees(n_rows: usize) -> Vec<u8> {
    let settings: Settings<'_> = &[("num_round", "7"), ("max_depth", "4")];
    Job::new(settings)
        .csv("train", &table(n_rows))
        .run()
        .model()
}

#[test]
fn an_update_goes_on_at_the_round_that_is_next() {
    let model = trees(120);
    let updating: Settings<'_> = &[
        ("process_type", "update"),
        ("updater", "refresh,prune"),
        ("gamma", "1"),
    ];
    let job = || continuing(regression(updating), &model);
    check_every_round("update", job);
    let whole_job = job();
    whole_job.run().model();
    let other = continuing(regression(updating), &trees(130));
    assert_eq!(
        bring(other, &whole_job, 2).run().reason(),
        "UserError: checkpoint `xgboost-checkpoint.2` is of a job with other data than the channels hold now"
    );
}

/// The model's rounds count: the first checkpoint is that of the round after them.
#[test]
fn a_job_with_a_model_channel_goes_on_from_both() {
    for settings in [&DART[..], &LINEAR] {
        let model = keeping(settings).csv("train", &table(300)).run().model();
        let job = || continuing(regression(settings), &model);
        let whole_job = job();
        let whole = whole_job.run();
        for round in [6, 9, 11] {
            let ended = bring(job(), &whole_job, round).run();
            assert!(
                ended.model() == whole.model(),
                "{settings:?}, round {round}"
            );
            assert_eq!(ended.metric_lines(), whole.metric_lines()[round - 5..]);
        }
    }
}

#[test]
fn folds_go_on() {
    for settings in [&DART[..], &LINEAR] {
        let job = || regression(&with(settings, &[("_kfold", "2"), ("num_round", "3")]));
        let whole_job = job();
        let whole = whole_job.run();
        assert_eq!(whole.exit_code, Some(0), "{}", whole.stderr);
        let other = job();
        bring_below(&other, &whole_job, "checkpoints/model-0", 2);
        bring_below(&other, &whole_job, "checkpoints/model-1", 1);
        let ended = other.run();
        for model in ["model/xgboost-model-0", "model/xgboost-model-1"] {
            assert!(ended.read(model) == whole.read(model), "{settings:?}");
        }
        assert_eq!(judged(&ended), judged(&whole));
        assert_eq!(ended.metric_lines(), whole.metric_lines()[5..]);
    }
}

#[test]
fn fewer_rounds_go_on_from_a_checkpoint_that_has_not_seen_the_others() {
    for settings in [&DART[..], &LINEAR] {
        let whole_job = regression(settings);
        whole_job.run().model();
        let four = with(settings, &[("num_round", "4")]);
        let expected = regression(&four).run();
        let ended = bring(regression(&four), &whole_job, 5).run();
        assert!(ended.model() == expected.model(), "{settings:?}");
        let said = "Checkpoint xgboost-checkpoint.5 is passed over: the job has fewer rounds now";
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert_eq!(ended.metric_lines().len(), 0);
    }
}

#[test]
fn xgboosts_own_are_models_to_continue_from() {
    for settings in [&DART[..], &LINEAR] {
        let plain = |n_rounds| {
            let job = regression(&with(settings, &[("num_round", n_rounds)]));
            job.run().model()
        };
        let job = regression(settings);
        job.write("checkpoints/xgboost-checkpoint.2", plain("3"));
        let whole = plain("6");
        let ended = job.run();
        assert!(ended.model() == whole, "{settings:?}");
        assert_eq!(ended.metric_lines().len(), 3);
        // What it leaves itself is gone on from as well.
        let again = bring(regression(settings), &job, 4).run();
        assert!(again.model() == whole, "{settings:?}");
        assert_eq!(again.metric_lines().len(), 1);
    }
}
