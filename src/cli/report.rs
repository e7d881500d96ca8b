//! A job told in a page: what it was, how it went, how good its model is. `show`, `wait` and `run` print it.

use std::fmt;

use contract::artifact::{BaselineMetric, Evaluation};
use contract::job::{SecondaryStatusTransition, TrainingJobDescription, TrainingJobStatus};
use serde::Serialize;

use crate::bill::{self, Cost, Rate};
use crate::command::outcome::{self, Decoded};
use crate::gate::Verdict;
use crate::style::{FAINT, GOOD, STRONG, WARN, paint, status};
use crate::table::Table;
use crate::units;

/// A job that has ended, or runs.
#[derive(Clone, Debug, Serialize)]
pub struct JobReport {
    /// Its name.
    pub name: String,
    /// The primary status.
    pub status: String,
    /// The secondary status.
    pub secondary_status: String,
    /// The exit code that a command which follows it to here ends with.
    pub exit_code: u8,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// What the reason says: who can do something, and the container's exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Decoded>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Its ARN.
    pub arn: String,
    /// The image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The machines: `2 × ml.m5.large`.
    pub compute: String,
    /// Their type, where they are all of one.
    #[serde(skip)]
    pub instance_type: Option<String>,
    /// When it was created, in seconds since 1970.
    pub created: f64,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<f64>,
    /// Seconds of training on each machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training_seconds: Option<i64>,
    /// Seconds to pay for on each machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billable_seconds: Option<i64>,
    /// Machines.
    pub hosts: i64,
    /// Seconds to pay for on all machines together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billable_machine_seconds: Option<i64>,
    /// How much of the training time was not paid, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot_saved_percent: Option<f64>,
    /// What it has cost, where a price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// The metrics of the model.
    pub metrics: Vec<Metric>,
    /// The model against a naive prediction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineReport>,
    /// Rounds in the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u32>,
    /// The best round, where early stopping looked for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_round: Option<u32>,
    /// Where the model is in S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What was demanded of the metrics, and whether it holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Verdict>,
    /// The statuses that it went through.
    pub timeline: Vec<SecondaryStatusTransition>,
}

/// A metric on a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// `train`, `validation`.
    pub data: String,
    /// `rmse`.
    pub metric: String,
    /// Its last value, or that of the round that was kept.
    pub value: f64,
}

/// The model against a naive prediction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BaselineReport {
    /// The data set on which both were measured.
    pub data: String,
    /// The columns whose mean is the naive prediction.
    pub columns: Vec<String>,
    /// Each metric, for both.
    pub metrics: Vec<BaselineMetric>,
}

impl JobReport {
    /// Tells a job by its description alone.
    pub fn of(job: &TrainingJobDescription) -> Self {
        let hosts = job.resource_config.instance_count.unwrap_or(1);
        let instance = job
            .resource_config
            .instance_type
            .as_deref()
            .unwrap_or("instance");
        Self {
            name: job.training_job_name.clone(),
            status: job.training_job_status.to_string(),
            secondary_status: job.secondary_status.to_string(),
            exit_code: outcome::exit_code(job),
            failure_reason: job.failure_reason.clone(),
            failure: outcome::failure(job),
            advice: outcome::advice(job),
            arn: job.training_job_arn.clone(),
            image: job.algorithm_specification.training_image.clone(),
            compute: format!(
                "{hosts} × {instance}{}",
                if job.enable_managed_spot_training == Some(true) {
                    " spot"
                } else {
                    ""
                }
            ),
            instance_type: job.resource_config.instance_type.clone(),
            created: job.creation_time,
            ended: job
                .training_job_status
                .is_terminal()
                .then_some(job.training_end_time.or(job.last_modified_time))
                .flatten(),
            training_seconds: job.training_time_in_seconds,
            billable_seconds: job.billable_time_in_seconds,
            hosts,
            billable_machine_seconds: job.billable_time_in_seconds.map(|it| it * hosts),
            spot_saved_percent: bill::saved_percent(
                job.training_time_in_seconds,
                job.billable_time_in_seconds,
            ),
            cost: None,
            metrics: job
                .final_metric_data_list
                .iter()
                .map(|it| metric(&it.metric_name, it.value))
                .collect(),
            baseline: None,
            rounds: None,
            best_round: None,
            model: job
                .model_artifacts
                .as_ref()
                .map(|it| it.s3_model_artifacts.clone())
                .filter(|it| !it.is_empty()),
            gates: Vec::new(),
            timeline: job.secondary_status_transitions.clone(),
        }
    }

    /// Adds what the job has cost; a job that has not ended has no bill yet.
    #[must_use]
    pub fn priced(mut self, rate: Option<Rate>) -> Self {
        self.cost = self
            .billable_seconds
            .zip(rate)
            .map(|(seconds, rate)| Cost::of(self.hosts, seconds, rate));
        self
    }

    /// Whether the job has ended; a failed start may leave it without an end's time.
    pub fn has_ended(&self) -> bool {
        TrainingJobStatus::from(self.status.as_str()).is_terminal()
    }

    /// Adds what the job itself has measured. Its metrics replace SageMaker's, which are 32 bits of the last line.
    #[must_use]
    pub fn with_evaluation(mut self, evaluation: &Evaluation) -> Self {
        let of = |it: &contract::artifact::MetricHistory| Metric {
            data: it.data.clone(),
            metric: it.metric.clone(),
            value: it.final_value,
        };
        self.metrics = evaluation.metrics.iter().map(of).collect();
        self.rounds = Some(evaluation.rounds);
        self.best_round = evaluation.best_round.as_ref().map(|it| it.round);
        self.baseline = evaluation.baseline.as_ref().map(|it| BaselineReport {
            data: it.data.clone(),
            columns: it.columns.clone(),
            metrics: it.metrics.clone(),
        });
        self
    }

    /// The statuses with their messages and how long each lasted.
    pub fn timeline(&self) -> String {
        let mut table = Table::new(2, &[2]);
        for it in &self.timeline {
            let took = it
                .end_time
                .map(|end| units::duration(end - it.start_time))
                .unwrap_or_default();
            let time = paint(FAINT, units::time_of_day(it.start_time));
            table.row([
                time,
                it.status.to_string(),
                took,
                it.status_message.clone().unwrap_or_default(),
            ]);
        }
        table.to_string()
    }
}

/// `validation:rmse` by SageMaker's naming here; anything else is shown as it is.
fn metric(name: &str, value: f64) -> Metric {
    let (data, metric) = name.split_once(':').unwrap_or(("", name));
    Metric {
        data: data.to_owned(),
        metric: metric.to_owned(),
        value,
    }
}

/// A row for each metric, a column for each data set.
fn metric_table(metrics: &[Metric]) -> Table {
    let mut data: Vec<&str> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for it in metrics {
        if !data.contains(&it.data.as_str()) {
            data.push(&it.data);
        }
        if !names.contains(&it.metric.as_str()) {
            names.push(&it.metric);
        }
    }
    // `train` first: SageMaker lists in no order.
    data.sort_by_key(|it| *it != "train");
    let columns: Vec<usize> = (1..=data.len()).collect();
    let mut table = Table::new(2, &columns);
    table.row(
        std::iter::once("metric")
            .chain(data.iter().copied())
            .map(|it| paint(FAINT, it)),
    );
    for name in names {
        let value = |data: &&str| {
            metrics
                .iter()
                .find(|it| it.metric == name && it.data == **data)
                .map(|it| it.value)
        };
        table.row(
            std::iter::once(name.to_owned()).chain(
                data.iter()
                    .map(|it| value(it).map(units::metric).unwrap_or_default()),
            ),
        );
    }
    table
}

/// `validation rmse 38.4 against 61.2 for the mean by hr, weekday: 37% lower`.
fn baseline_line(report: &BaselineReport, it: &BaselineMetric) -> String {
    let change = it.model - it.baseline;
    let share = (change / it.baseline.abs() * 100.0).abs();
    let percent = if share < 9.95 {
        format!("{share:.1}%")
    } else {
        format!("{share:.0}%")
    };
    let verdict = match (it.model_is_better(), change < 0.0) {
        _ if !share.is_finite() => String::new(),
        (true, true) => paint(GOOD, format_args!("{percent} lower")),
        (true, false) => paint(GOOD, format_args!("{percent} higher")),
        (false, true) => paint(WARN, format_args!("{percent} lower, which is worse")),
        (false, false) => paint(WARN, format_args!("{percent} higher, which is no better")),
    };
    let by = if report.columns.is_empty() {
        "the mean".to_owned()
    } else {
        format!("the mean by {}", report.columns.join(", "))
    };
    format!(
        "{} {} {} against {} for {by}: {verdict}",
        report.data,
        it.metric,
        paint(STRONG, units::metric(it.model)),
        units::metric(it.baseline)
    )
}

impl fmt::Display for JobReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", paint(STRONG, &self.name), status(&self.status))?;
        if self.secondary_status != self.status {
            write!(f, " ({})", self.secondary_status)?;
        }
        writeln!(f)?;
        let mut facts = Table::new(2, &[]);
        let mut fact = |label: &str, text: String| facts.row([paint(FAINT, label), text]);
        if let Some(reason) = &self.failure_reason {
            fact("reason", reason.trim_end().replace('\n', "\n           "));
        }
        if let Some(failure) = &self.failure {
            fact("cause", failure.line());
        }
        if let Some(advice) = &self.advice {
            fact("fix", advice.clone());
        }
        let took = self
            .ended
            .map(|it| format!(", took {}", units::duration(it - self.created)))
            .unwrap_or_default();
        fact("created", format!("{}{took}", units::moment(self.created)));
        fact("compute", self.compute_line());
        if let Some(cost) = &self.cost {
            fact("cost", cost.to_string());
        }
        if let Some(image) = &self.image {
            fact("image", image.clone());
        }
        if let Some(rounds) = self.rounds {
            let best = self
                .best_round
                .map(|it| format!(", best is round {it}"))
                .unwrap_or_default();
            fact("rounds", format!("{rounds}{best}"));
        }
        if let Some(model) = &self.model {
            fact("model", model.clone());
        }
        write!(f, "{facts}")?;
        if !self.metrics.is_empty() {
            write!(f, "\n{}", metric_table(&self.metrics))?;
        }
        if let Some(baseline) = &self.baseline {
            writeln!(f)?;
            for it in &baseline.metrics {
                writeln!(f, "  {}", baseline_line(baseline, it))?;
            }
        }
        if !self.gates.is_empty() {
            writeln!(f)?;
            let mut gates = Table::new(2, &[]);
            for (idx, it) in self.gates.iter().enumerate() {
                let label = if idx == 0 { "gates" } else { "" };
                gates.row([paint(FAINT, label), it.to_string()]);
            }
            write!(f, "{gates}")?;
        }
        Ok(())
    }
}

impl JobReport {
    /// `2 × ml.m5.large spot · trained 8m 22s · billable 2m 41s on each · spot saved 68%`.
    fn compute_line(&self) -> String {
        let mut parts = vec![self.compute.clone()];
        if let Some(seconds) = self.training_seconds {
            parts.push(format!("trained {}", units::whole_seconds(seconds)));
        }
        if let Some(seconds) = self.billable_seconds {
            let each = if self.hosts > 1 { " on each" } else { "" };
            parts.push(format!("billable {}{each}", units::whole_seconds(seconds)));
        }
        if let Some(saved) = self.spot_saved_percent {
            parts.push(format!("spot saved {saved:.0}%"));
        }
        parts.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(metric: &str, maximize: bool, model: f64, baseline: f64) -> String {
        let report = BaselineReport {
            data: "validation".into(),
            columns: vec!["hr".into(), "weekday".into()],
            metrics: vec![],
        };
        let it = BaselineMetric {
            metric: metric.into(),
            maximize,
            baseline,
            model,
        };
        anstream::adapter::strip_str(&baseline_line(&report, &it)).to_string()
    }

    #[test]
    fn the_baseline_is_compared_in_words() {
        assert_eq!(
            line("rmse", false, 38.4, 61.2),
            "validation rmse 38.400 against 61.200 for the mean by hr, weekday: 37% lower"
        );
        assert!(line("rmse", false, 70.0, 61.2).ends_with("14% higher, which is no better"));
        assert!(
            line("auc", true, 0.9, 0.8).ends_with("12% higher")
                || line("auc", true, 0.9, 0.8).ends_with("13% higher")
        );
    }

    #[test]
    fn metrics_stand_train_first() {
        let metrics = [
            metric("validation:rmse", 2.0),
            metric("train:rmse", 1.0),
            metric("train:mae", 0.5),
        ];
        let text = anstream::adapter::strip_str(&metric_table(&metrics).to_string()).to_string();
        assert_eq!(
            text,
            "  metric    train  validation\n  rmse     1.0000      2.0000\n  mae     0.50000\n"
        );
    }
}
