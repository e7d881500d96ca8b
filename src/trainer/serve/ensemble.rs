//! The answers of several models become one: a vote where they predict classes, else their mean.
//!
//! Source: sagemaker-xgboost-container `algorithm_mode/serve_utils.py`, `predict`. There a vote of several rows fails.

use engine::objective::ObjectiveName;

/// One value for each value of the answers, which are of one length.
pub(super) fn joined(objective: ObjectiveName, mut answers: Vec<Vec<f32>>) -> Vec<f32> {
    if answers.len() == 1 {
        return answers.swap_remove(0);
    }
    let n_values = answers.first().map_or(0, Vec::len);
    let values = |at: usize| answers.iter().map(move |it| it[at]);
    if votes(objective) {
        return (0..n_values).map(|at| most_frequent(&values(at))).collect();
    }
    let n_answers = answers.len() as f32;
    (0..n_values)
        .map(|at| values(at).sum::<f32>() / n_answers)
        .collect()
}

/// Whether a mean of predictions would be none.
fn votes(objective: ObjectiveName) -> bool {
    matches!(
        objective,
        ObjectiveName::MultiSoftmax | ObjectiveName::BinaryHinge
    )
}

/// The value that is there most often, the smallest of several.
fn most_frequent(values: &(impl Iterator<Item = f32> + Clone)) -> f32 {
    let count = |value: f32| values.clone().filter(|it| *it == value).count();
    let mut best = (0, f32::NAN);
    for value in values.clone() {
        let n = count(value);
        if n > best.0 || (n == best.0 && value < best.1) {
            best = (n, value);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_is_won_by_the_most_and_else_by_the_smallest() {
        assert_eq!(most_frequent(&[2.0, 0.0, 2.0].into_iter()), 2.0);
        assert_eq!(most_frequent(&[2.0, 1.0, 0.0].into_iter()), 0.0);
    }
}
