//! A training that is broken off and goes on ends as one that is not, bit for bit.

use std::ops::ControlFlow;
use std::sync::Arc;

use engine::bin::{BinnedDataset, HistogramCuts};
use engine::booster::{
    Booster, Monitor, NamedData, Progress, RoundReport, TrainEnd, TrainError, Trained, resume,
    train,
};
use engine::dataset::SideColumns;
use engine::metric::Metric;
use engine::model::{self, ModelFormat};
use engine::objective::{LambdaRank, ObjectiveName, PairMethod};
use engine::params::{BoosterParams, Monotone, SamplingMethod};
use engine::threads::Threads;
use linfa::ParamGuard;

use crate::table::{Numbers, Shape, params};

const N_ROUNDS: u32 = 9;

const SHAPE: Shape = Shape {
    n_rows: 700,
    n_features: 6,
    missing: 0.1,
    weighted: true,
};

/// What a row brings to start from.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Brings {
    Nothing,
    Margins,
    Exposures,
}

pub(crate) struct Job {
    pub(crate) params: BoosterParams,
    sets: Vec<BinnedDataset>,
    start: Option<Booster>,
}

impl Job {
    pub(crate) fn new(params: BoosterParams, brings: Brings) -> Self {
        let checked = params.check_ref().expect("the parameters are sound");
        let (objective, n_groups) = (checked.objective(), checked.full_objective().n_groups());
        let threads = Threads::single();
        let tables = [1, 2].map(|seed| {
            let data = SHAPE.table(objective, seed);
            let mut numbers = Numbers::new(seed + 7);
            let mut draw =
                |n: usize, low: f32| -> Vec<f32> { (0..n).map(|_| numbers.unit() + low).collect() };
            let side = SideColumns {
                base_margin: (brings == Brings::Margins)
                    .then(|| draw(SHAPE.n_rows * n_groups, -0.5)),
                exposure: (brings == Brings::Exposures).then(|| draw(SHAPE.n_rows, 0.1)),
                ..SideColumns::default()
            };
            if brings == Brings::Nothing {
                data
            } else {
                data.with_side_columns(side).expect("the columns are sound")
            }
        });
        let cuts = HistogramCuts::from_dataset(&tables[0], 64, &threads).expect("it can be cut");
        let cuts = Arc::new(cuts);
        let bin =
            |data: engine::dataset::Dataset| data.bin(&cuts, &threads).expect("it is as wide");
        Self {
            params,
            sets: tables.map(bin).into(),
            start: None,
        }
    }

    fn named(&self) -> Vec<NamedData<'_>> {
        let names = ["train", "validation"].into_iter();
        let named = names.zip(&self.sets);
        named.map(|(name, data)| NamedData { name, data }).collect()
    }

    /// Trains without a break, and gives what could be kept after each round.
    pub(crate) fn uninterrupted(&self) -> (Trained, Vec<Progress>) {
        let sets = self.named();
        let params = self.params.check_ref().expect("they are sound");
        uninterrupted(&|keep| train(params, &sets[0], &sets[1..], self.start.as_ref(), keep))
    }

    pub(crate) fn resumed(&self, progress: Progress) -> Result<Trained, TrainError> {
        let sets = self.named();
        let mut on = |_: &RoundReport<'_>| ControlFlow::Continue(());
        let params = self.params.check_ref().expect("they are sound");
        resume(params, &sets[0], &sets[1..], progress, &mut on)
    }

    pub(crate) fn check(&self, what: &str) {
        check(what, &self.uninterrupted(), |it| self.resumed(it));
    }
}

/// Trains without a break, and gives what could be kept after each round.
pub(crate) fn uninterrupted(
    train: &dyn Fn(&mut dyn Monitor) -> Result<Trained, TrainError>,
) -> (Trained, Vec<Progress>) {
    let mut kept = Vec::new();
    let mut keep = |report: &RoundReport<'_>| {
        kept.push(report.progress());
        ControlFlow::Continue(())
    };
    let trained = train(&mut keep).expect("the job is sound");
    (trained, kept)
}

/// Breaks a training off after every round, and goes on from what a file would hold.
pub(crate) fn check(
    what: &str,
    (whole, kept): &(Trained, Vec<Progress>),
    resumed: impl Fn(Progress) -> Result<Trained, TrainError>,
) {
    let bytes = model::save(&whole.booster, ModelFormat::Ubj);
    assert!(!kept.is_empty());
    for (round, progress) in kept.iter().enumerate() {
        let format = [ModelFormat::Ubj, ModelFormat::Json][round % 2];
        let stored = model::save(&progress.booster, format);
        let booster = model::load(&stored).expect("it was saved");
        assert_eq!(booster, progress.booster, "{what}, round {round}");
        let resumed = resumed(Progress {
            booster,
            ..progress.clone()
        });
        let resumed = resumed.unwrap_or_else(|err| panic!("{what}, round {round}: {err}"));
        assert!(
            model::save(&resumed.booster, ModelFormat::Ubj) == bytes,
            "{what}: another model after a break in round {round}"
        );
        assert_eq!(
            (
                &resumed.history,
                resumed.best,
                resumed.end,
                resumed.first_round
            ),
            (&whole.history, whole.best, whole.end, whole.first_round),
            "{what}, round {round}"
        );
    }
}

pub(crate) fn short(objective: ObjectiveName) -> BoosterParams {
    params(objective).num_round(N_ROUNDS).max_depth(4)
}

#[test]
fn every_objective_goes_on_after_any_round() {
    for &objective in ObjectiveName::ALL {
        let job = Job::new(short(objective), Brings::Nothing);
        job.check(objective.as_str());
    }
}

#[test]
fn samples_of_rows_and_columns_are_drawn_as_if_nothing_had_happened() {
    for objective in [ObjectiveName::RegSquaredError, ObjectiveName::MultiSoftprob] {
        let sampled = short(objective)
            .subsample(0.6)
            .colsample_bytree(0.7)
            .colsample_bylevel(0.8)
            .colsample_bynode(0.8)
            .seed(42);
        Job::new(sampled.clone(), Brings::Nothing).check("sampled");
        Job::new(sampled.num_parallel_tree(3), Brings::Nothing).check("a forest a round");
    }
}

#[test]
fn constraints_and_samples_by_gradients_go_on() {
    let constrained = short(ObjectiveName::BinaryLogistic)
        .monotone_constraints(vec![
            Monotone::Increasing,
            Monotone::Free,
            Monotone::Decreasing,
        ])
        .interaction_constraints(vec![vec![0, 1], vec![2, 3, 4]])
        .feature_weights(vec![1.0, 2.0, 0.5, 1.0, 1.0, 0.0])
        .colsample_bynode(0.6)
        .sampling_method(SamplingMethod::GradientBased)
        .subsample(0.4);
    Job::new(constrained, Brings::Nothing).check("constrained");
}

#[test]
fn pairs_are_drawn_as_if_nothing_had_happened() {
    let mean = LambdaRank {
        pair_method: PairMethod::Mean,
        num_pair_per_sample: Some(2),
        ..LambdaRank::default()
    };
    let drawn = short(ObjectiveName::RankNdcg).lambdarank(mean).seed(3);
    Job::new(drawn, Brings::Nothing).check("pairs");
}

#[test]
fn margins_and_exposures_are_not_counted_twice() {
    for objective in [
        ObjectiveName::BinaryLogistic,
        ObjectiveName::RegQuantileError,
    ] {
        Job::new(short(objective), Brings::Margins).check("margins");
    }
    Job::new(short(ObjectiveName::CountPoisson), Brings::Exposures).check("exposures");
}

#[test]
fn the_best_round_and_the_last_are_those_of_an_unbroken_training() {
    for save_best in [true, false] {
        let stopping = params(ObjectiveName::RegSquaredError)
            .num_round(200)
            .learning_rate(0.9)
            .eval_metrics(vec![Metric::Mae, Metric::Rmse])
            .early_stopping_rounds(Some(4))
            .save_best(Some(save_best));
        let job = Job::new(stopping, Brings::Nothing);
        job.check("early stopping");
        assert_eq!(job.uninterrupted().0.end, TrainEnd::EarlyStopping);
    }
}

#[test]
fn a_training_that_began_with_a_booster_goes_on_from_its_margins() {
    let params = short(ObjectiveName::CountPoisson);
    let mut job = Job::new(params.clone(), Brings::Nothing);
    let start = job.uninterrupted().0.booster;
    let threads = Threads::single();
    let with_margins = |data: &BinnedDataset| {
        let margins = start
            .predict_margin_binned(data, &threads)
            .expect("it is as wide");
        data.clone()
            .with_base_margin(margins)
            .expect("it is as long")
    };
    job.sets = job.sets.iter().map(with_margins).collect();
    job.start = Some(start);
    job.params = params.seed(5).subsample(0.5);
    job.check("continued");
    assert_eq!(
        job.uninterrupted().0.booster.n_rounds(),
        2 * N_ROUNDS as usize
    );
}

#[test]
fn the_number_of_rounds_may_be_another_one() {
    let few = Job::new(short(ObjectiveName::RegSquaredError), Brings::Nothing);
    let mut many = Job::new(few.params.clone().num_round(N_ROUNDS + 5), Brings::Nothing);
    let (long, kept) = many.uninterrupted();
    let (shorter, _) = few.uninterrupted();
    let grown = many.resumed(kept[N_ROUNDS as usize - 1].clone()).unwrap();
    assert_eq!(
        (&grown.booster, grown.history.len()),
        (&long.booster, long.history.len())
    );
    let cut = few.resumed(kept[N_ROUNDS as usize + 3].clone()).unwrap();
    assert_eq!(
        (cut.booster, cut.history),
        (shorter.booster, shorter.history)
    );
    many.params = many.params.num_round(1);
    let one = many.resumed(kept[0].clone()).unwrap();
    assert_eq!((one.booster.n_rounds(), one.end), (1, TrainEnd::AllRounds));
}

#[test]
fn what_was_kept_of_another_training_is_refused() {
    let job = Job::new(short(ObjectiveName::RegSquaredError), Brings::Nothing);
    let progress = job.uninterrupted().1.remove(2);
    let refused =
        |job: &Job, progress: &Progress| job.resumed(progress.clone()).unwrap_err().to_string();
    let mut short_history = progress.clone();
    short_history.history.pop();
    assert!(refused(&job, &short_history).contains("rounds `3`"));
    let mut other = Job::new(job.params.clone(), Brings::Nothing);
    other.params = other.params.eval_metrics(vec![Metric::Mae]);
    assert!(refused(&other, &progress).contains("eval_metric `train-rmse validation-rmse`"));
    other.params = short(ObjectiveName::RegGamma);
    assert!(
        refused(&Job::new(other.params, Brings::Nothing), &progress)
            .contains("objective `reg:squarederror`")
    );
}

#[test]
fn tables_with_other_content_give_other_bytes() {
    let bytes = |data: &BinnedDataset| {
        let mut all = Vec::new();
        data.for_each_piece(&mut |piece| all.extend_from_slice(piece));
        all
    };
    let job = Job::new(short(ObjectiveName::BinaryLogistic), Brings::Margins);
    let again = Job::new(short(ObjectiveName::BinaryLogistic), Brings::Margins);
    let other = Job::new(short(ObjectiveName::BinaryLogistic), Brings::Nothing);
    let all: Vec<_> = job.sets.iter().chain(&other.sets).map(bytes).collect();
    assert_eq!(bytes(&again.sets[0]), all[0]);
    for (idx, one) in all.iter().enumerate() {
        assert!(all[..idx].iter().all(|it| it != one));
    }
    let rows: Vec<u32> = (0..SHAPE.n_rows as u32).rev().collect();
    let turned = job.sets[0].select(&rows, &Threads::single());
    assert_ne!(bytes(&turned), all[0]);
}
