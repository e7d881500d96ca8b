//! Logs on stderr in the built-in container's form, `[2026-11-23:03:40:00:INFO] message`, or as a JSON document a line; in UTC.
//!
//! Invariants: metric lines are no logs; they go to stdout, and no line written here looks like one. An event is one line,
//! whatever names of files and texts of others it holds.

use std::fmt;
use std::io;
use std::sync::OnceLock;

use contract::failure::one_line;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, Layer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer as _, Registry, reload};

/// Lets [`set_verbosity`] change what is logged; empty where the user's own filter stands.
static FILTER: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

/// Starts logging. `filter` is the user's own, such as `debug` or `trainer=debug`, and wins over `verbosity`; `format` is
/// `json` for documents.
pub fn start(filter: Option<&str>, format: Option<&str>) {
    let own = filter.and_then(|it| it.parse::<Targets>().ok());
    let is_own = own.is_some();
    let (targets, handle) = reload::Layer::new(own.unwrap_or_else(|| up_to(LevelFilter::INFO)));
    let lines = Layer::new().with_writer(io::stderr).with_ansi(false);
    let lines = match format {
        Some("json") => {
            let document = lines.json().flatten_event(true).with_target(false);
            let without_spans = document.with_current_span(false).with_span_list(false);
            without_spans.boxed()
        }
        Some(_) | None => lines.event_format(SageMakerLine).boxed(),
    };
    // It fails only if logging has started before, and then that goes on.
    let started = tracing_subscriber::registry()
        .with(targets)
        .with(lines)
        .try_init();
    if started.is_ok() && !is_own {
        FILTER.get_or_init(|| handle);
    }
    if let Some(format) = format.filter(|it| *it != "json") {
        tracing::warn!("LINDEN_LOG_FORMAT is `{format}`, allowed is `json`; it is ignored");
    }
    if let (None, Some(filter)) = (is_own.then_some(()), filter) {
        tracing::warn!(
            "LINDEN_LOG is `{filter}`, which is not a filter such as `info` or `trainer=debug`; it is ignored"
        );
    }
}

/// Follows the hyperparameter `verbosity`: 0 warnings, 1 and 2 what a job does, 3 everything.
///
/// The built-in container logs its own lines whatever the verbosity, so 1, the default, keeps them.
pub fn set_verbosity(verbosity: u8) {
    let level = match verbosity {
        0 => LevelFilter::WARN,
        1 | 2 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    if let Some(filter) = FILTER.get() {
        // It fails only when the subscriber is gone, at the end of the program.
        let _ = filter.reload(up_to(level));
    }
}

fn up_to(level: LevelFilter) -> Targets {
    Targets::new().with_default(level)
}

/// The form of a line.
struct SageMakerLine;

impl<S, N> FormatEvent<S, N> for SageMakerLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%d:%H:%M:%S");
        let mut said = String::new();
        ctx.format_fields(Writer::new(&mut said), event)?;
        let level = event.metadata().level();
        writeln!(writer, "[{now}:{level}] {}", one_line(&said))
    }
}
