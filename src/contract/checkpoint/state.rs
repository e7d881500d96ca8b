//! What a checkpoint holds beside the trees: an attribute of the model, which XGBoost reads over.
//!
//! Invariant: numbers come back as they were, those that are not finite included.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document;

/// The attribute's name.
pub const ATTRIBUTE: &str = "linden_checkpoint";

closed_spelling! {
    /// What the first round of the job was added to.
    #[derive(Default)]
    StartedFrom {
        /// Nothing: the base score.
        #[default]
        Nothing = "nothing",
        /// The model of the channel `model`.
        Model = "model",
        /// A checkpoint of XGBoost's.
        Checkpoint = "checkpoint",
    }
}

/// What a job must know to go on, and whether it may.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The version of this document.
    pub schema: u32,
    /// Rounds that the model had before the job's first one.
    pub first_round: u32,
    /// What those rounds are.
    pub started_from: StartedFrom,
    /// The hyperparameters that decide the model, as they were in effect.
    pub hyperparameters: BTreeMap<String, String>,
    /// The SHA-256 digest of the data, in hexadecimal.
    pub data: String,
    /// Data set and metric of each value in `history`'s entries.
    pub evaluations: Vec<(String, String)>,
    /// The values after each of the job's rounds.
    pub history: Vec<Vec<f64>>,
    /// What the model was after its best round, where that is kept and later rounds changed it.
    pub as_best: Option<AsBest>,
}

/// What later rounds changed of a model, as it was after its best round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AsBest {
    /// Rounds that the model had.
    pub n_rounds: u32,
    /// The weights of a `dart`'s trees or of a `gblinear`.
    #[serde(with = "as_text", default)]
    pub weights: Vec<f32>,
    /// The leaves of a `dart`'s trees that hold what its outputs start from.
    #[serde(with = "as_text", default)]
    pub start_leaves: Vec<f32>,
    /// What `lambdarank_unbiased` learned of the places of rows that were clicked.
    #[serde(with = "as_text", default)]
    pub clicked: Vec<f32>,
    /// And of those that were not.
    #[serde(with = "as_text", default)]
    pub passed: Vec<f32>,
}

/// Numbers as one text, since JSON has no infinity.
mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn write<T: Display>(values: &[T]) -> String {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        values.join(" ")
    }

    pub(super) fn read<T: FromStr>(text: &str) -> Option<Vec<T>> {
        let values = text.split_ascii_whitespace().map(|it| it.parse().ok());
        values.collect()
    }

    pub(super) fn serialize<S: Serializer>(values: &[f32], to: S) -> Result<S::Ok, S::Error> {
        write(values).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f32>, D::Error> {
        let text = String::deserialize(from)?;
        read(&text).ok_or_else(|| D::Error::custom("expected numbers"))
    }
}

/// The document; a round's values are one text.
#[derive(Serialize, Deserialize)]
struct Document {
    schema: u32,
    first_round: u32,
    started_from: StartedFrom,
    hyperparameters: BTreeMap<String, String>,
    data: String,
    evaluations: Vec<(String, String)>,
    history: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    as_best: Option<AsBest>,
}

impl State {
    /// The version that is written.
    pub const SCHEMA: u32 = 1;

    /// Reads the attribute; `None` if it is not such a text, or one of another version.
    pub fn read(text: &str) -> Option<Self> {
        let document: Document = serde_json::from_str(text).ok()?;
        if document.schema != Self::SCHEMA {
            return None;
        }
        let n_values = document.evaluations.len();
        let round = |it: String| {
            let values: Vec<f64> = as_text::read(&it)?;
            (values.len() == n_values).then_some(values)
        };
        Some(Self {
            schema: document.schema,
            first_round: document.first_round,
            started_from: document.started_from,
            hyperparameters: document.hyperparameters,
            data: document.data,
            evaluations: document.evaluations,
            history: document
                .history
                .into_iter()
                .map(round)
                .collect::<Option<_>>()?,
            as_best: document.as_best,
        })
    }

    /// The attribute's text.
    pub fn write(&self) -> String {
        let text = Document {
            schema: self.schema,
            first_round: self.first_round,
            started_from: self.started_from,
            hyperparameters: self.hyperparameters.clone(),
            data: self.data.clone(),
            evaluations: self.evaluations.clone(),
            history: self.history.iter().map(|it| as_text::write(it)).collect(),
            as_best: self.as_best.clone(),
        };
        document::write_line(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(history: Vec<Vec<f64>>) -> State {
        State {
            schema: State::SCHEMA,
            first_round: 3,
            started_from: StartedFrom::Model,
            hyperparameters: BTreeMap::from([("eta".to_owned(), "0.3".to_owned())]),
            data: "00ff".to_owned(),
            evaluations: vec![
                ("train".to_owned(), "rmse".to_owned()),
                ("validation".to_owned(), "auc".to_owned()),
            ],
            history,
            as_best: Some(AsBest {
                n_rounds: 4,
                weights: vec![1.0 / 3.0, f32::INFINITY, f32::MIN_POSITIVE],
                clicked: vec![0.7],
                ..AsBest::default()
            }),
        }
    }

    #[test]
    fn every_number_comes_back_as_it_was() {
        let values = [
            0.1 + 0.2,
            f64::MIN_POSITIVE,
            -0.0,
            1e300,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        let history = values.map(|it| vec![it, 1.0 / 3.0]).to_vec();
        let read = State::read(&state(history.clone()).write()).unwrap();
        let bits = |it: &[Vec<f64>]| -> Vec<u64> {
            it.iter().flatten().map(|value| value.to_bits()).collect()
        };
        assert_eq!(bits(&read.history), bits(&history));
        assert_eq!(read, state(history));
        let undefined = State::read(&state(vec![vec![f64::NAN, 1.0]]).write()).unwrap();
        assert!(undefined.history[0][0].is_nan());
    }

    #[test]
    fn other_texts_are_no_state() {
        let text = state(vec![vec![1.0, 2.0]]).write();
        assert!(State::read(&text).is_some());
        for other in [
            text.replace("\"schema\":1", "\"schema\":2"),
            text.replace("1 2", "1"),
            text.replace("1 2", "1 x"),
            text.replace("model", "elsewhere"),
            text[..text.len() - 1].to_owned(),
            String::new(),
        ] {
            assert_eq!(State::read(&other), None, "{other}");
        }
    }
}
