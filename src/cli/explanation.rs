//! How explanations are written: rows as CSV lines or JSON lines, importance and dependence as tables.

use std::fmt;

use engine::dataset::Dataset;
use engine::explain::{Dependence, ExplainError, ImportanceType};
use engine::threads::Threads;
use serde::Serialize;

use crate::error::CliError;
use crate::model_file::LoadedModel;
use crate::output::Format;
use crate::rows::OnLine;
use crate::style::{FAINT, paint};
use crate::table::Table;
use crate::units;

/// What is told about rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Exact contributions.
    Contributions,
    /// Saabas's contributions.
    Approximate,
    /// Contributions of pairs.
    Interactions,
    /// Leaf indices.
    Leaves,
}

/// Explains blocks of rows and writes each row as text.
#[derive(Debug)]
pub struct RowWriter<'a> {
    model: &'a LoadedModel,
    kind: Kind,
    format: Format,
    /// Features and then the bias.
    columns: Vec<String>,
    n_rows: u64,
}

impl<'a> RowWriter<'a> {
    /// A writer of lines of JSON, or of CSV.
    pub fn new(model: &'a LoadedModel, kind: Kind, format: Format) -> Self {
        let n_features = model.booster.n_features();
        let names = (0..n_features).map(|it| model.feature_name(it));
        Self {
            model,
            kind,
            format,
            columns: names.chain(["bias".to_owned()]).collect(),
            n_rows: 0,
        }
    }

    /// Numbers that a row has.
    pub fn width(&self) -> usize {
        let booster = &self.model.booster;
        let (n_columns, n_groups) = (self.columns.len(), booster.n_groups());
        match self.kind {
            Kind::Contributions | Kind::Approximate => n_groups.saturating_mul(n_columns),
            Kind::Interactions => n_groups.saturating_mul(n_columns).saturating_mul(n_columns),
            Kind::Leaves => booster.trees.len(),
        }
    }

    /// Writes the names of CSV's columns; JSON has them in each line.
    ///
    /// # Errors
    /// If the line cannot be written.
    pub fn heading(&self, on_line: &mut OnLine<'_>) -> Result<(), CliError> {
        if self.format == Format::Json {
            return Ok(());
        }
        let before = match self.kind {
            Kind::Contributions | Kind::Approximate => "row,group",
            Kind::Interactions => "row,group,feature",
            Kind::Leaves => "row",
        };
        let names: Vec<String> = match self.kind {
            Kind::Leaves => (0..self.width()).map(|it| format!("tree{it}")).collect(),
            Kind::Contributions | Kind::Approximate | Kind::Interactions => {
                self.columns.iter().map(|it| quoted(it)).collect()
            }
        };
        on_line(&format!("{before},{}", names.join(",")))
    }

    /// The lines of a block of rows, which follows those before.
    ///
    /// # Errors
    /// If the model has no such explanation.
    pub fn explain(
        &mut self,
        data: &Dataset,
        threads: &Threads,
    ) -> Result<Vec<String>, ExplainError> {
        let booster = &self.model.booster;
        let values = match self.kind {
            Kind::Contributions => booster.predict_contributions(data, threads)?,
            Kind::Approximate => booster.predict_approximate_contributions(data, threads)?,
            Kind::Interactions => booster.predict_interactions(data, threads)?,
            Kind::Leaves => {
                let leaves = booster.predict_leaf(data, threads)?;
                leaves.into_iter().map(f64::from).collect()
            }
        };
        let mut lines = Vec::new();
        for row in values.chunks(self.width().max(1)) {
            match self.format {
                Format::Json => lines.push(self.json(row)),
                Format::Text => self.push_csv(row, &mut lines),
            }
            self.n_rows += 1;
        }
        Ok(lines)
    }

    fn json(&self, values: &[f64]) -> String {
        let n_columns = self.columns.len();
        let (row, columns) = (self.n_rows, &self.columns);
        let line = match self.kind {
            Kind::Leaves => {
                let leaves: Vec<u64> = values.iter().map(|&it| it as u64).collect();
                serde_json::json!({ "row": row, "leaves": leaves })
            }
            Kind::Contributions | Kind::Approximate => {
                let groups: Vec<&[f64]> = values.chunks(n_columns).collect();
                serde_json::json!({ "row": row, "columns": columns, "contributions": groups })
            }
            Kind::Interactions => {
                let lines: Vec<&[f64]> = values.chunks(n_columns).collect();
                let groups: Vec<&[&[f64]]> = lines.chunks(n_columns).collect();
                serde_json::json!({ "row": row, "columns": columns, "interactions": groups })
            }
        };
        line.to_string()
    }

    fn push_csv(&self, values: &[f64], lines: &mut Vec<String>) {
        let row = self.n_rows;
        let n_columns = self.columns.len();
        match self.kind {
            Kind::Leaves => lines.push(format!("{row},{}", joined(values))),
            Kind::Contributions | Kind::Approximate => {
                for (group, values) in values.chunks(n_columns).enumerate() {
                    lines.push(format!("{row},{group},{}", joined(values)));
                }
            }
            Kind::Interactions => {
                for (idx, values) in values.chunks(n_columns).enumerate() {
                    let group = idx / n_columns;
                    let feature = quoted(&self.columns[idx % n_columns]);
                    lines.push(format!("{row},{group},{feature},{}", joined(values)));
                }
            }
        }
    }
}

fn joined(values: &[f64]) -> String {
    let values: Vec<_> = values.iter().map(f64::to_string).collect();
    values.join(",")
}

/// A field of CSV.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Importance of each feature in use, the largest first.
#[derive(Debug, Serialize)]
pub struct ImportanceTable {
    #[serde(rename = "type")]
    kind: &'static str,
    importance: Vec<FeatureImportance>,
}

#[derive(Debug, Serialize)]
struct FeatureImportance {
    feature: u32,
    name: String,
    value: f64,
}

impl ImportanceTable {
    /// The table of what the engine found.
    pub fn new(model: &LoadedModel, kind: ImportanceType, found: Vec<(u32, f64)>) -> Self {
        let named = |(feature, value): (u32, f64)| FeatureImportance {
            feature,
            name: model.feature_name(feature as usize),
            value,
        };
        let mut importance: Vec<_> = found.into_iter().map(named).collect();
        importance.sort_by(|a, b| b.value.total_cmp(&a.value));
        Self {
            kind: kind.as_str(),
            importance,
        }
    }
}

impl fmt::Display for ImportanceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(0, &[1]);
        table.row(["feature", self.kind].map(|it| paint(FAINT, it)));
        for it in &self.importance {
            table.row([it.name.clone(), units::metric(it.value)]);
        }
        write!(f, "{table}")
    }
}

/// Mean predictions with features put to values.
#[derive(Debug, Serialize)]
pub struct DependenceTable {
    features: Vec<String>,
    points: Vec<DependencePoint>,
}

#[derive(Debug, Serialize)]
struct DependencePoint {
    values: Vec<f32>,
    means: Vec<f64>,
}

impl DependenceTable {
    /// The table of what the engine found.
    pub fn new(model: &LoadedModel, found: &Dependence) -> Self {
        let mut points: Vec<Vec<f32>> = vec![Vec::new()];
        for grid in &found.values {
            let longer = |before: &Vec<f32>| -> Vec<Vec<f32>> {
                let with = |&value| [before.as_slice(), &[value]].concat();
                grid.iter().map(with).collect()
            };
            points = points.iter().flat_map(longer).collect();
        }
        let means = found.means.chunks(found.n_groups).map(<[f64]>::to_vec);
        let point = |(values, means)| DependencePoint { values, means };
        let features = found.features.iter();
        Self {
            features: features
                .map(|&it| model.feature_name(it as usize))
                .collect(),
            points: points.into_iter().zip(means).map(point).collect(),
        }
    }
}

impl fmt::Display for DependenceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_features = self.features.len();
        let n_means = self.points.first().map_or(0, |it| it.means.len());
        let right: Vec<usize> = (0..n_features + n_means).collect();
        let mut table = Table::new(0, &right);
        let heading = |group: usize| match n_means {
            1 => "mean".to_owned(),
            _ => format!("mean of {group}"),
        };
        let headings = self.features.iter().cloned();
        let headings = headings.chain((0..n_means).map(heading));
        table.row(headings.map(|it| paint(FAINT, it)));
        for point in &self.points {
            let values = point.values.iter().map(f32::to_string);
            table.row(values.chain(point.means.iter().map(|&it| units::metric(it))));
        }
        write!(f, "{table}")
    }
}
