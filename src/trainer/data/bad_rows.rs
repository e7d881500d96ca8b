//! Rows that do not fit, where the job wants them left out.
//!
//! Invariant: the count and the first problem are the same for any number of threads: the place of a problem is worked
//! out only in parts before all that are known to have one, since a line's number may cost a look at all lines before it.

use contract::hyperparameter::OnBadRow;

use super::error::DataError;

/// Rows that were left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub n_rows: u64,
    /// What is wrong with the first of them.
    pub first: Option<String>,
}

/// What becomes of the rows of a block that do not fit.
#[derive(Debug)]
pub struct BadRows {
    policy: OnBadRow,
    tells_first: bool,
    skipped: Skipped,
}

impl BadRows {
    /// Nothing so far; `tells_first` says whether anybody wants to know what is wrong with the first.
    pub(super) fn new(policy: OnBadRow, tells_first: bool) -> Self {
        Self {
            policy,
            tells_first,
            skipped: Skipped::default(),
        }
    }

    /// Leaves a row out, or refuses it.
    ///
    /// # Errors
    /// What `problem` says, unless rows are left out.
    pub(super) fn refuse(&mut self, problem: impl FnOnce() -> DataError) -> Result<(), DataError> {
        match self.policy {
            OnBadRow::Error => return Err(problem()),
            OnBadRow::Skip => {}
        }
        self.skipped.n_rows += 1;
        if self.tells_first && self.skipped.first.is_none() {
            self.skipped.first = Some(problem().to_string());
        }
        Ok(())
    }

    pub(super) fn skipped(self) -> Skipped {
        self.skipped
    }
}
