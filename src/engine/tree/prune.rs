//! Pruning a tree that is there: a split goes whose children are leaves and whose gain is too little, or that is too deep.
//!
//! Invariant: what is left is the one tree in which no such split is, whatever the order of looking.
//!
//! Source: XGBoost 3.2 `src/tree/updater_prune.cc`.

use std::collections::{BTreeMap, VecDeque};

use super::{NO_PARENT, Node, Tree};

/// What decides which splits stay, and what becomes of a split that goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pruning {
    /// `min_split_loss`: the least gain.
    pub(crate) gamma: f32,
    /// 0 is no limit.
    pub(crate) max_depth: u32,
    /// Factor on a node's weight where it becomes a leaf.
    pub(crate) learning_rate: f32,
}

impl Pruning {
    /// Prunes a tree with one output. Gives, for each node before, the node that now holds its rows.
    pub(crate) fn prune(&self, tree: &mut Tree) -> Vec<u32> {
        let mut depths = vec![0_u32; tree.nodes.len()];
        for idx in 0..tree.nodes.len() {
            if let Some(left) = tree.nodes[idx].left {
                for child in [left, left + 1] {
                    depths[child as usize] = depths[idx] + 1;
                }
            }
        }
        // Children come after their parent, so that backwards both have been looked at before it.
        for idx in (0..tree.nodes.len()).rev() {
            let node = &tree.nodes[idx];
            let Some(left) = node.left.map(|it| it as usize) else {
                continue;
            };
            let are_leaves = tree.nodes[left].left.is_none() && tree.nodes[left + 1].left.is_none();
            let is_too_deep = self.max_depth != 0 && depths[left] > self.max_depth;
            if are_leaves && (node.loss_change < self.gamma || is_too_deep) {
                let leaf = Node::leaf(
                    node.parent,
                    self.learning_rate * node.base_weight,
                    node.sum_hessian,
                );
                let base_weight = node.base_weight;
                tree.nodes[idx] = Node {
                    base_weight,
                    ..leaf
                };
                tree.categories.remove(&(idx as u32));
            }
        }
        renumber(tree)
    }
}

/// Numbers the nodes that the root reaches, breadth first. Gives, for each node before, itself or its nearest parent there.
fn renumber(tree: &mut Tree) -> Vec<u32> {
    let mut parents = vec![NO_PARENT; tree.nodes.len()];
    let mut places = vec![None; tree.nodes.len()];
    let mut nodes: Vec<Node> = Vec::new();
    let mut categories = BTreeMap::new();
    let mut queue = VecDeque::from([(0_usize, NO_PARENT)]);
    let mut n_placed = 1;
    while let Some((idx, parent)) = queue.pop_front() {
        let place = nodes.len() as u32;
        places[idx] = Some(place);
        let mut node = tree.nodes[idx].clone();
        node.parent = parent;
        if let Some(left) = node.left {
            queue.extend([(left as usize, place), (left as usize + 1, place)]);
            node.left = Some(n_placed);
            n_placed += 2;
        }
        if let Some(set) = tree.categories.remove(&(idx as u32)) {
            categories.insert(place, set);
        }
        nodes.push(node);
    }
    for (idx, node) in tree.nodes.iter().enumerate() {
        parents[idx] = node.parent;
    }
    for idx in 0..places.len() {
        if places[idx].is_none() {
            places[idx] = places[parents[idx] as usize];
        }
    }
    tree.nodes = nodes;
    tree.categories = categories;
    places
        .into_iter()
        .map(|it| it.expect("parents come before their children"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(parent: u32, left: u32, loss_change: f32, base_weight: f32) -> Node {
        Node {
            left: Some(left),
            split_index: left,
            loss_change,
            base_weight,
            ..Node::leaf(parent, 0.5, 8.0)
        }
    }

    /// The root has two splits below it; the left one has a split of little gain on its right.
    fn tree() -> Tree {
        Tree::from(vec![
            split(NO_PARENT, 1, 1.0, 0.1),
            split(0, 3, 9.0, 0.2),
            split(0, 5, 9.0, 0.3),
            Node::leaf(1, 1.0, 1.0),
            split(1, 7, 0.5, 0.4),
            Node::leaf(2, 2.0, 1.0),
            Node::leaf(2, 3.0, 1.0),
            Node::leaf(4, 4.0, 1.0),
            Node::leaf(4, 5.0, 1.0),
        ])
    }

    fn pruned(gamma: f32, max_depth: u32) -> (Tree, Vec<u32>) {
        let mut tree = tree();
        let pruning = Pruning {
            gamma,
            max_depth,
            learning_rate: 0.5,
        };
        let places = pruning.prune(&mut tree);
        (tree, places)
    }

    #[test]
    fn splits_of_little_gain_and_those_too_deep_become_leaves() {
        assert_eq!(pruned(0.5, 3).0, tree());
        for (gamma, max_depth) in [(0.6, 0), (0.0, 2)] {
            let (kept, places) = pruned(gamma, max_depth);
            assert_eq!(places, [0, 1, 2, 3, 4, 5, 6, 4, 4]);
            assert_eq!(kept.nodes.len(), 7);
            assert_eq!(kept.nodes[4].left, None);
            assert_eq!(
                (kept.nodes[4].split_condition, kept.nodes[4].base_weight),
                (0.2, 0.4)
            );
        }
        let (kept, places) = pruned(0.0, 1);
        assert_eq!(places, [0, 1, 2, 1, 1, 2, 2, 1, 1]);
        assert_eq!(kept.nodes[2].split_condition, 0.15);
        // The root's own gain is little, but it is no parent of leaves while those below it stay.
        assert_eq!(pruned(2.0, 0).0.nodes.len(), 7);
        let (kept, places) = pruned(10.0, 0);
        assert_eq!((kept.nodes.len(), kept.nodes[0].split_condition), (1, 0.05));
        assert!(places.iter().all(|&it| it == 0));
    }
}
