//! Boosters whose rounds change what was there before go on, bit for bit: `dart`, and what is learned of places.

use engine::objective::{LambdaRank, ObjectiveName};
use engine::params::{BoosterName, BoosterParams, Dart, Monotone, NormalizeType, SampleType};

use crate::resume::{Brings, Job, short};

const DROPS: Dart = Dart {
    sample_type: SampleType::Weighted,
    normalize_type: NormalizeType::Tree,
    rate_drop: 0.4,
    one_drop: true,
    skip_drop: 0.25,
};

fn dart(objective: ObjectiveName) -> BoosterParams {
    short(objective)
        .booster(BoosterName::Dart)
        .dart(DROPS)
        .subsample(0.7)
        .colsample_bynode(0.8)
        .seed(11)
}

#[test]
fn a_dart_draws_and_weighs_as_if_nothing_had_happened() {
    for &objective in ObjectiveName::ALL {
        Job::new(dart(objective), Brings::Nothing).check("dart");
    }
    let forest = dart(ObjectiveName::RegQuantileError)
        .dart(Dart {
            normalize_type: NormalizeType::Forest,
            ..DROPS
        })
        .num_parallel_tree(2);
    Job::new(forest, Brings::Nothing).check("levels of a forest");
    Job::new(dart(ObjectiveName::RegSquaredError), Brings::Margins).check("dart with margins");
    let constrained = dart(ObjectiveName::BinaryLogistic)
        .monotone_constraints(vec![Monotone::Increasing, Monotone::Decreasing])
        .interaction_constraints(vec![vec![0, 1], vec![2, 3, 4]]);
    Job::new(constrained, Brings::Nothing).check("dart with constraints");
}

#[test]
fn what_is_learned_of_places_goes_on() {
    for booster in [BoosterName::GbTree, BoosterName::Dart] {
        for objective in [ObjectiveName::RankNdcg, ObjectiveName::RankPairwise] {
            let unbiased = LambdaRank {
                unbiased: true,
                ..LambdaRank::default()
            };
            let params = dart(objective).booster(booster).lambdarank(unbiased);
            let job = Job::new(params, Brings::Nothing);
            job.check("unbiased");
            let bias = &job.uninterrupted().0.booster.objective.position_bias;
            assert!(bias.clicked.iter().any(|&it| it != 1.0));
        }
    }
}

/// The best round comes before the last, so what the booster was then must have been kept.
#[test]
fn the_best_round_of_a_booster_that_changes_is_brought_back() {
    let unbiased = LambdaRank {
        unbiased: true,
        ..LambdaRank::default()
    };
    let stopping = |params: BoosterParams| {
        params
            .num_round(60)
            .learning_rate(0.9)
            .early_stopping_rounds(Some(4))
    };
    for (what, params) in [
        ("dart", dart(ObjectiveName::RegSquaredError)),
        ("levels of a dart", dart(ObjectiveName::RegQuantileError)),
        (
            "unbiased",
            short(ObjectiveName::RankNdcg).lambdarank(unbiased),
        ),
    ] {
        let job = Job::new(stopping(params), Brings::Nothing);
        job.check(what);
        let (whole, _) = job.uninterrupted();
        let best = whole.best.expect("it was looked for").round as usize;
        assert!(best + 1 < whole.history.len(), "{what}: {best}");
    }
}

#[test]
fn a_booster_that_changes_does_not_go_back_to_fewer_rounds() {
    let mut job = Job::new(dart(ObjectiveName::RegSquaredError), Brings::Nothing);
    let progress = job.uninterrupted().1.remove(4);
    job.params = job.params.num_round(4);
    let refused = job.resumed(progress).unwrap_err().to_string();
    assert!(refused.contains("rounds `5`"), "{refused}");
}
