//! Typed reading of one section: each key is taken once, what is left over at the end is unknown.
//!
//! Invariant: a key that does not fit is a problem and reads as absent, so reading goes on to the end of the file.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::problem::Problems;
use super::rule::Rule;
use super::tree::{Node, Table, below};
use crate::job::duration;
use crate::nearest::nearest;

/// A section that is being read.
pub(super) struct Section {
    pub(super) path: String,
    entries: Table,
    asked: Vec<&'static str>,
}

impl Section {
    pub(super) fn new(path: &str, entries: Table) -> Self {
        Self {
            path: path.to_owned(),
            entries,
            asked: Vec::new(),
        }
    }

    /// The section below `key`; an empty one if it is not there.
    pub(super) fn section(&mut self, key: &'static str, problems: &mut Problems) -> Self {
        let path = below(&self.path, key);
        let entries = match self.take(key, problems) {
            None => Table::new(),
            Some(Node::Table(entries)) => entries,
            Some(other) => {
                problems.add(
                    Rule::ValueKind,
                    &path,
                    format!(
                        "`{path}` is {}, expected a section `[{path}]`",
                        other.kind()
                    ),
                );
                Table::new()
            }
        };
        Self::new(&path, entries)
    }

    /// The sections of a list such as `[[channel]]`.
    pub(super) fn sections(&mut self, key: &'static str, problems: &mut Problems) -> Vec<Self> {
        let path = below(&self.path, key);
        let items = match self.take(key, problems) {
            None => Vec::new(),
            Some(Node::List(items)) => items,
            Some(other) => {
                problems.add(
                    Rule::ValueKind,
                    &path,
                    format!(
                        "`{path}` is {}, expected sections `[[{path}]]`",
                        other.kind()
                    ),
                );
                Vec::new()
            }
        };
        let mut sections = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            let path = format!("{path}[{at}]");
            match item {
                Node::Table(entries) => sections.push(Self::new(&path, entries)),
                other => problems.add(
                    Rule::ValueKind,
                    &path,
                    format!("`{path}` is {}, expected a section", other.kind()),
                ),
            }
        }
        sections
    }

    /// Whether the key is there, whatever it holds.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// A text, left where it is.
    pub(super) fn peek_text(&self, key: &str) -> Option<&str> {
        match self.entries.get(key) {
            Some(Node::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether the section has any key left.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn text(&mut self, key: &'static str, problems: &mut Problems) -> Option<String> {
        match self.take(key, problems)? {
            Node::Text(text) => Some(text),
            other => self.wrong_kind(key, &other, "a text in quotation marks", problems),
        }
    }

    /// A text that parses, with the parser's own message where it does not.
    fn parsed<T>(&mut self, key: &'static str, rule: Rule, problems: &mut Problems) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        let text = self.text(key, problems)?;
        let path = below(&self.path, key);
        text.parse()
            .map_err(|err| problems.add(rule, &path, format!("`{path}`: {err}")))
            .ok()
    }

    /// A text that must be there and parse.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        rule: Rule,
        problems: &mut Problems,
    ) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        if !self.has(key) {
            self.missing(key, problems);
            let _ = self.take(key, problems);
            return None;
        }
        self.parsed(key, rule, problems)
    }

    pub(super) fn missing(&self, key: &str, problems: &mut Problems) {
        let path = below(&self.path, key);
        problems.add(Rule::MissingKey, &path, format!("`{path}` is missing"));
    }

    /// One of the left texts, as the right value.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        let text = self.text(key, problems)?;
        let found = choices
            .iter()
            .find(|(it, _)| it.eq_ignore_ascii_case(&text));
        if found.is_none() {
            let path = below(&self.path, key);
            let allowed: Vec<String> = choices.iter().map(|(it, _)| format!("`{it}`")).collect();
            problems.add(
                Rule::Choice,
                &path,
                format!("`{path}` is `{text}`, allowed is {}", allowed.join(", ")),
            );
        }
        found.map(|(_, value)| *value)
    }

    pub(super) fn boolean(&mut self, key: &'static str, problems: &mut Problems) -> Option<bool> {
        match self.take(key, problems)? {
            Node::Boolean(flag) => Some(flag),
            other => self.wrong_kind(key, &other, "`true` or `false`", problems),
        }
    }

    pub(super) fn integer(
        &mut self,
        key: &'static str,
        allowed: RangeInclusive<u64>,
        rule: Rule,
        problems: &mut Problems,
    ) -> Option<u64> {
        match self.take(key, problems)? {
            Node::Integer(number) => {
                let fits = u64::try_from(number).ok().filter(|it| allowed.contains(it));
                if fits.is_none() {
                    let path = below(&self.path, key);
                    let allowed = describe(&allowed, u64::to_string);
                    problems.add(
                        rule,
                        &path,
                        format!("`{path}` is `{number}`, allowed is {allowed}"),
                    );
                }
                fits
            }
            other => self.wrong_kind(key, &other, "an integer", problems),
        }
    }

    /// Seconds, from a text such as `45m`.
    pub(super) fn seconds(
        &mut self,
        key: &'static str,
        allowed: RangeInclusive<u64>,
        rule: Rule,
        problems: &mut Problems,
    ) -> Option<u64> {
        let path = below(&self.path, key);
        let text = match self.take(key, problems)? {
            Node::Text(text) => text,
            other => return self.wrong_kind(key, &other, "a duration such as `\"45m\"`", problems),
        };
        let Some(secs) = duration::parse_secs(&text) else {
            problems.add(
                Rule::DurationForm,
                &path,
                format!("`{path}` is `{text}`, expected a duration such as `45m`, `1h30m` or `2d`"),
            );
            return None;
        };
        if !allowed.contains(&secs) {
            let allowed = describe(&allowed, |it| duration::format_secs(*it));
            problems.add(
                rule,
                &path,
                format!("`{path}` is `{text}`, allowed is {allowed}"),
            );
            return None;
        }
        Some(secs)
    }

    /// A list of texts with the path of each.
    pub(super) fn texts(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<Vec<(String, String)>> {
        let path = below(&self.path, key);
        let items = match self.take(key, problems)? {
            Node::List(items) => items,
            other => return self.wrong_kind(key, &other, "a list of texts", problems),
        };
        let mut texts = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            let path = format!("{path}[{at}]");
            match item {
                Node::Text(text) => texts.push((path, text)),
                other => problems.add(
                    Rule::ValueKind,
                    &path,
                    format!("`{path}` is {}, expected a text", other.kind()),
                ),
            }
        }
        Some(texts)
    }

    /// All keys with scalar values as texts, as in `[tags]`. A list becomes its items, separated by commas.
    pub(super) fn all_scalars(mut self, problems: &mut Problems) -> BTreeMap<String, String> {
        problems.asked.insert(format!("{}.*", self.path));
        let mut values = BTreeMap::new();
        for (key, node) in std::mem::take(&mut self.entries) {
            let text = match &node {
                Node::List(items) => items
                    .iter()
                    .map(Node::scalar)
                    .collect::<Option<Vec<_>>>()
                    .map(|it| it.join(",")),
                other => other.scalar(),
            };
            if let Some(text) = text {
                values.insert(key, text);
            } else {
                let (path, kind) = (below(&self.path, &key), node.kind());
                let message = format!("`{path}` is {kind}, expected a text, a number or a boolean");
                problems.add(Rule::ValueKind, &path, message);
            }
        }
        values
    }

    /// Reports what nobody has asked for.
    pub(super) fn finish(self, problems: &mut Problems) {
        for key in self.entries.keys() {
            let path = below(&self.path, key);
            let message = format!("unknown key `{path}`");
            let near = nearest(key, self.asked.iter().copied());
            let hint = near.map(|it| format!("did you mean `{}`?", below(&self.path, it)));
            let known = || {
                let known: Vec<String> = self.asked.iter().map(|it| format!("`{it}`")).collect();
                format!("known here are {}", known.join(", "))
            };
            let hint = hint.unwrap_or_else(known);
            problems.add_with_hint(Rule::UnknownKey, &path, message, hint);
        }
    }

    fn take(&mut self, key: &'static str, problems: &mut Problems) -> Option<Node> {
        let path = below(&self.path, key);
        problems.asked.insert(without_index(&path));
        self.asked.push(key);
        self.entries.remove(key)
    }

    fn wrong_kind<T>(
        &self,
        key: &str,
        node: &Node,
        expected: &str,
        problems: &mut Problems,
    ) -> Option<T> {
        let path = below(&self.path, key);
        problems.add(
            Rule::ValueKind,
            &path,
            format!("`{path}` is {}, expected {expected}", node.kind()),
        );
        None
    }
}

/// `channel[].s3` of `channel[1].s3`.
pub(super) fn without_index(path: &str) -> String {
    match (path.find('['), path.find(']')) {
        (Some(open), Some(close)) if open < close => {
            format!("{}[{}", &path[..open], &path[close..])
        }
        _ => path.to_owned(),
    }
}

fn describe(allowed: &RangeInclusive<u64>, text: impl Fn(&u64) -> String) -> String {
    let (low, high) = (allowed.start(), allowed.end());
    if *high == u64::MAX {
        format!("{} or more", text(low))
    } else {
        format!("{} to {}", text(low), text(high))
    }
}
