//! What objectives and metrics of ranking share: orders, gains of labels, discounts of ranks, and how far a list is looked at.
//!
//! Source: XGBoost 3.2 `src/common/ranking_utils.h`.

/// Rows of a query that count where nothing else is said.
pub(crate) const DEFAULT_TRUNCATION: u32 = 32;

/// The largest degree of relevance that an exponential gain is computed for.
pub(crate) const MAX_RELEVANCE: f32 = 31.0;

/// The places of values, the highest value first, equal ones in their order.
pub(crate) fn descending(values: &[f32]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    places
}

/// What a label is worth: itself, or a power of two less one.
pub(crate) fn gain(label: f32, exponential: bool) -> f64 {
    if exponential {
        libm::exp2(f64::from(label)) - 1.0
    } else {
        f64::from(label)
    }
}

/// Discounted cumulative gain of a list, from the gain at each rank.
pub(crate) fn dcg(gains: &[f64]) -> f64 {
    let gains = gains.iter().enumerate();
    gains.map(|(rank, gain)| gain * dcg_discount(rank)).sum()
}

/// What a gain at a rank, from 0, is multiplied by.
pub(crate) fn dcg_discount(rank: usize) -> f64 {
    1.0 / libm::log2(rank as f64 + 2.0)
}
