//! Metrics of classes that were predicted, from how often each was: scikit-learn's, which the built-in algorithm adds to
//! XGBoost's. Rows count once, whatever their weights.
//!
//! The predicted class is the most probable one; of two it is the second where its probability is above one half. (The
//! built-in algorithm compares probabilities with 0 and so finds nothing but positives.) A class that is neither among the
//! labels nor predicted is left out of means; a share of nothing is 0.
//!
//! Source: scikit-learn `sklearn/metrics/_classification.py`.

use crate::objective::Objective;
use crate::threads::Threads;

use super::block::argmax;
use super::row::{Judged, TableMetric};

/// Rows that one thread counts at a time, at least.
const ROWS_AT_A_TIME: usize = 1 << 15;

/// How often a class was there, was predicted, and both.
#[derive(Clone, Copy, Debug, Default)]
struct Class {
    labels: u64,
    predicted: u64,
    hits: u64,
}

impl Class {
    fn is_present(&self) -> bool {
        self.labels + self.predicted > 0
    }

    fn precision(&self) -> f64 {
        share(self.hits, self.predicted)
    }

    fn recall(&self) -> f64 {
        share(self.hits, self.labels)
    }

    fn f1(&self) -> f64 {
        share(2 * self.hits, self.labels + self.predicted)
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Counts each class; a label that is a share of the positive class counts as the nearer one.
fn count(rows: &Judged<'_>, threads: &Threads) -> Vec<Class> {
    let n_classes = rows.n_groups().max(2);
    let part = rows.n_rows().div_ceil(threads.n_threads());
    let part = part.max(ROWS_AT_A_TIME);
    let parts = (0..rows.n_rows()).step_by(part);
    let parts = parts.map(|first| rows.slice(first..rows.n_rows().min(first + part)));
    let counts = threads.map(parts.collect(), |rows: Judged<'_>| {
        let mut classes = vec![Class::default(); n_classes];
        let threshold = rows.objective().decision_threshold();
        for row in 0..rows.n_rows() {
            let row = rows.row(row);
            let (label, predicted) = match row.prediction {
                [prediction] => (
                    usize::from(row.label > 0.5),
                    usize::from(*prediction > threshold),
                ),
                classes => (row.label as usize, argmax(classes)),
            };
            classes[label].labels += 1;
            classes[predicted].predicted += 1;
            classes[label].hits += u64::from(label == predicted);
        }
        classes
    });
    let mut total = vec![Class::default(); n_classes];
    for part in &counts {
        for (total, class) in total.iter_mut().zip(part) {
            total.labels += class.labels;
            total.predicted += class.predicted;
            total.hits += class.hits;
        }
    }
    total
}

/// The mean of `of` over the classes that are `counted`; 0 if there are none.
fn mean(classes: &[Class], counted: impl Fn(&Class) -> bool, of: impl Fn(&Class) -> f64) -> f64 {
    let n_counted = classes.iter().filter(|it| counted(it)).count();
    let sum: f64 = classes.iter().filter(|it| counted(it)).map(of).sum();
    if n_counted == 0 {
        0.0
    } else {
        sum / n_counted as f64
    }
}

/// The share of rows of which the class is predicted.
fn hits(classes: &[Class]) -> f64 {
    let total = |of: fn(&Class) -> u64| classes.iter().map(of).sum();
    share(total(|it| it.hits), total(|it| it.labels))
}

/// A metric that is a function of the counts; `of_two` needs exactly two classes, and speaks of the second.
macro_rules! of_classes {
    ($($name:ident, $judges:ident, $value:expr;)*) => {$(
        #[derive(Clone, Copy)]
        pub(super) struct $name;

        impl TableMetric for $name {
            fn judges(self, objective: &Objective) -> bool {
                $judges(objective)
            }

            fn evaluate(self, rows: &Judged<'_>, threads: &Threads) -> f64 {
                let value: fn(&[Class]) -> f64 = $value;
                value(&count(rows, threads))
            }
        }
    )*};
}

fn of_all(objective: &Objective) -> bool {
    objective.name.classifies()
}

fn of_two(objective: &Objective) -> bool {
    objective.name.classifies() && objective.n_groups() == 1
}

of_classes! {
    Accuracy, of_all, hits;
    BalancedAccuracy, of_all, |it| mean(it, |class| class.labels > 0, Class::recall);
    F1, of_all, |it| mean(it, Class::is_present, Class::f1);
    F1Binary, of_two, |it| it[1].f1();
    Precision, of_two, |it| it[1].precision();
    PrecisionMacro, of_all, |it| mean(it, Class::is_present, Class::precision);
    // Each row is one hit or one miss of a prediction and of a label alike.
    PrecisionMicro, of_all, hits;
    Recall, of_two, |it| it[1].recall();
    RecallMacro, of_all, |it| mean(it, Class::is_present, Class::recall);
    RecallMicro, of_all, hits;
}
