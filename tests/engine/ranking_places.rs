//! What a row's place in its query has to do with its label, against the formulas: `lambdarank_unbiased`.

use std::ops::ControlFlow;

use engine::booster::{NamedData, RoundReport, train};
use engine::dataset::{Dataset, SideColumns};
use engine::model::{ModelFormat, load, save};
use engine::objective::{LambdaRank, ObjectiveName, PairMethod, PositionBias};
use engine::params::BoosterParams;
use engine::threads::Threads;
use linfa::ParamGuard;

use crate::table::{Numbers, binned, fit};

/// Clicks on ten rows a query: the worth of a row, times what its place is worth.
fn clicks(seed: u64) -> Dataset {
    let mut numbers = Numbers::new(seed);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for row in 0..3000 {
        let worth = numbers.unit();
        let is_seen = numbers.unit() < 1.0 / (1.0 + (row % 10) as f32);
        values.extend([worth, numbers.unit()]);
        labels.push(f32::from(u8::from(is_seen && numbers.unit() < worth)));
    }
    let side = SideColumns {
        query_ids: Some((0..3000).map(|row| row / 10).collect()),
        ..SideColumns::default()
    };
    let data = Dataset::from_rows(2, &values, &labels).expect("the table is sound");
    data.with_side_columns(side).expect("the table is sound")
}

fn unbiased(name: ObjectiveName, pair_method: PairMethod) -> BoosterParams {
    BoosterParams::default()
        .objective(name)
        .num_round(6)
        .max_depth(3)
        .lambdarank(LambdaRank {
            unbiased: true,
            bias_norm: 0.5,
            pair_method,
            num_pair_per_sample: (pair_method == PairMethod::TopK).then_some(8),
            ..LambdaRank::default()
        })
}

/// What the places of rows are worth after a round, by the formulas.
fn learned(margins: &[f32], data: &Dataset, before: &PositionBias) -> PositionBias {
    let n_places = before.clicked.len();
    let (mut clicked, mut passed) = (vec![0.0; n_places], vec![0.0; n_places]);
    for query in 0..300 {
        let rows = query * 10..query * 10 + 10;
        let (scores, labels) = (&margins[rows.clone()], &data.labels()[rows]);
        let mut ranked: Vec<usize> = (0..10).collect();
        ranked.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let differ = scores[ranked[0]] != scores[ranked[9]];
        for (rank, &a) in ranked.iter().enumerate().take(8) {
            for &b in &ranked[rank + 1..] {
                if labels[a] == labels[b] {
                    continue;
                }
                let (high, low) = if labels[a] > labels[b] {
                    (a, b)
                } else {
                    (b, a)
                };
                let score = f64::from(scores[high]) - f64::from(scores[low]);
                let change = if differ {
                    1.0 / (score.abs() + 0.01)
                } else {
                    1.0
                };
                let cost = (1.0 + score.exp()).ln() * change;
                if high < n_places && low < n_places {
                    clicked[high] += cost / f64::from(before.passed[low]);
                    passed[low] += cost / f64::from(before.clicked[high]);
                }
            }
        }
    }
    let ratios = |costs: Vec<f64>| {
        let ratios = costs
            .iter()
            .map(|it| (it / costs[0]).powf(1.0 / 1.5) as f32);
        ratios.collect()
    };
    PositionBias {
        clicked: ratios(clicked),
        passed: ratios(passed),
    }
}

#[test]
fn what_places_are_worth_is_learned_round_by_round() {
    let data = clicks(1);
    let params = unbiased(ObjectiveName::RankPairwise, PairMethod::TopK);
    let trained = fit(&params, &binned(data.clone(), 256), None).booster;
    let of_round = |n_rounds: u32| {
        let params = params.clone().num_round(n_rounds);
        fit(&params, &binned(data.clone(), 256), None).booster
    };
    for n_rounds in 1..6 {
        let (before, after) = (of_round(n_rounds), of_round(n_rounds + 1));
        let margins = before.predict_margin(&data, &Threads::single()).unwrap();
        let expected = learned(&margins, &data, &before.objective.position_bias);
        let found = &after.objective.position_bias;
        for (found, expected) in found
            .clicked
            .iter()
            .chain(&found.passed)
            .zip(expected.clicked.iter().chain(&expected.passed))
        {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }
    // Clicks come less often the later a row is shown.
    let ratios = &trained.objective.position_bias.clicked;
    assert_eq!(ratios[0], 1.0);
    assert!(ratios[2] < 0.8 && ratios[6] < ratios[2], "{ratios:?}");
    let saved = load(&save(&trained, ModelFormat::Ubj)).unwrap();
    assert_eq!(saved, trained);
}

#[test]
fn threads_and_parts_do_not_show_in_what_is_learned_of_places() {
    for (name, pair_method) in [
        (ObjectiveName::RankNdcg, PairMethod::TopK),
        (ObjectiveName::RankMap, PairMethod::Mean),
    ] {
        let data = clicks(2);
        let params = unbiased(name, pair_method);
        let whole = fit(&params, &binned(data.clone(), 64), None).booster;
        for n_threads in [1, 2, 3, 8] {
            let params = params.clone().nthread(Some(n_threads));
            assert_eq!(fit(&params, &binned(data.clone(), 64), None).booster, whole);
        }
        let half = fit(
            &params.clone().num_round(2),
            &binned(data.clone(), 64),
            None,
        )
        .booster;
        let margins = half.predict_margin(&data, &Threads::single()).unwrap();
        let set = binned(data, 64).with_base_margin(margins).unwrap();
        let named = NamedData {
            name: "train",
            data: &set,
        };
        let rest = params.num_round(4);
        let mut to_the_end = |_: &RoundReport<'_>| ControlFlow::Continue(());
        let rest = train(
            rest.check_ref().unwrap(),
            &named,
            &[],
            Some(&half),
            &mut to_the_end,
        );
        assert_eq!(rest.unwrap().booster, whole, "{name}");
    }
}
