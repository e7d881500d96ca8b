//! Where values stand in their order, and the few of them at evenly spaced ranks.
//!
//! Source: XGBoost 3.0 `src/common/quantile.{h,cc}`, `WQSummary::SetPrune`; ranks are exact here.

use super::sort::unordered;

/// The distinct values of sorted entries, ascending, with their ranks: found on the way, since a table's worth of them
/// would take eight times the room of the values.
#[derive(Clone)]
pub(super) struct Ranks<'a, T, F> {
    rest: &'a [T],
    key_and_weight: F,
    through: f64,
}

impl<'a, T, F: Fn(&T) -> (u32, f64)> Ranks<'a, T, F> {
    pub(super) fn of(sorted: &'a [T], key_and_weight: F) -> Self {
        Self {
            rest: sorted,
            key_and_weight,
            through: 0.0,
        }
    }
}

impl<T, F: Fn(&T) -> (u32, f64)> Iterator for Ranks<'_, T, F> {
    type Item = Ranked;

    fn next(&mut self) -> Option<Ranked> {
        let (first, _) = self.rest.split_first()?;
        let (key, mut weight) = (self.key_and_weight)(first);
        let below = self.through;
        self.through += weight;
        let mut n_equal = 1;
        for entry in &self.rest[1..] {
            let (next_key, next_weight) = (self.key_and_weight)(entry);
            if next_key != key {
                break;
            }
            self.through += next_weight;
            weight += next_weight;
            n_equal += 1;
        }
        self.rest = &self.rest[n_equal..];
        Some(Ranked {
            value: unordered(key),
            below,
            through: self.through,
            weight,
        })
    }
}

/// A value of the data and where it stands in the order, in weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ranked {
    pub(super) value: f32,
    /// The weight below it.
    pub(super) below: f64,
    /// The weight up to and with it.
    pub(super) through: f64,
    /// The weight of it.
    weight: f64,
}

impl Ranked {
    /// Twice the middle of its ranks.
    fn twice_middle(&self) -> f64 {
        self.below + self.through
    }
}

/// At most `size` of the values: the smallest, the largest, and for each evenly spaced rank the value nearest to it.
pub(super) fn thin(ranks: impl Iterator<Item = Ranked> + Clone, size: usize) -> Vec<Ranked> {
    let mut rest = ranks.clone();
    let (Some(first), Some(second)) = (rest.next(), rest.next()) else {
        return ranks.collect();
    };
    let (n_more, last) = rest.clone().fold((0, second), |(n, _), last| (n + 1, last));
    let end = n_more + 1;
    if end < size {
        return ranks.collect();
    }
    let (begin, range) = (first.through, last.below - first.through);
    let mut kept = vec![first];
    let (mut idx, mut here, mut next) = (0, first, second);
    let mut last_kept = 0;
    for step in 1..size - 1 {
        let twice_rank = 2.0 * (begin + step as f64 * range / (size - 1) as f64);
        while idx < end && twice_rank >= next.twice_middle() {
            idx += 1;
            here = next;
            next = rest.next().unwrap_or(next);
        }
        if idx == end {
            break;
        }
        let is_here = twice_rank < here.below + here.weight + next.through - next.weight;
        let (nearest, ranked) = if is_here {
            (idx, here)
        } else {
            (idx + 1, next)
        };
        if nearest != last_kept {
            kept.push(ranked);
            last_kept = nearest;
        }
    }
    if last_kept != end {
        kept.push(last);
    }
    kept
}

/// How many different values sorted entries have.
pub(super) fn n_distinct<T>(sorted: &[T], key: impl Fn(&T) -> u32) -> usize {
    let changes = sorted
        .windows(2)
        .filter(|pair| key(&pair[0]) != key(&pair[1]));
    changes.count() + usize::from(!sorted.is_empty())
}

/// What [`thin`] gives for sorted keys of weight 1, of which `n_distinct` differ; a rank is a place there and need not be
/// counted up to.
pub(super) fn thin_keys(keys: &[u32], n_distinct: usize, size: usize) -> Vec<Ranked> {
    if n_distinct <= size {
        return Ranks::of(keys, |&key| (key, 1.0)).collect();
    }
    let value_at = |at: usize| {
        let key = keys[at];
        let below = keys[..at].partition_point(|&it| it < key);
        let through = at + keys[at..].partition_point(|&it| it == key);
        Ranked {
            value: unordered(key),
            below: below as f64,
            through: through as f64,
            weight: (through - below) as f64,
        }
    };
    let (first, last) = (value_at(0), value_at(keys.len() - 1));
    let (begin, range) = (first.through, last.below - first.through);
    let mut kept = vec![first];
    let mut last_kept = first;
    for step in 1..size - 1 {
        let twice_rank = 2.0 * (begin + step as f64 * range / (size - 1) as f64);
        let mut here = value_at((twice_rank / 2.0) as usize);
        if here.twice_middle() > twice_rank {
            here = value_at(here.below as usize - 1);
        }
        if here == last {
            break;
        }
        let next = value_at(here.through as usize);
        let is_here = twice_rank < here.through + next.below;
        let nearest = if is_here { here } else { next };
        if nearest != last_kept {
            kept.push(nearest);
            last_kept = nearest;
        }
    }
    if last_kept != last {
        kept.push(last);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::sort::ordered;
    use super::*;

    #[test]
    fn keys_are_thinned_like_ranks() {
        let mut state = 7_u32;
        for (n_keys, n_values) in [
            (1, 1),
            (40, 9),
            (400, 12),
            (1000, 40),
            (3000, 500),
            (3000, 3000),
        ] {
            let mut keys: Vec<u32> = (0..n_keys)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    // The square makes small values frequent.
                    let draw = (state >> 16) % n_values;
                    ordered((draw * draw / n_values) as f32)
                })
                .collect();
            keys.sort_unstable();
            for size in [2, 3, 8, 17, 100, 1000] {
                let ranks = Ranks::of(&keys, |&key| (key, 1.0));
                let n_distinct = n_distinct(&keys, |&key| key);
                let thinned = thin_keys(&keys, n_distinct, size);
                assert_eq!(thinned, thin(ranks, size), "{n_keys} {size}");
            }
        }
    }
}
