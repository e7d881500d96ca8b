//! The text as sections of `key=value` lines.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::super::error::ModelError;
use super::super::value::shortened;

/// The lines of a file, section by section.
pub(super) struct Lines<'a> {
    lines: std::iter::Peekable<std::str::Lines<'a>>,
    n_trees: usize,
}

/// The header, or one tree.
pub(super) struct Section<'a> {
    name: String,
    values: BTreeMap<&'a str, &'a str>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            lines: text.lines().peekable(),
            n_trees: 0,
        }
    }

    /// The lines up to the next tree, or to the trees' end.
    pub(super) fn section(&mut self, name: impl Into<String>) -> Result<Section<'a>, ModelError> {
        let name = name.into();
        let mut values = BTreeMap::new();
        while let Some(&line) = self.lines.peek() {
            if line.starts_with("Tree=") || line.trim() == "end of trees" {
                break;
            }
            self.lines.next();
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            if key.is_empty() {
                continue;
            }
            if values.insert(key.trim(), value.trim()).is_some() {
                let path = format!("{name}.{}", shortened(key));
                return Err(ModelError::schema(path, "one line", "a second one"));
            }
        }
        Ok(Section { name, values })
    }

    /// The next tree; `None` at the trees' end.
    pub(super) fn next_tree(&mut self) -> Result<Option<Section<'a>>, ModelError> {
        let broken_off = ModelError::schema("end of trees", "this line after the trees", "nothing");
        let line = self.lines.next().ok_or(broken_off)?;
        let Some(number) = line.strip_prefix("Tree=") else {
            return Ok(None);
        };
        if number.trim().parse() != Ok(self.n_trees) {
            let path = format!("Tree={}", shortened(number));
            return Err(ModelError::schema(
                path,
                format!("Tree={}", self.n_trees),
                "this",
            ));
        }
        self.n_trees += 1;
        self.section(line.trim()).map(Some)
    }
}

impl<'a> Section<'a> {
    /// `Tree=3.threshold`, for example.
    pub(super) fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    /// The error that something else belongs at `key`.
    pub(super) fn expected(&self, key: &str, expected: impl Into<String>) -> ModelError {
        let found = match self.optional(key) {
            None => "nothing".to_owned(),
            Some(text) => format!("`{}`", shortened(text)),
        };
        ModelError::schema(self.path(key), expected, found)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    pub(super) fn optional(&self, key: &str) -> Option<&'a str> {
        self.values.get(key).copied()
    }

    pub(super) fn text(&self, key: &str) -> Result<&'a str, ModelError> {
        self.optional(key)
            .ok_or_else(|| self.expected(key, "a value"))
    }

    pub(super) fn number<T: FromStr>(&self, key: &str, expected: &str) -> Result<T, ModelError> {
        let number = self.text(key)?.parse();
        number.map_err(|_| self.expected(key, expected))
    }

    /// A list of `len` numbers.
    pub(super) fn list<T: FromStr>(&self, key: &str, len: usize) -> Result<Vec<T>, ModelError> {
        let items = self.text(key)?.split_ascii_whitespace();
        let numbers: Option<Vec<T>> = items.map(|it| it.parse().ok()).collect();
        numbers
            .filter(|it| it.len() == len)
            .ok_or_else(|| self.expected(key, format!("{len} numbers")))
    }

    /// A list of `len` numbers; zeros where there is none.
    pub(super) fn optional_list(&self, key: &str, len: usize) -> Result<Vec<f64>, ModelError> {
        match self.optional(key) {
            None | Some("") => Ok(vec![0.0; len]),
            Some(_) => self.list(key, len),
        }
    }
}
