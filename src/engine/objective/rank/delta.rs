//! How much a query's metric would change if two of its rows changed places.
//!
//! Source: XGBoost 3.2 `src/objective/lambdarank_obj.h`, `DeltaNDCG` and `DeltaMAP`.

use crate::ranking::{dcg, dcg_discount, gain};

use super::lambda::Query;
use super::{LambdaRank, RankTarget};

/// The change of a metric, made ready for one query.
pub(super) enum Delta {
    /// Every pair counts alike.
    Pairwise,
    /// Discounted cumulative gain as a share of the largest one.
    Ndcg {
        /// The gain of the row at each rank.
        gains: Vec<f64>,
        /// What it is multiplied by.
        discounts: Vec<f64>,
        /// 1 over the largest, 0 where nothing is gained.
        inverse: f64,
    },
    /// Average precision.
    Map {
        /// The label of the row at each rank, 0 or 1.
        labels: Vec<f64>,
        /// How many there are up to each rank.
        n_relevant: Vec<f64>,
        /// The sum up to each rank of label over rank.
        sums: Vec<f64>,
    },
}

impl Delta {
    pub(super) fn new(target: RankTarget, settings: &LambdaRank, query: &Query<'_>) -> Self {
        let ranks = 0..query.ranked.len();
        match target {
            RankTarget::Pairwise => Self::Pairwise,
            RankTarget::Ndcg => {
                let gain = |label: f32| gain(label, settings.ndcg_exp_gain);
                let gains: Vec<f64> = ranks
                    .clone()
                    .map(|rank| gain(query.label_at(rank)))
                    .collect();
                let mut best = gains.clone();
                best.sort_by(|a, b| b.total_cmp(a));
                best.truncate(settings.truncation());
                let ideal = dcg(&best);
                Self::Ndcg {
                    gains,
                    discounts: ranks.map(dcg_discount).collect(),
                    inverse: if ideal == 0.0 { 0.0 } else { 1.0 / ideal },
                }
            }
            RankTarget::Map => {
                let labels: Vec<f64> = ranks.map(|rank| query.label_at(rank).into()).collect();
                let (mut count, mut sum) = (0.0, 0.0);
                let (mut n_relevant, mut sums) = (Vec::new(), Vec::new());
                for (rank, label) in labels.iter().enumerate() {
                    count += label;
                    sum += label / (rank as f64 + 1.0);
                    n_relevant.push(count);
                    sums.push(sum);
                }
                Self::Map {
                    labels,
                    n_relevant,
                    sums,
                }
            }
        }
    }

    /// The change if the rows at two ranks changed places; its sign means nothing.
    pub(super) fn of(&self, a: usize, b: usize) -> f64 {
        match self {
            Self::Pairwise => 1.0,
            Self::Ndcg {
                gains,
                discounts,
                inverse,
            } => (gains[a] - gains[b]) * (discounts[a] - discounts[b]) * inverse,
            Self::Map {
                labels,
                n_relevant,
                sums,
            } => {
                let (upper, lower) = (a.min(b), a.max(b));
                let total = n_relevant.last().copied().unwrap_or(0.0);
                let (n_upper, n_lower) = (n_relevant[upper], n_relevant[lower]);
                let (rank_upper, rank_lower) = (upper as f64 + 1.0, lower as f64 + 1.0);
                let between = sums[lower - 1] - sums[upper];
                if labels[upper] < labels[lower] {
                    (n_lower / rank_lower - (n_upper + 1.0) / rank_upper - between) / total
                } else {
                    (n_upper / rank_upper - n_lower / rank_lower + between) / total
                }
            }
        }
    }
}
