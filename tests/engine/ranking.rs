//! Ranking against its definition: what a pair weighs is what the metric changes by when its rows change places.

use engine::dataset::Targets;
use engine::metric::{Judged, Metric};
use engine::model::{ModelFormat, save};
use engine::objective::{GradientPair, LambdaRank, Objective, ObjectiveName, PairMethod};
use engine::params::BoosterParams;
use engine::threads::Threads;

use crate::table::{Numbers, Shape, binned, fit};

/// Queries of one to thirty rows.
struct Queries {
    group_ptr: Vec<usize>,
    labels: Vec<f32>,
    scores: Vec<f32>,
    weights: Vec<f32>,
}

impl Queries {
    fn new(seed: u64, n_labels: u32) -> Self {
        let mut numbers = Numbers::new(seed);
        let mut queries = Self {
            group_ptr: vec![0],
            labels: Vec::new(),
            scores: Vec::new(),
            weights: Vec::new(),
        };
        for _ in 0..40 {
            let n_rows = 1 + numbers.below(30) as usize;
            let weight = 0.5 + numbers.below(4) as f32;
            for _ in 0..n_rows {
                queries.labels.push(numbers.below(n_labels) as f32);
                queries.scores.push(numbers.below(12) as f32 / 4.0 - 1.0);
                queries.weights.push(weight);
            }
            queries.group_ptr.push(queries.labels.len());
        }
        queries
    }

    fn targets(&self) -> Targets<'_> {
        Targets::new(&self.labels, Some(&self.weights)).grouped(Some(&self.group_ptr))
    }

    fn gradients(&self, objective: &Objective) -> Vec<GradientPair> {
        let mut pairs = vec![GradientPair::default(); self.labels.len()];
        objective.gradients(&self.scores, &self.targets(), &mut pairs);
        pairs
    }
}

fn objective(name: ObjectiveName, lambdarank: LambdaRank) -> Objective {
    Objective {
        lambdarank,
        ..Objective::new(name)
    }
}

/// Ranks of a query's rows, the best first.
fn ranked(scores: &[f32]) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..scores.len()).collect();
    rows.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    rows
}

/// The metric of a list of labels in the order of their ranks.
fn worth(name: ObjectiveName, settings: &LambdaRank, labels: &[f32]) -> f64 {
    let gain = |label: f32| {
        if settings.ndcg_exp_gain {
            f64::from(label).exp2() - 1.0
        } else {
            f64::from(label)
        }
    };
    let dcg = |labels: &[f32], n: usize| -> f64 {
        let rows = labels.iter().take(n).enumerate();
        rows.map(|(rank, &label)| gain(label) / (rank as f64 + 2.0).log2())
            .sum()
    };
    if name == ObjectiveName::RankNdcg {
        let mut best = labels.to_vec();
        best.sort_by(|a, b| b.total_cmp(a));
        let n = match settings.pair_method {
            PairMethod::TopK => settings.num_pair_per_sample.unwrap_or(32) as usize,
            PairMethod::Mean => usize::MAX,
        };
        return dcg(labels, usize::MAX) / dcg(&best, n);
    }
    let (mut hits, mut sum) = (0.0, 0.0);
    for (rank, &label) in labels.iter().enumerate() {
        hits += f64::from(label);
        sum += f64::from(label) * hits / (rank as f64 + 1.0);
    }
    sum / hits
}

/// The gradients of a query by the definition, from the top-k pairs.
fn slow_query(
    name: ObjectiveName,
    settings: &LambdaRank,
    scores: &[f32],
    labels: &[f32],
) -> Vec<(f64, f64)> {
    let order = ranked(scores);
    let by_rank: Vec<f32> = order.iter().map(|&row| labels[row]).collect();
    let mut sums = vec![(0.0, 0.0); scores.len()];
    let mut sum_lambda = 0.0;
    let n_best = settings.num_pair_per_sample.unwrap_or(32) as usize;
    for a in 0..order.len().min(n_best) {
        for b in a + 1..order.len() {
            if by_rank[a] == by_rank[b] {
                continue;
            }
            let change = if name == ObjectiveName::RankPairwise {
                1.0
            } else {
                let mut swapped = by_rank.clone();
                swapped.swap(a, b);
                (worth(name, settings, &by_rank) - worth(name, settings, &swapped)).abs()
            };
            let (high, low) = if by_rank[a] > by_rank[b] {
                (a, b)
            } else {
                (b, a)
            };
            let difference = f64::from(scores[order[high]]) - f64::from(scores[order[low]]);
            let is_flat = scores[order[0]] == scores[order[order.len() - 1]];
            let weight = if settings.score_normalization && !is_flat {
                change / (difference.abs() + 0.01)
            } else {
                change
            };
            let p = 1.0 / (1.0 + (-difference).exp());
            let (lambda, hess) = ((p - 1.0) * weight, 2.0 * p * (1.0 - p) * weight);
            sums[order[high]].0 += lambda;
            sums[order[low]].0 -= lambda;
            sums[order[high]].1 += hess;
            sums[order[low]].1 += hess;
            sum_lambda -= 2.0 * lambda;
        }
    }
    let norm = if settings.normalization && sum_lambda > 0.0 {
        (1.0 + f64::log2(1.0 + sum_lambda) - 1.0) / sum_lambda
    } else {
        1.0
    };
    for it in &mut sums {
        *it = (it.0 * norm, it.1 * norm);
    }
    sums
}

#[test]
fn gradients_are_what_the_metric_changes_by() {
    let settings = [
        LambdaRank::default(),
        LambdaRank {
            num_pair_per_sample: Some(4),
            ..LambdaRank::default()
        },
        LambdaRank {
            normalization: false,
            score_normalization: false,
            ndcg_exp_gain: false,
            ..LambdaRank::default()
        },
    ];
    for (name, n_labels) in [
        (ObjectiveName::RankPairwise, 4),
        (ObjectiveName::RankNdcg, 5),
        (ObjectiveName::RankMap, 2),
    ] {
        for settings in settings {
            let queries = Queries::new(3, n_labels);
            let found = queries.gradients(&objective(name, settings));
            let starts = &queries.group_ptr[..40];
            let total: f64 = starts
                .iter()
                .map(|&it| f64::from(queries.weights[it]))
                .sum();
            for bounds in queries.group_ptr.windows(2) {
                let rows = bounds[0]..bounds[1];
                let weight = f64::from(queries.weights[rows.start]) * 40.0 / total;
                let (scores, labels) =
                    (&queries.scores[rows.clone()], &queries.labels[rows.clone()]);
                let expected = slow_query(name, &settings, scores, labels);
                for (found, (grad, hess)) in found[rows].iter().zip(expected) {
                    let near = |found: f32, expected: f64| {
                        (f64::from(found) - expected * weight).abs() < 1e-5 * (1.0 + expected.abs())
                    };
                    assert!(
                        near(found.grad, grad) && near(found.hess, hess),
                        "{name} {settings:?}: {found:?} {grad} {hess}"
                    );
                }
            }
        }
    }
}

#[test]
fn drawn_pairs_pull_the_rows_of_a_query_apart_and_change_with_the_round() {
    let settings = LambdaRank {
        pair_method: PairMethod::Mean,
        num_pair_per_sample: Some(3),
        ..LambdaRank::default()
    };
    let objective = objective(ObjectiveName::RankPairwise, settings);
    let queries = Queries::new(5, 4);
    let drawn = |draw: u64| {
        let mut pairs = vec![GradientPair::default(); queries.labels.len()];
        objective.gradients(
            &queries.scores,
            &queries.targets().drawing(draw),
            &mut pairs,
        );
        pairs
    };
    let (first, second) = (drawn(1), drawn(2));
    assert_eq!(first, drawn(1));
    assert_ne!(first, second);
    for bounds in queries.group_ptr.windows(2) {
        let own = &first[bounds[0]..bounds[1]];
        let sum: f64 = own.iter().map(|it| f64::from(it.grad)).sum();
        assert!(sum.abs() < 1e-4, "what pulls one up pulls another down");
        let labels = &queries.labels[bounds[0]..bounds[1]];
        if labels.iter().all(|it| *it == labels[0]) {
            assert!(own.iter().all(|it| it.grad == 0.0 && it.hess == 0.0));
        } else {
            // Every row is drawn for at least three times.
            assert!(own.iter().all(|it| it.hess > 0.0));
        }
    }
}

#[test]
fn drawn_pairs_are_the_same_on_any_threads() {
    let shape = Shape {
        n_rows: 20_000,
        n_features: 8,
        missing: 0.1,
        weighted: true,
    };
    let data = binned(shape.table(ObjectiveName::RankNdcg, 3), 64);
    let params = BoosterParams::default()
        .objective(ObjectiveName::RankNdcg)
        .num_round(4)
        .lambdarank(LambdaRank {
            pair_method: PairMethod::Mean,
            ..LambdaRank::default()
        });
    let run = |n_threads, seed| {
        let trained = fit(
            &params.clone().nthread(Some(n_threads)).seed(seed),
            &data,
            Some(&data),
        );
        (save(&trained.booster, ModelFormat::Ubj), trained.history)
    };
    let first = run(1, 0);
    for n_threads in [2, 3, 8] {
        assert_eq!(run(n_threads, 0), first);
    }
    assert_ne!(run(1, 1).0, first.0);
}

fn judged(metric: &str, scores: &[f32], targets: Targets<'_>) -> f64 {
    let metric: Metric = metric.parse().expect("there is such a metric");
    let objective = Objective::new(ObjectiveName::RankNdcg);
    metric.evaluate_on(
        &Judged::new(scores, targets, &objective),
        &Threads::single(),
    )
}

#[test]
fn metrics_are_means_over_queries() {
    let labels = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0];
    let scores = [0.1, 0.9, 0.5, 1.0, 2.0, 3.0, 2.0, 1.0];
    let group_ptr = [0, 3, 5, 8];
    let weights = [2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0];
    let plain = Targets::new(&labels, None).grouped(Some(&group_ptr));
    let weighted = Targets::new(&labels, Some(&weights)).grouped(Some(&group_ptr));
    let near =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-7, "{found} {expected}");
    let discount = |rank: f64| 1.0 / (rank + 2.0_f64).log2();
    // The relevant row is last of three; nothing is relevant; first and last of three are.
    let ndcg = [
        discount(2.0),
        1.0,
        (1.0 + discount(2.0)) / (1.0 + discount(1.0)),
    ];
    near(
        judged("ndcg", &scores, plain),
        ndcg.iter().sum::<f64>() / 3.0,
    );
    near(judged("ndcg-", &scores, plain), (ndcg[0] + ndcg[2]) / 3.0);
    near(
        judged("ndcg", &scores, weighted),
        (2.0 * ndcg[0] + ndcg[1] + ndcg[2]) / 4.0,
    );
    near(judged("ndcg@1", &scores, plain), (0.0 + 1.0 + 1.0) / 3.0);
    near(judged("ndcg@1-", &scores, plain), 1.0 / 3.0);
    near(
        judged("map", &scores, plain),
        (1.0 / 3.0 + 1.0 + 5.0 / 6.0) / 3.0,
    );
    near(judged("map@2", &scores, plain), (0.0 + 1.0 + 0.5) / 3.0);
    near(judged("pre@2", &scores, plain), (0.0 + 0.0 + 0.5) / 3.0);
    near(
        judged("pre", &scores, plain),
        (1.0 / 3.0 + 0.0 + 2.0 / 3.0) / 3.0,
    );
    // Queries of two rows have no area; pairs of equal labels count as they stand.
    near(judged("auc", &scores, plain), 0.5);
    for name in ["ndcg@0", "ndcg@x", "map@-1", "pre@2-", "rmse-"] {
        assert!(name.parse::<Metric>().is_err(), "{name}");
    }
    for name in ["ndcg", "ndcg@5", "ndcg@5-", "map@3-", "pre@7", "ndcg-"] {
        assert_eq!(name.parse::<Metric>().unwrap().to_string(), name);
    }
}
