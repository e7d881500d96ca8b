//! Stops, folders that cannot be used, and full disks.

use std::fs;
use std::process::Command;

use super::{Settings, bring, file, files, regression};
use crate::job::{Job, program, table};
use crate::signal::stop_after_three_rounds;

#[test]
fn a_stopped_job_has_a_checkpoint_of_its_last_round() {
    for (signal, save) in [("-TERM", "false"), ("-INT", "true")] {
        let settings: Settings<'_> =
            &[("num_round", "100000"), ("save_model_on_termination", save)];
        let job = Job::new(settings).csv("train", &table(2000));
        job.write("input/config/checkpointconfig.json", "{}");
        let (lines, child) = stop_after_three_rounds(&job, signal);
        let ended = job.wait(child);
        assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
        let n_rounds = lines.len();
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
