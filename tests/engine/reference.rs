//! A grower that is slow and obvious, in `f64` and on raw values, against the fast one.
//!
//! Tables are tiny with few distinct values, so that every distinct value is a cut. A split of the fast grower must gain
//! what the best split of the slow one gains, in the node that it is in: two splits may tie, so it is the gain that is
//! compared, and that the gain belongs to the rows that the split really sends left and right. Where there are constraints,
//! the best split is the best of those that they allow.

use engine::dataset::Dataset;
use engine::objective::{GradientPair, Objective, ObjectiveName};
use engine::params::{BoosterParams, Monotone};
use engine::tree::Tree;
use proptest::prelude::*;

use crate::table::{binned, fit};

/// What the slow grower knows of a node: which rows are in it.
struct Slow<'a> {
    data: &'a Dataset,
    pairs: &'a [GradientPair],
    options: &'a Options,
    rules: &'a Rules,
}

/// A feature, a cut, and whether what is missing goes left.
type Split = (usize, f32, bool);

/// Directions of features, and features that may meet.
#[derive(Clone, Debug, Default)]
struct Rules {
    monotone: Vec<Monotone>,
    groups: Vec<Vec<u32>>,
}

impl Rules {
    /// The direction of a split; one that leaves all values on one side has none.
    fn direction(&self, (feature, cut, default_left): Split) -> Monotone {
        if cut == f32::MAX && !default_left {
            return Monotone::Free;
        }
        self.monotone.get(feature).copied().unwrap_or_default()
    }

    /// Whether a feature may follow those that were met: some group has all of them, or it was met itself.
    fn allow(&self, feature: usize, met: &[usize]) -> bool {
        let has_all = |group: &Vec<u32>| {
            let mut all = met.iter().chain([&feature]);
            all.all(|it| group.contains(&(*it as u32)))
        };
        self.groups.is_empty()
            || met.is_empty()
            || met.contains(&feature)
            || self.groups.iter().any(has_all)
    }
}

/// What a node's parents leave it.
#[derive(Clone)]
struct Within {
    low: f64,
    high: f64,
    met: Vec<usize>,
}

impl Within {
    fn anything() -> Self {
        let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
        let met = Vec::new();
        Self { low, high, met }
    }

    /// What it leaves both sides of a split on `feature` of this direction and these weights.
    fn below(&self, feature: usize, direction: Monotone, [left, right]: [f64; 2]) -> [Self; 2] {
        let middle = f64::midpoint(left, right);
        let mut sides = [self.clone(), self.clone()];
        let [lower, upper] = match direction {
            Monotone::Free => [0, 0],
            Monotone::Increasing => [0, 1],
            Monotone::Decreasing => [1, 0],
        };
        if direction != Monotone::Free {
            sides[lower].high = middle;
            sides[upper].low = middle;
        }
        for side in &mut sides {
            side.met.push(feature);
        }
        sides
    }
}

#[derive(Clone, Copy, Debug)]
struct Options {
    lambda: f32,
    alpha: f32,
    gamma: f32,
    min_child_weight: f32,
    max_delta_step: f32,
    max_depth: u32,
}

impl Slow<'_> {
    fn sums(&self, rows: &[usize]) -> (f64, f64) {
        let sum = |of: fn(&GradientPair) -> f32| {
            rows.iter()
                .map(|&row| f64::from(of(&self.pairs[row])))
                .sum()
        };
        (sum(|pair| pair.grad), sum(|pair| pair.hess))
    }

    fn weight(&self, (grad, hess): (f64, f64), within: &Within) -> f64 {
        let alpha = f64::from(self.options.alpha);
        let shrunk = if grad.abs() <= alpha {
            0.0
        } else {
            grad - alpha * grad.signum()
        };
        let weight = if hess <= 0.0 {
            0.0
        } else {
            -shrunk / (hess + f64::from(self.options.lambda))
        };
        let limit = f64::from(self.options.max_delta_step);
        let weight = if limit == 0.0 {
            weight
        } else {
            weight.clamp(-limit, limit)
        };
        weight.clamp(within.low, within.high)
    }

    /// Twice the loss that the best weight saves, by the definition of that loss.
    fn gain(&self, sums: (f64, f64), within: &Within) -> f64 {
        let (grad, hess) = sums;
        let weight = self.weight(sums, within);
        let lambda = f64::from(self.options.lambda);
        -(2.0 * grad * weight
            + (hess + lambda) * weight * weight
            + 2.0 * f64::from(self.options.alpha) * weight.abs())
    }

    fn split_gain(&self, split: Split, sides: [&[usize]; 2], within: &Within) -> Option<f64> {
        let [left, right] = sides.map(|rows| self.sums(rows));
        let least = f64::from(self.options.min_child_weight);
        // A hair of slack: the fast grower's hessians are rounded.
        let enough = |hess: f64| hess >= least * (1.0 - 1e-6) && hess > 1e-6;
        let parent = (left.0 + right.0, left.1 + right.1);
        let gain = |sums| self.gain(sums, within);
        let in_order = match self.rules.direction(split) {
            Monotone::Free => true,
            // A hair of slack here too: splits of equal sides gain nothing anyway.
            Monotone::Increasing => self.weight(left, within) <= self.weight(right, within) + 1e-7,
            Monotone::Decreasing => self.weight(left, within) + 1e-7 >= self.weight(right, within),
        };
        (enough(left.1) && enough(right.1) && in_order)
            .then(|| gain(left) + gain(right) - gain(parent))
    }

    fn divide(
        &self,
        rows: &[usize],
        feature: usize,
        cut: f32,
        default_left: bool,
    ) -> (Vec<usize>, Vec<usize>) {
        rows.iter().partition(|&&row| {
            let x = self.data.value(row, feature);
            if x.is_nan() { default_left } else { x < cut }
        })
    }

    fn best_gain(&self, rows: &[usize], within: &Within) -> f64 {
        let mut best = 0.0_f64;
        let features = 0..self.data.n_features();
        for feature in features.filter(|it| self.rules.allow(*it, &within.met)) {
            let values = (0..self.data.n_rows()).map(|row| self.data.value(row, feature));
            for cut in values.filter(|x| !x.is_nan()).chain([f32::MAX]) {
                for default_left in [false, true] {
                    let (left, right) = self.divide(rows, feature, cut, default_left);
                    let gain =
                        self.split_gain((feature, cut, default_left), [&left, &right], within);
                    best = best.max(gain.unwrap_or(0.0));
                }
            }
        }
        best
    }

    /// Walks down `tree` and checks every node against what is best for its rows.
    fn check(
        &self,
        tree: &Tree,
        node_idx: usize,
        rows: &[usize],
        (depth, within): (u32, &Within),
    ) -> Result<(), TestCaseError> {
        let node = &tree.nodes[node_idx];
        let sums = self.sums(rows);
        prop_assert!((f64::from(node.sum_hessian) - sums.1).abs() <= 1e-5 * sums.1 + 1e-9);
        let best = if self.options.max_depth == depth {
            0.0
        } else {
            self.best_gain(rows, within)
        };
        let slack = 1e-4 * (1.0 + self.gain(sums, within).abs() + best.abs());
        let Some(left_idx) = node.left else {
            let wanted = f64::from(self.options.gamma).max(1e-6);
            prop_assert!(best <= wanted + slack, "a leaf that could gain {best}");
            let off = f64::from(node.split_condition) - self.weight(sums, within);
            prop_assert!(off.abs() <= 1e-4);
            return Ok(());
        };
        let feature = node.split_index as usize;
        prop_assert!(
            self.rules.allow(feature, &within.met),
            "{feature} may not follow"
        );
        let (left, right) = self.divide(rows, feature, node.split_condition, node.default_left);
        let split = (feature, node.split_condition, node.default_left);
        let Some(gain) = self.split_gain(split, [&left, &right], within) else {
            return Err(TestCaseError::fail(
                "a child has too little hessian, or sides are out of order",
            ));
        };
        prop_assert!(
            (gain - f64::from(node.loss_change)).abs() <= slack,
            "gain {gain}, said {}",
            node.loss_change
        );
        prop_assert!(gain >= best - slack, "gain {gain}, best {best}");
        let weights = [&left, &right].map(|rows| self.weight(self.sums(rows), within));
        let direction = self.rules.direction(split);
        let [of_left, of_right] = within.below(feature, direction, weights);
        self.check(tree, left_idx as usize, &left, (depth + 1, &of_left))?;
        self.check(tree, left_idx as usize + 1, &right, (depth + 1, &of_right))
    }
}

/// Rows of few distinct values, a fifth of them missing; whole weights; labels for squared error.
fn tables() -> impl Strategy<Value = (usize, Vec<f32>, Vec<f32>, Vec<f32>)> {
    (1_usize..4, 1_usize..24).prop_flat_map(|(n_features, n_rows)| {
        let value = prop_oneof![4 => (-3_i8..4).prop_map(f32::from), 1 => Just(f32::NAN)];
        let values = prop::collection::vec(value, n_features * n_rows);
        let labels =
            prop::collection::vec((-8_i8..9).prop_map(|label| f32::from(label) / 4.0), n_rows);
        let weights = prop::collection::vec((0_u8..4).prop_map(f32::from), n_rows);
        (Just(n_features), values, labels, weights)
    })
}

fn options() -> impl Strategy<Value = Options> {
    let lambda = prop::sample::select(vec![0.5, 1.0, 3.0]);
    let alpha = prop::sample::select(vec![0.0, 0.0, 0.75]);
    let gamma = prop::sample::select(vec![0.0, 0.0, 1.1]);
    let min_child_weight = prop::sample::select(vec![0.0, 1.0, 2.5]);
    let max_delta_step = prop::sample::select(vec![0.0, 0.0, 0.4]);
    (
        lambda,
        alpha,
        gamma,
        min_child_weight,
        max_delta_step,
        0_u32..5,
    )
        .prop_map(
            |(lambda, alpha, gamma, min_child_weight, max_delta_step, max_depth)| Options {
                lambda,
                alpha,
                gamma,
                min_child_weight,
                max_delta_step,
                max_depth,
            },
        )
}

/// The options as parameters of a single tree on margin 0; depth 0 is no limit in both growers.
fn params(options: &Options, objective: ObjectiveName) -> BoosterParams {
    BoosterParams::default()
        .objective(objective)
        .num_round(1)
        .learning_rate(1.0)
        .max_depth(options.max_depth)
        .reg_lambda(options.lambda)
        .reg_alpha(options.alpha)
        .min_split_loss(options.gamma)
        .min_child_weight(options.min_child_weight)
        .max_delta_step(Some(options.max_delta_step))
        .base_score(Some(if objective == ObjectiveName::BinaryLogistic {
            0.5
        } else {
            0.0
        }))
        .nthread(Some(1))
}

/// What one case is drawn from: columns, values, labels, weights; options; and whether the loss is the logistic one.
type Case = ((usize, Vec<f32>, Vec<f32>, Vec<f32>), Options, bool);

/// Directions and groups of up to three features.
fn rules() -> impl Strategy<Value = Rules> {
    let direction = prop::sample::select(vec![
        Monotone::Free,
        Monotone::Increasing,
        Monotone::Decreasing,
    ]);
    let group = prop::collection::vec(0_u32..3, 0..3);
    (
        prop::collection::vec(direction, 0..4),
        prop::collection::vec(group, 0..3),
    )
        .prop_map(|(monotone, groups)| Rules { monotone, groups })
}

/// Grows a tree on `copies` of a table and checks it against the table with as many times the weight.
fn compare(case: Case, mut rules: Rules, copies: u16) -> Result<(), TestCaseError> {
    let ((n_features, values, labels, weights), options, logistic) = case;
    let objective = if logistic {
        ObjectiveName::BinaryLogistic
    } else {
        ObjectiveName::RegSquaredError
    };
    let label = |&y: &f32| {
        if logistic {
            f32::from(u8::from(y > 0.0))
        } else {
            y
        }
    };
    let labels: Vec<f32> = labels.iter().map(label).collect();
    prop_assume!(weights.iter().any(|&weight| weight > 0.0));
    let table = |copies: usize, factor: f32| {
        let weights: Vec<f32> = weights.iter().map(|weight| weight * factor).collect();
        Dataset::from_rows(n_features, &values.repeat(copies), &labels.repeat(copies))
            .and_then(|data| data.with_weights(weights.repeat(copies)))
            .expect("the table is sound")
    };
    let max_depth = if options.max_depth == 0 {
        64
    } else {
        options.max_depth
    };
    let options = Options {
        max_depth,
        ..options
    };
    rules.monotone.truncate(n_features);
    for group in &mut rules.groups {
        group.retain(|it| (*it as usize) < n_features);
    }
    let params = params(&options, objective)
        .monotone_constraints(rules.monotone.clone())
        .interaction_constraints(rules.groups.clone());
    let trained = fit(&params, &binned(table(usize::from(copies), 1.0), 256), None);
    let data = table(1, f32::from(copies));
    let mut pairs = vec![GradientPair::default(); data.n_rows()];
    Objective::new(objective).gradients(&vec![0.0; data.n_rows()], &data.targets(), &mut pairs);
    let rows: Vec<usize> = (0..data.n_rows()).collect();
    Slow {
        data: &data,
        pairs: &pairs,
        options: &options,
        rules: &rules,
    }
    .check(
        &trained.booster.trees[0],
        0,
        &rows,
        (0, &Within::anything()),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn every_split_is_as_good_as_the_best_that_a_slow_search_finds(
        case in (tables(), options(), any::<bool>()),
    ) {
        compare(case, Rules::default(), 1)?;
    }

    #[test]
    fn every_split_within_constraints_is_as_good_as_the_best_that_they_allow(
        case in (tables(), options(), any::<bool>()),
        rules in rules(),
    ) {
        compare(case, rules, 1)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    // Large tables add up in narrower cells, so the same is asked of tables that are repeated until they are large.
    #[test]
    fn every_split_of_a_large_table_is_as_good_too(
        case in (tables(), options(), any::<bool>()).prop_filter("enough rows", |case| case.0.2.len() >= 8),
    ) {
        compare(case, Rules::default(), 9000)?;
    }

    #[test]
    fn every_split_of_a_large_table_within_constraints_is_as_good_too(
        case in (tables(), options(), any::<bool>()).prop_filter("enough rows", |case| case.0.2.len() >= 8),
        rules in rules(),
    ) {
        compare(case, rules, 9000)?;
    }
}
