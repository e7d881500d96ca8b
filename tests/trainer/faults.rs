//! The trainer is killed at moments that a seed decides, while it reads, learns, writes checkpoints and saves; and goes on.
//!
//! `LINDEN_FAULT_KILLS` says how often, [`KILLS`] where it is not set. A failure names the seed and the kill.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use engine::model;

use crate::checkpoints::{files, keeping};
use crate::job::{Job, table};

/// Kills of one run of the tests.
const KILLS: u32 = 25;

/// Kills of one job, before it may end.
const KILLS_A_JOB: u32 = 5;

fn job() -> Job {
    keeping(&[
        ("num_round", "40"),
        ("subsample", "0.7"),
        ("checkpoint_keep", "2"),
        ("early_stopping_rounds", "30"),
    ])
    .csv("train", &table(6000))
    .csv("validation", &table(1000))
}

/// Numbers in `[0, 1)`, the same for the same seed.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1_u32 << 31)
    }
}

#[test]
fn a_job_that_is_killed_at_any_moment_goes_on_to_the_same_model() {
    let n_kills = std::env::var("LINDEN_FAULT_KILLS");
    let n_kills = n_kills.map_or(KILLS, |it| it.parse().unwrap());
    let start = Instant::now();
    let whole = job().run();
    let takes = start.elapsed();
    let bytes = whole.model();
    let mut moments = Moments(2026);
    for of_job in 0..n_kills.div_ceil(KILLS_A_JOB) {
        let job = job();
        for kill in 0..KILLS_A_JOB {
            let mut child = job.start();
            // A little longer than the whole takes, so that its end is among the moments.
            thread::sleep(takes.mul_f64(1.1 * moments.next()));
            child.kill().unwrap();
            child.wait().unwrap();
            let at = format!("job {of_job}, kill {kill}");
            if let Ok(found) = fs::read(job.path("model/xgboost-model")) {
                assert!(found == bytes, "{at}: half a model, or another");
                model::load(&found).unwrap();
            }
        }
        let ended = job.run();
        let at = format!("job {of_job}: {}", ended.stderr);
        assert!(ended.model() == bytes, "{at}");
        assert!(!ended.stderr.contains("damaged"), "{at}");
        let left = files(&job, "checkpoints");
        assert!(
            left.iter().all(|it| !it.contains("sagemaker-ignore")),
            "{at}"
        );
        assert!(start.elapsed() < Duration::from_mins(10), "{at}");
    }
}
