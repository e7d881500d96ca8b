//! Which rows of a query are compared.
//!
//! Source: XGBoost 3.2 `src/objective/lambdarank_obj.h`, `MakePairs`.

use crate::ranking::descending;
use crate::tree::sample::mix;

use super::lambda::Query;
use super::{LambdaRank, PairMethod};

/// Calls `work` with the ranks of each pair, in a fixed order. `draw` is where the round's draws begin, and the query's
/// number.
pub(super) fn for_each_pair(
    settings: &LambdaRank,
    query: &Query<'_>,
    draw: (u64, usize),
    work: impl FnMut(usize, usize),
) {
    match settings.pair_method {
        PairMethod::TopK => truncated(settings.n_pairs() as usize, query.ranked.len(), work),
        PairMethod::Mean => sampled(settings.n_pairs(), query, draw, work),
    }
}

/// Each of the best `n` with all below it.
fn truncated(n: usize, n_rows: usize, mut work: impl FnMut(usize, usize)) {
    for a in 0..n.min(n_rows) {
        for b in a + 1..n_rows {
            work(a, b);
        }
    }
}

/// Each row with `n` random ones of other labels.
fn sampled(
    n: u32,
    query: &Query<'_>,
    (draw, number): (u64, usize),
    mut work: impl FnMut(usize, usize),
) {
    let n_rows = query.ranked.len();
    let labels: Vec<f32> = (0..n_rows).map(|rank| query.label_at(rank)).collect();
    let by_label = descending(&labels);
    let mut state = mix(draw ^ mix(number as u64));
    let mut begin = 0;
    while begin < n_rows {
        let label = labels[by_label[begin]];
        let n_like = by_label[begin..]
            .iter()
            .take_while(|&&rank| labels[rank] == label)
            .count();
        let end = begin + n_like;
        let n_others = n_rows - n_like;
        for _ in 0..n {
            for &rank in &by_label[begin..end] {
                if n_others == 0 {
                    continue;
                }
                state = mix(state);
                let drawn = below(state, n_others);
                let other = if drawn < begin { drawn } else { drawn + n_like };
                work(rank, by_label[other]);
            }
        }
        begin = end;
    }
}

/// A number below `n`, each as likely as another but for what 64 bits cannot tell.
fn below(bits: u64, n: usize) -> usize {
    ((u128::from(bits) * n as u128) >> 64) as usize
}
