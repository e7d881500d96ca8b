//! What a column of `f32` is for, and which values that allows.

use engine::dataset::SideColumn;

use super::super::labels::{LabelRule, is_weight};
use super::super::side;
use super::problem::ParquetProblem;

#[derive(Clone, Copy)]
pub(super) enum Role {
    Label(LabelRule),
    Weight,
    /// Not the upper bound of a label, which is checked when the label is there.
    Side(SideColumn),
    Feature,
}

impl Role {
    /// The first value that may not be there, and why.
    pub(super) fn check(self, values: &[f32]) -> Result<(), (usize, ParquetProblem)> {
        let refuse = |at: Option<usize>, problem: fn(f32) -> ParquetProblem| match at {
            Some(at) => Err((at, problem(values[at]))),
            None => Ok(()),
        };
        match self {
            Self::Label(rule) => {
                for (at, &label) in values.iter().enumerate() {
                    if label.is_nan() {
                        return Err((at, ParquetProblem::NoLabel));
                    }
                    rule.check(label).map_err(|err| (at, err.into()))?;
                }
                Ok(())
            }
            Self::Weight => refuse(
                values.iter().position(|&it| !is_weight(it)),
                ParquetProblem::Weight,
            ),
            // Held against the labels later.
            Self::Side(SideColumn::LabelUpperBound) => Ok(()),
            Self::Side(column) => {
                for (at, &value) in values.iter().enumerate() {
                    side::check(column, value, f32::NAN).map_err(|err| (at, err.into()))?;
                }
                Ok(())
            }
            Self::Feature => {
                // Without an early end, so that several are compared at once.
                let any = values.iter().fold(false, |any, &it| any | is_too_large(it));
                let at = any.then(|| values.iter().position(|&it| is_too_large(it)));
                refuse(at.flatten(), ParquetProblem::TooLarge)
            }
        }
    }
}

/// As the dataset sees it: trees cannot tell such a number from infinity.
fn is_too_large(value: f32) -> bool {
    value.abs() >= f32::MAX
}
