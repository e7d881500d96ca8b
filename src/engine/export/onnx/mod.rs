//! ONNX: one input of rows, and two outputs, margins and predictions.
//!
//! `features` is `(n_rows, n_features)` `f32` with NaN for what is missing; `margin` is `(n_rows, n_groups)`, and
//! `prediction` what the objective makes of it: of the same shape, or `(n_rows,)` class numbers for `multi:softmax`. Trees
//! are a `TreeEnsembleRegressor`, whose `BRANCH_LT` is XGBoost's test, or, if there are categorical splits, a
//! `TreeEnsemble` of the operators' fifth version, which has sets. The classifier is not used: its labels depend on the
//! leaves' signs. A linear model is a matrix product, with 0 for what is missing.
//!
//! Source: onnx.ai, operators of `ai.onnx.ml` 1 and 5.

mod ensemble;
mod parts;
mod proto;

use crate::booster::{Booster, BoosterKind, LinearModel};
use crate::objective::Link;

use self::parts::{FLOAT, INT64, Operator, float_tensor, node, value_info};
use self::proto::Message;

/// Operators of ONNX itself, and their version.
const CORE: &str = "";
const CORE_VERSION: i64 = 13;

/// Operators for models of machine learning.
const ML: &str = "ai.onnx.ml";

/// The nodes of a graph under way, and the tensors that they name.
#[derive(Default)]
struct Graph {
    nodes: Vec<Message>,
    tensors: Vec<Message>,
}

impl Graph {
    fn push(&mut self, name: &str, inputs: &[&str], output: &str, attributes: &[Message]) {
        let operator = Operator { name, domain: CORE };
        self.nodes
            .push(node(&operator, inputs, &[output], attributes));
    }
}

/// The file's bytes, or what it has no word for.
pub(super) fn export(booster: &Booster) -> Result<Vec<u8>, String> {
    let mut graph = Graph::default();
    let mut ml_version = 1;
    match &booster.kind {
        BoosterKind::GbLinear(linear) => push_linear(booster, linear, &mut graph),
        BoosterKind::GbTree | BoosterKind::Dart { .. } => {
            let has_categories = booster.trees.iter().any(|it| !it.categories.is_empty());
            if has_categories {
                ml_version = 5;
                graph.nodes.push(ensemble::with_sets(booster)?);
                let base = vec![booster.base_margin(); booster.n_groups()];
                let dims = [booster.n_groups() as i64];
                graph
                    .tensors
                    .push(float_tensor("base_margin", &dims, &base));
                graph.push("Add", &["leaves", "base_margin"], "margin", &[]);
            } else {
                graph.nodes.push(ensemble::regressor(booster)?);
            }
        }
    }
    push_link(booster, &mut graph);
    Ok(model(booster, &graph, ml_version).into_bytes())
}

/// Products with 0 in the place of what is missing.
fn push_linear(booster: &Booster, linear: &LinearModel, graph: &mut Graph) {
    let (n_features, n_groups) = (booster.n_features(), booster.n_groups());
    let biases = linear.of(n_features, n_groups).iter();
    let biases: Vec<f32> = biases.map(|it| it + booster.base_margin()).collect();
    let weights = &linear.weights[..n_features * n_groups];
    let dims = [n_features as i64, n_groups as i64];
    graph.tensors.push(float_tensor("zero", &[], &[0.0]));
    graph.tensors.push(float_tensor("weights", &dims, weights));
    graph
        .tensors
        .push(float_tensor("biases", &dims[1..], &biases));
    graph.push("IsNaN", &["features"], "is_missing", &[]);
    graph.push("Where", &["is_missing", "zero", "features"], "known", &[]);
    graph.push("MatMul", &["known", "weights"], "products", &[]);
    graph.push("Add", &["products", "biases"], "margin", &[]);
}

fn push_link(booster: &Booster, graph: &mut Graph) {
    let axis = || parts::int("axis", 1);
    if predicts_classes(booster) {
        let keepdims = parts::int("keepdims", 0);
        graph.push("ArgMax", &["margin"], "prediction", &[axis(), keepdims]);
        return;
    }
    match booster.objective.link() {
        Link::Identity => graph.push("Identity", &["margin"], "prediction", &[]),
        Link::Logistic => graph.push("Sigmoid", &["margin"], "prediction", &[]),
        Link::Exponential => graph.push("Exp", &["margin"], "prediction", &[]),
        Link::Softmax => graph.push("Softmax", &["margin"], "prediction", &[axis()]),
        Link::Step => {
            graph.tensors.push(float_tensor("threshold", &[], &[0.0]));
            graph.push("Greater", &["margin", "threshold"], "is_above", &[]);
            let to_float = parts::int("to", FLOAT);
            graph.push("Cast", &["is_above"], "prediction", &[to_float]);
        }
    }
}

/// Whether a prediction is the number of a class.
fn predicts_classes(booster: &Booster) -> bool {
    booster.objective.n_outputs() < booster.objective.n_groups()
}

fn model(booster: &Booster, graph: &Graph, ml_version: i64) -> Message {
    let n_groups = booster.n_groups();
    let prediction = if predicts_classes(booster) {
        value_info("prediction", INT64, None)
    } else {
        value_info("prediction", FLOAT, Some(n_groups))
    };
    let input = value_info("features", FLOAT, Some(booster.n_features()));
    let margin = value_info("margin", FLOAT, Some(n_groups));
    let graph = Message::default()
        .messages(1, &graph.nodes)
        .text(2, "booster")
        .messages(5, &graph.tensors)
        .message(11, &input)
        .messages(12, &[margin, prediction]);
    let version = |domain: &str, version: i64| Message::default().text(1, domain).int(2, version);
    // The oldest version of the file that has these operators.
    let ir_version = if ml_version == 1 { 7 } else { 10 };
    let names = booster.feature_names.join("\n");
    let property = |key: &str, value: &str| Message::default().text(1, key).text(2, value);
    Message::default()
        .int(1, ir_version)
        .text(2, "linden")
        .text(3, env!("CARGO_PKG_VERSION"))
        .message(7, &graph)
        .messages(8, &[version(CORE, CORE_VERSION), version(ML, ml_version)])
        .message(14, &property("objective", booster.objective.name.as_str()))
        .message(14, &property("feature_names", &names))
}
