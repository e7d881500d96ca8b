//! The failure file: why a training job failed, in a text that SageMaker shows as `FailureReason`.
//!
//! The first line is `<class>: <reason>`, then come lines of context (file, row, column) and a hint. Control characters
//! are escaped, so that data cannot forge lines. Invariant: the text has at most [`MAX_BYTES`] bytes; where it would have
//! more, context goes first, then the end of the reason, so a reader always sees the class, the cause and the hint.
//!
//! Source: SageMaker developer guide, "How Amazon SageMaker AI Signals Algorithm Success and Failure".

use std::any::Any;
use std::error::Error;
use std::fmt::Write as _;

/// The longest text. SageMaker keeps 1,024 characters of `AlgorithmError: <text>, exit code: 1`; this leaves room for both ends.
pub const MAX_BYTES: usize = 960;

/// The exit code of a trainer that failed, for every class: SageMaker only tells zero from the rest.
pub const EXIT_CODE: u8 = 1;

const HINT: &str = "hint: ";
const CUT: &str = "…";

closed_spelling! {
    /// Who can do something about a failure.
    FailureClass {
        /// The user: hyperparameters, channels, data.
        UserError = "UserError",
        /// The authors of the algorithm: a bug, or numbers that ran away.
        AlgorithmError = "AlgorithmError",
        /// The platform: disk, network, other hosts, a broken contract tree.
        PlatformError = "PlatformError",
    }
}

impl FailureClass {
    /// The trainer's exit code.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::UserError | Self::AlgorithmError | Self::PlatformError => EXIT_CODE,
        }
    }
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Who can do something about it.
    pub class: FailureClass,
    /// The cause, one sentence.
    pub reason: String,
    /// Where: lines about the file, row and column, or further problems.
    pub context: Vec<String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure with nothing but its reason.
    pub fn new(class: FailureClass, reason: impl Into<String>) -> Self {
        Self {
            class,
            reason: reason.into(),
            context: Vec::new(),
            hint: None,
        }
    }

    /// A failure from an error; the errors that caused it become lines of context.
    pub fn from_error(class: FailureClass, error: &dyn Error) -> Self {
        let mut failure = Self::new(class, error.to_string());
        let mut source = error.source();
        while let Some(error) = source {
            let line = error.to_string();
            // Some errors print their cause themselves.
            if !failure.reason.contains(&line) {
                failure.context.push(format!("caused by: {line}"));
            }
            source = error.source();
        }
        failure
    }

    /// A failure from what a panic carried: a bug, so an [`FailureClass::AlgorithmError`].
    pub fn from_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let failure = Self::new(
            FailureClass::AlgorithmError,
            format!("panicked: {}", text.unwrap_or("no message")),
        );
        failure.with_hint("this is a bug in linden; please report it with this text")
    }

    /// Adds a line of context.
    #[must_use]
    pub fn with_context(mut self, line: impl Into<String>) -> Self {
        self.context.push(line.into());
        self
    }

    /// Sets the hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The process's exit code.
    pub const fn exit_code(&self) -> u8 {
        self.class.exit_code()
    }

    /// The first line: `UserError: reason`, uncut.
    pub fn headline(&self) -> String {
        format!("{}: {}", self.class, escape(&self.reason))
    }

    /// The text of the failure file, without a line end.
    pub fn render(&self) -> String {
        let hint = self
            .hint
            .as_ref()
            .map(|it| format!("\n{HINT}{}", escape(it)));
        // A hint may take half of the room at most; the reason is worth more.
        let hint = hint.map(|it| cut(&it, MAX_BYTES / 2)).unwrap_or_default();
        let mut text = cut(&self.headline(), MAX_BYTES - hint.len());
        for (n_shown, line) in self.context.iter().enumerate() {
            let line = format!("\n  {}", escape(line));
            let n_left = self.context.len() - n_shown - 1;
            let rest = if n_left == 0 { 0 } else { more(n_left).len() };
            if MAX_BYTES < text.len() + line.len() + hint.len() + rest {
                let more = more(n_left + 1);
                if text.len() + more.len() + hint.len() <= MAX_BYTES {
                    text.push_str(&more);
                }
                break;
            }
            text.push_str(&line);
        }
        text.push_str(&hint);
        text
    }

    /// Reads a failure file or a `FailureReason`. `None` if it does not begin with a class.
    ///
    /// SageMaker puts `AlgorithmError: ` before the text of every container; that prefix is taken off where a class follows.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let first = lines.next()?;
        let (class, mut reason) = classified(first)?;
        let inner = classified(reason);
        let class = inner.map_or(class, |(inner, rest)| {
            reason = rest;
            inner
        });
        let mut failure = Self::new(class, reason);
        for line in lines {
            match line.strip_prefix(HINT) {
                Some(hint) => failure.hint = Some(hint.to_owned()),
                None => failure.context.push(line.trim_start().to_owned()),
            }
        }
        Some(failure)
    }
}

fn classified(line: &str) -> Option<(FailureClass, &str)> {
    let (class, reason) = line.split_once(": ")?;
    Some((class.parse().ok()?, reason))
}

fn more(n_lines: usize) -> String {
    format!("\n  and {n_lines} more")
}

fn escape(text: &str) -> String {
    one_line(text.trim())
}

/// Control characters as `\n`, `\t` or `\u{7}`, all else as it is, so that data cannot forge lines of a file or a log.
pub fn one_line(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut escaped, it| {
            if it.is_control() {
                write!(escaped, "{}", it.escape_default())
                    .expect("writing to a string does not fail");
            } else {
                escaped.push(it);
            }
            escaped
        })
}

/// At most `max` bytes of `text`, on a character's edge, with an ellipsis where something is missing.
fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = (0..=max.saturating_sub(CUT.len()))
        .rev()
        .find(|it| text.is_char_boundary(*it))
        .unwrap_or(0);
    format!("{}{CUT}", &text[..end])
}
