//! Areas under curves, by an exact sort; within queries where rows have some, see `query_auc.rs`.
//!
//! Rows of equal prediction are one step of a curve. `auc` is the area under true positives over false positives, a sum of
//! trapezoids; with several classes it is one class against the rest, averaged by the classes' shares of the weight.
//! `aucpr` is the area under precision over recall; between two steps true and false positives are taken to grow in
//! proportion (Davis and Goadrich), and with several classes it is the plain mean over classes.
//!
//! Source: XGBoost `src/metric/auc.cc`, `auc.h`; Davis and Goadrich, "The relationship between precision-recall and ROC
//! curves" (ICML 2006); Boyd, Eng and Page, "Area under the precision-recall curve" (2013).

use crate::objective::Objective;
use crate::threads::Threads;

use super::query_auc::pairs_in_order;
use super::rank::of_queries;
use super::row::{Judged, TableMetric};

#[derive(Clone, Copy)]
pub(super) struct Auc;
#[derive(Clone, Copy)]
pub(super) struct Aucpr;

impl TableMetric for Auc {
    fn judges(self, objective: &Objective) -> bool {
        tells_apart(objective)
    }

    fn evaluate(self, rows: &Judged<'_>, threads: &Threads) -> f64 {
        let of_queries = mean_of_queries(rows, threads, |rows| {
            pairs_in_order(rows.predictions(), rows.targets().labels())
        });
        if let Some(mean) = of_queries {
            return mean;
        }
        let n_groups = rows.n_groups();
        if n_groups == 1 {
            let (area, total) = area(&Side::labels(rows), threads);
            return area / (total.positives * total.negatives);
        }
        let mut sum = 0.0;
        let mut positives = 0.0;
        for class in 0..n_groups {
            let (area, total) = area(&Side::class(rows, class), threads);
            // A class that never occurs, or nothing but one class, leaves the area undefined, as in XGBoost.
            if total.positives == 0.0 || total.negatives == 0.0 {
                return f64::NAN;
            }
            sum += area / total.negatives;
            positives += total.positives;
        }
        sum / positives
    }
}

impl TableMetric for Aucpr {
    fn judges(self, objective: &Objective) -> bool {
        tells_apart(objective)
    }

    fn evaluate(self, rows: &Judged<'_>, threads: &Threads) -> f64 {
        let of_queries = mean_of_queries(rows, threads, |rows| {
            Some(area_of_precision(&Side::labels(rows), &Threads::single()))
        });
        if let Some(mean) = of_queries {
            return mean;
        }
        let n_groups = rows.n_groups();
        if n_groups == 1 {
            return area_of_precision(&Side::labels(rows), threads);
        }
        let areas =
            (0..n_groups).map(|class| area_of_precision(&Side::class(rows, class), threads));
        areas.sum::<f64>() / n_groups as f64
    }
}

/// The plain mean of what queries have, where there are queries and no classes; NaN if none has anything.
fn mean_of_queries(
    rows: &Judged<'_>,
    threads: &Threads,
    area: impl Fn(&Judged<'_>) -> Option<f64> + Sync + Send,
) -> Option<f64> {
    let one_group = rows.n_groups() == 1;
    let group_ptr = rows.targets().group_ptr().filter(|_| one_group)?;
    let areas = of_queries(group_ptr, threads, |first, end| {
        area(&rows.slice(first..end))
    });
    let valid = areas.into_iter().flatten().filter(|area| !area.is_nan());
    let (sum, n) = valid.fold((0.0, 0_u32), |(sum, n), area| (sum + area, n + 1));
    Some(sum / f64::from(n))
}

/// Whether predictions are scores of one class or of several.
fn tells_apart(objective: &Objective) -> bool {
    objective.n_groups() == 1 || objective.name.is_multiclass()
}

/// The rows by score, the highest first, equal ones in their order.
fn descending(n_rows: usize, score: impl Fn(usize) -> f32, threads: &Threads) -> Vec<u32> {
    // One number for score and row: no two are equal, so it does not matter how they are sorted.
    let key = |row: usize| u64::from(!ascending(score(row))) << 32 | row as u64;
    let mut keys: Vec<u64> = (0..n_rows).map(key).collect();
    threads.sort(&mut keys);
    keys.into_iter().map(|key| key as u32).collect()
}

/// A number that orders as [`f32::total_cmp`] does.
fn ascending(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 0 {
        bits | 1 << 31
    } else {
        !bits
    }
}

/// Weights of what counts as positive: of all rows that have at least some score, or of those of one score.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    positives: f64,
    negatives: f64,
}

/// Rows, and which of them are to have high scores.
struct Side<'a> {
    rows: &'a Judged<'a>,
    /// One class against the rest; `None` takes labels as they are, and shares in proportion.
    class: Option<usize>,
}

impl<'a> Side<'a> {
    fn labels(rows: &'a Judged<'a>) -> Self {
        Self { rows, class: None }
    }

    fn class(rows: &'a Judged<'a>, class: usize) -> Self {
        let class = Some(class);
        Self { rows, class }
    }

    fn score(&self, row: usize) -> f32 {
        self.rows.predictions()[row * self.rows.n_groups() + self.class.unwrap_or(0)]
    }

    fn counts(&self, row: usize) -> Counts {
        let targets = self.rows.targets();
        let weight = targets.weight(row);
        let label = targets.labels()[row];
        let positives = match self.class {
            None => weight * f64::from(label),
            Some(class) if label as usize == class => weight,
            Some(_) => 0.0,
        };
        Counts {
            positives,
            negatives: weight - positives,
        }
    }

    /// Goes from the highest score down, and calls `step` with what was above each score and with what has it. Gives the
    /// sums of all rows, NaN if a score is.
    fn sweep(&self, threads: &Threads, mut step: impl FnMut(Counts, Counts)) -> Counts {
        let n_rows = self.rows.n_rows();
        let order = descending(n_rows, |row| self.score(row), threads);
        let mut above = Counts::default();
        let mut first = 0;
        while first < n_rows {
            let tied = self.score(order[first] as usize);
            let mut here = Counts::default();
            while first < n_rows && self.score(order[first] as usize) == tied {
                here = here.plus(self.counts(order[first] as usize));
                first += 1;
            }
            if tied.is_nan() {
                return Counts {
                    positives: f64::NAN,
                    negatives: f64::NAN,
                };
            }
            step(above, here);
            above = above.plus(here);
        }
        above
    }
}

impl Counts {
    fn plus(self, other: Self) -> Self {
        Self {
            positives: self.positives + other.positives,
            negatives: self.negatives + other.negatives,
        }
    }
}

/// The area under true positives over false positives, before normalisation, and what there is of either.
fn area(side: &Side<'_>, threads: &Threads) -> (f64, Counts) {
    let mut area = 0.0;
    let total = side.sweep(threads, |above, here| {
        area += here.negatives * (above.positives + 0.5 * here.positives);
    });
    (area, total)
}

/// The area under precision over recall; NaN where there is no positive or no negative weight.
fn area_of_precision(side: &Side<'_>, threads: &Threads) -> f64 {
    let counts = (0..side.rows.n_rows()).map(|row| side.counts(row));
    let total = counts.fold(Counts::default(), Counts::plus);
    if !(total.positives > 0.0 && total.negatives > 0.0) {
        return f64::NAN;
    }
    let mut area = 0.0;
    let swept = side.sweep(threads, |above, here| {
        let recall = above.positives / total.positives;
        let gained = here.positives / total.positives;
        if here.positives == 0.0 {
            return;
        }
        // On the way precision is recall / (a recall + b).
        let slope = here.negatives / here.positives;
        let a = 1.0 + slope;
        let b = (above.negatives - slope * above.positives) / total.positives;
        area += if b == 0.0 {
            gained / a
        } else {
            let ends = (a * (recall + gained) + b) / (a * recall + b);
            (gained - b / a * ends.ln()) / a
        };
    });
    if swept.positives.is_nan() {
        return f64::NAN;
    }
    area
}
