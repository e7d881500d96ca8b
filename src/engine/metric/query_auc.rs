//! Areas under curves within queries: a mean over the queries in which there is something to tell apart.
//!
//! `auc` counts the pairs of a query, in the order of their labels, whose scores are in that order, a tie as half: rows of
//! equal label count as they stand in the table. A query of one or two rows has no area. `aucpr` is the curve's area in each
//! query.
//!
//! Source: XGBoost 3.2 `src/metric/auc.cc`, `RankingAUC`, `GroupRankingROC`.

use crate::ranking::descending;

/// The share of pairs of a query in the right order; `None` if there is no pair to speak of.
pub(super) fn pairs_in_order(scores: &[f32], labels: &[f32]) -> Option<f64> {
    const FEWEST_ROWS: usize = 3;
    let n_rows = scores.len();
    if n_rows < FEWEST_ROWS {
        return None;
    }
    let by_label = descending(labels).into_iter();
    let mut scores: Vec<f32> = by_label.map(|row| scores[row]).collect();
    let twice = sort_and_count(&mut scores, &mut vec![0.0; n_rows]);
    let n_pairs = n_rows as f64 * (n_rows as f64 - 1.0) / 2.0;
    Some(twice as f64 / 2.0 / n_pairs)
}

/// Sorts scores, the highest first, and counts their pairs: two for one that was in that order, one for a tie.
fn sort_and_count(scores: &mut [f32], memory: &mut [f32]) -> u64 {
    if scores.len() < 2 {
        return 0;
    }
    let middle = scores.len() / 2;
    let (left, right) = scores.split_at_mut(middle);
    let mut count = sort_and_count(left, &mut memory[..middle]);
    count += sort_and_count(right, &mut memory[middle..]);
    for &score in &*left {
        let n_not_below = right.partition_point(|&it| it > score);
        let n_tied = right[n_not_below..].partition_point(|&it| it == score);
        count += 2 * (right.len() - n_not_below - n_tied) as u64 + n_tied as u64;
    }
    let (mut a, mut b) = (0, 0);
    for to in memory.iter_mut() {
        let from_left = b == right.len() || (a < left.len() && left[a] >= right[b]);
        *to = if from_left { left[a] } else { right[b] };
        (a, b) = (a + usize::from(from_left), b + usize::from(!from_left));
    }
    scores.copy_from_slice(memory);
    count
}

#[cfg(test)]
mod tests {
    use super::pairs_in_order;

    #[test]
    fn counts_the_pairs_that_a_slow_look_at_all_of_them_counts() {
        let mut state = 1_u64;
        let mut draw = |n: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ((state >> 33) % n) as f32
        };
        for n_rows in 3..40 {
            let labels: Vec<f32> = (0..n_rows).map(|_| draw(4)).collect();
            let scores: Vec<f32> = (0..n_rows).map(|_| draw(9)).collect();
            let mut order: Vec<usize> = (0..n_rows).collect();
            order.sort_by(|&a, &b| labels[b].total_cmp(&labels[a]));
            let (mut sum, mut n_pairs) = (0.0, 0.0);
            for a in 0..n_rows {
                for b in a + 1..n_rows {
                    let difference = scores[order[a]] - scores[order[b]];
                    sum += if difference > 0.0 {
                        1.0
                    } else if difference == 0.0 {
                        0.5
                    } else {
                        0.0
                    };
                    n_pairs += 1.0;
                }
            }
            let found = pairs_in_order(&scores, &labels).unwrap();
            assert!((found - sum / n_pairs).abs() < 1e-12, "{n_rows}");
        }
        assert_eq!(pairs_in_order(&[1.0, 2.0], &[0.0, 1.0]), None);
    }
}
