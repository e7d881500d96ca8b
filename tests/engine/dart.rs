//! `dart`: which trees a round is grown without, what trees are worth afterwards, and that every evaluation is the model's.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::sync::Arc;

use engine::bin::{BinnedDataset, HistogramCuts};
use engine::booster::{Booster, BoosterKind, NamedData, TrainError, Trained, check_start, train};
use engine::dataset::Dataset;
use engine::metric::Metric;
use engine::model::{ModelFormat, load, save};
use engine::objective::ObjectiveName;
use engine::params::{BoosterName, BoosterParams, Dart, NormalizeType, SampleType};
use engine::threads::Threads;
use linfa::ParamGuard;

use crate::table::{Shape, fit, params as params_of};
use crate::watched::{check_evaluations, measured, watched};

const SHAPE: Shape = Shape {
    n_rows: 1200,
    n_features: 5,
    missing: 0.1,
    weighted: true,
};

const DROPS: Dart = Dart {
    sample_type: SampleType::Uniform,
    normalize_type: NormalizeType::Tree,
    rate_drop: 0.4,
    one_drop: true,
    skip_drop: 0.25,
};

fn dart(objective: ObjectiveName, dart: Dart) -> BoosterParams {
    params_of(objective)
        .booster(BoosterName::Dart)
        .dart(dart)
        .max_depth(4)
        .num_round(10)
        .seed(5)
}

/// Two tables with the cuts of the first.
struct Pair {
    values: [Dataset; 2],
    bins: [BinnedDataset; 2],
}

impl Pair {
    fn new(objective: ObjectiveName) -> Self {
        let threads = Threads::single();
        let values = [1, 2].map(|seed| SHAPE.table(objective, seed));
        let cuts = HistogramCuts::from_dataset(&values[0], 64, &threads).unwrap();
        let cuts = Arc::new(cuts);
        let bin = |data: &Dataset| data.clone().bin(&cuts, &threads).unwrap();
        let bins = [bin(&values[0]), bin(&values[1])];
        Self { values, bins }
    }

    /// The tables with the leaves that rows reach in a booster.
    fn with_leaves(&self, booster: &Booster) -> [BinnedDataset; 2] {
        [0, 1].map(|it| {
            let leaves = booster.predict_leaf(&self.values[it], &Threads::single());
            let bins = self.bins[it].clone();
            bins.with_start_leaves(leaves.unwrap()).unwrap()
        })
    }
}

/// Trains, and gives the booster after every round.
fn rounds(
    params: &BoosterParams,
    sets: &[BinnedDataset; 2],
    start: Option<&Booster>,
) -> Result<(Trained, Vec<Booster>), TrainError> {
    let named = ["train", "validation"]
        .into_iter()
        .zip(sets)
        .map(|(name, data)| NamedData { name, data });
    let sets: Vec<_> = named.collect();
    let params = params.check_ref().expect("the parameters are sound");
    watched(|monitor| train(params, &sets[0], &sets[1..], start, monitor))
}

fn weights(booster: &Booster) -> &[f32] {
    match &booster.kind {
        BoosterKind::Dart { weight_drop } => weight_drop,
        BoosterKind::GbTree | BoosterKind::GbLinear(_) => panic!("no dart"),
    }
}

#[test]
fn every_evaluation_is_that_of_the_booster_as_it_was_then() {
    for (&objective, settings) in ObjectiveName::ALL.iter().zip(
        [
            DROPS,
            Dart {
                normalize_type: NormalizeType::Forest,
                sample_type: SampleType::Weighted,
                ..DROPS
            },
        ]
        .into_iter()
        .cycle(),
    ) {
        let pair = Pair::new(objective);
        let params = dart(objective, settings)
            .num_parallel_tree(2)
            .subsample(0.8);
        let seen = rounds(&params, &pair.bins, None).unwrap();
        check_evaluations(objective.as_str(), &seen, &pair.values);
        let (trained, _) = seen;
        let last = weights(&trained.booster);
        assert_eq!(last.len(), trained.booster.trees.len());
        assert!(last.iter().any(|&it| it < 0.9), "{objective}: {last:?}");
        let saved = load(&save(&trained.booster, ModelFormat::Json)).unwrap();
        assert_eq!(saved, trained.booster, "{objective}");
    }
}

#[test]
fn threads_do_not_show() {
    for objective in [ObjectiveName::RegSquaredError, ObjectiveName::MultiSoftprob] {
        let pair = Pair::new(objective);
        let params = dart(objective, DROPS).colsample_bytree(0.6).subsample(0.7);
        let runs = [1, 2, 3, 8].map(|n_threads| {
            let params = params.clone().nthread(Some(n_threads));
            let (trained, _) = rounds(&params, &pair.bins, None).unwrap();
            (save(&trained.booster, ModelFormat::Ubj), trained.history)
        });
        assert!(runs.iter().all(|it| *it == runs[0]), "{objective}");
        let other = rounds(&params.seed(6), &pair.bins, None).unwrap().0;
        assert_ne!(save(&other.booster, ModelFormat::Ubj), runs[0].0);
    }
}

#[test]
fn without_drops_the_trees_are_gbtrees_and_count_once() {
    let pair = Pair::new(ObjectiveName::BinaryLogistic);
    let params = dart(ObjectiveName::BinaryLogistic, Dart::default());
    let (dart, _) = rounds(&params, &pair.bins, None).unwrap();
    let trees = rounds(&params.booster(BoosterName::GbTree), &pair.bins, None).unwrap();
    assert_eq!(dart.booster.trees, trees.0.booster.trees);
    assert_eq!(dart.history, trees.0.history);
    assert_eq!(weights(&dart.booster), [1.0; 10]);
}

/// Where each round leaves out all trees, each sees what the first one saw.
#[test]
fn a_round_is_grown_on_what_the_trees_that_stay_leave_over() {
    let pair = Pair::new(ObjectiveName::CountPoisson);
    let all = Dart {
        rate_drop: 1.0,
        ..Dart::default()
    };
    let params = dart(ObjectiveName::CountPoisson, all)
        .learning_rate(0.5)
        .num_round(4);
    let (trained, boosters) = rounds(&params, &pair.bins, None).unwrap();
    let trees = &trained.booster.trees;
    assert!(trees.iter().all(|tree| *tree == trees[0]));
    let mut expected: Vec<f32> = Vec::new();
    for (n_before, booster) in boosters.iter().enumerate() {
        let n = n_before as f32;
        if n_before > 0 {
            for weight in &mut expected {
                *weight *= n / (n + 0.5);
            }
        }
        expected.push(if n_before > 0 { 1.0 / (n + 0.5) } else { 1.0 });
        for (found, expected) in weights(booster).iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}

#[test]
fn a_cut_brings_back_the_weights_of_the_best_round() {
    let pair = Pair::new(ObjectiveName::RegSquaredError);
    let params = dart(ObjectiveName::RegSquaredError, DROPS)
        .learning_rate(0.9)
        .num_round(80)
        .early_stopping_rounds(Some(5));
    let (trained, boosters) = rounds(&params, &pair.bins, None).unwrap();
    let best = trained.best.unwrap();
    assert!(trained.history.len() > best.round as usize + 1);
    let then = &boosters[best.round as usize];
    assert_eq!(trained.booster.trees, then.trees);
    assert_eq!(weights(&trained.booster), weights(then));
    assert_ne!(
        weights(boosters.last().unwrap())[..then.trees.len()],
        *weights(then)
    );
    let value = measured(&trained.booster, &pair.values[1], Metric::Rmse);
    assert!((value - best.value).abs() <= 1e-9 * value);
}

#[test]
fn training_in_two_parts_gives_the_bytes_of_training_in_one() {
    for objective in [
        ObjectiveName::RegSquaredError,
        ObjectiveName::MultiSoftprob,
        ObjectiveName::RegQuantileError,
    ] {
        let pair = Pair::new(objective);
        let params = dart(objective, DROPS).num_parallel_tree(2).subsample(0.7);
        let (whole, _) = rounds(&params, &pair.bins, None).unwrap();
        let half = params.clone().num_round(4);
        let (half, _) = rounds(&half, &pair.bins, None).unwrap();
        let rest = params.num_round(6);
        let sets = pair.with_leaves(&half.booster);
        let (rest, _) = rounds(&rest, &sets, Some(&half.booster)).unwrap();
        assert_eq!(rest.booster, whole.booster, "{objective}");
        assert_eq!(rest.history[..], whole.history[4..], "{objective}");
    }
}

#[test]
fn a_gbtree_goes_on_as_a_dart_and_not_the_other_way() {
    let objective = ObjectiveName::BinaryLogistic;
    let pair = Pair::new(objective);
    let trees = fit(&params_of(objective).num_round(5), &pair.bins[0], None).booster;
    let params = dart(objective, DROPS);
    let sets = pair.with_leaves(&trees);
    let (trained, boosters) = rounds(&params, &sets, Some(&trees)).unwrap();
    assert_eq!(trained.booster.trees[..5], trees.trees);
    assert!(weights(&trained.booster)[..5].iter().any(|&it| it < 1.0));
    for (evaluations, booster) in trained.history.iter().zip(&boosters) {
        let value = measured(booster, &pair.values[1], evaluations[1].metric);
        assert!((value - evaluations[1].value).abs() <= 1e-9 * value);
    }
    let back = params.clone().booster(BoosterName::GbTree);
    let refused = check_start(back.check_ref().unwrap(), &trained.booster).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the booster to continue from has booster `dart`, the parameters ask for `gbtree`"
    );
    let without = rounds(&params, &pair.bins, Some(&trees)).unwrap_err();
    assert!(matches!(without, TrainError::StartLeaves { data } if data == "train"));
}

/// The levels' starts are in the first trees: a `gbtree` does not say what they are.
#[test]
fn a_gbtree_of_several_levels_does_not_go_on_as_a_dart() {
    let objective = ObjectiveName::RegQuantileError;
    let pair = Pair::new(objective);
    let trees = fit(&params_of(objective).num_round(2), &pair.bins[0], None).booster;
    let params = dart(objective, DROPS);
    assert!(check_start(params.check_ref().unwrap(), &trees).is_err());
}

/// Small steps and many drops: what is left of the trees is next to nothing, and the starts are all there.
#[test]
fn levels_start_apart_and_no_round_leaves_their_start_out() {
    let objective = ObjectiveName::RegQuantileError;
    let pair = Pair::new(objective);
    for normalize_type in [NormalizeType::Tree, NormalizeType::Forest] {
        let all = Dart {
            rate_drop: 1.0,
            normalize_type,
            ..Dart::default()
        };
        let params = dart(objective, all).learning_rate(1e-4).num_round(30);
        let (trained, boosters) = rounds(&params, &pair.bins, None).unwrap();
        let threads = Threads::single();
        let margins = |booster: &Booster| booster.predict_margin(&pair.values[0], &threads);
        let first = margins(&boosters[0]).unwrap();
        let last = margins(&trained.booster).unwrap();
        assert!(first[2] - first[0] > 2.0, "{:?}", &first[..3]);
        for (first, last) in first.iter().zip(&last) {
            assert!((first - last).abs() < 0.05, "{first} {last}");
        }
    }
}

/// Weights that are no numbers any more in single precision must not take the starts with them.
#[test]
fn a_start_outlives_the_weight_of_the_tree_that_holds_it() {
    let objective = ObjectiveName::RegQuantileError;
    let pair = Pair::new(objective);
    let all = Dart {
        rate_drop: 1.0,
        normalize_type: NormalizeType::Forest,
        ..Dart::default()
    };
    let params = dart(objective, all).learning_rate(1.0).num_round(120);
    let (trained, boosters) = rounds(&params, &pair.bins, None).unwrap();
    let booster = boosters.last().unwrap();
    assert!(weights(booster)[0] < 1e-14, "{:?}", &weights(booster)[..3]);
    for (evaluation, data) in trained.history.last().unwrap().iter().zip(&pair.values) {
        let value = measured(booster, data, evaluation.metric);
        assert!((value - evaluation.value).abs() <= 1e-9 * value.abs());
        assert!(value < 2.0, "{value}");
    }
}
