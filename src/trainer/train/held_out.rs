//! What rows were predicted to be while they were held out, and the lines of `predictions.csv`.
//!
//! Invariant: each repetition adds as many numbers to a row as each other.
//!
//! Source: sagemaker-xgboost-container, `prediction_utils.py`.

use std::fmt::Write as _;

/// What a row was predicted to be while it was held out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Predicted {
    /// The number, or the probability: of class 1 of two, of the likeliest of several.
    pub(super) value: f32,
    pub(super) class: u32,
}

impl Predicted {
    pub(super) fn number(value: f32) -> Self {
        Self { value, class: 0 }
    }

    /// The first of the most probable classes.
    pub(super) fn likeliest(probabilities: &[f32]) -> Self {
        let first = Self {
            value: f32::NEG_INFINITY,
            class: 0,
        };
        (0..)
            .zip(probabilities)
            .fold(first, |best, (class, &value)| {
                if value > best.value {
                    Self { value, class }
                } else {
                    best
                }
            })
    }
}

/// The predictions of each row, repetition after repetition.
pub(super) struct Predictions {
    of_rows: Vec<Vec<Predicted>>,
    /// Numbers that each repetition predicts for a row.
    n_numbers: usize,
}

impl Predictions {
    pub(super) fn new(n_rows: usize, n_numbers: usize) -> Self {
        Self {
            of_rows: vec![Vec::new(); n_rows],
            n_numbers,
        }
    }

    /// Adds what a repetition predicts for a row.
    pub(super) fn extend(&mut self, row: u32, predicted: impl IntoIterator<Item = Predicted>) {
        self.of_rows[row as usize].extend(predicted);
    }

    /// A line a row: its labels, the mean of each number and, of classes, the one that was predicted most often.
    pub(super) fn lines(&self, labels: &[&[f32]], classifies: bool) -> String {
        let mut lines = String::new();
        for (labels, predicted) in labels.iter().zip(&self.of_rows) {
            let n_repeats = (predicted.len() / self.n_numbers) as f64;
            let mean = |number: usize| {
                let values = predicted.iter().skip(number).step_by(self.n_numbers);
                values.map(|it| f64::from(it.value)).sum::<f64>() / n_repeats
            };
            let means = (0..self.n_numbers).map(|it| format!(",{:.6}", mean(it)));
            let means: String = means.collect();
            let class = if classifies {
                format!(",{:.6}", f64::from(mode(predicted)))
            } else {
                String::new()
            };
            let labels = labels.iter().map(|it| format!("{:.6}", f64::from(*it)));
            let labels: Vec<String> = labels.collect();
            writeln!(lines, "{}{means}{class}", labels.join(","))
                .expect("writing to a string does not fail");
        }
        lines
    }
}

/// The smallest of the most frequent classes.
fn mode(predicted: &[Predicted]) -> u32 {
    let n_like = |class: u32| predicted.iter().filter(|it| it.class == class).count();
    let best = predicted
        .iter()
        .map(|it| it.class)
        .max_by(|&a, &b| n_like(a).cmp(&n_like(b)).then(b.cmp(&a)));
    best.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_gets_the_mean_and_the_smallest_of_the_most_frequent_classes() {
        let predicted = |value, class| Predicted { value, class };
        let predictions = Predictions {
            of_rows: vec![
                vec![predicted(0.25, 2), predicted(0.5, 1), predicted(0.75, 2)],
                vec![predicted(0.5, 3), predicted(0.5, 1)],
            ],
            n_numbers: 1,
        };
        let lines = predictions.lines(&[&[2.0], &[1.0]], true);
        assert_eq!(
            lines,
            "2.000000,0.500000,2.000000\n1.000000,0.500000,1.000000\n"
        );
        assert!(
            predictions
                .lines(&[&[2.0], &[1.0]], false)
                .starts_with("2.000000,0.500000\n")
        );
    }

    #[test]
    fn each_level_of_a_quantile_has_its_own_mean() {
        let numbers = [0.25, 4.0, 0.75, 8.0].map(Predicted::number);
        let predictions = Predictions {
            of_rows: vec![numbers.to_vec()],
            n_numbers: 2,
        };
        let lines = predictions.lines(&[&[2.0]], false);
        assert_eq!(lines, "2.000000,0.500000,6.000000\n");
    }

    #[test]
    fn the_likeliest_class_is_the_first_of_equal_ones() {
        let likeliest = Predicted::likeliest(&[0.25, 0.5, 0.5]);
        assert_eq!((likeliest.class, likeliest.value), (1, 0.5));
    }
}
