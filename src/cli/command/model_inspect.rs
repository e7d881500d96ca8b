//! `model inspect`: what a model is, how large its trees are, and which features they ask.
//!
//! Weight, gain and cover are XGBoost's `get_score` of these types; a linear model has weights only.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use contract::exit;
use engine::explain::ImportanceType;
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
    /// xgboost-model, the folder it lies in, runs/JOB, model.tar.gz, or a model that XGBoost or LightGBM saved
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
    booster: &'static str,
    objective: String,
    num_class: u32,
    num_target: u32,
    base_score: f32,
    rounds: usize,
    trees: usize,
    features: usize,
    features_used: usize,
    categorical_splits: usize,
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

#[derive(Clone, Serialize)]
struct Importance {
    feature: usize,
    name: String,
    weight: Weight,
    #[serde(skip_serializing_if = "Option::is_none")]
    gain: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cover: Option<f64>,
}

/// Splits on a feature, or what a linear model multiplies it by.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Weight {
    Splits(u64),
    Factor(f64),
}

impl Weight {
    fn value(self) -> f64 {
        match self {
            Self::Splits(count) => count as f64,
            Self::Factor(factor) => factor,
        }
    }
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
        booster: booster.kind.as_str(),
        objective: booster.objective.name.to_string(),
        num_class: booster.objective.num_class,
        num_target: booster.n_targets,
        base_score: booster.base_score,
        rounds: booster.n_rounds(),
        trees: booster.trees.len(),
        features: booster.n_features(),
        features_used: importance.len(),
        categorical_splits: booster.trees.iter().map(|it| it.categories.len()).sum(),
        leaves: spread(
            booster
                .trees
                .iter()
                .map(|it| it.nodes.iter().filter(|it| it.left.is_none()).count()),
        ),
        depth: spread(booster.trees.iter().map(Tree::depth)),
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

fn importance(model: &LoadedModel, by: &str) -> Vec<Importance> {
    let of = |kind| -> BTreeMap<u32, f64> {
        let found = model.booster.importance(kind).unwrap_or_default();
        found.into_iter().collect()
    };
    let gains = of(ImportanceType::Gain);
    let covers = of(ImportanceType::Cover);
    let one = |(feature, weight)| Importance {
        feature: feature as usize,
        name: model.feature_name(feature as usize),
        weight: if gains.contains_key(&feature) {
            Weight::Splits(weight as u64)
        } else {
            Weight::Factor(weight)
        },
        gain: gains.get(&feature).copied(),
        cover: covers.get(&feature).copied(),
    };
    let mut list: Vec<_> = of(ImportanceType::Weight).into_iter().map(one).collect();
    let key = |it: &Importance| match by {
        "weight" => Some(it.weight.value()),
        "cover" => it.cover,
        _ => it.gain,
    };
    let key = |it: &Importance| key(it).unwrap_or(it.weight.value());
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
        if self.booster != "gbtree" {
            fact("booster", self.booster.to_owned());
        }
        let classes = match (self.num_class, self.num_target) {
            (2.., _) => format!(", {} classes", self.num_class),
            (_, 2..) => format!(", {} targets", self.num_target),
            _ => String::new(),
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
        if self.categorical_splits > 0 {
            let splits = self.categorical_splits as u64;
            fact(
                "categories",
                format!("in {}", units::count(splits, "split")),
            );
        }
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
        let number = |it: Option<f64>| it.map_or("-".to_owned(), units::metric);
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
                number(it.gain),
                match it.weight {
                    Weight::Splits(count) => count.to_string(),
                    Weight::Factor(factor) => units::metric(factor),
                },
                number(it.cover),
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
    Category {
        feature: String,
        right_in: Vec<u32>,
        missing: usize,
        left: usize,
        right: usize,
        gain: f32,
    },
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
    Leaves {
        leaf: Vec<f32>,
    },
}

impl NodeKind {
    fn of(model: &LoadedModel, tree: &Tree, idx: usize) -> Self {
        let node = &tree.nodes[idx];
        let Some(left) = node.left.map(|it| it as usize) else {
            return match tree.leaf_values(idx) {
                [leaf] => Self::Leaf { leaf: *leaf },
                several => Self::Leaves {
                    leaf: several.to_vec(),
                },
            };
        };
        let (right, gain) = (left + 1, node.loss_change);
        let missing = if node.default_left { left } else { right };
        let feature = model.feature_name(node.split_index as usize);
        match tree.categories.get(&(idx as u32)) {
            Some(set) => Self::Category {
                feature,
                right_in: set.codes().to_vec(),
                missing,
                left,
                right,
                gain,
            },
            None => Self::Split {
                feature,
                less_than: node.split_condition,
                missing,
                left,
                right,
                gain,
            },
        }
    }
}

impl PrintedTree {
    fn of(model: &LoadedModel, tree: &Tree) -> Self {
        let mut nodes = Vec::new();
        let mut open = vec![(0, 0)];
        while let Some((idx, depth)) = open.pop() {
            let node = &tree.nodes[idx];
            if let Some(left) = node.left {
                let left = left as usize;
                open.extend([(left + 1, depth + 1), (left, depth + 1)]);
            }
            let kind = NodeKind::of(model, tree, idx);
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
                NodeKind::Leaves { leaf } => writeln!(f, "{indent}{}: leaf {leaf:?}", it.node)?,
                NodeKind::Category {
                    feature,
                    right_in,
                    missing,
                    left,
                    right,
                    ..
                } => {
                    writeln!(
                        f,
                        "{indent}{}: {feature} in {right_in:?} ? {right} : {left}, missing {missing}",
                        it.node
                    )?;
                }
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
