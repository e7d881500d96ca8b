//! Filters on the columns of a CSV row or the members of a JSON record, as far as they are simple: `$`, `$[3]`, `$[-1]`,
//! `$[1:]`, `$[:-1]`, `$[0,2,5]`, `$.name` and `$['name']`.

use serde_json::Value;
use std::str::FromStr;

/// A filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    All,
    /// Columns one by one.
    Columns(Vec<Index>),
    /// Columns from one up to before another.
    Slice(Option<Index>, Option<Index>),
    Member(String),
}

/// The number of a column from 0, or from the end from -1.
pub(super) type Index = i64;

/// A filter that is none of these.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no filter that the local SageMaker has: `$`, `$[3]`, `$[-1]`, `$[1:]`, `$[:-1]`, `$[0,2]`, `$.name` and `$['name']` are"
)]
pub(super) struct FilterError(String);

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let refuse = || FilterError(text.to_owned());
        let rest = text.trim().strip_prefix('$').ok_or_else(refuse)?;
        if rest.is_empty() {
            return Ok(Self::All);
        }
        let plain = |name: &str| {
            let fits = |it: char| it.is_alphanumeric() || "_- ".contains(it);
            !name.is_empty() && name.chars().all(fits)
        };
        if let Some(name) = rest.strip_prefix('.') {
            let is_plain = plain(name) && !name.contains(' ');
            return is_plain
                .then(|| Self::Member(name.to_owned()))
                .ok_or_else(refuse);
        }
        let inner = rest.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let inner = inner.ok_or_else(refuse)?.trim();
        let quoted = inner
            .strip_prefix('\'')
            .and_then(|it| it.strip_suffix('\''));
        if let Some(name) = quoted.filter(|it| plain(it)) {
            return Ok(Self::Member(name.to_owned()));
        }
        let index = |it: &str| it.trim().parse::<Index>().map_err(|_| refuse());
        if let Some((from, to)) = inner.split_once(':') {
            let end = |it: &str| (!it.trim().is_empty()).then(|| index(it)).transpose();
            return Ok(Self::Slice(end(from)?, end(to)?));
        }
        let columns: Result<_, _> = inner.split(',').map(index).collect();
        columns.map(Self::Columns)
    }
}

impl Filter {
    /// Whether it names a member, which rows of CSV do not have.
    pub(super) fn is_member(&self) -> bool {
        matches!(self, Self::Member(_))
    }

    /// Those of `items` that it takes; what an index names that is not there is left out.
    fn pick<T: Clone>(&self, items: &[T]) -> Vec<T> {
        let n = items.len() as i64;
        let place = |index: Index| if index < 0 { n + index } else { index };
        match self {
            Self::All => items.to_vec(),
            Self::Columns(columns) => {
                let place = |it: &Index| usize::try_from(place(*it)).ok();
                let found = columns.iter().filter_map(place);
                found.filter_map(|it| items.get(it).cloned()).collect()
            }
            Self::Slice(from, to) => {
                let from = from.map_or(0, place).clamp(0, n) as usize;
                let to = to.map_or(n, place).clamp(0, n) as usize;
                items.get(from..to).unwrap_or_default().to_vec()
            }
            Self::Member(_) => Vec::new(),
        }
    }

    /// A row of CSV with the columns that it takes.
    pub(super) fn of_csv(&self, line: &str) -> String {
        match self {
            Self::All => line.to_owned(),
            Self::Columns(_) | Self::Slice(..) | Self::Member(_) => {
                self.pick(&fields(line)).join(",")
            }
        }
    }

    /// A JSON record with what it takes; a member that is not there is `null`.
    pub(super) fn of_json(&self, record: &Value) -> Value {
        match (self, record) {
            (Self::All, it) => it.clone(),
            (Self::Member(name), it) => it.get(name).cloned().unwrap_or(Value::Null),
            (Self::Columns(columns), Value::Array(items)) if columns.len() == 1 => {
                self.pick(items).into_iter().next().unwrap_or(Value::Null)
            }
            (Self::Columns(_) | Self::Slice(..), Value::Array(items)) => self.pick(items).into(),
            (Self::Columns(_) | Self::Slice(..), _) => Value::Null,
        }
    }
}

/// The fields of a row as they are written; a comma in quotation marks ends none.
fn fields(line: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let (mut start, mut is_quoted) = (0, false);
    for (at, it) in line.char_indices() {
        match it {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                fields.push(&line[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    fields.push(&line[start..]);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_of_a_row_are_taken_by_number_range_and_list() {
        let row = r#"a,"b,c",d,e"#;
        for (filter, expected) in [
            ("$", row),
            ("$[0]", "a"),
            ("$[-1]", "e"),
            ("$[1:]", r#""b,c",d,e"#),
            ("$[:-1]", r#"a,"b,c",d"#),
            ("$[1:3]", r#""b,c",d"#),
            ("$[3, 0]", "e,a"),
            ("$[9]", ""),
            ("$[3:1]", ""),
        ] {
            assert_eq!(
                filter.parse::<Filter>().unwrap().of_csv(row),
                expected,
                "{filter}"
            );
        }
    }

    #[test]
    fn members_of_a_record_are_taken_by_name() {
        let record = json!({ "id": 7, "features": [1, 2, 3] });
        let take = |filter: &str| filter.parse::<Filter>().unwrap().of_json(&record);
        assert_eq!(take("$.features"), json!([1, 2, 3]));
        assert_eq!(take("$['id']"), json!(7));
        assert_eq!(take("$.none"), Value::Null);
        let of_list = |filter: &str| {
            filter
                .parse::<Filter>()
                .unwrap()
                .of_json(&record["features"])
        };
        assert_eq!(
            (of_list("$[0]"), of_list("$[1:]")),
            (json!(1), json!([2, 3]))
        );
    }

    #[test]
    fn other_filters_are_refused() {
        for text in [
            "",
            "id",
            "$..id",
            "$.a.b",
            "$[*]",
            "$[?(@.a)]",
            "$[0:4:2]",
            "$['']",
            "$[]",
        ] {
            let refused = text.parse::<Filter>().unwrap_err().to_string();
            assert!(
                refused.starts_with(&format!("`{text}` is no filter")),
                "{refused}"
            );
        }
    }
}
