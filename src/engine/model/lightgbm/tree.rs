//! One tree: internal nodes and leaves are numbered apart there, and together here, breadth first.
//!
//! A numeric split sends `x <= threshold` left. What is missing depends on the split: nothing (NaN counts as 0), NaN, or 0
//! and NaN; it takes the default direction. A categorical split sends a set left and everything else, NaN included, right,
//! so its sides are exchanged here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::tree::{CategorySet, MAX_CATEGORIES, NO_CONDITION, NO_PARENT, Node, Tree};

use super::super::error::ModelError;
use super::lines::Section;

/// Bits of `decision_type`.
const CATEGORICAL: i64 = 1;
const DEFAULT_LEFT: i64 = 2;

/// A tree's number, and what it must fit.
#[derive(Clone, Copy)]
pub(super) struct TreePlace {
    pub(super) number: usize,
    pub(super) n_features: u32,
    /// Factor on the leaves.
    pub(super) scale: f64,
}

/// Features of splits that take 0 for missing, where that makes a difference.
#[derive(Default)]
pub(super) struct Zeros {
    needed: BTreeMap<u32, String>,
    /// Features of splits that take only NaN for missing.
    nan_only: BTreeSet<u32>,
}

impl Zeros {
    /// The features in which 0 is missing. One cannot be both: `LightGBM` decides it for each feature.
    pub(super) fn finish(self) -> Result<BTreeSet<u32>, ModelError> {
        if let Some((feature, path)) = self.needed.iter().find(|it| self.nan_only.contains(it.0)) {
            return Err(ModelError::Unsupported {
                path: path.clone(),
                what: format!("feature {feature} with 0 missing in some splits only"),
                allowed: "one kind of missing values for each feature".to_owned(),
            });
        }
        Ok(self.needed.into_keys().collect())
    }
}

pub(super) fn read(
    section: &Section<'_>,
    place: TreePlace,
    zeros: &mut Zeros,
) -> Result<Tree, ModelError> {
    if section.optional("is_linear").is_some_and(|it| it != "0") {
        return Err(ModelError::Unsupported {
            path: section.path("is_linear"),
            what: "a tree with linear leaves".to_owned(),
            allowed: "0".to_owned(),
        });
    }
    let lists = Lists::read(section)?;
    Builder {
        section,
        lists,
        place,
        zeros,
    }
    .build()
}

struct Lists {
    n_leaves: usize,
    left: Vec<i64>,
    right: Vec<i64>,
    split_feature: Vec<u32>,
    threshold: Vec<f64>,
    decision_type: Vec<i64>,
    split_gain: Vec<f64>,
    internal_value: Vec<f64>,
    leaf_value: Vec<f64>,
    leaf_cover: Vec<f64>,
    cat_boundaries: Vec<usize>,
    cat_threshold: Vec<u32>,
}

impl Lists {
    fn read(section: &Section<'_>) -> Result<Self, ModelError> {
        let n_leaves = section.number::<usize>("num_leaves", "a whole number from 1")?;
        let n_splits = n_leaves.checked_sub(1);
        let n_splits =
            n_splits.ok_or_else(|| section.expected("num_leaves", "a whole number from 1"))?;
        let leaf_value = section.list("leaf_value", n_leaves)?;
        if n_splits == 0 {
            return Ok(Self {
                n_leaves,
                leaf_value,
                leaf_cover: leaf_cover(section, n_leaves)?,
                left: Vec::new(),
                right: Vec::new(),
                split_feature: Vec::new(),
                threshold: Vec::new(),
                decision_type: Vec::new(),
                split_gain: Vec::new(),
                internal_value: Vec::new(),
                cat_boundaries: Vec::new(),
                cat_threshold: Vec::new(),
            });
        }
        let n_cat = section.number::<usize>("num_cat", "a whole number")?;
        let (cat_boundaries, cat_threshold) = if n_cat == 0 {
            (Vec::new(), Vec::new())
        } else {
            let too_many = || section.expected("num_cat", format!("at most {n_splits}"));
            let n_boundaries = n_cat.checked_add(1).filter(|_| n_cat <= n_splits);
            let boundaries: Vec<usize> =
                section.list("cat_boundaries", n_boundaries.ok_or_else(too_many)?)?;
            let n_words = boundaries.last().copied().unwrap_or(0);
            (boundaries, section.list("cat_threshold", n_words)?)
        };
        Ok(Self {
            n_leaves,
            left: section.list("left_child", n_splits)?,
            right: section.list("right_child", n_splits)?,
            split_feature: section.list("split_feature", n_splits)?,
            threshold: section.list("threshold", n_splits)?,
            decision_type: section.list("decision_type", n_splits)?,
            split_gain: section.optional_list("split_gain", n_splits)?,
            internal_value: section.optional_list("internal_value", n_splits)?,
            leaf_value,
            leaf_cover: leaf_cover(section, n_leaves)?,
            cat_boundaries,
            cat_threshold,
        })
    }
}

/// Sums of hessians, or where there are none, counts of rows.
fn leaf_cover(section: &Section<'_>, n_leaves: usize) -> Result<Vec<f64>, ModelError> {
    let weights = section.optional_list("leaf_weight", n_leaves)?;
    if weights.iter().any(|&it| it != 0.0) {
        return Ok(weights);
    }
    section.optional_list("leaf_count", n_leaves)
}

struct Builder<'s, 'a> {
    section: &'s Section<'a>,
    lists: Lists,
    place: TreePlace,
    zeros: &'s mut Zeros,
}

impl Builder<'_, '_> {
    fn error(&self, node: usize, problem: impl Into<String>) -> ModelError {
        ModelError::tree(self.place.number, node, problem)
    }

    fn build(mut self) -> Result<Tree, ModelError> {
        let n_splits = self.lists.n_leaves - 1;
        let mut seen_splits = vec![false; n_splits];
        let mut seen_leaves = vec![false; self.lists.n_leaves];
        let mut seen_sets = vec![false; self.lists.cat_boundaries.len()];
        let mut nodes: Vec<Node> = Vec::new();
        let mut categories = BTreeMap::new();
        // LightGBM's number of each node to come, and its parent's number here.
        let root = if n_splits == 0 { -1 } else { 0 };
        let mut to_come = VecDeque::from([(root, NO_PARENT)]);
        while let Some((number, parent)) = to_come.pop_front() {
            let idx = nodes.len();
            if number < 0 {
                let leaf = !number as usize;
                self.mark(&mut seen_leaves, leaf, idx)?;
                nodes.push(self.leaf(leaf, parent, idx)?);
                continue;
            }
            let split = number as usize;
            self.mark(&mut seen_splits, split, idx)?;
            let left = (idx + to_come.len() + 1) as u32;
            let (mut node, set) = self.split(split, idx, &mut seen_sets)?;
            (node.parent, node.left) = (parent, Some(left));
            let mut children = [self.lists.left[split], self.lists.right[split]];
            if let Some(set) = set {
                children.reverse();
                categories.insert(idx as u32, set);
            }
            to_come.extend(children.map(|it| (it, idx as u32)));
            nodes.push(node);
        }
        if let Some(lost) = seen_splits.iter().chain(&seen_leaves).position(|it| !it) {
            return Err(self.error(lost, "a split or leaf is below no other"));
        }
        add_covers(&mut nodes);
        Ok(Tree {
            nodes,
            categories,
            leaf_vectors: None,
        })
    }

    fn mark(&self, seen: &mut [bool], number: usize, node: usize) -> Result<(), ModelError> {
        match seen.get_mut(number) {
            None => Err(self.error(node, "its number is beyond the tree's splits and leaves")),
            Some(true) => Err(self.error(node, "it has two parents, or is above itself")),
            Some(seen) => {
                *seen = true;
                Ok(())
            }
        }
    }

    fn leaf(&self, leaf: usize, parent: u32, idx: usize) -> Result<Node, ModelError> {
        let value = (self.lists.leaf_value[leaf] * self.place.scale) as f32;
        if !value.is_finite() {
            return Err(self.error(idx, "its leaf value is not a number of 32 bits"));
        }
        Ok(Node::leaf(
            parent,
            value,
            self.lists.leaf_cover[leaf] as f32,
        ))
    }

    /// A split without parent and children, and the categories that go right here.
    fn split(
        &mut self,
        split: usize,
        idx: usize,
        seen_sets: &mut [bool],
    ) -> Result<(Node, Option<CategorySet>), ModelError> {
        let feature = self.lists.split_feature[split];
        if feature >= self.place.n_features {
            let n_features = self.place.n_features;
            let problem = format!("it splits feature {feature}, the model has {n_features}");
            return Err(self.error(idx, problem));
        }
        let decision = self.lists.decision_type[split];
        let mut node = Node {
            split_index: feature,
            base_weight: (self.lists.internal_value[split] * self.place.scale) as f32,
            loss_change: self.lists.split_gain[split] as f32,
            ..Node::leaf(NO_PARENT, 0.0, 0.0)
        };
        if decision & CATEGORICAL != 0 {
            node.default_left = true;
            node.split_condition = NO_CONDITION;
            let set = self.categories(split, idx, seen_sets)?;
            return Ok((node, Some(set)));
        }
        let threshold = self.lists.threshold[split];
        if threshold.is_nan() {
            return Err(self.error(idx, "its threshold is not a number"));
        }
        node.split_condition = above(threshold);
        let goes_left = decision & DEFAULT_LEFT != 0;
        let zero_goes_left = 0.0 <= threshold;
        node.default_left = match (decision >> 2) & 3 {
            0 => zero_goes_left,
            1 => {
                if goes_left != zero_goes_left {
                    let path = self.section.path("decision_type");
                    self.zeros.needed.entry(feature).or_insert(path);
                }
                goes_left
            }
            2 => {
                self.zeros.nan_only.insert(feature);
                goes_left
            }
            _ => return Err(self.error(idx, format!("its decision type {decision} is unknown"))),
        };
        Ok((node, None))
    }

    fn categories(
        &self,
        split: usize,
        idx: usize,
        seen_sets: &mut [bool],
    ) -> Result<CategorySet, ModelError> {
        let boundaries = &self.lists.cat_boundaries;
        let number = self.lists.threshold[split];
        let number = (number >= 0.0 && number.fract() == 0.0).then_some(number as usize);
        let words = number
            .and_then(|it| {
                Some((
                    it,
                    *boundaries.get(it)?..*boundaries.get(it.checked_add(1)?)?,
                ))
            })
            .and_then(|(it, range)| Some((it, self.lists.cat_threshold.get(range)?)));
        let Some((number, words)) = words else {
            return Err(self.error(
                idx,
                "its threshold is not the number of a set of categories",
            ));
        };
        if std::mem::replace(&mut seen_sets[number], true) {
            return Err(self.error(idx, "its set of categories belongs to another split too"));
        }
        if words.len() > (MAX_CATEGORIES / u32::BITS) as usize {
            return Err(self.error(idx, format!("a category is not below {MAX_CATEGORIES}")));
        }
        let mut codes = Vec::new();
        for (word, bits) in words.iter().enumerate() {
            let members = (0..u32::BITS).filter(|bit| bits >> bit & 1 == 1);
            codes.extend(members.map(|bit| word as u32 * u32::BITS + bit));
        }
        CategorySet::new(codes).map_err(|err| self.error(idx, err.to_string()))
    }
}

/// A split's cover is its children's, which come after it.
fn add_covers(nodes: &mut [Node]) {
    let mut covers: Vec<f64> = nodes.iter().map(|it| it.sum_hessian.into()).collect();
    for idx in (0..nodes.len()).rev() {
        if let Some(left) = nodes[idx].left {
            covers[idx] = covers[left as usize] + covers[left as usize + 1];
            nodes[idx].sum_hessian = covers[idx] as f32;
        }
    }
}

/// The `f32` for which `x < above(t)` is `x <= t`, for every `f32` `x` that is finite.
fn above(threshold: f64) -> f32 {
    let nearest = threshold as f32;
    if f64::from(nearest) <= threshold {
        nearest.next_up()
    } else {
        nearest
    }
}

#[cfg(test)]
mod tests {
    use super::above;

    #[test]
    fn thresholds_divide_the_same_floats() {
        let thresholds = [
            0.0,
            -0.0,
            0.1,
            -0.1,
            1e-35,
            1e300,
            -1e300,
            1e-60,
            2.5,
            f64::INFINITY,
        ];
        for threshold in thresholds {
            let next = above(threshold);
            let nearest = threshold as f32;
            let near = [
                nearest,
                nearest.next_up(),
                nearest.next_down(),
                0.0,
                -1.0,
                1e30,
            ];
            for x in near.into_iter().filter(|it| it.is_finite()) {
                assert_eq!(x < next, f64::from(x) <= threshold, "{x} {threshold}");
            }
        }
    }
}
