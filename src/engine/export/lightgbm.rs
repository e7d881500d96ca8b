//! `LightGBM`'s text model, version 4.
//!
//! `x < t` becomes `x <= t'` with the next lower `f32` `t'`, which is the same for every `f32`. The base margin goes into
//! the leaves of each group's first tree. A categorical split sends its set left there, and what is missing right; where
//! here what is missing goes with the set, a numeric split before it sends it to a copy of that side.
//!
//! Source: `LightGBM` `src/boosting/gbdt_model_text.cpp`, `src/io/tree.cpp`, `include/LightGBM/tree.h`.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use crate::booster::{Booster, BoosterKind};
use crate::objective::Link;
use crate::tree::{CategorySet, Tree};

use super::scalar::{self, ScalarTree};

/// Nodes of one tree after copying; a tree of more is refused.
const MAX_NODES: usize = 1 << 22;

/// Codes of categories are bits; a set with a code beyond this is refused.
const MAX_CODE: u32 = 1 << 20;

/// Bits of `decision_type`: categorical; default left; missing is 0; missing is NaN.
const CATEGORICAL: u8 = 1;
const DEFAULT_LEFT: u8 = 2;
const ZERO_IS_MISSING: u8 = 4;
const NAN_IS_MISSING: u8 = 8;

/// The file's bytes, or what it has no word for.
pub(super) fn export(booster: &Booster) -> Result<Vec<u8>, String> {
    if let BoosterKind::GbLinear(_) = booster.kind {
        return Err("a linear model has no trees".to_owned());
    }
    let objective = objective(booster)?;
    let base_margin = f64::from(booster.base_margin());
    let mut blocks = Vec::new();
    for (number, tree) in scalar::trees(booster).iter().enumerate() {
        let base = if tree.iteration == 0 {
            base_margin
        } else {
            0.0
        };
        blocks.push(block(booster, number, tree, base)?);
    }
    let mut text = header(booster, objective)?;
    let sizes: Vec<_> = blocks.iter().map(String::len).collect();
    let _ = writeln!(text, "tree_sizes={}\n", joined(&sizes));
    text.push_str(&blocks.concat());
    text.push_str("end of trees\n\nfeature_importances:\n\nparameters:\n\nend of parameters\n\npandas_categorical:null\n");
    Ok(text.into_bytes())
}

/// `None` is an objective of the user's own, whose predictions are the sums themselves.
fn objective(booster: &Booster) -> Result<Option<String>, String> {
    let n_groups = booster.n_groups();
    match (booster.objective.link(), n_groups) {
        (Link::Identity, 1) => Ok(Some("regression".to_owned())),
        (Link::Identity, _) => Ok(None),
        (Link::Logistic, 1) => Ok(Some("binary sigmoid:1".to_owned())),
        (Link::Logistic, _) => Ok(Some(format!(
            "multiclassova num_class:{n_groups} sigmoid:1"
        ))),
        (Link::Exponential, 1) => Ok(Some("poisson".to_owned())),
        (Link::Exponential, _) => Err("it has no counts of several targets".to_owned()),
        (Link::Step, _) => Err("its predictions are 0 and 1".to_owned()),
        (Link::Softmax, _) => Ok(Some(format!("multiclass num_class:{n_groups}"))),
    }
}

fn header(booster: &Booster, objective: Option<String>) -> Result<String, String> {
    let (n_groups, n_features) = (booster.n_groups(), booster.n_features());
    if n_features == 0 {
        return Err("a model needs at least one feature".to_owned());
    }
    let mut text = String::from("tree\nversion=v4\n");
    let _ = writeln!(
        text,
        "num_class={n_groups}\nnum_tree_per_iteration={n_groups}"
    );
    let _ = writeln!(text, "label_index=0\nmax_feature_idx={}", n_features - 1);
    if let Some(objective) = objective {
        let _ = writeln!(text, "objective={objective}");
    }
    let _ = writeln!(text, "feature_names={}", feature_names(booster).join(" "));
    let _ = writeln!(text, "feature_infos={}", feature_infos(booster).join(" "));
    Ok(text)
}

/// Names without spaces and what else has a meaning in the file.
fn feature_names(booster: &Booster) -> Vec<String> {
    let special = |it: char| it.is_whitespace() || it.is_control() || ",:[]{}\"=".contains(it);
    let known = booster.feature_names.iter();
    let names: Vec<String> = known.map(|it| it.replace(special, "_")).collect();
    let mut sorted: Vec<_> = names.iter().filter(|it| !it.is_empty()).collect();
    sorted.sort_unstable();
    sorted.dedup();
    if names.len() == booster.n_features() && sorted.len() == names.len() {
        return names;
    }
    (0..booster.n_features())
        .map(|it| format!("Column_{it}"))
        .collect()
}

/// The range of each feature as its splits show it; `none` where there is no split.
fn feature_infos(booster: &Booster) -> Vec<String> {
    let mut infos = vec!["none".to_owned(); booster.n_features()];
    let mut ranges: BTreeMap<u32, (f32, f32)> = BTreeMap::new();
    let mut codes: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for tree in &booster.trees {
        for (idx, node) in tree
            .nodes
            .iter()
            .enumerate()
            .filter(|it| it.1.left.is_some())
        {
            if let Some(set) = tree.categories.get(&(idx as u32)) {
                codes
                    .entry(node.split_index)
                    .or_default()
                    .extend(set.codes());
            } else {
                let t = node.split_condition;
                let range = ranges.entry(node.split_index).or_insert((t, t));
                *range = (range.0.min(t), range.1.max(t));
            }
        }
    }
    for (feature, (low, high)) in ranges {
        infos[feature as usize] = format!("[{low:e}:{high:e}]");
    }
    for (feature, mut codes) in codes {
        codes.sort_unstable();
        codes.dedup();
        let codes: Vec<_> = codes.iter().map(u32::to_string).collect();
        infos[feature as usize] = codes.join(":");
    }
    infos
}

/// A tree of `LightGBM`'s: splits and leaves are numbered apart.
#[derive(Default)]
struct Lists {
    split_feature: Vec<u32>,
    split_gain: Vec<f32>,
    threshold: Vec<f64>,
    decision_type: Vec<u8>,
    left_child: Vec<i64>,
    right_child: Vec<i64>,
    leaf_value: Vec<f64>,
    leaf_weight: Vec<f32>,
    internal_value: Vec<f32>,
    internal_weight: Vec<f32>,
    cat_boundaries: Vec<usize>,
    cat_threshold: Vec<u32>,
}

/// A node that is to be written, and the child that it is.
struct ToCome {
    node: usize,
    /// The split above and whether this is its left child; `None` for the root.
    above: Option<(usize, bool)>,
    /// Whether what is missing has been sent elsewhere already.
    has_value: bool,
}

fn block(booster: &Booster, number: usize, tree: &ScalarTree, base: f64) -> Result<String, String> {
    let lists = Lists::new(booster, &tree.tree, base)?;
    let mut text = format!("Tree={number}\n");
    let _ = writeln!(text, "num_leaves={}", lists.leaf_value.len());
    let n_sets = lists.cat_boundaries.len().saturating_sub(1);
    let _ = writeln!(text, "num_cat={n_sets}");
    let mut line = |key: &str, list: String| {
        let _ = writeln!(text, "{key}={list}");
    };
    line("split_feature", joined(&lists.split_feature));
    line("split_gain", joined(&lists.split_gain));
    line("threshold", joined(&lists.threshold));
    line("decision_type", joined(&lists.decision_type));
    line("left_child", joined(&lists.left_child));
    line("right_child", joined(&lists.right_child));
    line("leaf_value", joined(&lists.leaf_value));
    line("leaf_weight", joined(&lists.leaf_weight));
    // Counts of rows are not known; the sums of hessians are what is nearest.
    line("leaf_count", joined(&counts(&lists.leaf_weight)));
    line("internal_value", joined(&lists.internal_value));
    line("internal_weight", joined(&lists.internal_weight));
    line("internal_count", joined(&counts(&lists.internal_weight)));
    if n_sets > 0 {
        line("cat_boundaries", joined(&lists.cat_boundaries));
        line("cat_threshold", joined(&lists.cat_threshold));
    }
    line("is_linear", "0".to_owned());
    line("shrinkage", "1".to_owned());
    text.push_str("\n\n");
    Ok(text)
}

fn counts(weights: &[f32]) -> Vec<i64> {
    let most = f32::from(i16::MAX) * f32::from(i16::MAX);
    let count = |it: &f32| it.clamp(0.0, most).round() as i64;
    weights.iter().map(count).collect()
}

impl Lists {
    fn new(booster: &Booster, tree: &Tree, base: f64) -> Result<Self, String> {
        let mut lists = Self::default();
        let mut to_come = vec![ToCome {
            node: 0,
            above: None,
            has_value: false,
        }];
        while let Some(next) = to_come.pop() {
            let node = &tree.nodes[next.node];
            let Some(left) = node.left else {
                let leaf = lists.leaf_value.len() as i64;
                lists.link(next.above, !leaf);
                lists
                    .leaf_value
                    .push(f64::from(node.split_condition) + base);
                lists.leaf_weight.push(node.sum_hessian);
                continue;
            };
            if lists.split_feature.len() > MAX_NODES {
                return Err("copies of its splits for missing categories would be too many".into());
            }
            let split = lists.split_feature.len();
            lists.link(next.above, split as i64);
            let child = |node: u32, is_left: bool| ToCome {
                node: node as usize,
                above: Some((split, is_left)),
                has_value: false,
            };
            let categories = tree.categories.get(&(next.node as u32));
            let children = match categories {
                None => {
                    lists.push_numeric(booster, tree, next.node);
                    [child(left, true), child(left + 1, false)]
                }
                // The set goes left there.
                Some(set) if node.default_left || next.has_value => {
                    lists.push_categorical(tree, next.node, set)?;
                    [child(left + 1, true), child(left, false)]
                }
                Some(_) => {
                    lists.push(tree, next.node, f64::MAX, NAN_IS_MISSING);
                    let again = ToCome {
                        node: next.node,
                        above: Some((split, true)),
                        has_value: true,
                    };
                    [again, child(left + 1, false)]
                }
            };
            to_come.extend(children);
        }
        Ok(lists)
    }

    /// Tells the split above that its child has this number.
    fn link(&mut self, above: Option<(usize, bool)>, number: i64) {
        match above {
            None => {}
            Some((split, true)) => self.left_child[split] = number,
            Some((split, false)) => self.right_child[split] = number,
        }
    }

    fn push(&mut self, tree: &Tree, idx: usize, threshold: f64, decision_type: u8) {
        let node = &tree.nodes[idx];
        self.split_feature.push(node.split_index);
        self.split_gain.push(node.loss_change);
        self.threshold.push(threshold);
        self.decision_type.push(decision_type);
        self.left_child.push(0);
        self.right_child.push(0);
        self.internal_value.push(node.base_weight);
        self.internal_weight.push(node.sum_hessian);
    }

    fn push_numeric(&mut self, booster: &Booster, tree: &Tree, idx: usize) {
        let node = &tree.nodes[idx];
        let threshold = node.split_condition;
        // No value is below a threshold that is no number, nor below the lowest there is.
        let below = if threshold.is_nan() || threshold <= f32::MIN {
            f64::MIN
        } else {
            threshold.next_down().into()
        };
        let missing = if booster.zero_is_missing.contains(&node.split_index) {
            ZERO_IS_MISSING
        } else {
            NAN_IS_MISSING
        };
        let default = if node.default_left { DEFAULT_LEFT } else { 0 };
        self.push(tree, idx, below, missing | default);
    }

    fn push_categorical(
        &mut self,
        tree: &Tree,
        idx: usize,
        set: &CategorySet,
    ) -> Result<(), String> {
        let last = set.codes().last().copied().unwrap_or(0);
        if last > MAX_CODE {
            return Err(format!("category {last} is above {MAX_CODE}"));
        }
        if self.cat_boundaries.is_empty() {
            self.cat_boundaries.push(0);
        }
        let number = self.cat_boundaries.len() - 1;
        let first = self.cat_threshold.len();
        self.cat_threshold
            .resize(first + (last / u32::BITS) as usize + 1, 0);
        for code in set.codes() {
            self.cat_threshold[first + (code / u32::BITS) as usize] |= 1 << (code % u32::BITS);
        }
        self.cat_boundaries.push(self.cat_threshold.len());
        self.push(tree, idx, number as f64, CATEGORICAL | NAN_IS_MISSING);
        Ok(())
    }
}

/// Numbers with spaces between them, each the shortest text that reads back the same.
fn joined<T: fmt::Debug>(numbers: &[T]) -> String {
    // `Debug` writes large floats with an exponent, `Display` with all their digits.
    let numbers: Vec<_> = numbers.iter().map(|it| format!("{it:?}")).collect();
    numbers.join(" ")
}
