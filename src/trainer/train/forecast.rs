//! Whether a job fits into memory, told before it is tried.
//!
//! Invariants: a job is refused where even the least that it takes is more than there is, and then before the memory is
//! taken; where it may take more than there is, it is warned of once. A table whose length is only guessed counts for half
//! the guess until its rows are there.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;

use contract::channel::TRAIN;
use engine::memory::{Bytes, Estimate, Held, TableSize, Workload, estimate};
use engine::params::BoosterValidParams;

use super::tables::Pair;
use crate::error::TrainerError;
use crate::memory;

/// The share of rows that are guessed at, which are counted on.
const CERTAIN: f64 = 0.5;

/// Rows, and those that will be there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Length {
    Known(u64),
    Guessed(u64),
}

/// What a job takes, as far as its rows have come.
#[derive(Debug)]
pub(super) struct Forecast<'a> {
    params: &'a BoosterValidParams,
    held: Held,
    n_folds: Option<u32>,
    n_threads: usize,
    instance_type: Option<&'a str>,
    /// Bytes that there were at the begin.
    available: Option<u64>,
    tables: RefCell<Pair<TableSize>>,
    /// Rows of the channel at hand when it was looked at last.
    looked_at: Cell<u64>,
    has_warned: Cell<bool>,
}

/// What is known of a job before its rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prospect<'a> {
    pub(super) params: &'a BoosterValidParams,
    pub(super) held: Held,
    pub(super) n_folds: Option<u32>,
    pub(super) n_threads: usize,
    pub(super) instance_type: Option<&'a str>,
}

impl<'a> Forecast<'a> {
    /// Looks how much memory there is.
    pub(super) fn new(prospect: Prospect<'a>) -> Self {
        Self::with_available(prospect, memory::available(memory::Swap::Counted))
    }

    fn with_available(prospect: Prospect<'a>, available: Option<u64>) -> Self {
        Self {
            params: prospect.params,
            held: prospect.held,
            n_folds: prospect.n_folds,
            n_threads: prospect.n_threads,
            instance_type: prospect.instance_type,
            available,
            tables: RefCell::new(Pair {
                train: NO_ROWS,
                validation: None,
            }),
            looked_at: Cell::new(0),
            has_warned: Cell::new(false),
        }
    }

    /// Forgets the rows of a channel, which come anew.
    pub(super) fn start_again(&self, channel: &str) {
        self.looked_at.set(0);
        *self.table(channel) = NO_ROWS;
    }

    /// Counts rows, and looks at times whether all that are coming will fit.
    pub(super) fn take(
        &self,
        channel: &str,
        more: TableSize,
        length: Length,
    ) -> Result<(), TrainerError> {
        let size = self.table(channel).plus(more);
        *self.table(channel) = size;
        if 8 * size.n_rows < 9 * self.looked_at.get() {
            return Ok(());
        }
        self.looked_at.set(size.n_rows);
        let at_least = match length {
            Length::Known(n_rows) => n_rows,
            Length::Guessed(n_rows) => (n_rows as f64 * CERTAIN) as u64,
        };
        self.check_with(channel, size.with_rows(at_least.max(size.n_rows)))
    }

    /// Looks at a channel whose rows are all there.
    pub(super) fn end(&self, channel: &str) -> Result<(), TrainerError> {
        self.looked_at.set(0);
        let size = *self.table(channel);
        self.check_with(channel, size)
    }

    fn table(&self, channel: &str) -> std::cell::RefMut<'_, TableSize> {
        std::cell::RefMut::map(self.tables.borrow_mut(), |tables| match channel {
            TRAIN => &mut tables.train,
            _ => tables.validation.get_or_insert(NO_ROWS),
        })
    }

    /// Holds what the job takes, if a table is of this size, against what there is.
    fn check_with(&self, channel: &str, size: TableSize) -> Result<(), TrainerError> {
        let Some(available) = self.available else {
            return Ok(());
        };
        let tables = self.tables.borrow();
        let (mut train, mut validation) = (tables.train, tables.validation);
        if channel == TRAIN {
            train = size;
        } else {
            validation = Some(size);
        }
        let workload = Workload {
            train,
            validation,
            held: self.held,
            n_folds: self.n_folds,
            n_threads: self.n_threads,
        };
        let estimate = estimate(self.params, &workload);
        let Bytes { least, most } = estimate.total();
        tracing::debug!(
            "{} rows of {channel}: training takes {} to {} of {}",
            size.n_rows,
            in_units(least),
            in_units(most),
            in_units(available)
        );
        if least > available {
            return Err(TrainerError::Memory {
                least: in_units(least),
                uses: uses(&estimate),
                machine: machine(self.instance_type),
                available: in_units(available),
            });
        }
        if most > available && !self.has_warned.replace(true) {
            tracing::warn!(
                "training may take up to {}, and {} has {}; if it ends without a word, give it more",
                in_units(most),
                machine(self.instance_type),
                in_units(available)
            );
        }
        Ok(())
    }
}

const NO_ROWS: TableSize = TableSize {
    n_rows: 0,
    n_features: 0,
    n_present: 0,
    n_targets: 1,
    n_beside: 0,
};

fn machine(instance_type: Option<&str>) -> String {
    instance_type.map_or_else(|| "this machine".to_owned(), |it| format!("`{it}`"))
}

/// What takes most, in words.
fn uses(estimate: &Estimate) -> String {
    let mut text = String::new();
    for (usage, bytes) in estimate
        .by_size()
        .iter()
        .filter(|it| it.1.least > 0)
        .take(3)
    {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}{usage} {}", in_units(bytes.least));
    }
    text
}

/// Bytes in units that a person reads.
fn in_units(bytes: u64) -> String {
    const MIB: f64 = (1 << 20) as f64;
    let mib = bytes as f64 / MIB;
    if mib < 1024.0 {
        format!("{mib:.0} MiB")
    } else {
        format!("{:.1} GiB", mib / 1024.0)
    }
}

#[cfg(test)]
mod tests {
    use engine::params::BoosterParams;
    use linfa::ParamGuard;

    use super::*;

    const ROW: TableSize = TableSize {
        n_rows: 1,
        n_features: 100,
        n_present: 100,
        n_targets: 1,
        n_beside: 0,
    };

    /// What becomes of a million rows of 100 features, 400 bytes each at least, of which some come at a time.
    fn ended(available: u64, length: Length, n_at_a_time: u64) -> (u64, Result<(), TrainerError>) {
        let params = BoosterParams::default().check().unwrap();
        let forecast = Forecast::with_available(
            Prospect {
                params: &params,
                held: Held::Values,
                n_folds: None,
                n_threads: 2,
                instance_type: Some("ml.m5.large"),
            },
            Some(available),
        );
        let batch = ROW.with_rows(n_at_a_time);
        for n_before in (0..1_000_000).step_by(n_at_a_time as usize) {
            let taken = forecast.take(TRAIN, batch, length);
            if taken.is_err() {
                return (n_before, taken);
            }
        }
        (1_000_000, forecast.end(TRAIN))
    }

    #[test]
    fn a_table_of_known_length_is_refused_at_its_first_rows_and_one_of_unknown_length_in_time() {
        let (n_before, refused) = ended(300 << 20, Length::Known(1_000_000), 1000);
        assert_eq!(n_before, 0);
        assert_eq!(
            refused.unwrap_err().to_string(),
            "training takes 397 MiB of memory at least (tables 385 MiB, gradients and margins 11 MiB), and `ml.m5.large` has 300 MiB"
        );
        let (n_before, refused) = ended(100 << 20, Length::Guessed(0), 1000);
        assert!(n_before < 300_000, "{n_before}");
        assert!(refused.is_err());
        // Half of what is guessed at may not come.
        let (n_before, refused) = ended(300 << 20, Length::Guessed(1_400_000), 1000);
        assert!((700_000..900_000).contains(&n_before), "{n_before}");
        assert!(refused.is_err());
    }

    #[test]
    fn what_may_fit_is_never_refused() {
        for length in [Length::Known(1_000_000), Length::Guessed(1_900_000)] {
            let (n_rows, taken) = ended(410 << 20, length, 1000);
            assert_eq!(n_rows, 1_000_000);
            taken.unwrap();
        }
    }
}
