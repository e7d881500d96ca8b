//! Lists as every `List` operation gives them: filter, sort, then cut a page.
//!
//! A token names the last item of its page and its sort key, so items that come or change between two pages neither
//! repeat nor hide others that were there all the time.

use crate::wire::AwsError;
use serde::Deserialize;
use serde_json::{Value, json};
use std::cmp::Ordering;

/// Most items of a page.
const MAX_RESULTS: i64 = 100;
/// Items of a page where the request does not say.
const DEFAULT_RESULTS: i64 = 10;
const TOKEN_SEPARATOR: char = ' ';

/// The members that the `List` operations share. An operation ignores those that it does not have.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct List {
    next_token: Option<String>,
    max_results: Option<i64>,
    creation_time_after: Option<f64>,
    creation_time_before: Option<f64>,
    last_modified_time_after: Option<f64>,
    last_modified_time_before: Option<f64>,
    name_contains: Option<String>,
    status_equals: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
}

/// What an item is filtered and sorted by. Times are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    /// Unique.
    pub(crate) name: String,
    /// Empty where the kind has none.
    pub(crate) status: String,
    pub(crate) created: f64,
    pub(crate) modified: f64,
    /// The value of an objective, where the kind has one.
    pub(crate) objective: Option<f64>,
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Name,
    CreationTime,
    Status,
    Objective,
}

/// What most operations sort by, in their spelling.
pub(crate) const SORTS: [(&str, By); 3] = [
    ("Name", By::Name),
    ("CreationTime", By::CreationTime),
    ("Status", By::Status),
];

/// A page and where the next begins.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_token: Option<String>,
}

impl<T> Page<T> {
    /// The operation's answer, with each item as `summary` has it.
    pub(crate) fn answer(&self, member: &str, summary: impl FnMut(&T) -> Value) -> Value {
        let summaries: Vec<Value> = self.items.iter().map(summary).collect();
        let mut answer = json!({ member: summaries });
        if let Some(token) = &self.next_token {
            answer["NextToken"] = json!(token);
        }
        answer
    }
}

impl List {
    /// The page of `items` that is asked for. `sorts` are the sorts that the operation has, by its own spelling; where the
    /// request names none it is sorted by time of creation.
    pub(crate) fn page<T>(
        &self,
        items: Vec<(Facts, T)>,
        sorts: &[(&str, By)],
        default: Order,
    ) -> Result<Page<T>, AwsError> {
        self.page_by(items, sorts, (By::CreationTime, default))
    }

    /// The same where the request's defaults are `by` and `order`. A list by objective has only items that have one.
    pub(crate) fn page_by<T>(
        &self,
        items: Vec<(Facts, T)>,
        sorts: &[(&str, By)],
        (by, order): (By, Order),
    ) -> Result<Page<T>, AwsError> {
        let by = match self.sort_by.as_deref() {
            None => by,
            Some(asked) => match sorts.iter().find(|it| it.0 == asked) {
                Some(found) => found.1,
                None => return Err(not_in("sortBy", asked, sorts.iter().map(|it| it.0))),
            },
        };
        let order = match self.sort_order.as_deref() {
            None => order,
            Some("Descending") => Order::Descending,
            Some("Ascending") => Order::Ascending,
            Some(other) => return Err(not_in("sortOrder", other, ["Ascending", "Descending"])),
        };
        let is_sorted = |it: &Facts| by != By::Objective || it.objective.is_some();
        let wanted = items
            .into_iter()
            .filter(|it| self.wants(&it.0) && is_sorted(&it.0));
        let keyed = wanted.map(|(facts, it)| (Key::of(&facts, by), it));
        cut(
            keyed.collect(),
            order,
            self.max_results,
            self.next_token.as_deref(),
        )
    }

    fn wants(&self, facts: &Facts) -> bool {
        let after = |limit: Option<f64>, time: f64| limit.is_none_or(|it| it <= time);
        let before = |limit: Option<f64>, time: f64| limit.is_none_or(|it| time <= it);
        let part = self.name_contains.as_deref().unwrap_or_default();
        facts
            .name
            .to_ascii_lowercase()
            .contains(&part.to_ascii_lowercase())
            && self
                .status_equals
                .as_deref()
                .is_none_or(|it| facts.status == it)
            && after(self.creation_time_after, facts.created)
            && before(self.creation_time_before, facts.created)
            && after(self.last_modified_time_after, facts.modified)
            && before(self.last_modified_time_before, facts.modified)
    }
}

/// Which way a list goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

/// Sorts `items` and cuts the page behind `token`.
pub(crate) fn cut<T>(
    mut items: Vec<(Key, T)>,
    order: Order,
    max_results: Option<i64>,
    token: Option<&str>,
) -> Result<Page<T>, AwsError> {
    let max_results = max_results.unwrap_or(DEFAULT_RESULTS);
    if !(1..=MAX_RESULTS).contains(&max_results) {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{max_results}' at 'maxResults' failed to satisfy constraint: Member must have value between 1 and {MAX_RESULTS}"
        )));
    }
    let compare = |a: &Key, b: &Key| match order {
        Order::Ascending => a.cmp(b),
        Order::Descending => b.cmp(a),
    };
    items.sort_by(|a, b| compare(&a.0, &b.0));
    let begin = match token {
        None => 0,
        Some(token) => {
            let last =
                Key::parse(token).ok_or_else(|| AwsError::validation("Invalid NextToken"))?;
            items.partition_point(|it| compare(&it.0, &last) != Ordering::Greater)
        }
    };
    let end = items.len().min(begin + max_results as usize);
    let is_more = end < items.len();
    let page: Vec<(Key, T)> = items.drain(begin..end).collect();
    let next_token = page.last().filter(|_| is_more).map(|it| it.0.token());
    Ok(Page {
        items: page.into_iter().map(|it| it.1).collect(),
        next_token,
    })
}

/// The refusal of a value that is none of a set.
pub(crate) fn not_in<'a>(
    member: &str,
    value: &str,
    set: impl IntoIterator<Item = &'a str>,
) -> AwsError {
    let set: Vec<&str> = set.into_iter().collect();
    AwsError::validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
        set.join(", ")
    ))
}

/// What a list is sorted by: the chosen member as text, then the name, which is unique.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    member: String,
    name: String,
}

impl Key {
    /// A key of a text and a unique name.
    pub(crate) fn new(member: String, name: String) -> Self {
        Self { member, name }
    }

    fn of(facts: &Facts, by: By) -> Self {
        let member = match by {
            By::Name => String::new(),
            By::Status => facts.status.clone(),
            // Milliseconds, so that a list and what was listed before agree.
            By::CreationTime => sortable((facts.created * 1000.0).round()),
            By::Objective => facts.objective.map_or_else(String::new, sortable),
        };
        Self::new(member, facts.name.clone())
    }

    fn token(&self) -> String {
        let text = format!("{}{TOKEN_SEPARATOR}{}", self.member, self.name);
        text.bytes()
            .fold(String::new(), |token, it| token + &format!("{it:02x}"))
    }

    fn parse(token: &str) -> Option<Self> {
        let pairs = token.as_bytes().chunks(2);
        let byte = |it: &[u8]| u8::from_str_radix(std::str::from_utf8(it).ok()?, 16).ok();
        let text = String::from_utf8(pairs.map(byte).collect::<Option<_>>()?).ok()?;
        let (member, name) = text.rsplit_once(TOKEN_SEPARATOR)?;
        Some(Self::new(member.to_owned(), name.to_owned()))
    }
}

/// A number as a text that sorts as the number does.
pub(crate) fn sortable(number: f64) -> String {
    let bits = number.to_bits();
    // Of IEEE 754 numbers as integers negative ones come last and the wrong way round.
    let ordered = if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    };
    format!("{ordered:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_as_texts() {
        let numbers = [f64::NEG_INFINITY, -2.5, -1e-9, 0.0, 1e-9, 3.0, 1e300];
        for pair in numbers.windows(2) {
            assert!(sortable(pair[0]) < sortable(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn pages_have_every_item_once() {
        let items = || (0..7).map(|it| (Key::new((it % 3).to_string(), format!("n{it}")), it));
        let mut seen = Vec::new();
        let mut token = None;
        loop {
            let page = cut(
                items().collect(),
                Order::Descending,
                Some(2),
                token.as_deref(),
            )
            .unwrap();
            seen.extend(page.items);
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, [5, 2, 4, 1, 6, 3, 0]);
        assert!(cut(items().collect(), Order::Ascending, Some(1), Some("zz")).is_err());
    }
}
