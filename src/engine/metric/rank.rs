//! The metrics of ranking: a mean over queries, weighted as the queries are.
//!
//! Invariant: queries are judged one by one and added up in their order. A table without queries is one query. Rows of
//! equal score stand in their order.
//!
//! Source: XGBoost 3.2 `src/metric/rank_metric.cc`, `src/metric/auc.cc`. There a metric without `@n` looks at the first 32
//! rows of a query.

use std::fmt;

use crate::objective::LambdaRank;
use crate::ranking::{DEFAULT_TRUNCATION, dcg, descending, gain};
use crate::threads::Threads;

use super::row::{Judged, TableMetric};

/// How far a metric looks, and what a query without a relevant row is worth: `@n` and `-`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    n: Option<u32>,
    minus: bool,
}

impl Cut {
    /// What a metric has without either.
    pub(super) const USUAL: Self = Self {
        n: None,
        minus: false,
    };

    /// The first `n` rows of a query.
    pub fn at(n: u32) -> Self {
        Self {
            n: Some(n),
            minus: false,
        }
    }

    /// All rows of a query.
    pub fn whole() -> Self {
        Self::at(u32::MAX)
    }

    /// Reads what stands behind `@`: `5`, `5-`, or `-` alone.
    fn parse(text: &str) -> Option<Self> {
        let (number, minus) = match text.strip_suffix('-') {
            Some(number) => (number, true),
            None => (text, false),
        };
        let n = match number {
            "" if minus => None,
            // The built-in algorithm takes `5.0` for 5.
            number => {
                let n: f64 = number.parse().ok()?;
                let fits = n >= 1.0 && n.fract() == 0.0 && n <= f64::from(u32::MAX);
                Some(fits.then_some(n as u32)?)
            }
        };
        Some(Self { n, minus })
    }

    /// As [`Cut::parse`], for a metric to which `-` means nothing.
    fn parse_number(text: &str) -> Option<Self> {
        Self::parse(text).filter(|cut| !cut.minus)
    }

    fn rows(self) -> usize {
        self.n.unwrap_or(DEFAULT_TRUNCATION) as usize
    }

    /// What a query is worth in which nothing is relevant.
    fn empty(self) -> f64 {
        if self.minus { 0.0 } else { 1.0 }
    }

    fn suffix(self) -> Option<String> {
        (self != Self::default()).then(|| self.to_string())
    }
}

/// As behind the name: `@5-`. All rows have no number, as in XGBoost.
impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(n) = self.n.filter(|&n| n < u32::MAX) {
            write!(f, "@{n}")?;
        }
        if self.minus { f.write_str("-") } else { Ok(()) }
    }
}

/// A query's rows, the best first.
struct Ranked<'a> {
    labels: &'a [f32],
    order: Vec<usize>,
    settings: &'a LambdaRank,
}

impl Ranked<'_> {
    /// The labels by rank.
    fn labels(&self) -> impl Iterator<Item = f32> {
        self.order.iter().map(|&row| self.labels[row])
    }

    /// Whether each row is relevant, by rank.
    fn hits(&self) -> impl Iterator<Item = f64> {
        self.labels()
            .map(|label| if label > 0.0 { 1.0 } else { 0.0 })
    }
}

/// A mean over queries: what may stand behind its name, how that becomes its cut, and what a query is worth.
macro_rules! means_of_queries {
    ($($name:ident, $suffix:literal, $cut:path, $worth:ident;)*) => {$(
        #[derive(Clone, Copy)]
        pub(super) struct $name {
            pub(super) cut: Cut,
        }

        impl TableMetric for $name {
            const OF_QUERIES: bool = true;
            const SUFFIX: &'static str = $suffix;

            fn evaluate(self, rows: &Judged<'_>, threads: &Threads) -> f64 {
                mean_of_queries(rows, threads, |query| $worth(query, self.cut))
            }

            fn with_text(self, text: &str) -> Option<Self> {
                $cut(text).map(|cut| Self { cut })
            }

            fn suffix(self) -> Option<String> {
                self.cut.suffix()
            }
        }
    )*};
}

means_of_queries! {
    Ndcg, "[@n from 1][-]", Cut::parse, ndcg;
    Map, "[@n from 1][-]", Cut::parse, average_precision;
    Pre, "[@n from 1]", Cut::parse_number, precision;
}

/// Discounted cumulative gain as a share of the largest.
fn ndcg(query: &Ranked<'_>, cut: Cut) -> f64 {
    let n = cut.rows().min(query.order.len());
    let exponential = query.settings.ndcg_exp_gain;
    let mut gains: Vec<f64> = query.labels().map(|it| gain(it, exponential)).collect();
    let found = dcg(&gains[..n]);
    gains.sort_by(|a, b| b.total_cmp(a));
    let ideal = dcg(&gains[..n]);
    if ideal > 0.0 {
        found / ideal
    } else {
        cut.empty()
    }
}

/// The mean, over the relevant rows, of the precision down to each.
fn average_precision(query: &Ranked<'_>, cut: Cut) -> f64 {
    let n = cut.rows();
    let (mut n_hits, mut sum) = (0.0, 0.0);
    for (rank, hit) in query.hits().enumerate() {
        n_hits += hit;
        if rank < n {
            sum += n_hits / (rank as f64 + 1.0) * hit;
        }
    }
    if n_hits > 0.0 {
        sum / n_hits.min(n as f64)
    } else {
        cut.empty()
    }
}

/// The share of relevant rows among the first.
fn precision(query: &Ranked<'_>, cut: Cut) -> f64 {
    let n = cut.rows().min(query.order.len());
    query.hits().take(n).sum::<f64>() / n as f64
}

/// The weighted mean of what queries are worth; a query weighs what its first row weighs.
fn mean_of_queries(
    rows: &Judged<'_>,
    threads: &Threads,
    worth: impl Fn(&Ranked<'_>) -> f64 + Sync + Send,
) -> f64 {
    let whole = [0, rows.n_rows()];
    let bounds = rows.targets().group_ptr().unwrap_or(&whole);
    let values = of_queries(bounds, threads, |first, end| {
        worth(&Ranked {
            labels: &rows.targets().labels()[first..end],
            order: descending(&rows.predictions()[first..end]),
            settings: &rows.objective().lambdarank,
        })
    });
    let (mut sum, mut total) = (0.0, 0.0);
    for (value, &first) in values.iter().zip(bounds) {
        let weight = rows.targets().weight(first);
        sum += weight * value;
        total += weight;
    }
    if total > 0.0 {
        (sum / total).min(1.0)
    } else {
        sum
    }
}

/// What `work` makes of the rows of each query, in their order.
pub(super) fn of_queries<R: Send>(
    bounds: &[usize],
    threads: &Threads,
    work: impl Fn(usize, usize) -> R + Sync + Send,
) -> Vec<R> {
    /// Queries that one thread takes at a time.
    const QUERIES: usize = 64;
    let queries: Vec<_> = bounds.windows(2).collect();
    let parts = queries.chunks(QUERIES).collect();
    let done = threads.map(parts, |part: &[&[usize]]| -> Vec<R> {
        part.iter().map(|it| work(it[0], it[1])).collect()
    });
    done.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::Cut;

    #[test]
    fn what_stands_behind_the_name_is_read_and_printed_as_xgboost_does() {
        for (text, printed) in [("5", "@5"), ("5-", "@5-"), ("-", "-"), ("3.0", "@3")] {
            assert_eq!(
                Cut::parse(text).map(|it| it.to_string()).as_deref(),
                Some(printed)
            );
        }
        for text in ["", "0", "-5", "2.5", "x", "5--"] {
            assert_eq!(Cut::parse(text), None, "{text}");
        }
    }
}
