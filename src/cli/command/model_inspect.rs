//! `model inspect`: what a model is, how large its trees are, and which features they ask.
//!
//! A feature's weight is the number of splits on it, its gain their mean loss change, its cover their mean hessian sum:
//! XGBoost's `get_score` of the types `weight`, `gain` and `cover`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use contract::exit;
use engine::tree::Tree;
use serde::Serialize;

use crate::error::CliError;
use crate::model_file::{self, LoadedModel};
use crate::output::Printer;
use crate::style::{FAINT, STRONG, paint};
use crate::table::Table;
use crate::units;

/// How many features the text shows; JSON has all.
const TOP: usize = 10;

/// Show a model's objective, size, and what it looks at.
#[derive(Debug, clap::Args)]
pub struct Inspect {
    /// xgboost-model, the folder it lies in, runs/JOB, or model.tar.gz
    model: PathBuf,
    /// Print this tree, counted from 0
    #[arg(long, value_name = "N")]
    tree: Option<usize>,
    /// Order of the features
    #[arg(long, value_name = "BY", default_value = "gain", value_parser = ["gain", "weight", "cover"])]
    by: String,
}

#[derive(Serialize)]
struct Summary {
    path: PathBuf,
    bytes: u64,
    objective: String,
    num_class: u32,
    base_score: f32,
    rounds: usize,
    trees: usize,
    features: usize,
    features_used: usize,
    leaves: Spread,
    depth: Spread,
    importance: Vec<Importance>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
    #[serde(skip)]
    by: String,
}

/// Smallest, mean and largest over all trees.
#[derive(Serialize)]
struct Spread {
    min: usize,
    mean: f64,
    max: usize,
}

#[derive(Clone, Default, Serialize)]
struct Importance {
    feature: usize,
    name: String,
    weight: u64,
    gain: f64,
    cover: f64,
}

impl Inspect {
    /// Prints the summary, or one tree.
    ///
    /// # Errors
    /// If there is no model, or no such tree.
    pub fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        let model = model_file::load(&self.model)?;
        match self.tree {
            None => printer.print(&summarize(&model, self.by))?,
            Some(idx) => {
                let trees = &model.booster.trees;
                let tree = trees.get(idx).ok_or_else(|| CliError::Usage {
                    message: format!("there is no tree {idx}"),
                    fix: format!("allowed is 0 to {}", trees.len().saturating_sub(1)),
                })?;
                printer.print(&PrintedTree::of(&model, tree))?;
            }
        }
        Ok(exit::SUCCESS)
    }
}

fn summarize(model: &LoadedModel, by: String) -> Summary {
    let booster = &model.booster;
    let importance = importance(model, &by);
    Summary {
        path: model.path.clone(),
        bytes: model.bytes,
        objective: booster.objective.name.to_string(),
        num_class: booster.objective.num_class,
        base_score: booster.base_score,
        rounds: booster.n_rounds(),
        trees: booster.trees.len(),
        features: booster.n_features(),
        features_used: importance.len(),
        leaves: spread(
            booster
                .trees
                .iter()
                .map(|it| it.nodes.iter().filter(|it| it.left.is_none()).count()),
        ),
        depth: spread(booster.trees.iter().map(depth)),
        importance,
        attributes: booster.attributes.clone(),
        by,
    }
}

fn spread(values: impl Iterator<Item = usize>) -> Spread {
    let values: Vec<usize> = values.collect();
    Spread {
        min: values.iter().copied().min().unwrap_or(0),
        mean: values.iter().sum::<usize>() as f64 / values.len().max(1) as f64,
        max: values.iter().copied().max().unwrap_or(0),
    }
}

/// Edges on the longest way down; children come after their parents.
fn depth(tree: &Tree) -> usize {
    let mut depths = vec![0; tree.nodes.len()];
    for (idx, node) in tree.nodes.iter().enumerate() {
        if let Some(left) = node.left {
            depths[left as usize] = depths[idx] + 1;
            depths[left as usize + 1] = depths[idx] + 1;
        }
    }
    depths.into_iter().max().unwrap_or(0)
}

fn importance(model: &LoadedModel, by: &str) -> Vec<Importance> {
    let mut features: BTreeMap<usize, Importance> = BTreeMap::new();
    for node in model
        .booster
        .trees
        .iter()
        .flat_map(|it| &it.nodes)
        .filter(|it| it.left.is_some())
    {
        let it = features.entry(node.split_index as usize).or_default();
        it.weight += 1;
        it.gain += f64::from(node.loss_change);
        it.cover += f64::from(node.sum_hessian);
    }
    let mut list: Vec<Importance> = features
        .into_iter()
        .map(|(feature, it)| Importance {
            feature,
            name: model.feature_name(feature),
            gain: it.gain / it.weight as f64,
            cover: it.cover / it.weight as f64,
            weight: it.weight,
        })
        .collect();
    let key = |it: &Importance| match by {
        "weight" => it.weight as f64,
        "cover" => it.cover,
        _ => it.gain,
    };
    list.sort_by(|a, b| key(b).total_cmp(&key(a)));
    list
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}  {}",
            paint(STRONG, self.path.display()),
            units::bytes(self.bytes)
        )?;
        let mut facts = Table::new(2, &[]);
        let mut fact = |label: &str, text: String| facts.row([paint(FAINT, label), text]);
        let classes = if self.num_class > 1 {
            format!(", {} classes", self.num_class)
        } else {
            String::new()
        };
        fact(
            "objective",
            format!(
                "{}{classes}, base_score {}",
                self.objective, self.base_score
            ),
        );
        fact(
            "trees",
            format!(
                "{} in {}",
                self.trees,
                units::count(self.rounds as u64, "round")
            ),
        );
        fact(
            "leaves",
            format!(
                "{} to {}, {:.1} on average",
                self.leaves.min, self.leaves.max, self.leaves.mean
            ),
        );
        fact(
            "depth",
            format!(
                "{} to {}, {:.1} on average",
                self.depth.min, self.depth.max, self.depth.mean
            ),
        );
        fact(
            "features",
            format!("{} of {} in use", self.features_used, self.features),
        );
        for (name, value) in &self.attributes {
            fact(name, value.clone());
        }
        write!(f, "{facts}")?;
        self.fmt_importance(f)
    }
}

impl Summary {
    fn fmt_importance(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.importance.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(2, &[1, 2, 3]);
        table.row(["feature", "gain", "weight", "cover"].map(|it| {
            if it == self.by {
                paint(STRONG, it)
            } else {
                paint(FAINT, it)
            }
        }));
        for it in self.importance.iter().take(TOP) {
            table.row([
                it.name.clone(),
                units::metric(it.gain),
                it.weight.to_string(),
                units::metric(it.cover),
            ]);
        }
        write!(f, "\n{table}")?;
        if self.importance.len() > TOP {
            let more = units::count((self.importance.len() - TOP) as u64, "more feature");
            writeln!(
                f,
                "  {}",
                paint(FAINT, format_args!("and {more}; --json has all"))
            )?;
        }
        Ok(())
    }
}

/// A tree as indented lines.
#[derive(Serialize)]
struct PrintedTree {
    nodes: Vec<PrintedNode>,
}

#[derive(Serialize)]
struct PrintedNode {
    node: usize,
    depth: usize,
    #[serde(flatten)]
    kind: NodeKind,
    cover: f32,
}

#[derive(Serialize)]
#[serde(untagged)]
enum NodeKind {
    Split {
        feature: String,
        less_than: f32,
        missing: usize,
        left: usize,
        right: usize,
        gain: f32,
    },
    Leaf {
        leaf: f32,
    },
}

impl PrintedTree {
    fn of(model: &LoadedModel, tree: &Tree) -> Self {
        let mut nodes = Vec::new();
        let mut open = vec![(0, 0)];
        while let Some((idx, depth)) = open.pop() {
            let node = &tree.nodes[idx];
            let kind = match node.left {
                None => NodeKind::Leaf {
                    leaf: node.split_condition,
                },
                Some(left) => {
                    let (left, right) = (left as usize, left as usize + 1);
                    open.extend([(right, depth + 1), (left, depth + 1)]);
                    NodeKind::Split {
                        feature: model.feature_name(node.split_index as usize),
                        less_than: node.split_condition,
                        missing: if node.default_left { left } else { right },
                        left,
                        right,
                        gain: node.loss_change,
                    }
                }
            };
            nodes.push(PrintedNode {
                node: idx,
                depth,
                kind,
                cover: node.sum_hessian,
            });
        }
        Self { nodes }
    }
}

impl fmt::Display for PrintedTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for it in &self.nodes {
            let indent = "  ".repeat(it.depth);
            match &it.kind {
                NodeKind::Leaf { leaf } => writeln!(f, "{indent}{}: leaf {leaf}", it.node)?,
                NodeKind::Split {
                    feature,
                    less_than,
                    missing,
                    left,
                    right,
                    ..
                } => {
                    writeln!(
                        f,
                        "{indent}{}: {feature} < {less_than} ? {left} : {right}, missing {missing}",
                        it.node
                    )?;
                }
            }
        }
        Ok(())
    }
}
