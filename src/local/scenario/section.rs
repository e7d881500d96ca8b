//! Typed reading of one table of a scenario: each key is taken once, what is left over is unknown.
//!
//! Invariant: a key that does not fit is a problem and reads as absent, so reading goes on to the end of the file.

use super::{ScenarioProblem, ScenarioProblems};
use contract::job::duration;
use contract::nearest::nearest;
use std::collections::BTreeMap;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Problems while a text is read, and its lines.
pub(super) struct Problems<'a> {
    text: &'a str,
    found: Vec<ScenarioProblem>,
}

impl<'a> Problems<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            text,
            found: Vec::new(),
        }
    }

    /// A problem at a byte of the text.
    pub(super) fn add(&mut self, at: usize, message: impl Into<String>) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = 1 + before.matches('\n').count();
        self.found.push(ScenarioProblem {
            line,
            message: message.into(),
        });
    }

    /// `value`, unless there are problems.
    pub(super) fn none<T>(mut self, value: T) -> Result<T, ScenarioProblems> {
        if self.found.is_empty() {
            return Ok(value);
        }
        self.found.sort_by_key(|it| it.line);
        Err(ScenarioProblems(self.found))
    }
}

/// A table that is being read.
pub(super) struct Section<'a> {
    name: String,
    pub(super) at: usize,
    entries: BTreeMap<String, (usize, &'a DeValue<'a>)>,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(super) fn new(name: &str, table: &'a Spanned<DeTable<'a>>) -> Self {
        Self::of(name, table.span().start, table.get_ref())
    }

    fn of(name: &str, at: usize, table: &'a DeTable<'a>) -> Self {
        let entry = |(key, value): (&'a Spanned<_>, &'a Spanned<DeValue<'a>>)| {
            let key: &Spanned<toml::de::DeString<'a>> = key;
            (
                key.get_ref().to_string(),
                (key.span().start, value.get_ref()),
            )
        };
        Self {
            name: name.to_owned(),
            at,
            entries: table.iter().map(entry).collect(),
            asked: Vec::new(),
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The table `[key]`, where it is there.
    pub(super) fn table(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<Self> {
        let (at, value) = self.take(key)?;
        let DeValue::Table(table) = value else {
            return wrong(at, key, &format!("a table `[{key}]`"), problems);
        };
        Some(Self::of(&format!("[{key}]"), at, table))
    }

    /// The tables `[[key]]`.
    pub(super) fn tables(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Vec<Self> {
        let Some((at, value)) = self.take(key) else {
            return Vec::new();
        };
        let expected = format!("tables `[[{key}]]`");
        let DeValue::Array(items) = value else {
            wrong::<()>(at, key, &expected, problems);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) => {
                    sections.push(Self::of(&format!("[[{key}]]"), item.span().start, table));
                }
                _ => {
                    wrong::<()>(item.span().start, key, &expected, problems);
                }
            }
        }
        sections
    }

    pub(super) fn text(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<String> {
        let (at, value) = self.take(key)?;
        match value {
            DeValue::String(text) => Some(text.to_string()),
            _ => wrong(at, key, "a text in quotation marks", problems),
        }
    }

    /// A text that must be there.
    pub(super) fn required(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<String> {
        if !self.has(key) {
            problems.add(self.at, format!("`{}` needs `{key}`", self.name));
        }
        self.text(key, problems)
    }

    /// One of the left texts, as the right value.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
        problems: &mut Problems<'_>,
    ) -> Option<T> {
        let at = self.place(key);
        let text = self.text(key, problems)?;
        let found = choices.iter().find(|(it, _)| *it == text);
        if found.is_none() {
            problems.add(at, not_among(key, &text, choices.iter().map(|it| it.0)));
        }
        found.map(|it| it.1)
    }

    /// A whole number of at least `least`.
    pub(super) fn count(
        &mut self,
        key: &'static str,
        least: u64,
        problems: &mut Problems<'_>,
    ) -> Option<u64> {
        let (at, value) = self.take(key)?;
        let number = match value {
            DeValue::Integer(it) => u64::from_str_radix(it.as_str(), it.radix()).ok(),
            _ => None,
        };
        let expected = format!("a whole number of {least} or more");
        match number.filter(|it| *it >= least) {
            Some(number) => Some(number),
            None => wrong(at, key, &expected, problems),
        }
    }

    /// A number above zero.
    pub(super) fn rate(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<f64> {
        let (at, value) = self.take(key)?;
        let number = match value {
            DeValue::Integer(it) => it.as_str().parse().ok(),
            DeValue::Float(it) => it.as_str().parse().ok(),
            _ => None,
        };
        match number.filter(|it: &f64| it.is_finite() && *it > 0.0) {
            Some(number) => Some(number),
            None => wrong(at, key, "a number above 0", problems),
        }
    }

    /// A time such as `"90s"`.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Duration> {
        let (at, value) = self.take(key)?;
        let seconds = match value {
            DeValue::String(text) => duration::parse_secs(text),
            _ => None,
        };
        match seconds {
            Some(seconds) => Some(Duration::from_secs(seconds)),
            None => wrong(at, key, "a time such as `\"90s\"` or `\"2m\"`", problems),
        }
    }

    /// Reports what nobody has asked for.
    pub(super) fn finish(self, problems: &mut Problems<'_>) {
        for (key, (at, _)) in &self.entries {
            let near = nearest(key, self.asked.iter().copied());
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here are {}", quoted(self.asked.iter().copied())),
            };
            let place = if self.name.is_empty() {
                String::new()
            } else {
                format!(" in `{}`", self.name)
            };
            problems.add(*at, format!("unknown key `{key}`{place}; {hint}"));
        }
    }

    /// Where a key stands, or its table.
    pub(super) fn place(&self, key: &str) -> usize {
        self.entries.get(key).map_or(self.at, |it| it.0)
    }

    fn take(&mut self, key: &'static str) -> Option<(usize, &'a DeValue<'a>)> {
        self.asked.push(key);
        self.entries.remove(key)
    }
}

/// Reports a value of the wrong kind, which reads as absent.
fn wrong<T>(at: usize, key: &str, expected: &str, problems: &mut Problems<'_>) -> Option<T> {
    problems.add(at, format!("`{key}` must be {expected}"));
    None
}

/// What is said of a text that is none of those that are known.
fn not_among<'a>(
    key: &str,
    text: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    let near = nearest(text, known.clone());
    let hint = near.map(|it| format!("; did you mean `{it}`?"));
    format!(
        "`{key}` is `{text}`, allowed is {}{}",
        quoted(known),
        hint.unwrap_or_default()
    )
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|it| format!("`{it}`")).collect();
    names.join(", ")
}
