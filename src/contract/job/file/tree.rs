//! A TOML document as a plain tree, with the place of every key, and the `--set` overrides laid over it.
//!
//! Invariant: numbers keep their spelling where that matters to a reader: a float stays the text that was written.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problem, Problems};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    Integer(i64),
    Float(String),
    Boolean(bool),
    Date(String),
    List(Vec<Self>),
    Table(Table),
}

pub(super) type Table = BTreeMap<String, Node>;

impl Node {
    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Boolean(_) => "a boolean",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a section",
        }
    }

    /// A scalar as text; `None` for lists and sections.
    pub(super) fn scalar(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Float(text) | Self::Date(text) => Some(text.clone()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Boolean(flag) => Some(flag.to_string()),
            Self::List(_) | Self::Table(_) => None,
        }
    }
}

/// Reads a document. Every problem with its syntax is in `problems`; the tree is what could be read.
pub(super) fn parse(text: &str, problems: &mut Problems) -> Table {
    let lines = Lines::of(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let (line, column) = lines.place(error.span().map_or(0, |it| it.start));
        problems.found.push(Problem {
            message: error.message().lines().collect::<Vec<_>>().join(", "),
            line: Some(line),
            column: Some(column),
            key: String::new(),
            hint: None,
        });
    }
    let mut builder = Builder { lines, problems };
    builder.table("", document.get_ref())
}

struct Builder<'a> {
    lines: Lines<'a>,
    problems: &'a mut Problems,
}

impl Builder<'_> {
    fn table(&mut self, path: &str, table: &DeTable<'_>) -> Table {
        let mut entries = Table::new();
        for (key, value) in table {
            let path = below(path, key.get_ref());
            self.mark(&path, key.span().start);
            let node = self.node(&path, value.get_ref());
            entries.insert(key.get_ref().to_string(), node);
        }
        entries
    }

    fn node(&mut self, path: &str, value: &DeValue<'_>) -> Node {
        match value {
            DeValue::String(text) => Node::Text(text.to_string()),
            DeValue::Integer(number) => {
                if let Ok(number) = i64::from_str_radix(number.as_str(), number.radix()) {
                    return Node::Integer(number);
                }
                let message = format!("`{path}` is `{number}`, which does not fit in 64 bits");
                self.problems.add(path, message);
                Node::Integer(0)
            }
            DeValue::Float(number) => Node::Float(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Node::Boolean(*flag),
            DeValue::Datetime(date) => Node::Date(date.to_string()),
            DeValue::Array(items) => {
                let mut nodes = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    let path = format!("{path}[{at}]");
                    self.mark(&path, item.span().start);
                    nodes.push(self.node(&path, item.get_ref()));
                }
                Node::List(nodes)
            }
            DeValue::Table(table) => Node::Table(self.table(path, table)),
        }
    }

    fn mark(&mut self, path: &str, offset: usize) {
        let (line, column) = self.lines.place(offset);
        self.problems
            .places
            .insert(path.to_owned(), Place::File { line, column });
    }
}

/// The path of a key below a section.
pub(super) fn below(section: &str, key: &str) -> String {
    if section.is_empty() {
        key.to_owned()
    } else {
        format!("{section}.{key}")
    }
}

/// Lays one `--set key.path=VALUE` over the tree. The value is read as TOML, or taken as text where it is none.
///
/// A channel is named by its name or its number: `channel.train.s3`, `channel.0.s3`.
pub(super) fn set(root: &mut Table, path: &str, value: &str, problems: &mut Problems) {
    let node = value_of(value);
    let parts: Vec<&str> = path.split('.').collect();
    let Some((last, sections)) = parts
        .split_last()
        .filter(|_| parts.iter().all(|it| !it.is_empty()))
    else {
        problems.add(
            "",
            format!("`--set {path}`: expected a key such as `compute.instances`"),
        );
        return;
    };
    let mut table = root;
    let mut at = String::new();
    let mut sections = sections.iter();
    while let Some(section) = sections.next() {
        at = below(&at, section);
        let node = table
            .entry((*section).to_owned())
            .or_insert_with(|| Node::Table(Table::new()));
        table = match node {
            Node::Table(inner) => inner,
            Node::List(items) => {
                let chosen = sections.next().copied().unwrap_or(last);
                let Some(index) = item(items, chosen) else {
                    problems.add("", format!("`--set {path}`: `{at}` has no `{chosen}`"));
                    return;
                };
                at = format!("{at}[{index}]");
                let Node::Table(inner) = &mut items[index] else {
                    problems.add("", format!("`--set {path}`: `{at}` is not a section"));
                    return;
                };
                inner
            }
            other => {
                let kind = other.kind();
                problems.add(
                    "",
                    format!("`--set {path}`: `{at}` is {kind}, not a section"),
                );
                return;
            }
        };
    }
    problems.places.insert(below(&at, last), Place::CommandLine);
    table.insert((*last).to_owned(), node);
}

fn item(items: &[Node], chosen: &str) -> Option<usize> {
    let named = |it: &Node| matches!(it, Node::Table(table) if table.get("name") == Some(&Node::Text(chosen.to_owned())));
    items
        .iter()
        .position(named)
        .or_else(|| chosen.parse().ok().filter(|it| *it < items.len()))
}

fn value_of(text: &str) -> Node {
    let text_itself = || Node::Text(text.to_owned());
    let Ok(value) = DeValue::parse(text.trim()) else {
        return text_itself();
    };
    let mut problems = Problems::default();
    let node = Builder {
        lines: Lines::of(text),
        problems: &mut problems,
    }
    .node("", value.get_ref());
    if problems.found.is_empty() {
        node
    } else {
        text_itself()
    }
}

/// Where each line begins.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let after_breaks = text
            .bytes()
            .enumerate()
            .filter(|(_, it)| *it == b'\n')
            .map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after_breaks).collect(),
        }
    }

    /// Line and column of a byte, both from 1.
    fn place(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|it| *it <= offset).max(1);
        let start = self.starts[line - 1];
        let before = self
            .text
            .get(start..offset.min(self.text.len()))
            .unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}
