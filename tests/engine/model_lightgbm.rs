//! Models that `LightGBM` wrote (`tests/data/models/make_lightgbm.py`) are read, predict the same here, and can be written
//! back.

use engine::booster::{Booster, FeatureType};
use engine::dataset::Dataset;
use engine::export::{ExportFormat, export};
use engine::model::{ModelFormat, load, save};
use engine::threads::Threads;
use proptest::prelude::*;

use crate::model_peers::{csv, file};

const FOLDER: &str = "lightgbm-4.7.0";
const N_ROWS: usize = 300;

/// Name, and the objective that is nearest.
const MODELS: [(&str, &str); 13] = [
    ("regression", "reg:squarederror"),
    ("zero_missing", "reg:squarederror"),
    ("none_missing", "reg:squarederror"),
    ("binary", "binary:logistic"),
    ("poisson", "count:poisson"),
    ("gamma", "reg:gamma"),
    ("l1", "reg:absoluteerror"),
    ("cross_entropy", "reg:logistic"),
    ("multiclass", "multi:softprob"),
    ("ova", "binary:logistic"),
    ("forest", "reg:squarederror"),
    ("onehot", "reg:squarederror"),
    ("categories", "reg:squarederror"),
];

fn model(name: &str) -> Booster {
    load(&file(FOLDER, &format!("{name}.txt"))).unwrap_or_else(|err| panic!("{name}: {err}"))
}

fn rows() -> Dataset {
    let rows = csv(FOLDER, "rows.csv");
    Dataset::from_rows(rows[0].len(), &rows.concat(), &[0.0; N_ROWS]).expect("a table")
}

fn assert_near(ours: &[f32], theirs: &[f32], tolerance: f32, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (row, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let limit = tolerance * theirs.abs().max(0.1);
        assert!(
            (ours - theirs).abs() <= limit,
            "{what} {row}: {ours} {theirs}"
        );
    }
}

#[test]
fn scores_and_predictions_are_those_of_lightgbm() {
    let (data, threads) = (rows(), Threads::single());
    for (name, _) in MODELS {
        let expected = csv(FOLDER, &format!("{name}.csv"));
        let booster = model(name);
        // Its logistic function is twice as steep, so its scores are half of the margins; a forest's are sums.
        let steepness = match name {
            "binary" => 2.0,
            "forest" => 1.0 / 6.0,
            _ => 1.0,
        };
        let scores: Vec<f32> = expected[..N_ROWS]
            .concat()
            .iter()
            .map(|it| it * steepness)
            .collect();
        let margins = booster.predict_margin(&data, &threads).unwrap();
        assert_near(&margins, &scores, 2e-6, name);
        let predictions = booster.predict(&data, &threads).unwrap();
        assert_near(&predictions, &expected[N_ROWS..].concat(), 5e-6, name);
    }
}

#[test]
fn the_nearest_objective_that_is_known_is_taken() {
    for (name, objective) in MODELS {
        let found = model(name).objective.name;
        if let Ok(known) = objective.parse() {
            assert_eq!(found, known, "{name}");
        }
    }
}

#[test]
fn categories_and_missing_zeros_are_kept() {
    let types = &model("categories").feature_types;
    assert_eq!(types[3], FeatureType::Categorical);
    assert_eq!(types[0], FeatureType::Float);
    assert!(!model("zero_missing").zero_is_missing.is_empty());
    assert!(model("regression").zero_is_missing.is_empty());
    assert_eq!(model("ova").n_targets, 3);
}

#[test]
fn they_survive_being_saved_as_xgboost_and_as_lightgbm() {
    let (data, threads) = (rows(), Threads::single());
    for (name, _) in MODELS {
        let booster = model(name);
        let margins = booster.predict_margin(&data, &threads).unwrap();
        if booster.zero_is_missing.is_empty() {
            let again = load(&save(&booster, ModelFormat::Ubj)).unwrap();
            assert_eq!(again, booster, "{name}");
        }
        let text = export(&booster, ExportFormat::LightGbm).unwrap();
        let again = load(&text).unwrap_or_else(|err| panic!("{name}: {err}"));
        assert_near(
            &again.predict_margin(&data, &threads).unwrap(),
            &margins,
            1e-6,
            name,
        );
    }
}

#[test]
fn xgboost_is_not_given_missing_zeros() {
    let err = export(&model("zero_missing"), ExportFormat::XgboostUbj).unwrap_err();
    assert_eq!(
        err.to_string(),
        "xgboost-ubj cannot hold this model: some of its splits take 0 for a missing value (LightGBM's zero_as_missing)"
    );
}

#[test]
fn refuses_by_name_what_has_no_equal() {
    let refusal = |name: &str| load(&file(FOLDER, name)).unwrap_err().to_string();
    assert!(refusal("refused_sqrt.txt").starts_with(
        "model member `header.objective`: objective `regression sqrt`, which has no equal in XGBoost,"
    ));
    assert_eq!(
        refusal("refused_linear.txt"),
        "model member `Tree=0.is_linear`: a tree with linear leaves is not supported, allowed is 0"
    );
}

const SMALL: &str = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\n\
objective=regression\nfeature_names=a b\nfeature_infos=[0:1] 0:1:40\ntree_sizes=300\n\nTree=0\nnum_leaves=3\nnum_cat=1\n\
split_feature=0 1\nsplit_gain=2 1\nthreshold=0.5 0\ndecision_type=10 1\nleft_child=1 -1\nright_child=-2 -3\n\
leaf_value=1 2 3\nleaf_weight=4 5 6\nleaf_count=4 5 6\ninternal_value=0 0\ninternal_weight=0 10\ninternal_count=15 10\n\
cat_boundaries=0 2\ncat_threshold=2 256\nis_linear=0\nshrinkage=1\n\n\nend of trees\n";

#[test]
fn reads_a_small_file_to_the_node() {
    let booster = load(SMALL.as_bytes()).unwrap();
    let tree = &booster.trees[0];
    let leaf = |a: f32, b: f32| tree.leaf_value(|feature| [a, b][feature as usize]);
    // 1 and 40 are in the set, which goes left there.
    assert_eq!(
        [leaf(0.5, 1.0), leaf(0.5, 40.0), leaf(0.5, 2.0)],
        [1.0, 1.0, 3.0]
    );
    assert_eq!(
        [leaf(0.6, 1.0), leaf(f32::NAN, 1.0), leaf(0.0, f32::NAN)],
        [2.0, 1.0, 3.0]
    );
    assert_eq!([leaf(0.0, -1.0), leaf(0.0, 1e9)], [3.0, 3.0]);
    let covers: Vec<f32> = tree.nodes.iter().map(|it| it.sum_hessian).collect();
    assert_eq!(covers, [15.0, 10.0, 5.0, 6.0, 4.0]);
}

/// A text of the small file, what comes in its place, and what is said of it.
const DAMAGE: [(&str, &str, &str); 17] = [
    (
        "left_child=1 -1",
        "left_child=0 -1",
        "tree 0, node 1: it has two parents, or is above itself",
    ),
    (
        "left_child=1 -1",
        "left_child=7 -1",
        "tree 0, node 1: its number is beyond the tree's splits and leaves",
    ),
    (
        "right_child=-2 -3",
        "right_child=-2 -9",
        "tree 0, node 3: its number is beyond the tree's splits and leaves",
    ),
    (
        "left_child=1 -1",
        "left_child=1",
        "model member `Tree=0.left_child`: expected 2 numbers, found `1`",
    ),
    (
        "split_feature=0 1",
        "split_feature=0 2",
        "tree 0, node 1: it splits feature 2, the model has 2",
    ),
    (
        "threshold=0.5 0",
        "threshold=nan 0",
        "tree 0, node 0: its threshold is not a number",
    ),
    (
        "threshold=0.5 0",
        "threshold=0.5 1",
        "tree 0, node 1: its threshold is not the number of a set of categories",
    ),
    (
        "decision_type=10 1",
        "decision_type=14 1",
        "tree 0, node 0: its decision type 14 is unknown",
    ),
    (
        "cat_threshold=2 256",
        "cat_threshold=0 0",
        "tree 0, node 1: a categorical split names no category",
    ),
    (
        "cat_boundaries=0 2",
        "cat_boundaries=0 3",
        "model member `Tree=0.cat_threshold`: expected 3 numbers, found `2 256`",
    ),
    (
        "num_leaves=3",
        "num_leaves=0",
        "model member `Tree=0.num_leaves`: expected a whole number from 1, found `0`",
    ),
    (
        "leaf_value=1 2 3",
        "leaf_value=1 2 1e99",
        "tree 0, node 3: its leaf value is not a number of 32 bits",
    ),
    (
        "Tree=0",
        "Tree=1",
        "model member `Tree=1`: expected Tree=0, found this",
    ),
    (
        "version=v4",
        "version=v2",
        "model member `header.version`: version `v2` is not supported, allowed is v3, v4",
    ),
    (
        "feature_names=a b",
        "feature_names=a",
        "model member `header.feature_names`: expected 2 names, found `a`",
    ),
    (
        "end of trees",
        "",
        "model member `end of trees`: expected this line after the trees, found nothing",
    ),
    (
        "num_class=1",
        "num_class=1\nnum_class=2",
        "model member `header.num_class`: expected one line, found a second one",
    ),
];

#[test]
fn refuses_by_name_what_is_damaged() {
    for (from, to, message) in DAMAGE {
        assert!(SMALL.contains(from), "{from}");
        let err = load(SMALL.replacen(from, to, 1).as_bytes()).map_err(|err| err.to_string());
        assert_eq!(err, Err(message.to_owned()), "{to}");
    }
}

proptest! {
    #[test]
    fn damage_is_refused_or_harmless(
        name in prop::sample::select(&MODELS),
        damage in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b" =-.0123456789enaT\n".as_slice())), 1..6),
    ) {
        let mut bytes = file(FOLDER, &format!("{}.txt", name.0));
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = load(&bytes) {
            for tree in &read.trees {
                tree.leaf_value(|_| f32::NAN);
                tree.leaf_value(|_| 0.0);
            }
        }
    }
}
