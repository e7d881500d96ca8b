//! The columns of a Parquet file: label, weight, features, and what the job declares to be something else.
//!
//! Invariants: a [`Layout`] has a label, a weight where one was asked for, and a feature at least; all of them are numbers,
//! but features may be text;
//! the files of a channel have equal layouts. The index that pandas writes beside a table's columns is none of them, as
//! in the built-in algorithm, which reads with pandas.

use std::collections::HashSet;
use std::sync::Arc;

use contract::nearest::nearest;
use engine::dataset::SideColumn;
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::SchemaDescriptor;
use serde_json::Value;

use super::super::csv::CsvOptions;
use super::super::error::DataError;
use super::super::rows::NoFeature;
use super::super::side::{SideProblem, taken};
use super::Feature;
use super::numbers::Numbers;
use super::problem::{MAX_COLUMNS, ParquetPlace, ParquetProblem};

/// A column that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Its number in the file, from 0.
    pub(super) idx: usize,
    pub(super) name: String,
    pub(super) numbers: Numbers,
}

/// The columns of a file that are read: the label, perhaps a weight, columns beside the features, features.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) object: Arc<str>,
    pub(super) columns: Vec<Column>,
    /// Columns before the first feature.
    pub(super) n_leading: usize,
    /// What the last of those before the first feature hold beside it; those of the base margin in its order.
    pub(super) side: Vec<SideColumn>,
    /// The column of the query, which is not among `columns`: it is no `f32`.
    pub(super) query: Option<Column>,
    /// Columns that hold pandas' index.
    pub(super) left_out: Vec<String>,
}

impl Layout {
    /// What the footer of `object` says.
    ///
    /// # Errors
    /// [`DataError::Parquet`] at the first column that is not one of numbers, and if there are too few or too many.
    pub(super) fn of(
        object: &Arc<str>,
        metadata: &ParquetMetaData,
        options: &CsvOptions,
    ) -> Result<Self, DataError> {
        let weighted = options.weighted;
        let place = || ParquetPlace::file(object);
        let schema = metadata.file_metadata().schema_descr();
        if schema.num_columns() > MAX_COLUMNS {
            let found = schema.num_columns();
            return Err(place().refuse(ParquetProblem::TooManyColumns(found)));
        }
        let index = pandas_index(metadata);
        let mut layout = Self {
            object: Arc::clone(object),
            columns: Vec::with_capacity(schema.num_columns()),
            n_leading: 1 + usize::from(weighted),
            side: Vec::new(),
            query: None,
            left_out: Vec::new(),
        };
        for (idx, column) in schema.columns().iter().enumerate() {
            let name = top_name(schema, idx);
            if index.contains(name) || is_index(name) {
                layout.left_out.push(name.to_owned());
                continue;
            }
            let refuse = |problem| Err(place().in_column(idx, name).refuse(problem));
            if column.max_rep_level() > 0 || column.path().parts().len() != 1 {
                return refuse(ParquetProblem::Nested);
            }
            match Numbers::of(column) {
                Ok(numbers) => layout.columns.push(Column {
                    idx,
                    name: name.to_owned(),
                    numbers,
                }),
                Err(what) => return refuse(ParquetProblem::Type(what.to_owned())),
            }
        }
        let found = layout.columns.len();
        if found > layout.n_leading {
            let declared = layout.declare(options);
            declared.map_err(|problem| place().refuse(problem.into()))?;
        }
        if layout.columns.len() <= layout.n_leading {
            let declared = !options.side.declared.is_empty();
            return Err(place().refuse(
                NoFeature {
                    found,
                    weighted,
                    declared,
                }
                .into(),
            ));
        }
        if let Some(column) = layout.text_beside() {
            let place = place().in_column(column.idx, &column.name);
            return Err(place.refuse(ParquetProblem::Type("text".to_owned())));
        }
        Ok(layout)
    }

    /// Takes the declared columns out of the features.
    fn declare(&mut self, options: &CsvOptions) -> Result<(), SideProblem> {
        let first = &self.columns[0].name;
        let others = options.side.declared.first_label();
        if let Some(text) = others.filter(|it| *it != first && *it != "0") {
            return Err(SideProblem::FirstLabel {
                text: text.to_owned(),
                expected: format!("`{first}` or `0`"),
            });
        }
        let mut found: Vec<(usize, SideColumn)> = Vec::new();
        for declared in options.side.declared.iter() {
            let (hyperparameter, text) = (declared.hyperparameter, declared.text.to_owned());
            let named = self.columns.iter().position(|it| it.name == text);
            let number = named.or_else(|| text.parse().ok());
            let Some(number) = number.filter(|it| *it < self.columns.len()) else {
                let names = self.columns.iter().map(|it| it.name.as_str());
                let nearest = nearest(&text, names).map(Box::from);
                return Err(SideProblem::NoName {
                    hyperparameter,
                    text,
                    first: self.n_leading as u32,
                    last: self.columns.len() as u32 - 1,
                    nearest,
                });
            };
            if let Some(by) = taken(number, self.n_leading, &found) {
                return Err(SideProblem::Taken {
                    hyperparameter,
                    text,
                    by,
                });
            }
            found.push((number, declared.column));
        }
        let is_declared = |number: usize| found.iter().any(|(it, _)| *it == number);
        let n_leading = self.n_leading;
        let mut columns = self.columns[..n_leading].to_vec();
        for &(number, column) in &found {
            if column == SideColumn::QueryId {
                self.query = Some(self.columns[number].clone());
            } else {
                columns.push(self.columns[number].clone());
                self.side.push(column);
            }
        }
        self.n_leading = columns.len();
        let all = self.columns.iter().enumerate().skip(n_leading);
        columns.extend(
            all.filter(|(number, _)| !is_declared(*number))
                .map(|(_, it)| it.clone()),
        );
        self.columns = columns;
        Ok(())
    }

    pub(super) fn n_features(&self) -> usize {
        self.columns.len() - self.n_leading
    }

    /// The features.
    pub(super) fn features(&self) -> Vec<Feature> {
        let features = self.columns[self.n_leading..].iter();
        let features = features.map(|it| Feature {
            name: it.name.clone(),
            is_text: it.numbers == Numbers::Text,
        });
        features.collect()
    }

    /// The first column of text that is no feature.
    fn text_beside(&self) -> Option<&Column> {
        let mut beside = self.columns[..self.n_leading].iter().chain(&self.query);
        beside.find(|it| it.numbers == Numbers::Text)
    }

    /// Refuses a layout that is not that of the `first` file.
    pub(super) fn check_same(&self, first: &Self) -> Result<(), DataError> {
        let place = ParquetPlace::file(&self.object);
        let fixed_by = || Arc::clone(&first.object);
        if self.columns.len() != first.columns.len() {
            return Err(place.refuse(ParquetProblem::Width {
                found: self.columns.len(),
                expected: first.columns.len(),
                fixed_by: fixed_by(),
            }));
        }
        let queries = self.query.iter().zip(&first.query);
        let mut pairs = self.columns.iter().zip(&first.columns).chain(queries);
        let differs = pairs.find(|(own, it)| own.name != it.name || own.numbers != it.numbers);
        match differs {
            None => Ok(()),
            Some((own, it)) => {
                Err(place
                    .in_column(own.idx, &own.name)
                    .refuse(ParquetProblem::Differs {
                        found: own.numbers.to_string(),
                        name: it.name.clone(),
                        expected: it.numbers.to_string(),
                        fixed_by: fixed_by(),
                    }))
            }
        }
    }
}

/// The name of the column that the leaf `idx` belongs to.
fn top_name(schema: &SchemaDescriptor, idx: usize) -> &str {
    schema.get_column_root(idx).name()
}

/// What pandas calls an index without a name.
fn is_index(name: &str) -> bool {
    let number = name
        .strip_prefix("__index_level_")
        .and_then(|it| it.strip_suffix("__"));
    number.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
}

/// The columns that pandas would make the index of the table.
fn pandas_index(metadata: &ParquetMetaData) -> HashSet<String> {
    let pairs = metadata.file_metadata().key_value_metadata();
    let text = pairs
        .into_iter()
        .flatten()
        .find(|it| it.key == "pandas")
        .and_then(|it| it.value.as_deref());
    let document: Option<Value> = text.and_then(|it| serde_json::from_str(it).ok());
    let columns = document
        .as_ref()
        .and_then(|it| it["index_columns"].as_array());
    // An object in the place of a name is a range, which has no column.
    let names = columns.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_an_index_by_its_name() {
        for (name, expected) in [
            ("__index_level_0__", true),
            ("__index_level_12__", true),
            ("__index_level___", false),
            ("__index_level_x__", false),
            ("index", false),
        ] {
            assert_eq!(is_index(name), expected, "{name}");
        }
    }
}
