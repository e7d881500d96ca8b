//! The layers of a job: files laid over one another, an overlay, variables and `--set`, and where each value came from.
//!
//! Weakest first: what is built in, the layers in their order with the job file last, the overlay that was asked for, the
//! variables, `--set`. Tables merge key by key, lists are replaced whole. Invariants: what is wrong is told with the place
//! of the layer that it came from; an overlay that was not asked for is checked as well.

use std::sync::Arc;

use super::keys::{self, KEYS};
use super::problem::{JobProblems, Origin, Places, Problems};
use super::rule::Rule;
use super::section::Section;
use super::tree::{self, Node, Table, below};
use super::{JobFile, SCHEMA, read};
use crate::nearest::nearest;

/// The section with overlays: `[overlay.ci.compute]`.
pub(super) const OVERLAY: &str = "overlay";

/// A file of settings, or the job file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its path, as it is shown.
    pub name: String,
    /// Its text, TOML.
    pub text: String,
}

/// A variable of the environment that sets a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The variable: `LINDEN_ROLE_ARN`.
    pub variable: String,
    /// The key: `role.arn`.
    pub key: String,
    /// Its value, a text.
    pub value: String,
}

/// All that a job is read from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layers<'a> {
    /// Files, weakest first; the last is the job file, which alone must have a schema.
    pub files: &'a [Layer],
    /// The overlay that is asked for.
    pub overlay: Option<&'a str>,
    /// Variables, over all files.
    pub settings: &'a [Setting],
    /// Key paths and values of `--set`, over everything, in their order.
    pub overrides: &'a [(String, String)],
}

/// A value that holds, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The key's path: `compute.instances`, `channel[0].s3`.
    pub key: String,
    /// The value, as TOML writes it.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// What the layers come to.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Every value that holds; what is built in comes last within its section. None after a problem with TOML's syntax.
    pub values: Vec<Effective>,
    /// The job, or everything that is wrong with it.
    pub job: Result<JobFile, JobProblems>,
}

impl Layers<'_> {
    /// Lays the layers over one another and reads the job.
    pub fn resolve(&self) -> Resolved {
        let names: Vec<Arc<str>> = self.files.iter().map(|it| Arc::from(&*it.name)).collect();
        let mut problems = Problems::default();
        let mut root = self.merged(&names, &mut problems);
        if !problems.found.is_empty() {
            return failed(problems, &names, Vec::new());
        }
        let overlays = take_overlays(&mut root, &mut problems);
        for name in overlays
            .keys()
            .filter(|it| self.overlay != Some(it.as_str()))
        {
            check_overlay(name, &overlays, &root, &mut problems);
        }
        if let Some(name) = self.overlay {
            apply(name, &overlays, &mut root, &mut problems);
        }
        tree::forget(OVERLAY, &mut problems.places);
        for it in self.settings {
            let origin = Origin::Variable(it.variable.clone());
            let node = Node::Text(it.value.clone());
            if let Err(message) =
                tree::put(&mut root, &it.key, node, (origin, &mut problems.places))
            {
                problems.add(Rule::SetPath, "", format!("`{}`: {message}", it.variable));
            }
        }
        for (path, value) in self.overrides {
            tree::set(&mut root, path, value, &mut problems);
        }
        let values = effective(&root, &problems.places);
        let file = read::job(Section::new("", root), &mut problems);
        problems.sort(&names);
        let job = match file {
            Some(file) if problems.found.is_empty() => Ok(JobFile {
                warnings: problems.warnings,
                ..file
            }),
            _ => Err(JobProblems(problems.found)),
        };
        Resolved { values, job }
    }

    /// The files over one another. The schema of a layer tells how that layer is read, and is not for the others.
    fn merged(&self, names: &[Arc<str>], problems: &mut Problems) -> Table {
        let mut root = Table::new();
        let n_layers = self.files.len();
        for (at, (file, name)) in self.files.iter().zip(names).enumerate() {
            let mut own = Problems::default();
            let mut table = tree::parse(name, &file.text, &mut own);
            if at + 1 < n_layers
                && let Some(schema) = table.remove("schema")
                && schema != Node::Integer(SCHEMA as i64)
            {
                own.add(
                    Rule::Schema,
                    "schema",
                    format!("`schema` is `{schema}`, allowed is {SCHEMA}"),
                );
            }
            problems.found.append(&mut own.found);
            tree::merge(&mut root, table, "", &own.places, &mut problems.places);
        }
        root
    }
}

fn failed(mut problems: Problems, names: &[Arc<str>], values: Vec<Effective>) -> Resolved {
    problems.sort(names);
    Resolved {
        values,
        job: Err(JobProblems(problems.found)),
    }
}

/// `[overlay.NAME]`, by name.
fn take_overlays(root: &mut Table, problems: &mut Problems) -> Table {
    match root.remove(OVERLAY) {
        None => Table::new(),
        Some(Node::Table(overlays)) => overlays,
        Some(other) => {
            let message = format!(
                "`{OVERLAY}` is {}, expected sections such as `[{OVERLAY}.ci.compute]`",
                other.kind()
            );
            problems.add(Rule::ValueKind, OVERLAY, message);
            Table::new()
        }
    }
}

/// The overlay's tree and origins, as if it were a file of its own.
fn overlay(name: &str, overlays: &Table, problems: &mut Problems) -> Option<(Table, Places)> {
    let path = below(OVERLAY, name);
    match overlays.get(name) {
        Some(Node::Table(table)) => {
            let prefix = format!("{path}.");
            let moved = problems.places.iter().filter_map(|(key, origin)| {
                let key = key.strip_prefix(&prefix)?;
                Some((
                    key.to_owned(),
                    in_section(origin, &below(&path, parent(key))),
                ))
            });
            Some((table.clone(), moved.collect()))
        }
        Some(other) => {
            let message = format!("`{path}` is {}, expected a section", other.kind());
            problems.add(Rule::ValueKind, &path, message);
            None
        }
        None => None,
    }
}

fn parent(key: &str) -> &str {
    key.rfind('.').map_or("", |at| &key[..at])
}

fn in_section(origin: &Origin, path: &str) -> Origin {
    match origin.clone() {
        Origin::File {
            name, line, column, ..
        } => Origin::File {
            name,
            line,
            column,
            section: Some(path.trim_end_matches('.').to_owned()),
        },
        other @ (Origin::BuiltIn | Origin::Variable(_) | Origin::Set(_)) => other,
    }
}

fn apply(name: &str, overlays: &Table, root: &mut Table, problems: &mut Problems) {
    if !overlays.contains_key(name) {
        let known: Vec<String> = overlays.keys().map(|it| format!("`{it}`")).collect();
        let near = nearest(name, overlays.keys().map(String::as_str));
        let hint = match (near, known.is_empty()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, true) => {
                format!("the job file has none; one begins with `[{OVERLAY}.{name}.compute]`")
            }
            (None, false) => format!("the job file has {}", known.join(", ")),
        };
        problems.add_with_hint(
            Rule::Overlay,
            "",
            format!("there is no overlay `{name}`"),
            hint,
        );
    }
    if let Some((table, places)) = overlay(name, overlays, problems) {
        tree::merge(root, table, "", &places, &mut problems.places);
    }
}

/// Problems that stand in an overlay which was not asked for: somebody else will ask for it.
fn check_overlay(name: &str, overlays: &Table, root: &Table, problems: &mut Problems) {
    let Some((table, places)) = overlay(name, overlays, problems) else {
        return;
    };
    let mut root = root.clone();
    let mut own = Problems {
        places: problems.places.clone(),
        ..Problems::default()
    };
    tree::merge(&mut root, table, "", &places, &mut own.places);
    let _ = read::job(Section::new("", root), &mut own);
    let stands_here = |key: &str| places.contains_key(key);
    let found = own.found.into_iter().filter(|it| stands_here(&it.key));
    problems.found.extend(found);
}

/// Every value of the tree, and the built-in ones for keys that are not there.
fn effective(root: &Table, places: &Places) -> Vec<Effective> {
    let mut values = Vec::new();
    flatten("", root, places, &mut values);
    for key in KEYS {
        let Some(default) = key.default else { continue };
        for path in keys::paths(key, root) {
            if !values.iter().any(|it| it.key == path) {
                values.push(Effective {
                    key: path,
                    value: default.to_owned(),
                    origin: Origin::BuiltIn,
                });
            }
        }
    }
    // Sections in the order of the table of keys; within one, what somebody has set comes first.
    let section = |it: &Effective| keys::section_order(&it.key);
    values.sort_by_key(|it| (section(it), it.origin == Origin::BuiltIn));
    values
}

fn flatten(at: &str, table: &Table, places: &Places, values: &mut Vec<Effective>) {
    for (key, node) in table {
        let path = below(at, key);
        match node {
            Node::Table(inner) => flatten(&path, inner, places, values),
            Node::List(items) if items.iter().any(|it| matches!(it, Node::Table(_))) => {
                for (idx, item) in items.iter().enumerate() {
                    if let Node::Table(inner) = item {
                        flatten(&format!("{path}[{idx}]"), inner, places, values);
                    }
                }
            }
            _ => values.push(Effective {
                value: node.to_string(),
                origin: origin_of(&path, places),
                key: path,
            }),
        }
    }
}

/// The origin of the key, or of the section above it that was set whole.
fn origin_of(path: &str, places: &Places) -> Origin {
    let mut path = path;
    loop {
        if let Some(origin) = places.get(path) {
            return origin.clone();
        }
        match path.rfind(['.', '[']) {
            Some(end) => path = &path[..end],
            None => return Origin::BuiltIn,
        }
    }
}
