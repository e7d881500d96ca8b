//! The table as documents: Markdown for people, `CreateAlgorithm` and tuning ranges for SageMaker.
//!
//! Source: SageMaker API, `CreateAlgorithm`, `HyperParameterSpecification`; `CreateHyperParameterTuningJob`,
//! `ParameterRanges`.

use engine::metric::Metric;
use serde_json::{Value, json};

use super::spec::{Bound, Interval, Kind, Spec, Support};
use super::table::{BOOSTERS, CHECKPOINTS, FEATURES, IMPLEMENTED, INHERITED, RANKING, table};
use crate::channel::{MODEL, TRAIN, VALIDATION};
use crate::metric_line;

/// The page about hyperparameters.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Hyperparameters\n\n\
         Generated from the table in `src/contract/hyperparameter/table/`; `UPDATE_DOCS=1 cargo test -p contract` writes it anew.\n\n\
         Names, ranges and defaults are the built-in XGBoost algorithm's. A value that this version cannot honour is refused\n\
         with the reason. The last column is the range that is recommended for tuning.\n\n\
         ## What has an effect\n\n",
    );
    page.push_str("| name | allowed | default | what it does | tuning |\n|---|---|---|---|---|\n");
    let working = IMPLEMENTED.iter().chain(BOOSTERS).chain(CHECKPOINTS);
    for spec in working.chain(FEATURES).chain(RANKING) {
        page.push_str(&format_row(spec, spec.doc));
    }
    page.push_str(PROCESSES);
    page.push_str(FORESTS);
    page.push_str("\n## What else the built-in algorithm accepts\n\n");
    page.push_str(
        "| name | allowed there | default | what happens here | tuning |\n|---|---|---|---|---|\n",
    );
    for spec in INHERITED {
        page.push_str(&format_row(
            spec,
            &format!("{} {}", spec.doc, happens(spec.support)),
        ));
    }
    page.push_str(
        "\nNames that begin with `sagemaker_` are for SageMaker's own toolkits and are ignored, but `sagemaker_program` is\n\
         refused: the image holds no Python to run a script with.\n",
    );
    page
}

/// What belongs to which booster.
const PROCESSES: &str = "
## Boosters, and trees that are there

| | `gbtree` | `dart` | `gblinear` |
|---|---|---|---|
| what a round adds | trees | trees, and new weights for old ones | a step for each weight |
| `eta`, `lambda` unless given | 0.3, 1 | 0.3, 1 | 0.5, 0 |
| `updater` | `grow_histmaker`, `grow_quantile_histmaker` | the same | `shotgun`, `coord_descent` |
| continues from (channel `model`) | `gbtree` | `dart`, `gbtree` | `gblinear` |
| `process_type` = `update` | `refresh`, `prune` | refused | refused |

`shotgun` is deterministic here: what one thread of XGBoost's does. `gblinear` keeps the raw values in memory, 4 bytes a value
or 8 for each that is not 0, whichever is less; so do `update` and a `dart` that continues from a model, while they read.
Where the best round is kept, a `dart` has the weights that its trees had then; XGBoost leaves those of the last round. What a
booster does not read is accepted, and told of. A model whose groups start apart (several `quantile_alpha`, or XGBoost's
with a base score for each class) holds that in its first trees, so neither `dart` nor `update` takes it.
";

/// What the rules do that no row tells.
const FORESTS: &str = "
## Forests and single trees

| | `random_forest` | `decision_tree` |
|---|---|---|
| `num_round` | 1, may be left out | 1, may be left out |
| `num_parallel_tree` | 100 unless given | 1 |
| `eta` | 1 | 1 |
| `subsample`, `colsample_bytree` | 0.8 each unless given; not both 1, which makes every tree the same | 1 |
| `lambda` | 0.00001 unless given | 0.00001 unless given |
| `early_stopping_rounds` | refused | refused |

Another value than these is refused with the reason. A single tree that tells classes apart is searched for exactly where
the data allow it (no missing values, no weights, a table of moderate size); such a tree heeds `objective`, `num_class`,
`max_depth` and `min_child_weight`, the fewest rows of a leaf, and has no use for the penalties.
";

fn format_row(spec: &Spec, text: &str) -> String {
    let names: Vec<String> = std::iter::once(spec.name)
        .chain(spec.aliases.iter().copied())
        .map(|it| format!("`{it}`"))
        .collect();
    let names = names.join(", ");
    let required = if spec.required { "required" } else { "" };
    let default = if spec.default.is_empty() {
        required.to_owned()
    } else {
        format!("`{}`", spec.default)
    };
    let allowed = match spec.kind {
        Kind::Integer(interval, _) => format!("integer in {interval}"),
        Kind::Real(interval, _) => format!("number in {interval}"),
        Kind::Choice(choices, _) => choices_of(spec, choices, " or "),
        Kind::Choices(choices, _) => choices_of(spec, choices, ", "),
        Kind::Text(_) => "text".to_owned(),
    };
    let tuning = spec
        .tunable
        .map(|it| format!("{} to {}", it.min, it.max))
        .unwrap_or_default();
    format!("| {names} | {allowed} | {default} | {text} | {tuning} |\n")
}

/// What works; in the second table, what is allowed elsewhere.
fn choices_of(spec: &Spec, choices: &[&str], last: &str) -> String {
    let shown = match spec.support {
        Support::Full => spec.working_choices(),
        Support::NoEffect(_) | Support::Only { .. } => choices.to_vec(),
    };
    let quoted: Vec<String> = shown.iter().map(|it| format!("`{it}`")).collect();
    match quoted.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{}{last}{end}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

fn happens(support: Support) -> String {
    match support {
        Support::Full => String::new(),
        Support::NoEffect(why) => format!("Accepted without effect: {why}."),
        Support::Only {
            values: [],
            instead,
        } => format!("Refused: {instead}."),
        Support::Only { values, instead } => {
            let values: Vec<String> = values
                .iter()
                .filter(|it| !it.is_empty())
                .map(|it| format!("`{it}`"))
                .collect();
            format!(
                "Accepted: {}; otherwise refused: {instead}.",
                values.join(", ")
            )
        }
    }
}

/// `CreateAlgorithm` without its name: the members that follow from the table, for the image `training_image`.
pub fn create_algorithm_json(training_image: &str, instance_types: &[&str]) -> Value {
    // What is tuned for must be there; of the training channel's metrics as many as there is room for.
    let mut metrics = metric_line::definitions(&[VALIDATION, TRAIN], Metric::ALL);
    metrics.truncate(metric_line::MAX_DEFINITIONS);
    let objectives = Metric::ALL.iter().map(|it| {
        json!({
            "Type": if it.maximize() { "Maximize" } else { "Minimize" },
            "MetricName": format!("{VALIDATION}:{it}"),
        })
    });
    json!({
        "TrainingSpecification": {
            "TrainingImage": training_image,
            "SupportedHyperParameters": table().map(hyperparameter_specification).collect::<Vec<_>>(),
            "SupportedTrainingInstanceTypes": instance_types,
            "SupportsDistributedTraining": false,
            "MetricDefinitions": metrics,
            "TrainingChannels": [
                channel_specification(TRAIN, "Rows to learn from, label first.", true),
                channel_specification(VALIDATION, "Rows to judge each round by.", false),
                model_specification(),
            ],
            "SupportedTuningJobObjectiveMetrics": objectives.collect::<Vec<_>>(),
        }
    })
}

fn channel_specification(name: &str, description: &str, is_required: bool) -> Value {
    json!({
        "Name": name,
        "Description": description,
        "IsRequired": is_required,
        "SupportedContentTypes": [
            "text/csv", "text/libsvm", "text/x-libsvm", "application/x-parquet",
            "application/x-recordio-protobuf", "application/jsonlines",
        ],
        "SupportedCompressionTypes": ["None", "Gzip"],
        "SupportedInputModes": ["File", "FastFile", "Pipe"],
    })
}

fn model_specification() -> Value {
    json!({
        "Name": MODEL,
        "Description": "The model to continue from: xgboost-model, or the model.tar.gz of a job.",
        "IsRequired": false,
        "SupportedContentTypes": ["application/x-sagemaker-model"],
        "SupportedCompressionTypes": ["None"],
        "SupportedInputModes": ["File", "FastFile"],
    })
}

fn hyperparameter_specification(spec: &Spec) -> Value {
    let mut row = json!({
        "Name": spec.name,
        "Description": spec.doc,
        "Type": spec.kind.type_name(),
        "IsTunable": is_tunable(spec),
        "IsRequired": spec.required,
    });
    if !spec.default.is_empty() {
        row["DefaultValue"] = json!(spec.default);
    }
    match spec.kind {
        Kind::Integer(interval, _) => {
            let (min, max) = (whole(interval.low, 1.0), whole(interval.high, -1.0));
            row["Range"] =
                json!({"IntegerParameterRangeSpecification": {"MinValue": min, "MaxValue": max}});
        }
        Kind::Real(interval, _) => {
            let (min, max) = real_range(&interval);
            row["Range"] = json!({"ContinuousParameterRangeSpecification": {"MinValue": min, "MaxValue": max}});
        }
        Kind::Choice(..) => {
            let choices = spec.working_choices();
            row["Range"] = json!({"CategoricalParameterRangeSpecification": {"Values": choices}});
        }
        Kind::Choices(..) | Kind::Text(_) => {}
    }
    row
}

/// SageMaker's ranges are closed, so an open end of whole numbers is one step inside.
fn whole(bound: Bound, inwards: f64) -> String {
    match bound {
        Bound::Closed(value) => value.to_string(),
        Bound::Open(value) => (value + inwards).to_string(),
        Bound::Infinite if inwards > 0.0 => i32::MIN.to_string(),
        Bound::Infinite => i32::MAX.to_string(),
    }
}

fn real_range(interval: &Interval) -> (String, String) {
    let end = |bound, infinite: f32| match bound {
        Bound::Closed(value) | Bound::Open(value) => value.to_string(),
        Bound::Infinite => format!("{infinite:e}"),
    };
    (end(interval.low, f32::MIN), end(interval.high, f32::MAX))
}

/// Whether tuning it can change a model of this version.
fn is_tunable(spec: &Spec) -> bool {
    spec.tunable.is_some() && spec.support == Support::Full
}

/// The recommended ranges of what is tunable here: `ParameterRanges` of a tuning job.
pub fn tuning_ranges_json() -> Value {
    let ranges = |integers: bool| -> Vec<Value> {
        let of_kind =
            table().filter(|it| is_tunable(it) && matches!(it.kind, Kind::Integer(..)) == integers);
        let range = |spec: &Spec| {
            let range = spec
                .tunable
                .map(|it| (it.min.to_string(), it.max.to_string()))
                .unwrap_or_default();
            json!({"Name": spec.name, "MinValue": range.0, "MaxValue": range.1, "ScalingType": "Linear"})
        };
        of_kind.map(range).collect()
    };
    json!({"IntegerParameterRanges": ranges(true), "ContinuousParameterRanges": ranges(false)})
}
