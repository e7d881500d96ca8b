//! The known name that somebody probably meant.

/// The candidate closest to `name`, if one is close: as many edits as a third of the longer word, and one at least.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let distance = |it: &str| strsim::damerau_levenshtein(&lower, &it.to_lowercase());
    let scored = candidates.into_iter().map(|it| (distance(it), it));
    let best = scored.min_by_key(|(distance, _)| *distance);
    best.filter(|(distance, it)| *distance <= (it.len().max(name.len()) / 3).max(1))
        .map(|(_, it)| it)
}
