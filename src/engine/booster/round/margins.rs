//! What a round's margins are: before the first, without the trees that a round of a `dart` leaves out, and after it.
//!
//! Invariant: a margin is the `f32` sum of the start and of the leaf values in the order of the trees, exactly as a
//! prediction adds them up.

use crate::metric::Metric;
use crate::tree::column_tree::ColumnTree;
use crate::tree::follow::CodeTree;

use super::super::dart::Dropouts;
use super::super::{BoosterKind, Evaluation};
use super::{Rounds, draw};

impl Rounds<'_> {
    /// Makes ready for the next round, with the trees of the rounds from `first_round` on added to every set's margins.
    pub(in super::super) fn begin(&mut self, first_round: u32) {
        let (n_rounds, threads) = (self.booster.n_rounds() as u32, self.threads);
        if n_rounds > 0 {
            self.offsets = None;
        }
        match &mut self.dropouts {
            Some(dropouts) => {
                let first = first_round as usize * self.booster.trees_per_round();
                dropouts.take(&self.booster, first, self.train.data.cuts());
            }
            None if n_rounds > first_round => {
                let added = self.booster.rounds_from(first_round);
                for set in std::iter::once(&mut self.train).chain(&mut self.evals) {
                    set.predict(&added, threads);
                }
            }
            None => {}
        }
        threads.enter(|| {
            if n_rounds > 0 {
                self.sum_anew();
            }
            self.look(n_rounds, &[]);
        });
    }

    /// Evaluates the training set, and computes the gradients of the `next` round if that leaves no trees out.
    pub(super) fn look(&mut self, next: u32, metrics: &[Metric]) -> Vec<Evaluation> {
        self.gradients.draw = draw(self.params.seed(), next);
        let mut wanted = Some(&mut self.gradients);
        if let Some(dropouts) = &mut self.dropouts {
            dropouts.draw(next, self.booster.weight_drop());
            wanted = wanted.filter(|_| !dropouts.leaves_out());
        }
        let train = &self.train.set;
        train.observe(&self.objective, metrics, wanted, self.threads)
    }

    /// Lets the margins of the training set forget the trees that the round leaves out.
    pub(super) fn leave_out(&mut self) {
        let dropouts = self.dropouts.as_ref();
        if !dropouts.is_some_and(Dropouts::leaves_out) {
            return;
        }
        self.sum_train();
        let (gradients, threads) = (Some(&mut self.gradients), self.threads);
        self.train
            .set
            .observe(&self.objective, &[], gradients, threads);
    }

    /// Brings every set's margins to what the booster says with a round's trees; the training set's have them already.
    pub(super) fn follow(&mut self, added: Vec<(usize, CodeTree)>) {
        let changes = self.dropouts.as_ref();
        let changes = changes.is_some_and(|it| it.leaves_out() || it.begins());
        if !changes {
            for set in &mut self.evals {
                set.follow(
                    added.iter().map(|(group, tree)| (*group, tree)),
                    self.threads,
                );
            }
        }
        if let (Some(dropouts), BoosterKind::Dart { weight_drop }) =
            (&mut self.dropouts, &mut self.booster.kind)
        {
            let trees = (self.booster.trees.as_mut_slice(), weight_drop);
            dropouts.commit(added, trees, self.params.learning_rate());
        }
        if changes {
            self.sum_anew();
        }
    }

    /// Sums the margins of every set anew, of a `dart`.
    fn sum_anew(&mut self) {
        self.sum_train();
        let Some(dropouts) = &self.dropouts else {
            return;
        };
        let threads = self.threads;
        for set in &mut self.evals {
            dropouts.sum(&self.booster, set, threads, |set, group, tree| {
                set.follow([(group, tree)], threads);
            });
        }
    }

    /// Sums the margins of the training set anew, of a `dart`: the trees that are left out are not in them.
    fn sum_train(&mut self) {
        let Some(dropouts) = &self.dropouts else {
            return;
        };
        let threads = self.threads;
        let features = 0..self.train.data.n_features() as u32;
        let view = self.panel.view(features.collect(), threads);
        let n_groups = self.train.set.n_groups();
        dropouts.sum(
            &self.booster,
            &mut self.train,
            threads,
            |set, group, tree| {
                let by_columns = ColumnTree::new(tree, |idx| view.column_split(tree, idx));
                match self.panel.table().zip(by_columns) {
                    Some((table, by_columns)) => {
                        let margins = (set.set.margins.as_mut_slice(), n_groups);
                        ColumnTree::add_all(&[(group, by_columns)], table, margins, threads);
                    }
                    None => set.walk(group, tree, threads),
                }
            },
        );
    }
}
