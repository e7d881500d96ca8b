//! Lambda gradients: each pair of rows of a query with different labels pulls its two scores apart, the more the
//! more the metric would change if the two changed places.
//!
//! Invariant: a query's gradients depend on its own rows, the settings, the seed and the round, and are added up in a fixed
//! order, so threads, which take whole queries, cannot change them.
//!
//! Source: XGBoost 3.2 `src/objective/lambdarank_obj.{h,cc}`, `src/common/ranking_utils.h`; Burges 2010, "From `RankNet` to
//! `LambdaRank` to `LambdaMART`". Pairs that XGBoost draws with its own generator are drawn by a hash here.

use crate::dataset::Targets;
use crate::ranking::descending;
use crate::threads::Threads;

use super::super::GradientPair;
use super::bias::{Costs, Places, SMALLEST_RATIO};
use super::delta::Delta;
use super::pairs::for_each_pair;
use super::{LambdaRank, PairMethod, RankTarget};

/// The least slope of the logistic function that counts.
const SMALLEST_SLOPE: f64 = 1e-16;

/// Rows of queries that one thread takes at a time, about.
const ROWS_AT_A_TIME: usize = 1 << 12;

/// The rows of one query.
pub(super) struct Query<'a> {
    pub(super) scores: &'a [f32],
    pub(super) labels: &'a [f32],
    /// The rows by their scores, the best first; equal ones in their order.
    pub(super) ranked: Vec<usize>,
}

impl<'a> Query<'a> {
    pub(super) fn new(scores: &'a [f32], labels: &'a [f32]) -> Self {
        Self {
            scores,
            labels,
            ranked: descending(scores),
        }
    }

    /// The label of the row at a rank.
    pub(super) fn label_at(&self, rank: usize) -> f32 {
        self.labels[self.ranked[rank]]
    }
}

/// The gradients of all rows of a table.
pub(super) struct Gradients<'a> {
    pub(super) target: RankTarget,
    pub(super) settings: &'a LambdaRank,
    pub(super) targets: Targets<'a>,
    pub(super) margins: &'a [f32],
    /// What places have to do with labels, where that is learned.
    pub(super) bias: Option<Places<'a>>,
}

/// What a query is computed into.
struct Found<'f> {
    /// Of the query's rows.
    sums: &'f mut [(f64, f64)],
    /// Of the places of all queries; empty where nothing is learned of them.
    costs: &'f mut [(f64, f64)],
}

impl Gradients<'_> {
    /// Fills the pairs of all rows; they are still to be multiplied by the weights of their queries. Gives the costs of each
    /// place, where they are learned from.
    pub(super) fn fill(&self, pairs: &mut [GradientPair], threads: &Threads) -> Costs {
        let whole = [0, pairs.len()];
        let group_ptr = self.targets.group_ptr().unwrap_or(&whole);
        let norm = self.weight_norm(group_ptr);
        let mut tasks = Vec::new();
        let (mut first, mut rest) = (0, pairs);
        for query in 0..group_ptr.len() - 1 {
            let n_rows = group_ptr[query + 1] - group_ptr[first];
            if n_rows >= ROWS_AT_A_TIME || query + 2 == group_ptr.len() {
                let (own, others) = std::mem::take(&mut rest).split_at_mut(n_rows);
                tasks.push((first..query + 1, own));
                (first, rest) = (query + 1, others);
            }
        }
        let n_places = self.bias.map_or(0, |it| it.len());
        let of_tasks = threads.map(tasks, |(queries, mut pairs)| {
            let mut costs = vec![(0.0, 0.0); n_places];
            for query in queries {
                let rows = group_ptr[query]..group_ptr[query + 1];
                let (own, others) = std::mem::take(&mut pairs).split_at_mut(rows.len());
                pairs = others;
                let rows = Query::new(&self.margins[rows.clone()], &self.targets.labels()[rows]);
                self.fill_query((query, &rows), norm, own, &mut costs);
            }
            costs
        });
        let mut costs = vec![(0.0, 0.0); n_places];
        for of_task in of_tasks {
            for (sum, cost) in costs.iter_mut().zip(of_task) {
                *sum = (sum.0 + cost.0, sum.1 + cost.1);
            }
        }
        costs
    }

    /// What makes the queries' weights 1 on the average. A query weighs what its first row weighs, as all of its rows do.
    fn weight_norm(&self, group_ptr: &[usize]) -> f64 {
        let starts = &group_ptr[..group_ptr.len() - 1];
        let sum: f64 = starts.iter().map(|&start| self.targets.weight(start)).sum();
        if sum > 0.0 {
            starts.len() as f64 / sum
        } else {
            1.0
        }
    }

    fn fill_query(
        &self,
        (number, query): (usize, &Query<'_>),
        weight: f64,
        pairs: &mut [GradientPair],
        costs: &mut [(f64, f64)],
    ) {
        let n_rows = query.ranked.len();
        let mut sums = vec![(0.0_f64, 0.0_f64); n_rows];
        if n_rows > 1 {
            let found = Found {
                sums: &mut sums,
                costs,
            };
            let norm = self.add_pairs(number, query, found);
            for (grad, hess) in &mut sums {
                *grad *= norm * weight;
                *hess *= norm * weight;
            }
        }
        for (pair, (grad, hess)) in pairs.iter_mut().zip(sums) {
            *pair = GradientPair {
                grad: grad as f32,
                hess: hess as f32,
            };
        }
    }

    /// Adds every pair to the sums of its rows, and gives what they are to be multiplied by.
    fn add_pairs(&self, number: usize, query: &Query<'_>, found: Found<'_>) -> f64 {
        let Found { sums, costs } = found;
        let delta = Delta::new(self.target, self.settings, query);
        let score_at = |rank: usize| query.scores[query.ranked[rank]];
        let differ = score_at(0) != score_at(query.ranked.len() - 1);
        let by_score = self.settings.score_normalization && differ;
        let mut sum_lambda = 0.0;
        for_each_pair(
            self.settings,
            query,
            (self.targets.draw(), number),
            |a, b| {
                let (label_a, label_b) = (query.label_at(a), query.label_at(b));
                if label_a == label_b {
                    return;
                }
                let (high, low) = if label_a > label_b { (a, b) } else { (b, a) };
                let score = f64::from(score_at(high)) - f64::from(score_at(low));
                let mut change = delta.of(high, low).abs();
                if by_score {
                    change /= score.abs() + 0.01;
                }
                let probability = 1.0 / (1.0 + libm::exp(-score));
                let mut lambda = (probability - 1.0) * change;
                let slope = (probability * (1.0 - probability)).max(SMALLEST_SLOPE);
                let mut hess = 2.0 * slope * change;
                let (high, low) = (query.ranked[high], query.ranked[low]);
                if let Some((clicked, passed)) = self.bias.and_then(|it| it.of(high, low)) {
                    let cost = change * softplus(score);
                    if clicked >= SMALLEST_RATIO && passed >= SMALLEST_RATIO {
                        lambda /= clicked * passed;
                        hess /= clicked * passed;
                    }
                    if passed >= SMALLEST_RATIO {
                        costs[high].0 += cost / passed;
                    }
                    if clicked >= SMALLEST_RATIO {
                        costs[low].1 += cost / clicked;
                    }
                }
                let high = &mut sums[high];
                *high = (high.0 + lambda, high.1 + hess);
                let low = &mut sums[low];
                *low = (low.0 - lambda, low.1 + hess);
                sum_lambda -= 2.0 * lambda;
            },
        );
        if !self.settings.normalization {
            return 1.0;
        }
        match self.settings.pair_method {
            PairMethod::Mean => 1.0 / f64::from(self.settings.n_pairs()),
            PairMethod::TopK if sum_lambda > 0.0 => libm::log2(1.0 + sum_lambda) / sum_lambda,
            PairMethod::TopK => 1.0,
        }
    }
}

/// ln(1 + e^x), without an overflow where x is large.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}
