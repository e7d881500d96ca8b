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
}

/// The document; a round's values are one text, since JSON has no infinity.
#[derive(Serialize, Deserialize)]
struct Document {
    schema: u32,
    first_round: u32,
    started_from: StartedFrom,
    hyperparameters: BTreeMap<String, String>,
    data: String,
    evaluations: Vec<(String, String)>,
    history: Vec<String>,
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
            let values: Vec<f64> = it
                .split_ascii_whitespace()
                .map(|it| it.parse().ok())
                .collect::<Option<_>>()?;
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
        })
    }

    /// The attribute's text.
    pub fn write(&self) -> String {
        let round = |values: &Vec<f64>| {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            values.join(" ")
        };
        let text = Document {
            schema: self.schema,
            first_round: self.first_round,
            started_from: self.started_from,
            hyperparameters: self.hyperparameters.clone(),
            data: self.data.clone(),
            evaluations: self.evaluations.clone(),
            history: self.history.iter().map(round).collect(),
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
