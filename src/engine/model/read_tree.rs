//! One tree of the document, checked to be a tree and renumbered to what [`Tree`] promises.
//!
//! Invariants: every node is reached from the root exactly once, or is one of those that XGBoost counts as deleted;
//! children and parents agree. XGBoost lets nodes lie in any order and prunes by leaving holes, so nodes are numbered
//! anew, breadth first: a right child is then its left sibling plus one.

use std::borrow::Cow;

use crate::tree::{NO_PARENT, Node, Tree};

use super::error::ModelError;
use super::member::Member;

/// Reads tree number `tree_idx` of a model of `n_features` columns.
pub(super) fn read(
    tree: &Member<'_, '_>,
    tree_idx: usize,
    n_features: u32,
) -> Result<Tree, ModelError> {
    refuse_other_kinds(tree)?;
    let columns = Columns::read(tree)?;
    columns.check_categories(tree)?;
    let n_deleted = n_deleted(tree)?;
    Builder {
        columns,
        tree_idx,
        n_features,
    }
    .build(n_deleted)
}

fn refuse_other_kinds(tree: &Member<'_, '_>) -> Result<(), ModelError> {
    let param = tree.member("tree_param")?;
    if let Some(size) = param.optional("size_leaf_vector")?
        && size.parsed::<u32>("a whole number in a text")? > 1
    {
        return Err(size.unsupported("a tree with several outputs", "one output a tree"));
    }
    Ok(())
}

fn n_deleted(tree: &Member<'_, '_>) -> Result<usize, ModelError> {
    let param = tree.member("tree_param")?;
    match param.optional("num_deleted")? {
        Some(n_deleted) => n_deleted.parsed("a whole number in a text"),
        None => Ok(0),
    }
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
    base_weights: Cow<'v, [f32]>,
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
        let ints = |key| tree.member(key)?.ints(n_nodes);
        let floats = |key| tree.member(key)?.floats(n_nodes);
        Ok(Self {
            n_nodes,
            left: ints("left_children")?,
            right: ints("right_children")?,
            parents: ints("parents")?,
            split_indices: ints("split_indices")?,
            default_left: ints("default_left")?,
            split_conditions: floats("split_conditions")?,
            base_weights: floats("base_weights")?,
            loss_changes: floats("loss_changes")?,
            sum_hessian: floats("sum_hessian")?,
        })
    }

    /// XGBoost before 1.3 wrote no `split_type`.
    fn check_categories(&self, tree: &Member<'_, '_>) -> Result<(), ModelError> {
        let refusal =
            |member: &Member<'_, '_>| member.unsupported("a categorical split", "numeric splits");
        if let Some(split_type) = tree.optional("split_type")?
            && split_type.ints(self.n_nodes)?.iter().any(|&it| it != 0)
        {
            return Err(refusal(&split_type));
        }
        match tree.optional("categories_nodes")? {
            Some(nodes) if !nodes.is_empty_array() => Err(refusal(&nodes)),
            _ => Ok(()),
        }
    }
}

struct Builder<'v> {
    columns: Columns<'v>,
    tree_idx: usize,
    n_features: u32,
}

impl Builder<'_> {
    fn error(&self, node: usize, problem: impl Into<String>) -> ModelError {
        ModelError::tree(self.tree_idx, node, problem)
    }

    fn build(&self, n_deleted: usize) -> Result<Tree, ModelError> {
        let n_nodes = self.columns.n_nodes;
        let mut reached = vec![false; n_nodes];
        reached[0] = true;
        if self.columns.parents[0] != i64::from(NO_PARENT) {
            return Err(self.error(0, "the root has a parent"));
        }
        // The document's index of each node that is numbered, in the order of the new numbers.
        let mut old_indexes = vec![0];
        let mut nodes: Vec<Node> = Vec::new();
        let mut parents = vec![NO_PARENT];
        while let Some(&old) = old_indexes.get(nodes.len()) {
            let new = nodes.len();
            let children = self.children(old)?;
            for child in children.into_iter().flatten() {
                if std::mem::replace(&mut reached[child], true) {
                    return Err(self.error(child, "it has two parents, or is above itself"));
                }
                if self.columns.parents[child] != old as i64 {
                    let parent = self.columns.parents[child];
                    let problem =
                        format!("it names node {parent} as its parent, but is a child of {old}");
                    return Err(self.error(child, problem));
                }
                old_indexes.push(child);
                parents.push(new as u32);
            }
            let left = children.map(|_| (old_indexes.len() - 2) as u32);
            nodes.push(self.node(old, parents[new], left)?);
        }
        let n_lost = n_nodes - nodes.len();
        if n_lost != n_deleted {
            let lost = reached.iter().position(|&it| !it).unwrap_or(n_nodes - 1);
            let problem = format!(
                "{n_lost} nodes such as this one are below no other, `num_deleted` is {n_deleted}"
            );
            return Err(self.error(lost, problem));
        }
        Ok(Tree { nodes })
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

    fn node(&self, old: usize, parent: u32, left: Option<u32>) -> Result<Node, ModelError> {
        let columns = &self.columns;
        let split_condition = columns.split_conditions[old];
        if split_condition.is_nan() {
            return Err(self.error(old, "its split condition or leaf value is not a number"));
        }
        let mut split_index = 0;
        if left.is_some() {
            let feature = columns.split_indices[old];
            let within = u32::try_from(feature)
                .ok()
                .filter(|&it| it < self.n_features);
            split_index = within.ok_or_else(|| {
                let n_features = self.n_features;
                self.error(
                    old,
                    format!("it splits feature {feature}, the model has {n_features}"),
                )
            })?;
        }
        Ok(Node {
            parent,
            left,
            split_index,
            split_condition,
            default_left: left.is_some() && columns.default_left[old] != 0,
            base_weight: columns.base_weights[old],
            loss_change: columns.loss_changes[old],
            sum_hessian: columns.sum_hessian[old],
        })
    }
}
