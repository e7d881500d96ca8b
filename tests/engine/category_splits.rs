//! Features of categories: every split against a slow search.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use engine::dataset::Dataset;
use engine::params::BoosterParams;
use engine::tree::Tree;
use proptest::prelude::*;

use crate::categories::binned;
use crate::table::fit;

/// What decides the splits of the slow search.
#[derive(Clone, Copy, Debug)]
struct Options {
    lambda: f64,
    min_child_weight: f64,
    max_cat_to_onehot: u32,
    max_cat_threshold: u32,
    max_depth: u32,
}

/// A split: the codes that go right, and whether what is missing goes left.
type Division = (Vec<u32>, bool);

/// The slow search: squared loss on margin 0, so a row's gradient is its label less, times its weight.
struct Slow<'a> {
    data: &'a Dataset,
    categorical: &'a [u32],
    options: Options,
}

impl Slow<'_> {
    fn sums(&self, rows: &[usize]) -> (f64, f64) {
        let weights = self.data.weights().unwrap();
        rows.iter().fold((0.0, 0.0), |(grad, hess), &row| {
            let weight = f64::from(weights[row]);
            let label = f64::from(self.data.labels()[row]);
            (grad - label * weight, hess + weight)
        })
    }

    fn gain(&self, (grad, hess): (f64, f64)) -> f64 {
        if hess <= 0.0 {
            0.0
        } else {
            grad * grad / (hess + self.options.lambda)
        }
    }

    fn split_gain(&self, sides: [&[usize]; 2]) -> Option<f64> {
        let [left, right] = sides.map(|rows| self.sums(rows));
        let least = self.options.min_child_weight;
        let parent = (left.0 + right.0, left.1 + right.1);
        (left.1 >= least && right.1 >= least)
            .then(|| self.gain(left) + self.gain(right) - self.gain(parent))
    }

    fn rows_of(&self, rows: &[usize], feature: usize, code: u32) -> Vec<usize> {
        let has = |&&row: &&usize| self.data.value(row, feature) == code as f32;
        rows.iter().filter(has).copied().collect()
    }

    /// Every division of a node that is allowed.
    fn divisions(&self, rows: &[usize], feature: usize) -> Vec<Division> {
        // What XGBoost takes for the categories: every code up to the largest of the table.
        let values = (0..self.data.n_rows()).map(|row| self.data.value(row, feature));
        let largest = values.filter(|it| !it.is_nan()).fold(-1.0, f32::max);
        let codes: Vec<u32> = (0..(largest + 1.0) as u32).collect();
        let n = codes.len();
        if (n as u32) < self.options.max_cat_to_onehot {
            let each = codes.into_iter().map(|code| vec![code]);
            return each
                .flat_map(|it| [(it.clone(), true), (it, false)])
                .collect();
        }
        let mut order = codes;
        let weight = |&code: &u32| {
            let (grad, hess) = self.sums(&self.rows_of(rows, feature, code));
            if hess > 0.0 && hess >= self.options.min_child_weight {
                (-grad / (hess + self.options.lambda)) as f32
            } else {
                0.0
            }
        };
        order.sort_by(|a, b| weight(a).partial_cmp(&weight(b)).unwrap());
        let most = (self.options.max_cat_threshold as usize).min(n);
        let first = (1..most).map(|n_right| (order[..n_right].to_vec(), true));
        let last = (1..most).map(|n_left| (order[..n - n_left].to_vec(), false));
        first.chain(last).collect()
    }

    fn best_gain(&self, rows: &[usize]) -> f64 {
        let mut best = 0.0_f64;
        for feature in 0..self.data.n_features() {
            let value = |row: usize| self.data.value(row, feature);
            let mut offer = |goes_left: &dyn Fn(f32) -> bool| {
                let (left, right): (Vec<_>, Vec<_>) =
                    rows.iter().partition(|&&row| goes_left(value(row)));
                best = best.max(self.split_gain([&left, &right]).unwrap_or(0.0));
            };
            if self.categorical.contains(&(feature as u32)) {
                for (right, default_left) in self.divisions(rows, feature) {
                    offer(&|x| {
                        if x.is_nan() {
                            default_left
                        } else {
                            !right.contains(&(x as u32))
                        }
                    });
                }
            } else {
                for cut in (0..self.data.n_rows()).map(value).chain([f32::MAX]) {
                    for default_left in [false, true] {
                        offer(&|x| if x.is_nan() { default_left } else { x < cut });
                    }
                }
            }
        }
        best
    }

    fn check(
        &self,
        tree: &Tree,
        node_idx: usize,
        rows: &[usize],
        depth: u32,
    ) -> Result<(), TestCaseError> {
        let node = &tree.nodes[node_idx];
        let best = if depth == self.options.max_depth {
            0.0
        } else {
            self.best_gain(rows)
        };
        let slack = 1e-4 * (1.0 + self.gain(self.sums(rows)) + best);
        let Some(left_idx) = node.left else {
            prop_assert!(best <= slack, "a leaf that could gain {best}");
            return Ok(());
        };
        let feature = node.split_index as usize;
        let is_set = tree.categories.contains_key(&(node_idx as u32));
        prop_assert_eq!(is_set, self.categorical.contains(&node.split_index));
        let (left, right): (Vec<_>, Vec<_>) = rows
            .iter()
            .partition(|&&row| tree.goes_left(node_idx, self.data.value(row, feature)));
        let Some(gain) = self.split_gain([&left, &right]) else {
            return Err(TestCaseError::fail("a child has too little hessian"));
        };
        let said = f64::from(node.loss_change);
        prop_assert!((gain - said).abs() <= slack, "gain {gain}, said {said}");
        prop_assert!((gain - best).abs() <= slack, "gain {gain}, best {best}");
        self.check(tree, left_idx as usize, &left, depth + 1)?;
        self.check(tree, left_idx as usize + 1, &right, depth + 1)
    }
}

/// Three columns: three categories, nine, and few numbers; a fifth of the cells is missing.
fn tables() -> impl Strategy<Value = (Vec<f32>, Vec<f32>, Vec<f32>)> {
    (1_usize..30).prop_flat_map(|n_rows| {
        let cell =
            |below: u8| prop_oneof![4 => (0..below).prop_map(f32::from), 1 => Just(f32::NAN)];
        let row = (cell(3), cell(9), cell(4)).prop_map(|(a, b, c)| vec![a, b, c]);
        let values = prop::collection::vec(row, n_rows).prop_map(|rows| rows.concat());
        let labels = prop::collection::vec((-8_i8..9).prop_map(|it| f32::from(it) / 4.0), n_rows);
        let weights = prop::collection::vec((0_u8..4).prop_map(f32::from), n_rows);
        (values, labels, weights)
    })
}

fn options() -> impl Strategy<Value = Options> {
    let lambda = prop::sample::select(vec![0.5, 1.0, 3.0]);
    let min_child_weight = prop::sample::select(vec![0.0, 1.0, 2.5]);
    let max_cat_to_onehot = prop::sample::select(vec![1, 4, 100]);
    let max_cat_threshold = prop::sample::select(vec![1, 2, 4, 64]);
    (
        lambda,
        min_child_weight,
        max_cat_to_onehot,
        max_cat_threshold,
        1_u32..5,
    )
        .prop_map(
            |(lambda, min_child_weight, max_cat_to_onehot, max_cat_threshold, max_depth)| Options {
                lambda,
                min_child_weight,
                max_cat_to_onehot,
                max_cat_threshold,
                max_depth,
            },
        )
}

fn params(options: &Options) -> BoosterParams {
    BoosterParams::default()
        .num_round(1)
        .learning_rate(1.0)
        .max_depth(options.max_depth)
        .reg_lambda(options.lambda as f32)
        .min_child_weight(options.min_child_weight as f32)
        .max_cat_to_onehot(options.max_cat_to_onehot)
        .max_cat_threshold(options.max_cat_threshold)
        .base_score(Some(0.0))
        .nthread(Some(1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn every_split_is_as_good_as_the_best_that_a_slow_search_finds(
        ((values, labels, weights), options) in (tables(), options()),
    ) {
        prop_assume!(weights.iter().any(|&weight| weight > 0.0));
        let data = Dataset::from_rows(3, &values, &labels)
            .and_then(|data| data.with_weights(weights))
            .expect("the table is sound");
        let booster = fit(&params(&options), &binned(data.clone(), &[0, 1]), None).booster;
        let rows: Vec<usize> = (0..data.n_rows()).collect();
        let slow = Slow { data: &data, categorical: &[0, 1], options };
        slow.check(&booster.trees[0], 0, &rows, 0)?;
    }
}
