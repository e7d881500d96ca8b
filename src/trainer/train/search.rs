//! What became of the exact search that a job asked for.
//!
//! Boosting searches among bins, and finds what a search among all values finds where each value has a bin of its own.

use engine::params::MAX_BIN;

/// Features that a message names.
const MOST_NAMED: usize = 5;

/// Says whether splits were searched for exactly: `of_quantiles` are the features with more values than bins.
pub(super) fn tell(feature_names: &[String], of_quantiles: &[u32]) {
    if of_quantiles.is_empty() {
        tracing::info!("Each value of each feature has a bin of its own, so the search is exact");
        return;
    }
    let name = |&feature: &u32| match feature_names.get(feature as usize) {
        Some(name) => format!("{feature} (`{name}`)"),
        None => feature.to_string(),
    };
    let named: Vec<String> = of_quantiles.iter().take(MOST_NAMED).map(name).collect();
    let more = of_quantiles.len() - named.len();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    tracing::warn!(
        "Hyperparameter tree_method: `exact` is taken for `hist` where a feature has more than {MAX_BIN} different values: \
         feature {}{more} is searched among {MAX_BIN} quantiles, all others exactly",
        named.join(", ")
    );
}
