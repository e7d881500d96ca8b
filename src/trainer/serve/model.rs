//! A model that answers: one, or several of one kind that answer together, made ready once.
//!
//! Invariants: predictions are the engine's, bit for bit. A model that was trained with an exposure or a base margin is not
//! served without being told where requests have it: its predictions would mean something else.
//!
//! Source: sagemaker-xgboost-container `algorithm_mode/serve_utils.py`, `get_loaded_booster` and `predict`. There rows of any
//! width are predicted; here they are refused.

use engine::booster::{Booster, PredictError, Predictor};
use engine::dataset::{SideColumn, SideColumns};
use engine::objective::Objective;
use engine::threads::Threads;
use engine::tree::Tree;

use super::ensemble;
use super::request::RequestType;
use super::rows::Rows;
use super::rows_error::RowsError;
use super::side::SidePlan;
use super::table::Table;
use super::words::Words;

/// What is answered, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Predictions {
    /// Row-major, `(n_rows, n_outputs)`.
    pub(super) values: Vec<f32>,
    pub(super) n_outputs: usize,
}

/// A model, ready to predict.
#[derive(Debug)]
pub(super) struct Model {
    members: Vec<Member>,
    n_features: usize,
    n_outputs: usize,
    steps_per_row: usize,
    side: SidePlan,
    words: Words,
    threads: Threads,
}

#[derive(Debug)]
struct Member {
    objective: Objective,
    predictor: Predictor,
}

/// Why models cannot answer together, or not at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitModel {
    /// There is no model.
    #[error("there is no model")]
    None,
    /// The models predict different things.
    #[error(
        "the models of an ensemble must be of one kind, but one has {first} and another {other}"
    )]
    Mixed {
        /// Objective and columns of the first.
        first: String,
        /// Those of another.
        other: String,
    },
    /// The models call their categories differently.
    #[error("the models of an ensemble must have the same names of categories")]
    Categories,
    /// Rows need a column that nobody named.
    #[error(
        "the model was trained with {column}s, so every row needs one: set {variable} to its column in requests, from 0"
    )]
    Input {
        /// What is needed.
        column: SideColumn,
        /// Where to name it.
        variable: &'static str,
    },
    /// The base margin has another number of columns than the model has outputs.
    #[error(
        "the base margin has {found} columns, the model has {expected} outputs; each needs one"
    )]
    Margins {
        /// Columns that were named.
        found: usize,
        /// Outputs of the model.
        expected: usize,
    },
}

/// The kind of a model, for messages.
fn kind(booster: &Booster) -> String {
    format!(
        "`{}` of {} features and {} outputs",
        booster.objective.name.as_str(),
        booster.n_features(),
        booster.n_groups()
    )
}

impl Model {
    /// Makes boosters ready. `required` is what their rows must bring beside features.
    ///
    /// # Errors
    /// [`UnfitModel`] if they cannot answer together, or requests lack what they need.
    pub(super) fn new(
        boosters: &[Booster],
        required: &[SideColumn],
        side: SidePlan,
        threads: Threads,
    ) -> Result<Self, UnfitModel> {
        let first = boosters.first().ok_or(UnfitModel::None)?;
        if let Some(other) = boosters.iter().find(|it| kind(it) != kind(first)) {
            return Err(UnfitModel::Mixed {
                first: kind(first),
                other: kind(other),
            });
        }
        if boosters
            .iter()
            .any(|it| it.category_names != first.category_names)
        {
            return Err(UnfitModel::Categories);
        }
        if let Some(&column) = required.iter().find(|it| !side.has(**it)) {
            let variable = variable_of(column);
            return Err(UnfitModel::Input { column, variable });
        }
        let (found, expected) = (side.base_margin.len(), first.n_groups());
        if found != 0 && found != expected {
            return Err(UnfitModel::Margins { found, expected });
        }
        let member = |booster: &Booster| Member {
            objective: booster.objective.clone(),
            predictor: Predictor::new(booster),
        };
        let decides = first.objective.n_outputs() < first.objective.n_groups();
        let n_outputs = if decides { 1 } else { first.n_groups() };
        Ok(Self {
            members: boosters.iter().map(member).collect(),
            n_features: first.n_features(),
            n_outputs,
            steps_per_row: boosters.iter().map(steps_of).sum(),
            words: Words::new(&first.category_names, first.n_features(), &side),
            side,
            threads,
        })
    }

    /// What is predicted.
    pub(super) fn objective(&self) -> &Objective {
        &self.members[0].objective
    }

    /// Values of an answer.
    pub(super) fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// Which columns of requests hold words.
    pub(super) fn words(&self) -> &Words {
        &self.words
    }

    /// The most steps that bring a row through all trees, or the columns that are multiplied.
    pub(super) fn steps_per_row(&self) -> usize {
        self.steps_per_row
    }

    /// How many models answer together.
    pub(super) fn n_members(&self) -> usize {
        self.members.len()
    }

    /// Predicts rows.
    ///
    /// # Errors
    /// [`RowsError`] for rows that are not the model's.
    pub(super) fn predict(&self, rows: Rows, of: RequestType) -> Result<Predictions, RowsError> {
        if !self.words.is_empty() && of != RequestType::Csv {
            return Err(RowsError::Words { kind: of.name() });
        }
        let n_rows = rows.n_rows();
        let (rows, side) = if self.side.is_empty() {
            (rows, SideColumns::default())
        } else {
            self.side.split(rows)?
        };
        self.check_width(&rows, of)?;
        let table = Table::new(rows, n_rows, side)?;
        let members = self.members.iter();
        let answers: Result<Vec<Vec<f32>>, PredictError> = members
            .map(|it| it.predict(&table, &self.threads))
            .collect();
        Ok(Predictions {
            values: ensemble::joined(self.objective().name, answers?),
            n_outputs: self.n_outputs,
        })
    }

    fn check_width(&self, rows: &Rows, of: RequestType) -> Result<(), RowsError> {
        let (found, expected) = (rows.n_columns(), self.n_features);
        let is_sparse = matches!(rows, Rows::Sparse { .. });
        if found == expected || (is_sparse && found < expected) {
            return Ok(());
        }
        Err(RowsError::Width {
            kind: of.name(),
            found,
            expected,
            is_sparse,
        })
    }
}

/// See [`Model::steps_per_row`]. Trees are walked several at a time, as deep as the deepest; a leaf may have a value for each
/// output.
fn steps_of(booster: &Booster) -> usize {
    let deepest = booster.trees.iter().map(Tree::depth).max().unwrap_or(0);
    let of_tree = deepest + booster.n_groups();
    booster.trees.len() * of_tree + booster.n_features() * booster.n_groups()
}

/// The variable that names the column.
fn variable_of(column: SideColumn) -> &'static str {
    match column {
        SideColumn::Exposure => contract::environment::LINDEN_EXPOSURE_COLUMN.name,
        SideColumn::BaseMargin
        | SideColumn::QueryId
        | SideColumn::LabelUpperBound
        | SideColumn::FurtherLabel => contract::environment::LINDEN_BASE_MARGIN_COLUMNS.name,
    }
}

impl Member {
    fn predict(&self, table: &Table, threads: &Threads) -> Result<Vec<f32>, PredictError> {
        let mut margins = table.predict_margin(&self.predictor, threads)?;
        self.objective.transform(&mut margins);
        Ok(self.objective.decide(margins))
    }
}

#[cfg(test)]
mod tests {
    use engine::objective::ObjectiveName;
    use engine::tree::{NO_PARENT, Node, Tree};

    use super::*;

    fn constant(objective: ObjectiveName, value: f32) -> Booster {
        Booster {
            trees: vec![Tree::from(vec![Node::leaf(NO_PARENT, value, 4.0)])],
            tree_info: vec![0],
            base_score: 0.0,
            ..Booster::new(Objective::new(objective), 2)
        }
    }

    fn model(boosters: &[Booster]) -> Result<Model, UnfitModel> {
        Model::new(boosters, &[], SidePlan::default(), Threads::single())
    }

    fn rows(n_columns: usize) -> Rows {
        Rows::Dense {
            n_columns,
            values: vec![1.0; 2 * n_columns],
        }
    }

    #[test]
    fn several_models_give_their_mean() {
        let name = ObjectiveName::RegSquaredError;
        let model = model(&[
            constant(name, 1.0),
            constant(name, 2.0),
            constant(name, 6.0),
        ])
        .unwrap();
        let predictions = model.predict(rows(2), RequestType::Csv).unwrap();
        assert_eq!(predictions.values, [3.0, 3.0]);
    }

    #[test]
    fn several_models_vote_on_classes() {
        let name = ObjectiveName::BinaryHinge;
        let models = [1.0, 1.0, -1.0].map(|it| constant(name, it));
        let predictions = model(&models).unwrap().predict(rows(2), RequestType::Csv);
        assert_eq!(predictions.unwrap().values, [1.0, 1.0]);
    }

    #[test]
    fn models_of_different_kinds_are_refused() {
        let models = [
            constant(ObjectiveName::RegSquaredError, 1.0),
            constant(ObjectiveName::BinaryLogistic, 1.0),
        ];
        let told = model(&models).unwrap_err().to_string();
        assert!(
            told.contains("`reg:squarederror`") && told.contains("`binary:logistic`"),
            "{told}"
        );
    }

    #[test]
    fn rows_of_another_width_are_refused_in_the_built_in_containers_words() {
        let model = model(&[constant(ObjectiveName::RegSquaredError, 1.0)]).unwrap();
        let told = model.predict(rows(3), RequestType::Csv).unwrap_err();
        assert_eq!(
            told.to_string(),
            "Feature size of csv inference data 3 is not consistent with feature size of trained model 2. If one column is \
             the label, leave it out."
        );
        let wide = Rows::Sparse {
            n_columns: 5,
            indptr: vec![0, 1],
            indices: vec![4],
            values: vec![1.0],
        };
        let told = model.predict(wide, RequestType::Libsvm).unwrap_err();
        assert_eq!(
            told.to_string(),
            "Feature size of libsvm inference data 5 is larger than feature size of trained model 2."
        );
    }

    #[test]
    fn what_a_model_needs_is_asked_for_by_name() {
        let booster = [Booster {
            base_score: 1.0,
            ..constant(ObjectiveName::CountPoisson, 1.0)
        }];
        let needs = [SideColumn::Exposure];
        let told = Model::new(&booster, &needs, SidePlan::default(), Threads::single());
        let told = told.unwrap_err().to_string();
        assert!(told.contains("set LINDEN_EXPOSURE_COLUMN"), "{told}");
        let side = SidePlan {
            exposure: Some(2),
            base_margin: vec![],
        };
        let model = Model::new(&booster, &needs, side, Threads::single()).unwrap();
        let values = vec![1.0, 1.0, 1.0, 1.0, 1.0, 3.0];
        let rows = Rows::Dense {
            n_columns: 3,
            values,
        };
        let values = model.predict(rows, RequestType::Csv).unwrap().values;
        assert!((values[1] / values[0] - 3.0).abs() < 1e-6, "{values:?}");
    }
}
