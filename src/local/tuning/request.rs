//! What a tuning job asks for, checked: every problem at once, and what is not here by name.

use super::OBJECTIVE_METRIC;
use super::ranges::{ParameterRanges, Range};
use super::strategy::Strategy;
use crate::wire::{AwsError, parse};
use contract::job::request::Tag;
use contract::job::{CreateTrainingJobRequest, JobName};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Characters of a tuning job's name: those of a training job's, less what is put behind it.
const MAX_NAME_CHARS: usize = 32;
/// Training jobs at a time.
const MOST_PARALLEL: u64 = 100;
/// The machines in a definition, as in a training job, and as version 2 of the Python SDK gives them.
const MACHINES: &str = "ResourceConfig";
const TUNING_MACHINES: &str = "HyperParameterTuningResourceConfig";
/// Members of the definition that a training job does not have.
const OF_DEFINITION: [&str; 2] = ["StaticHyperParameters", "DefinitionName"];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Create {
    pub(super) hyper_parameter_tuning_job_name: String,
    pub(super) hyper_parameter_tuning_job_config: Value,
    pub(super) training_job_definition: Value,
    training_job_definitions: Value,
    warm_start_config: Value,
    autotune: Value,
    pub(super) tags: Vec<Tag>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    strategy: String,
    hyper_parameter_tuning_job_objective: Option<Objective>,
    resource_limits: Limits,
    parameter_ranges: ParameterRanges,
    training_job_early_stopping_type: Option<String>,
    tuning_job_completion_criteria: Completion,
    random_seed: Option<u64>,
}

/// What is looked at, and which way it gets better.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Objective {
    #[serde(rename = "Type")]
    pub(super) direction: Direction,
    pub(super) metric_name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Direction {
    Maximize,
    Minimize,
}

impl Direction {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Maximize => "Maximize",
            Self::Minimize => "Minimize",
        }
    }

    /// The value as one that is better when it is smaller.
    pub(super) fn loss(self, value: f64) -> f64 {
        match self {
            Self::Maximize => -value,
            Self::Minimize => value,
        }
    }

    /// Whether `a` is better than `b`.
    pub(super) fn prefers(self, a: f64, b: f64) -> bool {
        match self {
            Self::Maximize => a > b,
            Self::Minimize => a < b,
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(
    clippy::struct_field_names,
    reason = "members are spelled as the API spells them"
)]
struct Limits {
    max_number_of_training_jobs: Option<u64>,
    max_parallel_training_jobs: u64,
    max_runtime_in_seconds: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Completion {
    target_objective_metric_value: Option<f64>,
    best_objective_not_improving: NotImproving,
    convergence_detected: Value,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NotImproving {
    max_number_of_training_jobs_not_improving: Option<usize>,
}

/// A training job's machines as [`TUNING_MACHINES`] has them: of several choices the first, which is wanted most.
///
/// The other choices are for want of capacity, and there is no end of it here.
fn preferred(mut machines: Value) -> Value {
    if let Some(members) = machines.as_object_mut() {
        members.remove("AllocationStrategy");
        let choices = members.remove("InstanceConfigs").unwrap_or_default();
        let first = choices.get(0).and_then(Value::as_object);
        members.extend(first.cloned().unwrap_or_default());
    }
    machines
}

/// Hyperparameters.
type Texts = BTreeMap<String, String>;

/// A tuning job that can be run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) objective: Objective,
    pub(super) strategy: Strategy,
    pub(super) max_jobs: usize,
    pub(super) max_parallel: usize,
    pub(super) target: Option<f64>,
    pub(super) not_improving: Option<usize>,
    /// The training job that all are made from, without a name and what is tuned.
    template: Map<String, Value>,
    statics: Texts,
    tags: Vec<Tag>,
}

impl Create {
    /// What is to be run. Without `RandomSeed` the seed is `chance`.
    pub(super) fn plan(&self, chance: u64) -> Result<Plan, AwsError> {
        let mut problems = Vec::new();
        self.check_what_is_not_here(&mut problems);
        let config: Config = read(&self.hyper_parameter_tuning_job_config)?;
        config.check_what_is_not_here(&mut problems);
        let ranges = config.parameter_ranges.check();
        let ranges = ranges.unwrap_or_else(|found| {
            problems.extend(found);
            Vec::new()
        });
        let (statics, template) = self.definition(&ranges, &mut problems)?;
        let Some(objective) = config.hyper_parameter_tuning_job_objective.clone() else {
            problems.push("HyperParameterTuningJobObjective is missing".to_owned());
            return Err(refusal(&problems));
        };
        let metrics = &self.training_job_definition["AlgorithmSpecification"]["MetricDefinitions"];
        let mut metrics = metrics.as_array().into_iter().flatten();
        if !metrics.any(|it| it["Name"] == objective.metric_name.as_str()) {
            problems.push(format!(
                "MetricDefinitions have no `{}`, which is the objective",
                objective.metric_name
            ));
        }
        let strategy = Strategy::of(
            &config.strategy,
            ranges,
            config.random_seed.unwrap_or(chance),
        );
        let strategy = strategy.map_err(|problem| problems.push(problem)).ok();
        let max_jobs = strategy
            .as_ref()
            .map_or(0, |it| config.resource_limits.check(it, &mut problems));
        match strategy {
            Some(strategy) if problems.is_empty() => Ok(Plan {
                objective,
                strategy,
                max_jobs,
                max_parallel: config.resource_limits.max_parallel_training_jobs as usize,
                target: config
                    .tuning_job_completion_criteria
                    .target_objective_metric_value,
                not_improving: config
                    .tuning_job_completion_criteria
                    .best_objective_not_improving
                    .max_number_of_training_jobs_not_improving,
                template,
                statics,
                tags: self.tags.clone(),
            }),
            Some(_) | None => Err(refusal(&problems)),
        }
    }

    fn check_what_is_not_here(&self, problems: &mut Vec<String>) {
        let name = &self.hyper_parameter_tuning_job_name;
        if name.parse::<JobName>().is_err() || name.len() > MAX_NAME_CHARS {
            problems.push(format!(
                "HyperParameterTuningJobName is `{name}`, allowed is 1 to {MAX_NAME_CHARS} letters, digits and hyphens, with no hyphen at either end"
            ));
        }
        for (member, value, instead) in [
            (
                "TrainingJobDefinitions",
                &self.training_job_definitions,
                "give one TrainingJobDefinition",
            ),
            ("WarmStartConfig", &self.warm_start_config, "leave it away"),
            ("Autotune", &self.autotune, "give ranges"),
        ] {
            if !value.is_null() {
                problems.push(format!(
                    "{member} is not there in the local SageMaker: {instead}"
                ));
            }
        }
    }

    /// Static hyperparameters, and the training job without what is tuned.
    fn definition(
        &self,
        ranges: &[Range],
        problems: &mut Vec<String>,
    ) -> Result<(Texts, Map<String, Value>), AwsError> {
        let Value::Object(definition) = &self.training_job_definition else {
            problems.push("TrainingJobDefinition is missing".to_owned());
            return Ok(Default::default());
        };
        let mut template = definition.clone();
        for (member, instead) in [
            (
                "HyperParameterRanges",
                "give HyperParameterTuningJobConfig.ParameterRanges",
            ),
            (
                "TuningObjective",
                "give HyperParameterTuningJobConfig.HyperParameterTuningJobObjective",
            ),
        ] {
            if template.remove(member).is_some() {
                problems.push(format!(
                    "TrainingJobDefinition.{member} is not there in the local SageMaker: {instead}"
                ));
            }
        }
        for member in OF_DEFINITION {
            template.remove(member);
        }
        if let Some(machines) = template.remove(TUNING_MACHINES) {
            if template.contains_key(MACHINES) {
                problems.push(format!(
                    "TrainingJobDefinition has {MACHINES} and {TUNING_MACHINES}: give one of them"
                ));
            }
            template.insert(MACHINES.to_owned(), preferred(machines));
        }
        let statics = definition.get("StaticHyperParameters").cloned();
        let statics: Texts = read(&statics.unwrap_or(json!({})))?;
        for range in ranges.iter().filter(|it| statics.contains_key(&it.name)) {
            problems.push(format!(
                "`{}` is tuned and in StaticHyperParameters too",
                range.name
            ));
        }
        Ok((statics, template))
    }
}

impl Config {
    fn check_what_is_not_here(&self, problems: &mut Vec<String>) {
        let stopping = self.training_job_early_stopping_type.as_deref();
        if let Some(other) = stopping.filter(|it| *it != "Off") {
            problems.push(format!(
                "TrainingJobEarlyStoppingType is `{other}`, the local SageMaker has Off; `early_stopping_rounds` stops a training job by itself"
            ));
        }
        if !self.parameter_ranges.auto_parameters.is_empty() {
            problems.push(
                "AutoParameters are not there in the local SageMaker: give ranges".to_owned(),
            );
        }
        if self.resource_limits.max_runtime_in_seconds.is_some() {
            problems.push(
                "ResourceLimits.MaxRuntimeInSeconds is not there in the local SageMaker: give StoppingCondition.MaxRuntimeInSeconds".to_owned(),
            );
        }
        if !self
            .tuning_job_completion_criteria
            .convergence_detected
            .is_null()
        {
            problems.push(
                "ConvergenceDetected is not there in the local SageMaker: give BestObjectiveNotImproving".to_owned(),
            );
        }
    }
}

impl Limits {
    /// How many training jobs there will be at most.
    fn check(&self, strategy: &Strategy, problems: &mut Vec<String>) -> usize {
        let parallel = self.max_parallel_training_jobs;
        if !(1..=MOST_PARALLEL).contains(&parallel) {
            problems.push(format!(
                "MaxParallelTrainingJobs is `{parallel}`, allowed is 1 to {MOST_PARALLEL}"
            ));
        }
        let asked = self.max_number_of_training_jobs;
        let all = strategy.n_combinations();
        let most = match (asked, all) {
            (Some(0), _) => {
                problems.push("MaxNumberOfTrainingJobs is `0`, allowed is 1 or more".to_owned());
                0
            }
            (None, None) => {
                problems.push("MaxNumberOfTrainingJobs is missing".to_owned());
                0
            }
            (Some(asked), Some(all)) if asked != all => {
                problems.push(format!(
                    "MaxNumberOfTrainingJobs is `{asked}`, and a Grid of these values has {all} training jobs: leave it away"
                ));
                0
            }
            (_, Some(n)) | (Some(n), None) => n,
        };
        if most > 0 && parallel > most {
            problems.push(format!(
                "MaxParallelTrainingJobs is `{parallel}`, which is more than the {most} training jobs that there are to be"
            ));
        }
        usize::try_from(most).unwrap_or(usize::MAX)
    }
}

impl Plan {
    /// The request of one training job.
    pub(super) fn request(
        &self,
        name: &str,
        tuned: &BTreeMap<String, String>,
    ) -> Result<CreateTrainingJobRequest, AwsError> {
        let mut hyperparameters = self.statics.clone();
        hyperparameters.extend(tuned.clone());
        let metric = self.objective.metric_name.clone();
        hyperparameters.insert(OBJECTIVE_METRIC.to_owned(), metric);
        let mut document = self.template.clone();
        document.insert("TrainingJobName".to_owned(), json!(name));
        document.insert("HyperParameters".to_owned(), json!(hyperparameters));
        document.insert("Tags".to_owned(), json!(self.tags));
        let mut request: CreateTrainingJobRequest = read(&Value::Object(document))?;
        // One training job must not go on from another's checkpoints.
        if let Some(checkpoint) = &mut request.checkpoint_config {
            checkpoint.s3_uri = format!("{}/{name}", checkpoint.s3_uri.trim_end_matches('/'));
        }
        Ok(request)
    }
}

fn read<T: serde::de::DeserializeOwned + Default>(value: &Value) -> Result<T, AwsError> {
    if value.is_null() {
        return Ok(T::default());
    }
    parse(value.to_string().as_bytes())
}

fn refusal(problems: &[String]) -> AwsError {
    AwsError::validation(problems.join("; "))
}
