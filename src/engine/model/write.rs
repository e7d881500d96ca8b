//! A booster becomes XGBoost's model document, member by member in the order in which XGBoost sorts them.
//!
//! Invariants: every `*_param` member is a text; `base_score` is one number in a text, since XGBoost up to 3.0 passes
//! over an array without a word; a packed array has the type that XGBoost's reader asks for.
//!
//! Source: XGBoost `doc/model.schema`, `src/tree/tree_model.cc`, `src/gbm/gbtree_model.cc`, `src/learner.cc`.

use crate::booster::Booster;
use crate::tree::{Node, Tree};

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
    out.text_array_member("feature_types", names.iter().map(|_| "float"));
    out.key("gradient_booster");
    out.begin_object();
    out.key("model");
    trees(booster, out);
    out.text_member("name", "gbtree");
    out.end_object();
    out.key("learner_model_param");
    out.begin_object();
    out.text_member("base_score", &float_text(booster.base_score));
    out.text_member("boost_from_average", "1");
    out.text_member("num_class", &booster.objective.num_class.to_string());
    out.text_member("num_feature", &booster.n_features.to_string());
    let n_targets = objective::n_targets(&booster.objective).to_string();
    out.text_member("num_target", &n_targets);
    out.end_object();
    out.key("objective");
    objective::write(&booster.objective, out);
    out.end_object();
}

fn trees(booster: &Booster, out: &mut impl Encode) {
    let n_trees = booster.trees.len();
    out.begin_object();
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
    float_column("base_weights", nodes, |node| node.base_weight, out);
    out.key("categories");
    out.ints(std::iter::empty());
    out.key("categories_nodes");
    out.ints(std::iter::empty());
    out.key("categories_segments");
    out.longs(std::iter::empty());
    out.key("categories_sizes");
    out.longs(std::iter::empty());
    out.key("default_left");
    out.bytes(nodes.iter().map(|node| node.default_left.into()));
    out.key("id");
    out.integer(id as i64);
    int_column("left_children", nodes, |node| child(node, 0), out);
    float_column("loss_changes", nodes, |node| node.loss_change, out);
    int_column("parents", nodes, |node| node.parent as i32, out);
    int_column("right_children", nodes, |node| child(node, 1), out);
    float_column("split_conditions", nodes, |node| node.split_condition, out);
    int_column("split_indices", nodes, |node| node.split_index as i32, out);
    out.key("split_type");
    out.bytes(nodes.iter().map(|_| 0));
    float_column("sum_hessian", nodes, |node| node.sum_hessian, out);
    out.key("tree_param");
    out.begin_object();
    out.text_member("num_deleted", "0");
    out.text_member("num_feature", &n_features.to_string());
    out.text_member("num_nodes", &nodes.len().to_string());
    out.text_member("size_leaf_vector", "1");
    out.end_object();
    out.end_object();
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
