//! What GitHub Actions reads: annotations, and the summary of a step.
//!
//! Annotations are workflow commands on stderr (the runner reads both streams, and stdout is for data). Invariant: text of
//! a job cannot become a command of the runner, neither inside an annotation nor as a line of its log.
//!
//! Source: GitHub documentation, "Workflow commands for GitHub Actions".

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use crate::report::JobReport;
use crate::units;

/// How much an annotation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something went well.
    Notice,
    /// Something to look at.
    Warning,
    /// The step fails for it.
    Error,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// `::error title=usage Failed::the reason`.
pub fn annotation(level: Level, title: &str, text: &str) -> String {
    let title = data(title).replace(':', "%3A").replace(',', "%2C");
    format!("::{} title={title}::{}", level.word(), data(text))
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A line of a log that the runner does not take for a command.
pub fn harmless(line: &str) -> Cow<'_, str> {
    // The runner looks for `::` after blanks, and for `##[` anywhere.
    if line.trim_start().starts_with("::") || line.contains("##[") {
        let start = line.len() - line.trim_start().len();
        let (blanks, rest) = line.split_at(start);
        let rest = match rest.strip_prefix("::") {
            Some(rest) => format!(": :{rest}"),
            None => rest.to_owned(),
        };
        Cow::Owned(format!("{blanks}{}", rest.replace("##[", "# #[")))
    } else {
        Cow::Borrowed(line)
    }
}

/// The annotations of a job: how it ended, and each gate that failed.
pub fn annotations(report: &JobReport) -> Vec<String> {
    let title = format!("{} {}", report.name, report.status);
    let failed: Vec<_> = report.gates.iter().filter(|it| !it.passed).collect();
    let mut texts: Vec<String> = failed
        .iter()
        .map(|it| {
            annotation(
                Level::Error,
                &format!("{} gate failed", report.name),
                &it.sentence(),
            )
        })
        .collect();
    if report.exit_code == 0 {
        texts.push(annotation(Level::Notice, &title, &figures(report)));
    } else if failed.is_empty() {
        let reason = report
            .failure_reason
            .as_deref()
            .unwrap_or(&report.secondary_status);
        let advice = report.advice.as_deref().map(|it| format!("\n{it}"));
        let text = format!("{}{}", reason.trim_end(), advice.unwrap_or_default());
        texts.push(annotation(Level::Error, &title, &text));
    }
    texts
}

/// `validation:rmse 52.922, validation:mae 32.188`.
fn figures(report: &JobReport) -> String {
    let figures: Vec<String> = report
        .metrics
        .iter()
        .map(|it| format!("{}:{} {}", it.data, it.metric, units::metric(it.value)))
        .collect();
    if figures.is_empty() {
        "no metrics were recorded".to_owned()
    } else {
        figures.join(", ")
    }
}

/// The summary of one job, in Markdown.
pub fn summary(report: &JobReport) -> String {
    let mark = if report.exit_code == 0 { "✅" } else { "❌" };
    let mut text = format!(
        "### {mark} {} {}\n\n",
        plain(&report.name),
        plain(&report.status)
    );
    let mut facts = vec![plain(&report.compute)];
    if let Some(ended) = report.ended {
        facts.push(format!("took {}", units::duration(ended - report.created)));
    }
    if let Some(seconds) = report.billable_seconds {
        facts.push(format!("billable {}", units::whole_seconds(seconds)));
    }
    let _ = writeln!(text, "{}\n", facts.join(" · "));
    if let Some(reason) = &report.failure_reason {
        let _ = writeln!(text, "> {}\n", plain(&reason.trim_end().replace('\n', " ")));
    }
    if let Some(advice) = &report.advice {
        let _ = writeln!(text, "Next: {}\n", plain(advice));
    }
    if !report.metrics.is_empty() {
        text.push_str("| metric | value |\n|---|---:|\n");
        for it in &report.metrics {
            let name = plain(&format!("{}:{}", it.data, it.metric));
            let _ = writeln!(text, "| {name} | {} |", units::metric(it.value));
        }
        text.push('\n');
    }
    for it in &report.gates {
        let mark = if it.passed { "✅" } else { "❌" };
        let _ = writeln!(text, "- {mark} {}", plain(&it.sentence()));
    }
    text
}

/// Text that Markdown shows as it is: nothing in it becomes a table, a heading or HTML.
pub fn plain(text: &str) -> String {
    text.chars().fold(String::new(), |mut plain, it| {
        match it {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '\n' | '\r' => plain.push(' '),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' => {
                plain.push('\\');
                plain.push(it);
            }
            _ => plain.push(it),
        }
        plain
    })
}

/// Adds `text` to the step's summary at `path`.
///
/// # Errors
/// If the file cannot be written.
pub fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(format!("{text}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_cannot_be_left_by_its_text() {
        assert_eq!(
            annotation(Level::Error, "a: b, c", "50%\n::warning::forged"),
            "::error title=a%3A b%2C c::50%25%0A::warning::forged"
        );
    }

    #[test]
    fn a_line_of_a_log_is_no_command() {
        assert_eq!(harmless("  ::error::x"), "  : :error::x");
        assert_eq!(harmless("a ##[error]x"), "a # #[error]x");
        assert_eq!(harmless("::a ##[group]b"), ": :a # #[group]b");
        assert_eq!(harmless("[0]\ttrain-rmse:1 a::b"), "[0]\ttrain-rmse:1 a::b");
    }

    #[test]
    fn markdown_shows_what_was_said() {
        assert_eq!(plain("a|b <i> `c`\n#d"), "a\\|b &lt;i> \\`c\\` \\#d");
    }
}
