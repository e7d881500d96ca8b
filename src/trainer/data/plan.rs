//! In which order the blocks of a channel are read: first a sample from all over it, then the others.
//!
//! Invariant: each number comes once, and the order depends on the bytes alone. A table may be sorted by a column or by
//! the label, so its first rows do not stand for the others.

use super::tiles::Order;

/// The numbers of the blocks that are still to be read.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    n_blocks: usize,
    /// How many of them are in the sample.
    n_sampled: usize,
    /// Blocks from here on are left out.
    end: usize,
    next: usize,
    sampling: bool,
}

impl Plan {
    /// A plan for `n_blocks` blocks with about this share of them in the sample, and at least one.
    pub(super) fn new(n_blocks: usize, share: f64) -> Self {
        let n_sampled = (n_blocks as f64 * share) as usize;
        Self {
            n_blocks,
            n_sampled: n_sampled.clamp(1, n_blocks.max(1)),
            end: n_blocks,
            next: 0,
            sampling: true,
        }
    }

    /// A plan for `n_blocks` blocks that hold about so many values.
    pub(super) fn of_values(n_blocks: usize, order: Order, n_values: f64) -> Self {
        /// Of the values that a sample may hold, how many are planned for, since their number is only estimated.
        const PLANNED_SHARE: f64 = 0.95;
        let share = match order {
            Order::Sample(budget) if n_values > budget as f64 => {
                PLANNED_SHARE * budget as f64 / n_values
            }
            Order::Sample(_) | Order::Rows | Order::Once => 1.0,
        };
        Self::new(n_blocks, share)
    }

    /// Whether the next block belongs to the sample; where there is room for all, all do.
    pub(super) fn in_sample(&self) -> bool {
        self.sampling
    }

    /// Whether blocks are left out now that are read later, from all over the channel.
    pub(super) fn comes_again(&self) -> bool {
        self.sampling && self.n_sampled < self.n_blocks
    }

    /// At most `n` blocks, all of the sample or none.
    pub(super) fn take(&mut self, n: usize) -> Vec<usize> {
        let mut numbers = Vec::with_capacity(n.min(self.n_blocks));
        while numbers.len() < n && self.next < self.end {
            if self.sampling {
                self.next = self.sampled_from(self.next);
                if self.next < self.end {
                    numbers.push(self.next);
                }
            } else if !self.is_sampled(self.next) {
                numbers.push(self.next);
            }
            self.next += 1;
            if self.next == self.n_blocks && self.sampling && self.n_sampled < self.n_blocks {
                (self.sampling, self.next) = (false, 0);
                break;
            }
        }
        numbers
    }

    /// The first block of the sample from `number` on; there may be very many between it and the one before.
    fn sampled_from(&self, number: usize) -> usize {
        let n_upto = self.n_sampled_before(number) + 1;
        let end = (n_upto as u128 * self.n_blocks as u128).div_ceil(self.n_sampled as u128);
        end as usize - 1
    }

    /// The first block from `number` on that is taken next, of the sample or of the others as the one before it was.
    pub(super) fn next_behind(&self, number: usize) -> Option<usize> {
        let next = if self.sampling {
            self.sampled_from(number)
        } else {
            (number..self.end).find(|&it| !self.is_sampled(it))?
        };
        Some(next).filter(|it| *it < self.end)
    }

    /// Leaves out the blocks from `end` on, which is one of those that were taken last.
    pub(super) fn end_at(&mut self, end: usize) {
        if self.sampling {
            // What is sampled before `end` was taken.
            (self.sampling, self.next) = (false, 0);
        }
        self.end = self.end.min(end);
    }

    /// Sampled blocks are as far from each other as can be; the last block is one of them.
    fn is_sampled(&self, number: usize) -> bool {
        self.n_sampled_before(number) != self.n_sampled_before(number + 1)
    }

    fn n_sampled_before(&self, number: usize) -> usize {
        (number as u128 * self.n_sampled as u128 / self.n_blocks as u128) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(mut plan: Plan, n: usize) -> Vec<Vec<usize>> {
        std::iter::from_fn(|| Some(plan.take(n)).filter(|it| !it.is_empty())).collect()
    }

    #[test]
    fn a_sample_comes_first_and_is_never_taken_with_the_others() {
        assert_eq!(batches(Plan::new(5, 1.0), 3), [vec![0, 1, 2], vec![3, 4]]);
        assert_eq!(
            batches(Plan::new(7, 0.43), 2),
            [vec![2, 4], vec![6], vec![0, 1], vec![3, 5]]
        );
        assert_eq!(batches(Plan::new(3, 0.0), 9), [vec![2], vec![0, 1]]);
        let mut plan = Plan::new(3, 0.4);
        plan.take(1);
        assert!(!plan.in_sample());
        let mut plan = Plan::new(3, 1.0);
        plan.take(3);
        assert!(plan.in_sample());
    }

    #[test]
    fn the_next_block_is_known_before_it_is_taken() {
        let mut plan = Plan::new(10, 0.5);
        assert_eq!(plan.next_behind(2), Some(3));
        assert_eq!(plan.next_behind(10), None);
        assert_eq!(plan.take(9), [1, 3, 5, 7, 9]);
        assert_eq!(plan.next_behind(3), Some(4));
        assert_eq!(plan.next_behind(9), None);
    }

    #[test]
    fn behind_a_problem_only_what_comes_before_it_is_read() {
        let mut plan = Plan::new(10, 0.5);
        assert_eq!(plan.take(3), [1, 3, 5]);
        plan.end_at(3);
        assert_eq!(batches(plan, 9), [vec![0, 2]]);
        let mut plan = Plan::new(10, 1.0);
        plan.take(4);
        plan.end_at(2);
        assert!(plan.take(4).is_empty());
    }
}
