//! A grower that is slow and obvious, in `f64` and on raw values, against the fast one.
//!
//! Tables are tiny with few distinct values, so that every distinct value is a cut. A split of the fast grower must gain
//! what the best split of the slow one gains, in the node that it is in: two splits may tie, so it is the gain that is
//! compared, and that the gain belongs to the rows that the split really sends left and right.

use engine::dataset::Dataset;
use engine::objective::{GradientPair, Objective, ObjectiveName};
use engine::params::BoosterParams;
use engine::tree::Tree;
use proptest::prelude::*;

use crate::table::{binned, fit};

/// What the slow grower knows of a node: which rows are in it.
struct Slow<'a> {
    data: &'a Dataset,
    pairs: &'a [GradientPair],
    options: &'a Options,
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

    fn weight(&self, (grad, hess): (f64, f64)) -> f64 {
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
        if limit == 0.0 {
            weight
        } else {
            weight.clamp(-limit, limit)
        }
    }

    /// Twice the loss that the best weight saves, by the definition of that loss.
    fn gain(&self, sums: (f64, f64)) -> f64 {
        let (grad, hess) = sums;
        let weight = self.weight(sums);
        let lambda = f64::from(self.options.lambda);
        -(2.0 * grad * weight
            + (hess + lambda) * weight * weight
            + 2.0 * f64::from(self.options.alpha) * weight.abs())
    }

    fn split_gain(&self, left: &[usize], right: &[usize]) -> Option<f64> {
        let (left, right) = (self.sums(left), self.sums(right));
        let least = f64::from(self.options.min_child_weight);
        // A hair of slack: the fast grower's hessians are rounded.
        let enough = |hess: f64| hess >= least * (1.0 - 1e-6) && hess > 1e-6;
        let parent = (left.0 + right.0, left.1 + right.1);
        (enough(left.1) && enough(right.1))
            .then(|| self.gain(left) + self.gain(right) - self.gain(parent))
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

    fn best_gain(&self, rows: &[usize]) -> f64 {
        let mut best = 0.0_f64;
        for feature in 0..self.data.n_features() {
            let values = (0..self.data.n_rows()).map(|row| self.data.value(row, feature));
            for cut in values.filter(|x| !x.is_nan()).chain([f32::MAX]) {
                for default_left in [false, true] {
                    let (left, right) = self.divide(rows, feature, cut, default_left);
                    best = best.max(self.split_gain(&left, &right).unwrap_or(0.0));
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
        depth: u32,
    ) -> Result<(), TestCaseError> {
        let node = &tree.nodes[node_idx];
        let sums = self.sums(rows);
        prop_assert!((f64::from(node.sum_hessian) - sums.1).abs() <= 1e-5 * sums.1 + 1e-9);
        let best = if self.options.max_depth == depth {
            0.0
        } else {
            self.best_gain(rows)
        };
        let slack = 1e-4 * (1.0 + self.gain(sums).abs() + best.abs());
        let Some(left_idx) = node.left else {
            let wanted = f64::from(self.options.gamma).max(1e-6);
            prop_assert!(best <= wanted + slack, "a leaf that could gain {best}");
            prop_assert!((f64::from(node.split_condition) - self.weight(sums)).abs() <= 1e-4);
            return Ok(());
        };
        let (left, right) = self.divide(
            rows,
            node.split_index as usize,
            node.split_condition,
            node.default_left,
        );
        let Some(gain) = self.split_gain(&left, &right) else {
            return Err(TestCaseError::fail("a child has too little hessian"));
        };
        prop_assert!(
            (gain - f64::from(node.loss_change)).abs() <= slack,
            "gain {gain}, said {}",
            node.loss_change
        );
        prop_assert!(gain >= best - slack, "gain {gain}, best {best}");
        self.check(tree, left_idx as usize, &left, depth + 1)?;
        self.check(tree, left_idx as usize + 1, &right, depth + 1)
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

/// Grows a tree on `copies` of a table and checks it against the table with as many times the weight.
fn compare(case: Case, copies: u16) -> Result<(), TestCaseError> {
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
    let params = params(&options, objective);
    let trained = fit(&params, &binned(table(usize::from(copies), 1.0), 256), None);
    let data = table(1, f32::from(copies));
    let mut pairs = vec![GradientPair::default(); data.n_rows()];
    Objective::new(objective).gradients(&vec![0.0; data.n_rows()], &data.targets(), &mut pairs);
    let rows: Vec<usize> = (0..data.n_rows()).collect();
    Slow {
        data: &data,
        pairs: &pairs,
        options: &options,
    }
    .check(&trained.booster.trees[0], 0, &rows, 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn every_split_is_as_good_as_the_best_that_a_slow_search_finds(
        case in (tables(), options(), any::<bool>()),
    ) {
        compare(case, 1)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    // Large tables add up in narrower cells, so the same is asked of tables that are repeated until they are large.
    #[test]
    fn every_split_of_a_large_table_is_as_good_too(
        case in (tables(), options(), any::<bool>()).prop_filter("enough rows", |case| case.0.2.len() >= 8),
    ) {
        compare(case, 9000)?;
    }
}
