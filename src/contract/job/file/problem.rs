//! What is wrong with a job file: every problem, with its line and column.
//!
//! Invariant: a problem names its key; line and column are there unless the key came from the command line or is missing
//! from a file that has no such section.

use std::collections::BTreeMap;
use std::fmt;

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong and what is allowed, without the place.
    pub message: String,
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
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}: ")?;
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

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the file.
    File {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// In a `--set`.
    CommandLine,
}

/// Problems while a file is being read, and where each key stands.
#[derive(Debug, Default)]
pub(super) struct Problems {
    pub(super) places: BTreeMap<String, Place>,
    pub(super) found: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

impl Problems {
    /// A problem with the key at `path`, or with the nearest section above it that is there.
    pub(super) fn add(&mut self, path: &str, message: impl Into<String>) {
        let problem = self.at(path, message.into(), None);
        self.found.push(problem);
    }

    pub(super) fn add_with_hint(
        &mut self,
        path: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let problem = self.at(path, message.into(), Some(hint.into()));
        self.found.push(problem);
    }

    /// Something that is allowed and probably not meant.
    pub(super) fn warn(&mut self, path: &str, message: impl Into<String>) {
        let warning = self.at(path, message.into(), None);
        self.warnings.push(warning);
    }

    /// Whether a problem with that key has been found, so that rules about it stay silent.
    pub(super) fn concern(&self, path: &str) -> bool {
        self.found.iter().any(|it| it.key == path)
    }

    /// Everything in the order of the file; what stands nowhere comes last.
    pub(super) fn sort(&mut self) {
        let order = |it: &Problem| (it.line.unwrap_or(usize::MAX), it.column);
        self.found.sort_by_key(order);
        self.warnings.sort_by_key(order);
    }

    fn at(&self, path: &str, message: String, hint: Option<String>) -> Problem {
        let (line, column) = match self.place(path) {
            Some(Place::File { line, column }) => (Some(line), Some(column)),
            Some(Place::CommandLine) | None => (None, None),
        };
        Problem {
            message,
            line,
            column,
            key: path.to_owned(),
            hint,
        }
    }

    fn place(&self, path: &str) -> Option<Place> {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return Some(*place);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}
