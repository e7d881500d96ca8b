//! A TOML document as a plain tree, with the origin of every key; trees laid over one another, and `--set` over them.
//!
//! Invariants: numbers keep their spelling where that matters to a reader: a float stays the text that was written. Tables
//! merge key by key and whatever else is replaced, together with the origins of what lay below it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::problem::{Origin, Places, Problem, Problems};
use super::rule::Rule;

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

/// As TOML writes it, on one line.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // JSON's escapes are TOML's as well.
            Self::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Self::Float(text) | Self::Date(text) => f.write_str(text),
            Self::Integer(number) => number.fmt(f),
            Self::Boolean(flag) => flag.fmt(f),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Table(table) => {
                let entry = |(key, node): (&String, &Self)| format!("{key} = {node}");
                let entries: Vec<String> = table.iter().map(entry).collect();
                write!(f, "{{ {} }}", entries.join(", "))
            }
        }
    }
}

/// Reads the document `name`. Every problem with its syntax is in `problems`; the tree is what could be read.
pub(super) fn parse(name: &Arc<str>, text: &str, problems: &mut Problems) -> Table {
    let lines = Lines::of(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let (line, column) = lines.place(error.span().map_or(0, |it| it.start));
        problems.found.push(Problem {
            rule: Rule::Syntax,
            message: error.message().lines().collect::<Vec<_>>().join(", "),
            source: Some(name.to_string()).filter(|it| !it.is_empty()),
            line: Some(line),
            column: Some(column),
            key: String::new(),
            hint: None,
        });
    }
    let mut builder = Builder {
        name: Arc::clone(name),
        lines,
        problems,
    };
    builder.table("", document.get_ref())
}

/// Lays `over` over `base`. `at` is the path of both, `places` are the origins of what is in `over`.
pub(super) fn merge(base: &mut Table, over: Table, at: &str, places: &Places, into: &mut Places) {
    for (key, node) in over {
        let path = below(at, &key);
        if let (Some(Node::Table(inner)), Node::Table(_)) = (base.get_mut(&key), &node) {
            let Node::Table(over) = node else { continue };
            if let Some(place) = places.get(&path) {
                into.insert(path.clone(), place.clone());
            }
            merge(inner, over, &path, places, into);
            continue;
        }
        forget(&path, into);
        let moved = places.iter().filter(|(it, _)| is_at_or_below(it, &path));
        into.extend(moved.map(|(it, place)| (it.clone(), place.clone())));
        base.insert(key, node);
    }
}

/// Forgets the origin of the key at `path` and of all that lies below it.
pub(super) fn forget(path: &str, places: &mut Places) {
    places.retain(|it, _| !is_at_or_below(it, path));
}

fn is_at_or_below(path: &str, top: &str) -> bool {
    let rest = path.strip_prefix(top);
    rest.is_some_and(|it| it.is_empty() || it.starts_with(['.', '[']))
}

struct Builder<'a> {
    name: Arc<str>,
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
                self.problems.add(Rule::IntegerSize, path, message);
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
        let origin = Origin::File {
            name: Arc::clone(&self.name),
            line,
            column,
            section: None,
        };
        self.problems.places.insert(path.to_owned(), origin);
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

/// Lays one value over the tree, as `--set key.path=VALUE` has it. The value is read as TOML, or taken as text where it is
/// none.
///
/// A channel is named by its name or its number: `channel.train.s3`, `channel.0.s3`.
pub(super) fn set(root: &mut Table, path: &str, value: &str, problems: &mut Problems) {
    let origin = Origin::Set(path.to_owned());
    if let Err(message) = put(root, path, value_of(value), (origin, &mut problems.places)) {
        problems.add(Rule::SetPath, "", format!("`--set {path}`: {message}"));
    }
}

/// Puts `node` at `path`, and says what is in the way where that cannot be.
pub(super) fn put(
    root: &mut Table,
    path: &str,
    node: Node,
    (origin, places): (Origin, &mut Places),
) -> Result<(), String> {
    let parts: Vec<&str> = path.split('.').collect();
    let Some((last, sections)) = parts
        .split_last()
        .filter(|_| parts.iter().all(|it| !it.is_empty()))
    else {
        return Err("expected a key such as `compute.instances`".to_owned());
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
                let index =
                    item(items, chosen).ok_or_else(|| format!("`{at}` has no `{chosen}`"))?;
                at = format!("{at}[{index}]");
                let Node::Table(inner) = &mut items[index] else {
                    return Err(format!("`{at}` is not a section"));
                };
                inner
            }
            other => return Err(format!("`{at}` is {}, not a section", other.kind())),
        };
    }
    let path = below(&at, last);
    forget(&path, places);
    places.insert(path, origin);
    table.insert((*last).to_owned(), node);
    Ok(())
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
        name: Arc::from(""),
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
