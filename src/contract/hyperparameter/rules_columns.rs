//! Rules about columns: those beside the features, which goes with which and with which objective; and those of categories.
//!
//! Invariant: no two columns are declared by the same text; whether two texts are the same column, or the label's, is told
//! by the reader, which knows what they stand for.

use engine::dataset::SideColumn;
use engine::metric::Metric;
use engine::objective::{Objective, ObjectiveName};

use super::Algorithm;
use super::columns::{DeclaredColumn, hyperparameter};
use super::read::Reading;

pub(super) fn apply(reading: &mut Reading) {
    twice(reading);
    objective(reading);
    targets(reading);
    margins(reading);
    categories(reading);
}

/// A column is one thing.
fn twice(reading: &mut Reading) {
    let columns = reading.draft.columns.clone();
    let mut seen: Vec<DeclaredColumn<'_>> = Vec::new();
    for column in columns.iter() {
        let (name, text) = (column.hyperparameter, column.text);
        if let Some(before) = seen.iter().find(|it| it.text == text) {
            let message = format!(
                "Hyperparameter {name}: column `{text}` is that of `{}` already",
                before.hyperparameter
            );
            reading.rule(name, &[before.hyperparameter], message);
        }
        seen.push(column);
    }
}

/// Only some objectives read exposures and upper bounds.
fn objective(reading: &mut Reading) {
    let objective = reading.draft.objective();
    let has_rate = Objective::new(objective).variance_power().is_some();
    if reading.draft.columns.exposure.is_some() && !has_rate {
        let allowed: Vec<String> = ObjectiveName::ALL
            .iter()
            .filter(|it| Objective::new(**it).variance_power().is_some())
            .map(|it| format!("`{it}`"))
            .collect();
        let message = format!(
            "Hyperparameter exposure_column: `objective` = `{objective}` has no rate that an exposure could multiply, allowed \
             are {}",
            allowed.join(", ")
        );
        reading.rule("exposure_column", &["objective"], message);
    }
    let is_interval = objective == ObjectiveName::SurvivalAft;
    if reading.draft.columns.label_upper_bound.is_some() && !is_interval {
        let message = format!(
            "Hyperparameter label_upper_bound_column: the labels of `objective` = `{objective}` are no intervals, only those of \
             `survival:aft` are"
        );
        reading.rule("label_upper_bound_column", &["objective"], message);
    }
}

/// Only losses of one label and one margin can be had several times, and only such metrics.
fn targets(reading: &mut Reading) {
    let name = hyperparameter(SideColumn::FurtherLabel);
    let n_targets = reading.draft.columns.n_targets();
    if n_targets == 1 {
        return;
    }
    let full = reading.draft.full_objective();
    if !full.name.has_targets() {
        let allowed = ObjectiveName::ALL.iter().filter(|it| it.has_targets());
        let allowed: Vec<String> = allowed.map(|it| format!("`{it}`")).collect();
        let message = format!(
            "Hyperparameter {name}: `objective` = `{}` learns from one label, allowed with {n_targets} are {}",
            full.name,
            allowed.join(", ")
        );
        return reading.rule(name, &["objective"], message);
    }
    let judges = |it: &Metric| it.judges_targets(&full);
    if let Some(metric) = reading.draft.eval_metrics.iter().find(|it| !judges(it)) {
        let allowed = Metric::ALL.iter().filter(|it| judges(it));
        let allowed: Vec<String> = allowed.map(|it| format!("`{it}`")).collect();
        let message = format!(
            "Hyperparameter {name}: `{metric}` cannot judge {n_targets} labels, allowed are {}",
            allowed.join(", ")
        );
        reading.rule(
            name,
            &["eval_metric", "objective", "_tuning_objective_metric"],
            message,
        );
    }
    if reading.draft.algorithm == Algorithm::DecisionTree {
        let message = format!(
            "Hyperparameter {name}: `algorithm` = `decision_tree` is one tree, which predicts one label; use \
             `gradient_boosting` with `num_round` = `1` and `eta` = `1`, or `random_forest`"
        );
        reading.rule(name, &["algorithm"], message);
    }
}

/// A row starts from one thing, and from one number for each group.
fn margins(reading: &mut Reading) {
    let columns = &reading.draft.columns;
    let n_found = columns.base_margin.len();
    if n_found == 0 {
        return;
    }
    let name = hyperparameter(SideColumn::BaseMargin);
    if columns.exposure.is_some() {
        let message = format!(
            "Hyperparameter {name}: does not go with `exposure_column`; add the exposure's logarithm to the margin, and leave one \
             of them out"
        );
        reading.rule(name, &["exposure_column"], message);
    }
    let n_groups = reading.draft.full_objective().n_groups();
    let n_groups = n_groups.max(reading.draft.columns.n_targets());
    if n_found != n_groups {
        let message =
            format!("Hyperparameter {name}: {n_found} columns, the objective needs {n_groups}");
        reading.rule(name, &["objective", "num_class", "quantile_alpha"], message);
    }
}

/// Where features have names, those of categories must be among them, or numbers below their count. Parquet files may bring
/// names yet.
fn categories(reading: &mut Reading) {
    let names = &reading.draft.feature_names;
    let unknown = |it: &&String| match it.parse::<usize>() {
        Ok(index) => !names.is_empty() && index >= names.len(),
        Err(_) => !names.is_empty() && !names.contains(it),
    };
    let declared = &reading.draft.categorical_features;
    if let Some(unknown) = declared.iter().find(unknown) {
        let near = crate::nearest::nearest(unknown, names.iter().map(String::as_str));
        let near = near
            .map(|it| format!("; did you mean `{it}`?"))
            .unwrap_or_default();
        let message = format!(
            "Hyperparameter categorical_features: `{unknown}` is not among `feature_names` and is not the number of a \
             feature{near}"
        );
        reading.rule("categorical_features", &["feature_names"], message);
    } else if reading.draft.exact && !declared.is_empty() {
        let message = "Hyperparameter categorical_features: does not go with `tree_method` = `exact`, which only knows numbers; \
                       use `hist`";
        reading.rule("categorical_features", &["tree_method"], message);
    }
}
