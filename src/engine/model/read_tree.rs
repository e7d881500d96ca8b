//! One tree of the document, checked to be a tree and numbered as [`Tree`] promises.
//!
//! Invariants: every node is reached from the root exactly once, or is one of those that XGBoost counts as deleted;
//! children and parents agree. XGBoost lets nodes lie in any order and prunes by leaving holes. Where the document's
//! numbers hold what [`Tree`] promises they stay, so that leaf indices are XGBoost's; elsewhere nodes are numbered anew,
//! breadth first. Categories take part in at most one split, so memory stays within a multiple of the document's length.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::tree::{CategorySet, LeafVectors, NO_CONDITION, NO_PARENT, Node, Tree};

use super::error::ModelError;
use super::member::Member;

/// Reads tree number `tree_idx` of a model of `n_features` columns.
pub(super) fn read(
    tree: &Member<'_, '_>,
    tree_idx: usize,
    n_features: u32,
) -> Result<Tree, ModelError> {
    let columns = Columns::read(tree)?;
    let categories = categories(tree, columns.n_nodes)?;
    let n_deleted = parameter(tree, "num_deleted")?.unwrap_or(0);
    let shape = Shape {
        columns: &columns,
        tree_idx,
    };
    let order = shape.order(n_deleted)?;
    let builder = Builder {
        shape,
        n_features,
        categories,
    };
    let nodes = builder.nodes(&order)?;
    let vectors = Vectors::read(tree, &columns)?;
    Ok(Tree {
        nodes,
        categories: builder.categories_of(&order)?,
        leaf_vectors: vectors
            .map(|it| it.leaf_vectors(&builder.shape, &order))
            .transpose()?,
    })
}

fn parameter(tree: &Member<'_, '_>, key: &'static str) -> Result<Option<usize>, ModelError> {
    let param = tree.member("tree_param")?;
    let value = param.optional(key)?;
    value
        .map(|it| it.parsed("a whole number in a text"))
        .transpose()
}

/// Outputs of the tree; XGBoost 1.x writes 0 for 1.
fn n_outputs(tree: &Member<'_, '_>) -> Result<usize, ModelError> {
    Ok(parameter(tree, "size_leaf_vector")?.unwrap_or(1).max(1))
}

/// The document's arrays, one entry a node each.
struct Columns<'v> {
    n_nodes: usize,
    left: Cow<'v, [i64]>,
    right: Cow<'v, [i64]>,
    parents: Cow<'v, [i64]>,
    split_indices: Cow<'v, [i64]>,
    default_left: Cow<'v, [i64]>,
    split_conditions: Cow<'v, [f32]>,
    /// Empty in a tree with several outputs.
    base_weights: Cow<'v, [f32]>,
    /// Empty where XGBoost before 3.2 wrote a tree with several outputs, as the next one.
    loss_changes: Cow<'v, [f32]>,
    sum_hessian: Cow<'v, [f32]>,
}

impl<'v> Columns<'v> {
    fn read(tree: &Member<'_, 'v>) -> Result<Self, ModelError> {
        let param = tree.member("tree_param")?;
        let num_nodes = param.member("num_nodes")?;
        let expected = "a whole number from 1 to 2147483646 in a text";
        let n_nodes = num_nodes.parsed::<i32>(expected)?;
        if !(1..i32::MAX).contains(&n_nodes) {
            return Err(num_nodes.expected(expected));
        }
        let n_nodes = n_nodes as usize;
        let has_vectors = n_outputs(tree)? > 1;
        let ints = |key| tree.member(key)?.ints(n_nodes);
        let floats = |key| tree.member(key)?.floats(n_nodes);
        let statistics = |key| match tree.optional(key)? {
            None if has_vectors => Ok(Cow::default()),
            _ => floats(key),
        };
        Ok(Self {
            n_nodes,
            left: ints("left_children")?,
            right: ints("right_children")?,
            parents: ints("parents")?,
            split_indices: ints("split_indices")?,
            default_left: ints("default_left")?,
            split_conditions: floats("split_conditions")?,
            base_weights: if has_vectors {
                Cow::default()
            } else {
                floats("base_weights")?
            },
            loss_changes: statistics("loss_changes")?,
            sum_hessian: statistics("sum_hessian")?,
        })
    }
}

/// The categories of each categorical split, by the document's number of the node; `None` is a numeric split.
fn categories<'v>(
    tree: &Member<'_, 'v>,
    n_nodes: usize,
) -> Result<BTreeMap<usize, Cow<'v, [i64]>>, ModelError> {
    // XGBoost before 1.3 wrote no `split_type`.
    let Some(split_type) = tree.optional("split_type")? else {
        return Ok(BTreeMap::new());
    };
    let is_categorical = split_type.ints(n_nodes)?;
    if let Some(other) = is_categorical.iter().find(|it| !(0..=1).contains(*it)) {
        return Err(split_type.unsupported(format!("a split of type {other}"), "0 and 1"));
    }
    let n_splits = is_categorical.iter().filter(|&&it| it == 1).count();
    if n_splits == 0 {
        return match tree.optional("categories_nodes")? {
            Some(nodes) if !nodes.is_empty_array() => {
                Err(nodes.expected("no nodes, as no split is categorical"))
            }
            _ => Ok(BTreeMap::new()),
        };
    }
    let member = tree.member("categories_nodes")?;
    let nodes = member.ints(n_splits)?;
    let all = tree.member("categories")?.any_ints()?;
    let segments = tree.member("categories_segments")?.ints(n_splits)?;
    let sizes_member = tree.member("categories_sizes")?;
    let sizes = sizes_member.ints(n_splits)?;
    let mut found = BTreeMap::new();
    let mut n_left = all.len();
    for ((&node, &segment), &size) in nodes.iter().zip(&*segments).zip(&*sizes) {
        let place = usize::try_from(node)
            .ok()
            .filter(|&it| is_categorical.get(it) == Some(&1))
            .filter(|it| !found.contains_key(it));
        let place = place.ok_or_else(|| member.expected("each categorical node once"))?;
        let range = usize::try_from(segment)
            .ok()
            .zip(usize::try_from(size).ok().filter(|&it| it <= n_left))
            .and_then(|(start, len)| Some(start..start.checked_add(len)?))
            .filter(|it| it.end <= all.len());
        let range = range.ok_or_else(|| {
            sizes_member.expected(format!("segments of the {} categories", all.len()))
        })?;
        n_left -= range.len();
        found.insert(place, Cow::Owned(all[range].to_vec()));
    }
    Ok(found)
}

/// Parents and children.
struct Shape<'c, 'v> {
    columns: &'c Columns<'v>,
    tree_idx: usize,
}

impl Shape<'_, '_> {
    fn error(&self, node: usize, problem: impl Into<String>) -> ModelError {
        ModelError::tree(self.tree_idx, node, problem)
    }

    /// The document's numbers of the nodes, in the order of the new numbers.
    fn order(&self, n_deleted: usize) -> Result<Vec<usize>, ModelError> {
        let mut order = self.breadth_first()?;
        let n_lost = self.columns.n_nodes - order.len();
        if n_lost != n_deleted {
            let mut reached = vec![false; self.columns.n_nodes];
            for &node in &order {
                reached[node] = true;
            }
            let lost = reached.iter().position(|&it| !it).unwrap_or(0);
            let problem = format!(
                "{n_lost} nodes such as this one are below no other, `num_deleted` is {n_deleted}"
            );
            return Err(self.error(lost, problem));
        }
        let in_place = |&node: &usize| match self.children(node) {
            Ok(Some([left, right])) => right == left + 1 && left > node,
            Ok(None) | Err(_) => true,
        };
        if n_lost == 0 && order.iter().all(in_place) {
            order.sort_unstable();
        }
        Ok(order)
    }

    fn breadth_first(&self) -> Result<Vec<usize>, ModelError> {
        // Trees with several outputs have -1 for the root's parent.
        if ![i64::from(NO_PARENT), -1].contains(&self.columns.parents[0]) {
            return Err(self.error(0, "the root has a parent"));
        }
        let mut reached = vec![false; self.columns.n_nodes];
        reached[0] = true;
        let mut order = vec![0];
        let mut next = 0;
        while let Some(&node) = order.get(next) {
            for child in self.children(node)?.into_iter().flatten() {
                if std::mem::replace(&mut reached[child], true) {
                    return Err(self.error(child, "it has two parents, or is above itself"));
                }
                if self.columns.parents[child] != node as i64 {
                    let parent = self.columns.parents[child];
                    let problem =
                        format!("it names node {parent} as its parent, but is a child of {node}");
                    return Err(self.error(child, problem));
                }
                order.push(child);
            }
            next += 1;
        }
        Ok(order)
    }

    /// The two children of a split; `None` for a leaf.
    fn children(&self, node: usize) -> Result<Option<[usize; 2]>, ModelError> {
        let (left, right) = (self.columns.left[node], self.columns.right[node]);
        if left == -1 {
            // A leaf's right child may hold anything: XGBoost looks at the left one only.
            return Ok(None);
        }
        let child = |child: i64| {
            let within = usize::try_from(child)
                .ok()
                .filter(|&it| it < self.columns.n_nodes);
            within.ok_or_else(|| {
                let n_nodes = self.columns.n_nodes;
                self.error(
                    node,
                    format!("its child {child} is not one of {n_nodes} nodes"),
                )
            })
        };
        Ok(Some([child(left)?, child(right)?]))
    }
}

/// The new number of each of the document's nodes.
fn numbers(order: &[usize], n_nodes: usize) -> Vec<u32> {
    let mut numbers = vec![0; n_nodes];
    for (new, &old) in order.iter().enumerate() {
        numbers[old] = new as u32;
    }
    numbers
}

struct Builder<'c, 'v> {
    shape: Shape<'c, 'v>,
    n_features: u32,
    categories: BTreeMap<usize, Cow<'v, [i64]>>,
}

impl Builder<'_, '_> {
    fn nodes(&self, order: &[usize]) -> Result<Vec<Node>, ModelError> {
        let numbers = numbers(order, self.shape.columns.n_nodes);
        let new_number = |old: i64| numbers[old as usize];
        let nodes = order.iter().map(|&old| {
            let children = self.shape.children(old)?;
            let parent = match old {
                0 => NO_PARENT,
                _ => new_number(self.shape.columns.parents[old]),
            };
            self.node(old, parent, children.map(|[left, _]| numbers[left]))
        });
        nodes.collect()
    }

    fn node(&self, old: usize, parent: u32, left: Option<u32>) -> Result<Node, ModelError> {
        let columns = self.shape.columns;
        let has_vectors = columns.base_weights.is_empty();
        let split_condition = if (left.is_some() && self.categories.contains_key(&old))
            || (left.is_none() && has_vectors)
        {
            NO_CONDITION
        } else {
            columns.split_conditions[old]
        };
        if split_condition.is_nan() {
            let problem = "its split condition or leaf value is not a number";
            return Err(self.shape.error(old, problem));
        }
        let split_index = match left {
            None => 0,
            Some(_) => self.feature(old)?,
        };
        let statistic = |column: &[f32]| column.get(old).copied().unwrap_or(0.0);
        Ok(Node {
            parent,
            left,
            split_index,
            split_condition,
            default_left: left.is_some() && columns.default_left[old] != 0,
            base_weight: statistic(&columns.base_weights),
            loss_change: statistic(&columns.loss_changes),
            sum_hessian: statistic(&columns.sum_hessian),
        })
    }

    fn feature(&self, old: usize) -> Result<u32, ModelError> {
        let feature = self.shape.columns.split_indices[old];
        let within = u32::try_from(feature)
            .ok()
            .filter(|&it| it < self.n_features);
        within.ok_or_else(|| {
            let n_features = self.n_features;
            let problem = format!("it splits feature {feature}, the model has {n_features}");
            self.shape.error(old, problem)
        })
    }

    fn categories_of(&self, order: &[usize]) -> Result<BTreeMap<u32, CategorySet>, ModelError> {
        let mut sets = BTreeMap::new();
        for (new, &old) in order.iter().enumerate() {
            // XGBoost leaves the type of a split at a node that it has made a leaf again.
            let Some(codes) = self.categories.get(&old) else {
                continue;
            };
            if self.shape.columns.left[old] == -1 {
                continue;
            }
            let codes: Option<Vec<u32>> = codes.iter().map(|&it| u32::try_from(it).ok()).collect();
            let negative = || self.shape.error(old, "it splits a negative category");
            let set = CategorySet::new(codes.ok_or_else(negative)?);
            let set = set.map_err(|err| self.shape.error(old, err.to_string()))?;
            sets.insert(new as u32, set);
        }
        Ok(sets)
    }
}

/// The values of a tree with several outputs, as XGBoost before and after 3.2 writes them.
struct Vectors<'v> {
    size: usize,
    /// `(n_nodes, some)` row-major.
    base_weights: Cow<'v, [f32]>,
    /// `(n_leaves, size)` row-major, by the number that a leaf's right child is. Before 3.2 there was none, and leaves had
    /// their values in `base_weights`.
    leaf_weights: Option<Cow<'v, [f32]>>,
}

impl<'v> Vectors<'v> {
    /// `None` for a tree with one output.
    fn read(tree: &Member<'_, 'v>, columns: &Columns<'_>) -> Result<Option<Self>, ModelError> {
        let size = n_outputs(tree)?;
        if size == 1 {
            return Ok(None);
        }
        let Some(n_values) = columns.n_nodes.checked_mul(size) else {
            let param = tree.member("tree_param")?;
            return Err(param.expected("a size of leaves that can be counted"));
        };
        let base = tree.member("base_weights")?;
        let n_leaves = columns.left.iter().filter(|&&it| it == -1).count();
        let leaf_weights = match tree.optional("leaf_weights")? {
            Some(member) => Some(member.floats(n_leaves * size)?),
            None => None,
        };
        let base_weights = match &leaf_weights {
            Some(_) => base.any_floats()?,
            None => base.floats(n_values)?,
        };
        Ok(Some(Self {
            size,
            base_weights,
            leaf_weights,
        }))
    }

    fn leaf_vectors(
        &self,
        shape: &Shape<'_, '_>,
        order: &[usize],
    ) -> Result<LeafVectors, ModelError> {
        let has_base = self.base_weights.len() == shape.columns.n_nodes * self.size;
        let mut values = Vec::with_capacity(order.len() * self.size);
        for &node in order {
            let is_leaf = shape.columns.left[node] == -1;
            match &self.leaf_weights {
                Some(weights) if is_leaf => {
                    let leaf = usize::try_from(shape.columns.right[node]).ok();
                    let leaf = leaf.and_then(|it| weights.chunks_exact(self.size).nth(it));
                    let no_such = || shape.error(node, "its right child is no leaf's number");
                    values.extend_from_slice(leaf.ok_or_else(no_such)?);
                }
                _ if has_base => {
                    values.extend_from_slice(&self.base_weights[node * self.size..][..self.size]);
                }
                _ => values.extend(std::iter::repeat_n(0.0, self.size)),
            }
            if is_leaf
                && values[values.len() - self.size..]
                    .iter()
                    .any(|it| it.is_nan())
            {
                let problem = "its split condition or leaf value is not a number";
                return Err(shape.error(node, problem));
            }
        }
        Ok(LeafVectors {
            size: self.size as u32,
            values,
        })
    }
}
