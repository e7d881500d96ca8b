//! What the program says: data on stdout, talk on stderr. The only place that writes to either.
//!
//! A result is one value that is both `Display` (text, coloured with [`crate::style`]) and `Serialize` (JSON), so the two
//! cannot drift apart. A reader that goes away (`linden ls | head -1`) is not an error: the program ends quietly.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;

use crate::args::{ColorWhen, Global};
use crate::error::CliError;

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

/// What stdout goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Screen {
    /// A file or another program.
    None,
    /// A terminal, line by line.
    Written,
    /// A terminal that is redrawn in place.
    Redrawn,
}

/// Where text goes, and whether it may be coloured.
struct Stream {
    writer: Box<dyn Write + Send>,
    colored: bool,
}

impl Stream {
    fn write_line(&mut self, text: &str) -> io::Result<()> {
        if self.colored {
            writeln!(self.writer, "{text}")
        } else {
            writeln!(self.writer, "{}", anstream::adapter::strip_str(text))
        }
    }
}

/// Writes results to stdout and talk to stderr.
pub struct Printer {
    out: Stream,
    err: Stream,
    format: Format,
    quiet: bool,
    verbosity: u8,
    live: bool,
    screen: Screen,
    /// Characters in a line of stdout.
    width: usize,
    bar: Option<ProgressBar>,
}

/// How often an area of lines is drawn anew while nothing happens.
const TICK: Duration = Duration::from_millis(500);
/// The width where nobody tells one.
const DEFAULT_WIDTH: usize = 80;

impl std::fmt::Debug for Printer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Printer")
            .field("format", &self.format)
            .field("live", &self.live)
            .finish_non_exhaustive()
    }
}

impl Printer {
    /// A printer on this process's stdout and stderr.
    pub fn on_process(global: &Global) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let colored = |is_terminal: bool| match global.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => {
                is_terminal && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
            }
        };
        let dumb = std::env::var_os("TERM").is_some_and(|it| it == "dumb")
            || std::env::var_os("CI").is_some();
        let live = err.is_terminal() && !dumb && !global.quiet;
        Self {
            live,
            screen: match out.is_terminal() {
                true if live && colored(true) => Screen::Redrawn,
                true => Screen::Written,
                false => Screen::None,
            },
            width: width(),
            out: Stream {
                colored: colored(out.is_terminal()),
                writer: Box::new(io::BufWriter::new(out)),
            },
            err: Stream {
                colored: colored(err.is_terminal()),
                writer: Box::new(err),
            },
            format: if global.json {
                Format::Json
            } else {
                Format::Text
            },
            quiet: global.quiet,
            verbosity: global.verbose,
            bar: None,
        }
    }

    /// A plain printer on any two writers: no colours, no progress bars.
    pub fn on(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, global: &Global) -> Self {
        Self {
            out: Stream {
                writer: out,
                colored: false,
            },
            err: Stream {
                writer: err,
                colored: false,
            },
            format: if global.json {
                Format::Json
            } else {
                Format::Text
            },
            quiet: global.quiet,
            verbosity: global.verbose,
            live: false,
            screen: Screen::None,
            width: DEFAULT_WIDTH,
            bar: None,
        }
    }

    /// How results are printed.
    pub fn format(&self) -> Format {
        self.format
    }

    /// How many `-v` were given.
    pub fn verbosity(&self) -> u8 {
        self.verbosity
    }

    /// Whether a progress line can be redrawn in place.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Whether stdout goes to a terminal; elsewhere another program may write to the person's.
    pub fn is_shown(&self) -> bool {
        self.screen != Screen::None
    }

    /// Whether what was printed on stdout can be drawn over.
    pub fn redraws(&self) -> bool {
        self.screen == Screen::Redrawn
    }

    /// Characters in a line of stdout: `COLUMNS`, else the terminal's, else 80.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Prints a command's result.
    ///
    /// # Errors
    /// If stdout cannot be written, or was closed by its reader.
    pub fn print<T: Display + Serialize>(&mut self, value: &T) -> Result<(), CliError> {
        let text = match self.format {
            Format::Text => value.to_string(),
            Format::Json => {
                serde_json::to_string_pretty(value).map_err(|err| CliError::Output(err.into()))?
            }
        };
        self.line(text.trim_end_matches('\n'))
    }

    /// Prints one line of data as it is: a log line, a prediction, a document that is JSON already.
    ///
    /// # Errors
    /// If stdout cannot be written, or was closed by its reader.
    pub fn line(&mut self, text: &str) -> Result<(), CliError> {
        let Self { out, bar, .. } = self;
        let is_below = bar.is_some();
        let write = || {
            out.write_line(text)?;
            // What is written while a bar is drawn must be out before that is drawn again.
            if is_below { out.writer.flush() } else { Ok(()) }
        };
        above(bar.as_ref(), write).map_err(CliError::Output)
    }

    /// Writes out what is still held back for stdout.
    ///
    /// # Errors
    /// If stdout cannot be written, or was closed by its reader.
    pub fn flush(&mut self) -> Result<(), CliError> {
        self.out.writer.flush().map_err(CliError::Output)
    }

    /// Talks to the person on stderr; `--quiet` keeps it back.
    pub fn say(&mut self, text: &str) {
        if !self.quiet {
            self.say_always(text);
        }
    }

    /// Talks to the person on stderr where `-v` asks for more.
    pub fn detail(&mut self, text: &str) {
        if self.verbosity > 0 {
            self.say(text);
        }
    }

    /// Writes to stderr even with `--quiet`: errors.
    pub fn say_always(&mut self, text: &str) {
        let Self { err, bar, .. } = self;
        // Nothing is left to be done if even stderr is gone.
        let _ = above(bar.as_ref(), || err.write_line(text));
    }

    /// Starts a progress bar; it is drawn on a terminal only. `total` is in bytes or rounds, by `template`.
    pub fn start_bar(&mut self, total: u64, template: &str) {
        self.end_bar();
        if self.live {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style.progress_chars("━╸─"));
            self.bar = Some(bar);
        }
    }

    /// Starts an area below everything that is said: the lines that `text` makes for a width, drawn over in place. On a
    /// terminal only.
    pub fn start_area(&mut self, text: impl Fn(usize) -> String + Send + Sync + 'static) {
        self.end_bar();
        if !self.live {
            return;
        }
        let (text, colored) = (Arc::new(text), self.err.colored);
        let draw = move |_: &ProgressState, out: &mut dyn fmt::Write| {
            // What is drawn over must not wrap, whatever an old `COLUMNS` says.
            let seen = terminal_size::terminal_size().map(|it| usize::from(it.0.0));
            let text = text(seen.filter(|it| *it > 0).unwrap_or_else(width));
            // There is nobody to tell that a line could not be drawn.
            let _ = if colored {
                out.write_str(&text)
            } else {
                write!(out, "{}", anstream::adapter::strip_str(&text))
            };
        };
        let style = ProgressStyle::with_template("{area}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style.with_key("area", draw));
        bar.enable_steady_tick(TICK);
        self.bar = Some(bar);
    }

    /// Draws the area anew.
    pub fn redraw(&self) {
        if let Some(bar) = &self.bar {
            bar.set_message("");
        }
    }

    /// Moves the progress bar to `position` and shows `message` beside it.
    pub fn move_bar(&self, position: u64, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(position);
            bar.set_message(message.to_owned());
        }
    }

    /// A handle that transfers can move from another thread.
    pub fn bar(&self) -> Option<ProgressBar> {
        self.bar.clone()
    }

    /// Takes the progress bar away.
    pub fn end_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|it| it.parse().ok());
    let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    told.or_else(seen)
        .filter(|it| *it > 0)
        .unwrap_or(DEFAULT_WIDTH)
}

/// Writes while the progress bar is out of the way.
fn above(bar: Option<&ProgressBar>, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}
