//! Filters, filters on the items of lists, and expressions of both, joined by And or Or.

use super::filter::Filter;
use super::value;
use crate::list::not_in;
use crate::wire::AwsError;
use serde::Deserialize;
use serde_json::Value;

/// Conditions of each kind in an expression.
const MOST: usize = 20;
/// Expressions within one another, which AWS does not bound; more is a mistake.
const DEEPEST: usize = 10;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Expression {
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    nested_filters: Vec<Nested>,
    #[serde(default)]
    sub_expressions: Vec<Self>,
    operator: Option<String>,
}

/// Filters that one and the same item of a list must pass.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Nested {
    nested_property_name: String,
    filters: Vec<Filter>,
}

impl Expression {
    /// Refuses what cannot be asked.
    pub(super) fn check(&self) -> Result<(), AwsError> {
        self.check_below(DEEPEST)?;
        if self.n_contains() > 1 {
            return Err(AwsError::validation(
                "'CONTAINS' operator usage limit of 1 exceeded.",
            ));
        }
        Ok(())
    }

    fn check_below(&self, depth: usize) -> Result<(), AwsError> {
        if depth == 0 {
            return Err(AwsError::validation(format!(
                "expressions lie in one another more than {DEEPEST} deep"
            )));
        }
        let counts = [
            ("filters", self.filters.len()),
            ("nestedFilters", self.nested_filters.len()),
            ("subExpressions", self.sub_expressions.len()),
        ];
        for (member, n) in counts {
            if n > MOST {
                return Err(AwsError::validation(format!(
                    "1 validation error detected: Value at 'searchExpression.{member}' failed to satisfy constraint: Member must have length less than or equal to {MOST}"
                )));
            }
        }
        if let Some(operator) = self
            .operator
            .as_deref()
            .filter(|it| !["And", "Or"].contains(it))
        {
            return Err(not_in("searchExpression.operator", operator, ["And", "Or"]));
        }
        for filter in &self.filters {
            filter.check(&filter.name)?;
        }
        for nested in &self.nested_filters {
            for filter in &nested.filters {
                filter.check(&nested.path(filter))?;
            }
        }
        let mut below = self.sub_expressions.iter();
        below.try_for_each(|it| it.check_below(depth - 1))
    }

    fn n_contains(&self) -> usize {
        let nested = self.nested_filters.iter().flat_map(|it| &it.filters);
        let filters = self.filters.iter().chain(nested);
        let here = filters.filter(|it| it.is_contains()).count();
        here + self
            .sub_expressions
            .iter()
            .map(Self::n_contains)
            .sum::<usize>()
    }

    /// Whether the job fits.
    pub(super) fn holds(&self, job: &Value) -> Result<bool, AwsError> {
        let mut each = Vec::new();
        for filter in &self.filters {
            each.push(filter.holds(&filter.name, &value::of(job, &filter.name))?);
        }
        for nested in &self.nested_filters {
            each.push(nested.holds(job)?);
        }
        for expression in &self.sub_expressions {
            each.push(expression.holds(job)?);
        }
        Ok(match self.operator.as_deref() {
            Some("Or") => each.is_empty() || each.contains(&true),
            _ => !each.contains(&false),
        })
    }
}

impl Nested {
    /// The whole name of a filter, which may begin with the list's.
    fn path(&self, filter: &Filter) -> String {
        let list = &self.nested_property_name;
        match filter.name.strip_prefix(list.as_str()) {
            Some(rest) if rest.starts_with('.') => filter.name.clone(),
            _ => format!("{list}.{}", filter.name),
        }
    }

    fn holds(&self, job: &Value) -> Result<bool, AwsError> {
        for item in value::below(job, &self.nested_property_name) {
            let mut holds = true;
            for filter in &self.filters {
                let path = self.path(filter);
                let rest = &path[self.nested_property_name.len() + 1..];
                holds &= filter.holds(&path, &value::below(item, rest))?;
            }
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
