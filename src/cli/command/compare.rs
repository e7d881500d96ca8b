//! `compare`: in what jobs differ: parameters, data, metrics, time and money.
//!
//! Invariant: what is the same in all jobs is not shown; a value that a job does not have is blank, never zero.

use std::collections::BTreeMap;
use std::fmt;

use contract::artifact::Evaluation;
use contract::exit;
use contract::job::TrainingJobDescription;
use serde::Serialize;
use serde_json::Value;

use crate::args::Global;
use crate::bill::{self, Rate};
use crate::data_digest;
use crate::error::CliError;
use crate::fetch;
use crate::output::{Format, Printer};
use crate::report::JobReport;
use crate::session::Session;
use crate::style::{FAINT, STRONG, paint};
use crate::table::Table;
use crate::units;

/// Show in what jobs differ: parameters, data, metrics, time and cost.
#[derive(Debug, clap::Args)]
pub struct Compare {
    /// Names, beginnings of names, ARNs, or @last; the first is what the others are compared with
    #[arg(required = true, num_args = 2..)]
    jobs: Vec<String>,
}

/// What a comparison is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Group {
    Parameters,
    Data,
    Metrics,
    Run,
}

/// A value that differs, for each job.
#[derive(Debug, PartialEq, Serialize)]
struct Difference {
    group: Group,
    key: String,
    values: Vec<Value>,
}

#[derive(Debug, Serialize)]
struct Comparison {
    jobs: Vec<String>,
    differences: Vec<Difference>,
}

/// What is known of one job.
type Facts = BTreeMap<(Group, String), Value>;

impl Compare {
    /// Compares.
    ///
    /// # Errors
    /// If a job is not there.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let session = Session::open(global, self.jobs.first().map(String::as_str)).await?;
        let mut jobs = Vec::new();
        for job in &self.jobs {
            let name = session.find(job).await?;
            jobs.push(session.jobs().describe(&name).await?);
        }
        let mut facts: Vec<Facts> = Vec::new();
        for job in &jobs {
            let evaluation = fetch::evaluation(&session, job).await;
            let rate = bill::rate_of(job, &session)?;
            facts.push(facts_of(job, evaluation.as_ref(), rate));
        }
        data(&session, &jobs, &mut facts).await?;
        let comparison = Comparison {
            jobs: jobs.into_iter().map(|it| it.training_job_name).collect(),
            differences: differences(&facts),
        };
        if comparison.differences.is_empty() {
            printer.say("nothing differs");
        }
        if !comparison.differences.is_empty() || printer.format() == Format::Json {
            printer.print(&comparison)?;
        }
        session.close(printer).await?;
        Ok(exit::SUCCESS)
    }
}

fn facts_of(
    job: &TrainingJobDescription,
    evaluation: Option<&Evaluation>,
    rate: Option<Rate>,
) -> Facts {
    let mut report = JobReport::of(job).priced(rate);
    let mut facts = Facts::new();
    let mut fact = |group: Group, key: &str, value: Value| {
        if !value.is_null() {
            facts.insert((group, key.to_owned()), value);
        }
    };
    for (key, value) in &job.hyper_parameters {
        fact(Group::Parameters, key, value.as_str().into());
    }
    if let Some(evaluation) = evaluation {
        report = report.with_evaluation(evaluation);
        for it in &evaluation.data {
            fact(Group::Data, &format!("{} rows", it.name), it.rows.into());
            fact(
                Group::Data,
                &format!("{} columns", it.name),
                it.columns.into(),
            );
        }
        fact(Group::Run, "rounds", evaluation.rounds.into());
    }
    for it in &report.metrics {
        let key = format!("{}:{}", it.data, it.metric);
        fact(Group::Metrics, &key, it.value.into());
    }
    fact(Group::Run, "status", report.status.into());
    fact(Group::Run, "image", report.image.into());
    fact(Group::Run, "compute", report.compute.into());
    fact(
        Group::Run,
        "training seconds",
        report.training_seconds.into(),
    );
    fact(
        Group::Run,
        "billable seconds",
        report.billable_machine_seconds.into(),
    );
    fact(
        Group::Run,
        "cost in USD",
        report.cost.map(|it| it.usd).into(),
    );
    facts
}

/// What the channels hold. Where all jobs read the same address there is nothing to compare: the objects are those of now.
async fn data(
    session: &Session,
    jobs: &[TrainingJobDescription],
    facts: &mut [Facts],
) -> Result<(), CliError> {
    let addresses: Vec<BTreeMap<&str, &str>> = jobs.iter().map(addresses).collect();
    for (idx, job) in jobs.iter().enumerate() {
        for channel in &job.input_data_config {
            let name = channel.channel_name.as_str();
            let address = addresses[idx].get(name);
            if addresses.iter().all(|it| it.get(name) == address) {
                continue;
            }
            let value = match data_digest::of_channel(session, channel).await {
                Ok(Some(content)) => content.line(),
                Ok(None) => address.copied().unwrap_or_default().to_owned(),
                Err(err) => format!("cannot be listed: {}", err.message),
            };
            facts[idx].insert((Group::Data, name.to_owned()), value.into());
        }
    }
    Ok(())
}

fn addresses(job: &TrainingJobDescription) -> BTreeMap<&str, &str> {
    let channels = job.input_data_config.iter();
    channels
        .filter_map(|it| {
            let source = it.data_source.s3_data_source.as_ref()?;
            Some((it.channel_name.as_str(), source.s3_uri.as_str()))
        })
        .collect()
}

fn differences(facts: &[Facts]) -> Vec<Difference> {
    let keys: std::collections::BTreeSet<&(Group, String)> =
        facts.iter().flat_map(BTreeMap::keys).collect();
    let value =
        |facts: &Facts, key: &(Group, String)| facts.get(key).cloned().unwrap_or(Value::Null);
    keys.into_iter()
        .map(|key| Difference {
            group: key.0,
            key: key.1.clone(),
            values: facts.iter().map(|it| value(it, key)).collect(),
        })
        .filter(|it| it.values.iter().any(|value| *value != it.values[0]))
        .collect()
}

/// A value as a person reads it; a metric is told beside the first one.
fn cell(difference: &Difference, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) if difference.group == Group::Metrics => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            let first = difference.values[0].as_f64();
            let change = first.and_then(|first| change(first, number));
            format!("{}{}", units::metric(number), change.unwrap_or_default())
        }
        other => other.to_string(),
    }
}

/// ` (9.1% lower)`.
fn change(first: f64, value: f64) -> Option<String> {
    let share = (value - first) / first.abs() * 100.0;
    let word = if share < 0.0 { "lower" } else { "higher" };
    (share.is_finite() && share != 0.0).then(|| format!(" ({:.1}% {word})", share.abs()))
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(0, &[]);
        let names = self.jobs.iter().map(|it| paint(STRONG, it));
        table.row(std::iter::once(String::new()).chain(names));
        let mut group = None;
        for it in &self.differences {
            if group != Some(it.group) {
                group = Some(it.group);
                let heading = match it.group {
                    Group::Parameters => "parameters",
                    Group::Data => "data",
                    Group::Metrics => "metrics",
                    Group::Run => "run",
                };
                table.row([paint(FAINT, heading)]);
            }
            let cells = it.values.iter().map(|value| cell(it, value));
            table.row(std::iter::once(format!("  {}", it.key)).chain(cells));
        }
        table.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(pairs: &[(Group, &str, Value)]) -> Facts {
        let pairs = pairs.iter().cloned();
        pairs
            .map(|(group, key, value)| ((group, key.to_owned()), value))
            .collect()
    }

    #[test]
    fn only_what_differs_is_shown_and_metrics_beside_the_first() {
        let a = facts(&[
            (Group::Parameters, "eta", json!("0.1")),
            (Group::Parameters, "num_round", json!("50")),
            (Group::Metrics, "validation:rmse", json!(50.0)),
        ]);
        let b = facts(&[
            (Group::Parameters, "eta", json!("0.3")),
            (Group::Parameters, "num_round", json!("50")),
            (Group::Parameters, "seed", json!("7")),
            (Group::Metrics, "validation:rmse", json!(45.5)),
        ]);
        let comparison = Comparison {
            jobs: vec!["a".to_owned(), "b".to_owned()],
            differences: differences(&[a, b]),
        };
        let text = anstream::adapter::strip_str(&comparison.to_string()).to_string();
        insta::assert_snapshot!(text, @r#"
                           a       b
        parameters
          eta              0.1     0.3
          seed                     7
        metrics
          validation:rmse  50.000  45.500 (9.0% lower)
        "#);
    }
}
