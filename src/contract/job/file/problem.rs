//! What is wrong with a job file: every problem, with the rule that it breaks and the place where it stands.
//!
//! Invariant: a problem names its key; line and column are there unless the key came from the command line or a variable,
//! or is missing from a file that has no such section.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::rule::Rule;

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The rule that is broken.
    pub rule: Rule,
    /// What is wrong and what is allowed, without the place.
    pub message: String,
    /// Where the value came from: the path of a layer, `--set KEY`, or a variable's name; `None` is the only file that
    /// was read.
    pub source: Option<String>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// The key's path: `compute.instances`, `channel[0].s3`; empty for the file as a whole.
    pub key: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source}:")?;
        }
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}:")?;
        }
        if self.source.is_some() || self.line.is_some() {
            f.write_str(" ")?;
        }
        f.write_str(&self.message)
    }
}

/// All problems of a job file; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobProblems(pub Vec<Problem>);

impl fmt::Display for JobProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n_before, problem) in self.0.iter().enumerate() {
            if n_before > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for JobProblems {}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody has set it.
    BuiltIn,
    /// A file.
    File {
        /// Its path; empty for the only file that was read.
        name: Arc<str>,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// The overlay's section in it: `overlay.ci.compute`.
        section: Option<String>,
    },
    /// A variable of the environment.
    Variable(String),
    /// A `--set` with that key.
    Set(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in"),
            Self::File {
                name,
                line,
                section,
                ..
            } => {
                write!(f, "{name}:{line}")?;
                match section {
                    Some(section) => write!(f, " [{section}]"),
                    None => Ok(()),
                }
            }
            Self::Variable(name) => f.write_str(name),
            Self::Set(key) => write!(f, "--set {key}"),
        }
    }
}

/// The origin of every key that is there.
pub(super) type Places = BTreeMap<String, Origin>;

/// Problems while a file is being read, and where each key stands.
#[derive(Debug, Default)]
pub(super) struct Problems {
    pub(super) places: Places,
    pub(super) found: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    /// Every key that the reader has asked for, `channel[].s3`.
    pub(super) asked: BTreeSet<String>,
}

impl Problems {
    /// A problem with the key at `path`, or with the nearest section above it that is there.
    pub(super) fn add(&mut self, rule: Rule, path: &str, message: impl Into<String>) {
        let problem = self.at(rule, path, message.into());
        self.found.push(problem);
    }

    pub(super) fn add_with_hint(
        &mut self,
        rule: Rule,
        path: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let problem = self.at(rule, path, message.into());
        self.found.push(Problem {
            hint: Some(hint.into()),
            ..problem
        });
    }

    /// Something that is allowed and probably not meant.
    pub(super) fn warn(&mut self, rule: Rule, path: &str, message: impl Into<String>) {
        let warning = self.at(rule, path, message.into());
        self.warnings.push(warning);
    }

    /// Whether a problem with that key has been found, so that rules about it stay silent.
    pub(super) fn concern(&self, path: &str) -> bool {
        self.found.iter().any(|it| it.key == path)
    }

    /// Everything in the order of the files, weakest first; what stands nowhere comes last.
    pub(super) fn sort(&mut self, layers: &[Arc<str>]) {
        let layer = |it: &Problem| {
            let of = |source: &String| layers.iter().position(|it| **it == **source);
            it.source
                .as_ref()
                .map_or(0, |it| of(it).unwrap_or(usize::MAX))
        };
        let order = |it: &Problem| (layer(it), it.line.unwrap_or(usize::MAX), it.column);
        self.found.sort_by_key(order);
        self.warnings.sort_by_key(order);
    }

    fn at(&self, rule: Rule, path: &str, message: String) -> Problem {
        let (source, line, column) = match self.place(path) {
            Some(Origin::File {
                name, line, column, ..
            }) => (Some(name.to_string()), Some(*line), Some(*column)),
            Some(Origin::Variable(name)) => (Some(name.clone()), None, None),
            Some(Origin::Set(key)) => (Some(format!("--set {key}")), None, None),
            Some(Origin::BuiltIn) | None => (None, None, None),
        };
        Problem {
            rule,
            message,
            source: source.filter(|it| !it.is_empty()),
            line,
            column,
            key: path.to_owned(),
            hint: None,
        }
    }

    /// Where the key at `path` stands, or the nearest section above it that is there.
    pub(super) fn place(&self, path: &str) -> Option<&Origin> {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return Some(place);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}
