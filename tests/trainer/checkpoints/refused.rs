//! What a job does not go on from, and says so; and what it goes on from although it is of another job, or of XGBoost's.

use std::fs;

use super::{N_ROUNDS, Settings, bring, file, judged, keeping, regression};
use crate::job::{Job, table};

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
