//! Where the groups of a `dart` start, if they start apart: levels of `reg:quantileerror`, and targets.
//!
//! A model has one base score, so what a group starts from is in the leaves of its first tree, as in every booster here.
//! Those of a `dart` have a weight, and may be left out.
//!
//! Invariants: times its weight the first tree's leaves hold the whole start, whatever the weight; where the tree is left
//! out, rows begin with the start itself. So the start is never left out and never made smaller, as XGBoost's base score
//! is not, and a prediction adds up what it always adds up. What the starts are is an attribute of the model, so that a
//! training that goes on knows them.

use super::Booster;

/// The attribute with the margins that groups start from.
const ATTRIBUTE: &str = "linden_group_starts";

/// The least weight of a tree that holds a start: the start divided by it must be a number. What else such a tree says is
/// below the rounding of the start by then.
const LEAST_WEIGHT: f32 = 1e-15;

/// The margins that groups start from.
#[derive(Clone, Debug)]
pub(super) struct GroupStarts {
    /// `(n_groups,)`.
    margins: Vec<f32>,
    num_parallel_tree: usize,
}

impl GroupStarts {
    pub(super) fn new(margins: Vec<f32>, num_parallel_tree: usize) -> Self {
        Self {
            margins,
            num_parallel_tree,
        }
    }

    /// The start that a tree holds, if it is a group's first.
    pub(super) fn held_by(&self, tree: usize) -> Option<f32> {
        if tree.is_multiple_of(self.num_parallel_tree) {
            self.margins.get(tree / self.num_parallel_tree).copied()
        } else {
            None
        }
    }

    /// What rows begin with beside the trees that are there, `(n_groups,)`: the starts of groups whose first tree is left out.
    pub(super) fn beside(&self, is_there: impl Fn(usize) -> bool) -> Vec<f32> {
        let starts = self.margins.iter().enumerate();
        let beside = |(group, &start): (usize, &f32)| {
            if is_there(group * self.num_parallel_tree) {
                0.0
            } else {
                start
            }
        };
        starts.map(beside).collect()
    }
}

/// A tree that holds a start, whose weight becomes another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reweighed {
    start: f32,
    was: f32,
    is: f32,
}

impl Reweighed {
    /// From a weight to `is`, or as near to it as the start allows.
    pub(super) fn new(start: f32, was: f32, is: f32) -> Self {
        let is = is.max(LEAST_WEIGHT);
        Self { start, was, is }
    }

    /// The weight that the tree has now.
    pub(super) fn weight(&self) -> f32 {
        self.is
    }

    /// What a leaf of this value holds now.
    pub(super) fn leaf(&self, value: f32) -> f32 {
        let part = |weight: f32| f64::from(self.start) / f64::from(weight);
        (f64::from(value) - part(self.was) + part(self.is)) as f32
    }
}

impl Booster {
    /// The margins that groups of a `dart` start from, `(n_groups,)`, if its first trees hold them.
    pub(super) fn group_starts(&self) -> Option<Vec<f32>> {
        let text = self.attributes.get(ATTRIBUTE)?;
        let starts: Option<Vec<f32>> = text.split(' ').map(|it| it.parse().ok()).collect();
        starts.filter(|it| it.len() == self.n_groups() && it.iter().all(|start| start.is_finite()))
    }

    /// Writes down what groups of a `dart` start from.
    pub(super) fn tell_group_starts(&mut self, starts: &[f32]) {
        let starts: Vec<String> = starts.iter().map(ToString::to_string).collect();
        self.attributes
            .insert(ATTRIBUTE.to_owned(), starts.join(" "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_stays_whole_whatever_the_tree_weighs() {
        // A leaf of 2 beside a start of 150, at half the weight and at next to none.
        for (weight, expected) in [(1.0, 152.0), (0.5, 151.0), (0.0, 150.0)] {
            let tree = Reweighed::new(150.0, 1.0, weight);
            let found = tree.leaf(152.0) * tree.weight();
            assert!((found - expected).abs() < 1e-4, "{weight}: {found}");
        }
    }

    #[test]
    fn the_first_tree_of_each_group_holds_its_start() {
        let starts = GroupStarts::new(vec![1.0, 5.0], 3);
        let held: Vec<_> = (0..7).map(|tree| starts.held_by(tree)).collect();
        let expected = [Some(1.0), None, None, Some(5.0), None, None, None];
        assert_eq!(held, expected);
        assert_eq!(starts.beside(|tree| tree != 3), [0.0, 5.0]);
    }
}
