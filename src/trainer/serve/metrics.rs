//! What the server counts, in Prometheus' text format.
//!
//! Invariant: counting costs an atomic addition or two a request, and knows nothing of what a request held.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;

/// Upper ends of the buckets of an answer's time, in microseconds.
const BUCKETS: [u64; 12] = [
    100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 100_000, 500_000, 2_500_000, 10_000_000,
];

/// Statuses that invocations are answered with; others are counted as the last one.
const STATUSES: [u16; 13] = [
    200, 204, 400, 404, 406, 408, 413, 415, 429, 503, 507, 501, 500,
];

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    statuses: [AtomicU64; STATUSES.len()],
    rows: AtomicU64,
    bytes: AtomicU64,
    buckets: [AtomicU64; BUCKETS.len()],
    answers: AtomicU64,
    micros: AtomicU64,
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Metrics {
    /// An invocation was answered.
    pub(super) fn answered(&self, status: StatusCode, took: Duration) {
        let known = STATUSES.iter().position(|it| *it == status.as_u16());
        add(&self.statuses[known.unwrap_or(STATUSES.len() - 1)], 1);
        let micros = took.as_micros() as u64;
        if let Some(bucket) = BUCKETS.iter().position(|it| micros <= *it) {
            add(&self.buckets[bucket], 1);
        }
        add(&self.answers, 1);
        add(&self.micros, micros);
    }

    /// So many rows of so many bytes were predicted.
    pub(super) fn predicted(&self, n_rows: usize, n_bytes: usize) {
        add(&self.rows, n_rows as u64);
        add(&self.bytes, n_bytes as u64);
    }

    /// Everything, as text.
    pub(super) fn text(&self, n_models: usize) -> String {
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: &[String]| {
            // Writing to memory cannot fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for sample in samples {
                let _ = writeln!(text, "{name}{sample}");
            }
        };
        let statuses: Vec<String> = STATUSES
            .iter()
            .zip(&self.statuses)
            .map(|(status, count)| format!("{{status=\"{status}\"}} {}", read(count)))
            .collect();
        family(
            "linden_invocations_total",
            "counter",
            "Invocations by status.",
            &statuses,
        );
        let rows = [format!(" {}", read(&self.rows))];
        family("linden_rows_total", "counter", "Rows predicted.", &rows);
        let bytes = [format!(" {}", read(&self.bytes))];
        family(
            "linden_request_bytes_total",
            "counter",
            "Bytes of predicted requests.",
            &bytes,
        );
        let models = [format!(" {n_models}")];
        family("linden_models", "gauge", "Models that are loaded.", &models);
        let mut below = 0;
        let mut seconds: Vec<String> = Vec::new();
        for (end, count) in BUCKETS.iter().zip(&self.buckets) {
            below += read(count);
            let end = *end as f64 / 1e6;
            seconds.push(format!("_bucket{{le=\"{end}\"}} {below}"));
        }
        let answers = read(&self.answers);
        seconds.push(format!("_bucket{{le=\"+Inf\"}} {answers}"));
        seconds.push(format!("_sum {}", read(&self.micros) as f64 / 1e6));
        seconds.push(format!("_count {answers}"));
        let help = "Time from a request's head to its answer.";
        family("linden_invocation_seconds", "histogram", help, &seconds);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_status_and_time() {
        let metrics = Metrics::default();
        metrics.answered(StatusCode::OK, Duration::from_micros(300));
        metrics.answered(StatusCode::OK, Duration::from_mins(1));
        metrics.answered(StatusCode::IM_A_TEAPOT, Duration::from_micros(50));
        metrics.predicted(7, 100);
        let text = metrics.text(1);
        for line in [
            "# TYPE linden_invocations_total counter",
            "linden_invocations_total{status=\"200\"} 2",
            "linden_invocations_total{status=\"500\"} 1",
            "linden_rows_total 7",
            "linden_request_bytes_total 100",
            "linden_models 1",
            "linden_invocation_seconds_bucket{le=\"0.0001\"} 1",
            "linden_invocation_seconds_bucket{le=\"0.0005\"} 2",
            "linden_invocation_seconds_bucket{le=\"+Inf\"} 3",
            "linden_invocation_seconds_sum 60.00035",
            "linden_invocation_seconds_count 3",
        ] {
            assert!(
                text.lines().any(|it| it == line),
                "{line} is not in\n{text}"
            );
        }
    }
}
