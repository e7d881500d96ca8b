//! A booster becomes XGBoost's model document, member by member in the order in which XGBoost sorts them.
//!
//! Invariants: every `*_param` member is a text; `base_score` is one number in a text, since XGBoost up to 3.0 passes
//! over an array without a word; a packed array has the type that XGBoost's reader asks for.
//!
//! Source: XGBoost `doc/model.schema`, `src/tree/tree_model.cc`, `src/gbm/gbtree_model.cc`, `src/learner.cc`.

use crate::booster::{Booster, BoosterKind, FeatureType, LinearModel};
use crate::tree::{CategorySet, Node, Tree};

use super::json::float_text;
use super::objective;
use super::value::Encode;

/// The XGBoost version whose document this is.
const VERSION: [i64; 3] = [3, 0, 5];

/// Writes the whole document.
pub(super) fn booster(booster: &Booster, out: &mut impl Encode) {
    out.begin_object();
    out.key("learner");
    learner(booster, out);
    out.integer_array_member("version", VERSION.into_iter());
    out.end_object();
}

fn learner(booster: &Booster, out: &mut impl Encode) {
    out.begin_object();
    out.key("attributes");
    out.begin_object();
    for (name, value) in &booster.attributes {
        out.text_member(name, value);
    }
    out.end_object();
    let names = &booster.feature_names;
    out.text_array_member("feature_names", names.iter().map(String::as_str));
    if booster.feature_types.is_empty() {
        let float = FeatureType::Float.as_str();
        out.text_array_member("feature_types", names.iter().map(|_| float));
    } else {
        let types = booster.feature_types.iter().map(|it| it.as_str());
        out.text_array_member("feature_types", types);
    }
    out.key("gradient_booster");
    gradient_booster(booster, out);
    out.key("learner_model_param");
    out.begin_object();
    out.text_member("base_score", &float_text(booster.base_score));
    out.text_member("boost_from_average", "1");
    out.text_member("num_class", &booster.objective.num_class.to_string());
    out.text_member("num_feature", &booster.n_features.to_string());
    let n_targets = objective::n_targets(booster).to_string();
    out.text_member("num_target", &n_targets);
    out.end_object();
    out.key("objective");
    objective::write(&booster.objective, out);
    out.end_object();
}

/// `dart` is a `gbtree` and the weights of its trees.
fn gradient_booster(booster: &Booster, out: &mut impl Encode) {
    out.begin_object();
    match &booster.kind {
        BoosterKind::GbTree => gbtree(booster, out),
        BoosterKind::Dart { weight_drop } => {
            out.key("gbtree");
            out.begin_object();
            gbtree(booster, out);
            out.end_object();
            out.text_member("name", "dart");
            out.key("weight_drop");
            out.begin_array(weight_drop.len());
            for &weight in weight_drop {
                out.float(weight);
            }
            out.end_array();
        }
        BoosterKind::GbLinear(linear) => gblinear(linear, out),
    }
    out.end_object();
}

fn gbtree(booster: &Booster, out: &mut impl Encode) {
    out.key("model");
    trees(booster, out);
    out.text_member("name", "gbtree");
}

fn gblinear(linear: &LinearModel, out: &mut impl Encode) {
    out.key("model");
    out.begin_object();
    out.key("boosted_rounds");
    out.integer(linear.boosted_rounds.into());
    out.key("weights");
    out.floats(linear.weights.iter().copied());
    out.end_object();
    out.text_member("name", "gblinear");
}

fn trees(booster: &Booster, out: &mut impl Encode) {
    let n_trees = booster.trees.len();
    out.begin_object();
    super::categories::write(booster, out);
    out.key("gbtree_model_param");
    out.begin_object();
    out.text_member("num_parallel_tree", &booster.num_parallel_tree.to_string());
    out.text_member("num_trees", &n_trees.to_string());
    out.end_object();
    let step = booster.trees_per_round();
    let ends = (0..=booster.n_rounds()).map(|round| (round * step) as i64);
    out.integer_array_member("iteration_indptr", ends.collect::<Vec<_>>().into_iter());
    out.integer_array_member("tree_info", booster.tree_info.iter().map(|&it| it.into()));
    out.key("trees");
    out.begin_array(n_trees);
    for (id, one) in booster.trees.iter().enumerate() {
        tree(one, id, booster.n_features, out);
    }
    out.end_array();
    out.end_object();
}

fn tree(tree: &Tree, id: usize, n_features: u32, out: &mut impl Encode) {
    let nodes = &tree.nodes;
    out.begin_object();
    base_weights(tree, out);
    categories(tree, out);
    out.key("default_left");
    out.bytes(nodes.iter().map(|node| node.default_left.into()));
    out.key("id");
    out.integer(id as i64);
    leaf_weights(tree, out);
    int_column("left_children", nodes, |node| child(node, 0), out);
    float_column("loss_changes", nodes, |node| node.loss_change, out);
    int_column("parents", nodes, |node| node.parent as i32, out);
    right_children(tree, out);
    float_column("split_conditions", nodes, |node| node.split_condition, out);
    int_column("split_indices", nodes, |node| node.split_index as i32, out);
    out.key("split_type");
    let is_categorical = |idx: usize| tree.categories.contains_key(&(idx as u32));
    out.bytes((0..nodes.len()).map(|idx| is_categorical(idx).into()));
    float_column("sum_hessian", nodes, |node| node.sum_hessian, out);
    out.key("tree_param");
    out.begin_object();
    out.text_member("num_deleted", "0");
    out.text_member("num_feature", &n_features.to_string());
    out.text_member("num_nodes", &nodes.len().to_string());
    let n_outputs = tree.leaf_vectors.as_ref().map_or(1, |it| it.size);
    out.text_member("size_leaf_vector", &n_outputs.to_string());
    out.end_object();
    out.end_object();
}

/// A tree with several outputs has a node's weights side by side; up to XGBoost 3.1 a leaf's are its values.
fn base_weights(tree: &Tree, out: &mut impl Encode) {
    match &tree.leaf_vectors {
        None => float_column("base_weights", &tree.nodes, |node| node.base_weight, out),
        Some(vectors) => {
            out.key("base_weights");
            out.floats(vectors.values.iter().copied());
        }
    }
}

/// From XGBoost 3.2 on a tree with several outputs has the leaves' values in the order of the leaves.
fn leaf_weights(tree: &Tree, out: &mut impl Encode) {
    if let Some(vectors) = &tree.leaf_vectors {
        let leaves = (0..tree.nodes.len()).filter(|&it| tree.nodes[it].left.is_none());
        let values: Vec<f32> = leaves.flat_map(|it| vectors.of(it)).copied().collect();
        out.key("leaf_weights");
        out.floats(values.into_iter());
    }
}

/// In a tree with several outputs a leaf's right child is its number among the leaves.
fn right_children(tree: &Tree, out: &mut impl Encode) {
    let mut n_leaves = 0..;
    let right = |node: &Node| match (node.left, &tree.leaf_vectors) {
        (None, Some(_)) => n_leaves.next().unwrap_or(-1),
        (Some(_), _) | (None, None) => child(node, 1),
    };
    let right: Vec<i32> = tree.nodes.iter().map(right).collect();
    out.key("right_children");
    out.ints(right.into_iter());
}

fn categories(tree: &Tree, out: &mut impl Encode) {
    let codes = tree.categories.values().flat_map(CategorySet::codes);
    let codes: Vec<i32> = codes.map(|&it| it as i32).collect();
    let sizes = || tree.categories.values().map(|it| it.codes().len() as i64);
    let segments = sizes().scan(0, |end, size| {
        *end += size;
        Some(*end - size)
    });
    let segments: Vec<i64> = segments.collect();
    out.key("categories");
    out.ints(codes.into_iter());
    out.key("categories_nodes");
    out.ints(tree.categories.keys().map(|&it| it as i32));
    out.key("categories_segments");
    out.longs(segments.into_iter());
    out.key("categories_sizes");
    out.longs(sizes());
}

/// A leaf's children are -1.
fn child(node: &Node, offset: i32) -> i32 {
    node.left.map_or(-1, |left| left as i32 + offset)
}

fn float_column(key: &str, nodes: &[Node], of: impl Fn(&Node) -> f32, out: &mut impl Encode) {
    out.key(key);
    out.floats(nodes.iter().map(of));
}

fn int_column(key: &str, nodes: &[Node], of: impl Fn(&Node) -> i32, out: &mut impl Encode) {
    out.key(key);
    out.ints(nodes.iter().map(of));
}
