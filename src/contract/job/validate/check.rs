//! Each kind of constraint that the API's model has, with AWS's words for a value that breaks it.

use std::ops::RangeInclusive;

use super::ValidationProblem;

/// The problems so far, and AWS's words for each kind of constraint.
#[derive(Default)]
pub(super) struct Check(pub(super) Vec<ValidationProblem>);

impl Check {
    pub(super) fn add(
        &mut self,
        member: &str,
        value: Option<String>,
        constraint: impl Into<String>,
    ) {
        self.0.push(ValidationProblem {
            member: member.to_owned(),
            value,
            constraint: constraint.into(),
        });
    }

    pub(super) fn null(&mut self, member: &str) {
        self.add(member, None, "Member must not be null");
    }

    pub(super) fn required(&mut self, member: &str, text: &str) {
        if text.is_empty() {
            self.null(member);
        }
    }

    /// An empty text is [`Check::required`]'s to report.
    pub(super) fn pattern(
        &mut self,
        member: &str,
        text: &str,
        pattern: &str,
        fits: impl Fn(&str) -> bool,
    ) {
        if !text.is_empty() && !fits(text) {
            let constraint = format!("Member must satisfy regular expression pattern: {pattern}");
            self.add(member, Some(text.to_owned()), constraint);
        }
    }

    pub(super) fn length(&mut self, member: &str, text: &str, max: usize) {
        if max < text.chars().count() {
            let constraint = format!("Member must have length less than or equal to {max}");
            self.add(member, Some(text.to_owned()), constraint);
        }
    }

    pub(super) fn at_most(&mut self, member: &str, n: usize, max: usize) {
        if max < n {
            let constraint = format!("Member must have length less than or equal to {max}");
            self.add(member, Some(format!("[{n} members]")), constraint);
        }
    }

    pub(super) fn count(&mut self, member: &str, n: usize, max: usize) {
        if n == 0 {
            self.add(
                member,
                Some("[]".to_owned()),
                "Member must have length greater than or equal to 1",
            );
        }
        self.at_most(member, n, max);
    }

    pub(super) fn one_of(&mut self, member: &str, text: Option<&str>, allowed: &[&str]) {
        let Some(text) = text.filter(|it| !allowed.contains(it)) else {
            return;
        };
        let constraint = format!(
            "Member must satisfy enum value set: [{}]",
            allowed.join(", ")
        );
        self.add(member, Some(text.to_owned()), constraint);
    }

    pub(super) fn range(
        &mut self,
        member: &str,
        number: Option<i64>,
        allowed: &RangeInclusive<u64>,
    ) {
        let Some(number) = number else { return };
        let (low, high) = (*allowed.start(), *allowed.end());
        let constraint = match u64::try_from(number) {
            Ok(number) if number > high => {
                format!("Member must have value less than or equal to {high}")
            }
            Ok(number) if number >= low => return,
            _ => format!("Member must have value greater than or equal to {low}"),
        };
        self.add(member, Some(number.to_string()), constraint);
    }
}
