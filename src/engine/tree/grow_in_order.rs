//! Growth to a number of leaves: the most promising node first (`lossguide`), or the oldest (`depthwise`).
//!
//! Invariant: the tree is the one that splitting a node at a time gives. With several threads the next nodes in the queue
//! are split along with the first, since most of them will be the first soon; a split that is then not wanted is kept
//! aside, and forgotten if the tree is full before its turn comes.
//!
//! Source: XGBoost 3.0 `src/tree/driver.h`: of equal gains the older node comes first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::params::GrowPolicy;

use super::cell::Cell;
use super::grow::{Grower, Open};
use super::spares::Spares;
use super::sprout::{Expanded, Fate, Sprout, Stretch};

/// A node in the queue.
struct Waiting<'r, C: Cell> {
    /// What decides, higher first: the gain, or nothing where age does.
    gain: f32,
    idx: usize,
    state: State<'r, C>,
}

enum State<'r, C: Cell> {
    Open(Box<Open<'r, C>>),
    /// Split ahead of its turn.
    Expanded(Box<Expanded<'r, C>>),
}

impl<C: Cell> Ord for Waiting<'_, C> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain
            .total_cmp(&other.gain)
            .then(other.idx.cmp(&self.idx))
    }
}

impl<C: Cell> PartialOrd for Waiting<'_, C> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<C: Cell> PartialEq for Waiting<'_, C> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<C: Cell> Eq for Waiting<'_, C> {}

impl Grower<'_> {
    /// Grows `root` until there are `max_leaves` leaves or nothing is left to split.
    pub(super) fn grow_in_order<'r, C: Cell>(
        &self,
        root: Open<'r, C>,
        sprout: &mut Sprout<'r, C>,
        spares: &Spares<C>,
    ) {
        let mut queue = BinaryHeap::from([self.waiting(root)]);
        let mut n_leaves = 1;
        while n_leaves < self.limits.max_leaves {
            let Some(first) = queue.pop() else { return };
            let idx = first.idx;
            let expanded = match first.state {
                State::Expanded(expanded) => *expanded,
                State::Open(open) => self.expand_ahead(*open, &mut queue, spares),
            };
            let mut open = Vec::new();
            sprout.settle(idx, expanded, &mut open);
            queue.extend(open.into_iter().map(|open| self.waiting(open)));
            n_leaves += 1;
        }
        for waiting in queue {
            sprout.close(waiting.idx, waiting.state, spares);
        }
    }

    fn waiting<'r, C: Cell>(&self, open: Open<'r, C>) -> Waiting<'r, C> {
        let gain = match self.limits.policy {
            GrowPolicy::LossGuide => open.entry.loss_change,
            GrowPolicy::DepthWise => 0.0,
        };
        Waiting {
            gain,
            idx: open.idx,
            state: State::Open(Box::new(open)),
        }
    }

    /// Splits `first`, on all threads if it is large, else together with the nodes that come next.
    fn expand_ahead<'r, C: Cell>(
        &self,
        first: Open<'r, C>,
        queue: &mut BinaryHeap<Waiting<'r, C>>,
        spares: &Spares<C>,
    ) -> Expanded<'r, C> {
        let n_threads = self.threads.n_threads();
        if n_threads == 1 || self.is_large(&first) {
            let on = self.threads_for(first.n_rows());
            return self.expand(first, spares, on);
        }
        let mut batch = vec![(0.0, first.idx, first)];
        let mut aside = Vec::new();
        while batch.len() < n_threads {
            match queue.pop() {
                Some(Waiting {
                    gain,
                    idx,
                    state: State::Open(open),
                }) => batch.push((gain, idx, *open)),
                Some(expanded) => aside.push(expanded),
                None => break,
            }
        }
        queue.extend(aside);
        let done = self.threads.map(batch, |(gain, idx, open)| {
            (gain, idx, self.expand(open, spares, None))
        });
        let mut first = None;
        for (gain, idx, expanded) in done {
            if first.is_none() {
                first = Some(expanded);
            } else {
                let state = State::Expanded(Box::new(expanded));
                queue.push(Waiting { gain, idx, state });
            }
        }
        first.expect("the batch begins with a node")
    }

    /// Whether a node keeps all threads busy by itself.
    fn is_large<C: Cell>(&self, open: &Open<'_, C>) -> bool {
        self.threads_for(open.n_rows() / 8).is_some()
    }
}

impl<'r, C: Cell> Sprout<'r, C> {
    /// Makes a leaf of node `idx`, wherever its rows are by now.
    fn close(&mut self, idx: usize, state: State<'r, C>, spares: &Spares<C>) {
        match state {
            State::Open(open) => {
                self.stretches
                    .push(Stretch::Leaf(idx, open.into_leaf(spares)));
            }
            State::Expanded(expanded) => self.close_expanded(idx, *expanded, spares),
        }
    }

    fn close_expanded(&mut self, idx: usize, expanded: Expanded<'r, C>, spares: &Spares<C>) {
        if let Some(records) = expanded.undivided_records() {
            self.stretches.push(Stretch::Leaf(idx, records));
        }
        for child in expanded.children {
            match child.fate {
                Fate::Leaf(records) => self.stretches.push(Stretch::Leaf(idx, records)),
                Fate::Undivided => {}
                Fate::Open(open) => {
                    self.stretches
                        .push(Stretch::Leaf(idx, open.into_leaf(spares)));
                }
            }
        }
    }
}
