//! The few colours of the program's text, by meaning. Every text is written with them; [`crate::output::Printer`] takes
//! them out again where nobody would see them.

use anstyle::{AnsiColor, Style};
use contract::job::TrainingJobStatus;

/// Something ended well.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Something failed.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something to look at.
pub const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// A heading, or the name of what is talked about.
pub const STRONG: Style = Style::new().bold();
/// What may be skipped while reading.
pub const FAINT: Style = Style::new().dimmed();
/// A command to type.
pub const COMMAND: Style = AnsiColor::Cyan.on_default();

/// `text` in `style`.
pub fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A training job's status in its colour.
pub fn status(text: &str) -> String {
    let style = match TrainingJobStatus::from(text) {
        TrainingJobStatus::Completed => GOOD,
        TrainingJobStatus::Failed => BAD,
        TrainingJobStatus::Stopped | TrainingJobStatus::Stopping => WARN,
        TrainingJobStatus::InProgress
        | TrainingJobStatus::Deleting
        | TrainingJobStatus::Other(_) => Style::new(),
    };
    paint(style, text)
}
