//! Folds of cross-validation: which rows each model learns from, and which are held out for it.
//!
//! Invariants: of each repetition every row is held out once; the rows of a query are all on one side; folds depend on
//! the seed, the labels and the queries alone. Rows ascend on either side.
//!
//! Source: scikit-learn `sklearn/model_selection/_split.py`, `RepeatedKFold` and `RepeatedStratifiedKFold`, whose sizes
//! of folds and whose shares of classes these are; the shuffles are this crate's own.

use crate::tree::sample::mix;

/// One model's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// The rows to learn from.
    pub train: Vec<u32>,
    /// The others.
    pub held_out: Vec<u32>,
}

/// How a table is cut into folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldPlan {
    /// Folds of a repetition, at least 2.
    pub n_folds: u32,
    /// Repetitions, each with a shuffle of its own.
    pub n_repeats: u32,
    /// The seed of the shuffles.
    pub seed: i64,
    /// What every fold has its share of.
    pub strata: Strata,
}

/// What every fold has its share of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strata {
    /// Rows, whatever their labels.
    #[default]
    None,
    /// The rows of each label.
    Labels,
}

/// Why a table cannot be cut into so many folds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// Fewer than two folds.
    #[error("{n_folds} folds, allowed are 2 and more")]
    TooFew {
        /// What was asked for.
        n_folds: u32,
    },
    /// Fewer rows than folds.
    #[error("{n_folds} folds of {n_units} {unit}: a fold would be empty")]
    Empty {
        /// What was asked for.
        n_folds: u32,
        /// How much there is.
        n_units: usize,
        /// `rows` or `queries`.
        unit: &'static str,
    },
    /// No class has a row for each fold.
    #[error("{n_folds} folds, but the largest class has {n_rows} rows only")]
    SmallClasses {
        /// What was asked for.
        n_folds: u32,
        /// Rows of the largest class.
        n_rows: usize,
    },
}

impl FoldPlan {
    /// The folds of a table with these labels, repetition after repetition. With queries (`group_ptr`, see
    /// [`super::Dataset::group_ptr`]) whole queries are dealt out, and labels play no part. Each fold is made when its turn
    /// comes, since all of them together may be larger than the table.
    ///
    /// # Errors
    /// [`FoldError`] if there are too few rows.
    pub fn folds(
        self,
        labels: &[f32],
        group_ptr: Option<&[usize]>,
    ) -> Result<impl Iterator<Item = Fold>, FoldError> {
        if self.n_folds < 2 {
            return Err(FoldError::TooFew {
                n_folds: self.n_folds,
            });
        }
        let (n_units, unit) = match group_ptr {
            Some(group_ptr) => (group_ptr.len() - 1, "queries"),
            None => (labels.len(), "rows"),
        };
        if n_units < self.n_folds as usize {
            return Err(FoldError::Empty {
                n_folds: self.n_folds,
                n_units,
                unit,
            });
        }
        let classes = match (group_ptr, self.strata) {
            (None, Strata::Labels) => self.classes(labels)?,
            (Some(_), _) | (None, Strata::None) => vec![0; n_units],
        };
        Ok((0..self.n_repeats).flat_map(move |repeat| {
            let of_units = self.deal(&classes, repeat);
            let of_rows = match group_ptr {
                Some(group_ptr) => spread(&of_units, group_ptr),
                None => of_units,
            };
            (0..self.n_folds).map(move |fold| Fold::of(&of_rows, fold))
        }))
    }

    /// The class of each label, counted from 0 in the order of the labels.
    fn classes(&self, labels: &[f32]) -> Result<Vec<usize>, FoldError> {
        let mut distinct = labels.to_vec();
        distinct.sort_unstable_by(f32::total_cmp);
        distinct.dedup();
        let class = |label: &f32| distinct.partition_point(|it| it < label);
        let classes: Vec<usize> = labels.iter().map(class).collect();
        let mut n_rows = vec![0; distinct.len()];
        for &class in &classes {
            n_rows[class] += 1;
        }
        let largest = n_rows.into_iter().max().unwrap_or(0);
        if largest < self.n_folds as usize {
            return Err(FoldError::SmallClasses {
                n_folds: self.n_folds,
                n_rows: largest,
            });
        }
        Ok(classes)
    }

    /// The fold that each unit is held out in.
    fn deal(&self, classes: &[usize], repeat: u32) -> Vec<u32> {
        let n_folds = self.n_folds as usize;
        let n_classes = classes.iter().max().map_or(0, |&last| last + 1);
        let state = mix(mix(self.seed.cast_unsigned()) ^ u64::from(repeat));
        let mut shuffled: Vec<usize> = (0..classes.len()).collect();
        shuffled.sort_by_cached_key(|&unit| (classes[unit], mix(state ^ unit as u64), unit));
        // Of the units in the order of their classes every fold gets each `n_folds`-th one's class.
        let mut shares = vec![vec![0; n_folds]; n_classes];
        for (at, &unit) in shuffled.iter().enumerate() {
            shares[classes[unit]][at % n_folds] += 1;
        }
        let mut folds = vec![0; classes.len()];
        let mut units = shuffled.into_iter();
        for share in shares {
            for (fold, n_units) in share.into_iter().enumerate() {
                for unit in units.by_ref().take(n_units) {
                    folds[unit] = fold as u32;
                }
            }
        }
        folds
    }
}

impl Fold {
    fn of(of_rows: &[u32], fold: u32) -> Self {
        let rows = 0..of_rows.len() as u32;
        let (held_out, train) = rows.partition(|&row| of_rows[row as usize] == fold);
        Self { train, held_out }
    }
}

/// What belongs to a query belongs to its rows.
fn spread(of_queries: &[u32], group_ptr: &[usize]) -> Vec<u32> {
    let bounds = group_ptr.windows(2).zip(of_queries);
    let of_query =
        |(bounds, &fold): (&[usize], &u32)| std::iter::repeat_n(fold, bounds[1] - bounds[0]);
    bounds.flat_map(of_query).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(n_folds: u32, strata: Strata) -> FoldPlan {
        FoldPlan {
            n_folds,
            n_repeats: 2,
            seed: 7,
            strata,
        }
    }

    fn folds(plan: FoldPlan, labels: &[f32], group_ptr: Option<&[usize]>) -> Vec<Fold> {
        let folds = plan.folds(labels, group_ptr);
        folds.expect("there are enough rows").collect()
    }

    #[test]
    fn every_row_is_held_out_once_a_repetition_in_folds_of_even_size() {
        let labels = vec![0.0; 23];
        let found = folds(plan(5, Strata::None), &labels, None);
        assert_eq!(found.len(), 10);
        for repetition in found.chunks(5) {
            let mut held_out: Vec<u32> = repetition
                .iter()
                .flat_map(|it| it.held_out.clone())
                .collect();
            held_out.sort_unstable();
            assert_eq!(held_out, (0..23).collect::<Vec<_>>());
            for fold in repetition {
                assert!((4..=5).contains(&fold.held_out.len()));
                assert_eq!(fold.train.len() + fold.held_out.len(), 23);
                assert!(fold.train.is_sorted() && fold.held_out.is_sorted());
            }
        }
        assert_ne!(found[..5], found[5..]);
        assert_eq!(found, folds(plan(5, Strata::None), &labels, None));
        let other = FoldPlan {
            seed: 8,
            ..plan(5, Strata::None)
        };
        assert_ne!(found, folds(other, &labels, None));
    }

    #[test]
    fn strata_give_every_fold_its_share_of_each_label() {
        let labels: Vec<f32> = (0..60)
            .map(|row| f32::from(u8::from(row % 5 == 0)))
            .collect();
        for fold in folds(plan(4, Strata::Labels), &labels, None) {
            let n_positive = fold
                .held_out
                .iter()
                .filter(|&&row| labels[row as usize] == 1.0)
                .count();
            assert_eq!((n_positive, fold.held_out.len()), (3, 15));
        }
    }

    #[test]
    fn queries_stay_whole() {
        let group_ptr = [0, 3, 4, 9, 12];
        for fold in folds(plan(2, Strata::Labels), &[0.0; 12], Some(&group_ptr)) {
            for bounds in group_ptr.windows(2) {
                let n_held_out = (bounds[0]..bounds[1])
                    .filter(|&row| fold.held_out.contains(&(row as u32)))
                    .count();
                assert!(n_held_out == 0 || n_held_out == bounds[1] - bounds[0]);
            }
        }
    }

    #[test]
    fn folds_are_made_one_by_one_however_many_are_asked_for() {
        let many = FoldPlan {
            n_repeats: u32::MAX,
            ..plan(4, Strata::None)
        };
        let first: Vec<Fold> = many.folds(&[0.0; 9], None).unwrap().take(8).collect();
        assert_eq!(first, folds(plan(4, Strata::None), &[0.0; 9], None));
    }

    #[test]
    fn too_few_rows_are_refused() {
        let refused = |plan: FoldPlan, labels: &[f32]| plan.folds(labels, None).err().unwrap();
        assert_eq!(
            refused(plan(1, Strata::None), &[0.0]),
            FoldError::TooFew { n_folds: 1 }
        );
        let said = refused(plan(3, Strata::None), &[0.0, 1.0]).to_string();
        assert_eq!(said, "3 folds of 2 rows: a fold would be empty");
        let said = refused(plan(3, Strata::Labels), &[0.0, 0.0, 1.0, 1.0]).to_string();
        assert_eq!(said, "3 folds, but the largest class has 2 rows only");
    }
}
