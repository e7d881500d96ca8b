//! Selectable inference: what `SAGEMAKER_INFERENCE_OUTPUT` asks for in the place of the bare prediction.
//!
//! Invariants: which keys an objective has, what they hold and how a key that it does not have is answered (`NaN`) are the
//! built-in container's, down to `raw_scores` of a class number, which no one will have a use for.
//!
//! Source: sagemaker-xgboost-container `algorithm_mode/serve_utils.py`, `get_selected_predictions`.

use engine::objective::{Objective, ObjectiveName};

/// What can be asked for, in the order in which documents have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    PredictedLabel,
    Labels,
    Probability,
    Probabilities,
    RawScore,
    RawScores,
    PredictedScore,
}

/// An objective whose answers cannot be selected from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Objective `{0}` unsupported for selectable inference predictions.")]
pub(super) struct NotSelectable(&'static str);

/// The value of a key for a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Selected {
    Whole(u32),
    Wholes(u32),
    Number(f64),
    Numbers(Vec<f64>),
    Nothing,
}

/// The keys that were asked for, as a model answers them.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    /// The keys in the environment's order.
    asked: Vec<(String, Option<Key>)>,
    /// The same, each once, in the order of documents.
    documented: Vec<(String, Option<Key>)>,
    objective: ObjectiveName,
    num_class: u32,
}

impl Key {
    const ALL: [(Self, &'static str); 7] = [
        (Self::PredictedLabel, "predicted_label"),
        (Self::Labels, "labels"),
        (Self::Probability, "probability"),
        (Self::Probabilities, "probabilities"),
        (Self::RawScore, "raw_score"),
        (Self::RawScores, "raw_scores"),
        (Self::PredictedScore, "predicted_score"),
    ];

    /// The keys of an objective; `None` for one that has no keys.
    fn of(objective: ObjectiveName) -> Option<&'static [Self]> {
        const ALL_OF_CLASSES: &[Key] = &[
            Key::PredictedLabel,
            Key::Labels,
            Key::Probability,
            Key::Probabilities,
            Key::RawScore,
            Key::RawScores,
        ];
        const WITHOUT_PROBABILITY: &[Key] = &[
            Key::PredictedLabel,
            Key::Labels,
            Key::RawScore,
            Key::RawScores,
        ];
        match objective {
            ObjectiveName::RegSquaredError
            | ObjectiveName::RegLogistic
            | ObjectiveName::RegGamma
            | ObjectiveName::RegAbsoluteError
            | ObjectiveName::RegTweedie => Some(&[Self::PredictedScore]),
            ObjectiveName::BinaryLogistic | ObjectiveName::MultiSoftprob => Some(ALL_OF_CLASSES),
            ObjectiveName::BinaryLogitraw
            | ObjectiveName::BinaryHinge
            | ObjectiveName::MultiSoftmax => Some(WITHOUT_PROBABILITY),
            ObjectiveName::RegSquaredLogError
            | ObjectiveName::RegPseudoHuberError
            | ObjectiveName::RegQuantileError
            | ObjectiveName::CountPoisson
            | ObjectiveName::SurvivalAft
            | ObjectiveName::SurvivalCox
            | ObjectiveName::RankPairwise
            | ObjectiveName::RankNdcg
            | ObjectiveName::RankMap => None,
        }
    }
}

impl Selection {
    /// The keys that were asked for of a model of so many outputs.
    ///
    /// # Errors
    /// [`NotSelectable`] for an objective without keys, and for classes of several targets, which have none either.
    pub(super) fn new(
        asked: &[String],
        objective: &Objective,
        n_outputs: usize,
    ) -> Result<Self, NotSelectable> {
        let refused = NotSelectable(objective.name.as_str());
        let has_targets = n_outputs > 1 && !objective.name.is_multiclass();
        let allowed = Key::of(objective.name)
            .filter(|it| !has_targets || it.contains(&Key::PredictedScore))
            .ok_or(refused)?;
        let key_of = |name: &str| {
            let known = Key::ALL.iter().find(|it| it.1 == name);
            known.map(|it| it.0).filter(|it| allowed.contains(it))
        };
        let asked: Vec<_> = asked
            .iter()
            .map(|name| (name.clone(), key_of(name)))
            .collect();
        let known = Key::ALL.iter().filter(|it| allowed.contains(&it.0));
        let known = known.filter(|it| asked.iter().any(|(name, _)| name == it.1));
        let mut documented: Vec<_> = known.map(|it| (it.1.to_owned(), Some(it.0))).collect();
        for (name, key) in &asked {
            if key.is_none() && documented.iter().all(|it| it.0 != *name) {
                documented.push((name.clone(), None));
            }
        }
        let selection = Self {
            asked,
            documented,
            objective: objective.name,
            num_class: objective.num_class,
        };
        selection.warn(allowed);
        Ok(selection)
    }

    fn warn(&self, allowed: &[Key]) {
        let foreign = self.documented.iter().filter(|it| it.1.is_none());
        let foreign: Vec<_> = foreign.map(|it| it.0.as_str()).collect();
        if !foreign.is_empty() {
            let names = Key::ALL.iter().filter(|it| allowed.contains(&it.0));
            let names: Vec<_> = names.map(|it| it.1).collect();
            tracing::warn!(
                "Selected key(s) {foreign:?} incompatible for objective '{}'. Please use list of compatible selectable \
                 inference predictions: {names:?}",
                self.objective.as_str()
            );
        }
    }

    /// Keys and values of a row, in the order of the environment.
    pub(super) fn asked<'a>(
        &'a self,
        row: &'a [f32],
    ) -> impl Iterator<Item = (&'a str, Selected)> + 'a {
        let values = self.asked.iter();
        values.map(|(name, key)| (name.as_str(), self.value(*key, row)))
    }

    /// Keys and values of a row, each once, in the order of documents.
    pub(super) fn documented<'a>(
        &'a self,
        row: &'a [f32],
    ) -> impl Iterator<Item = (&'a str, Selected)> + 'a {
        let values = self.documented.iter();
        values.map(|(name, key)| (name.as_str(), self.value(*key, row)))
    }

    fn value(&self, key: Option<Key>, row: &[f32]) -> Selected {
        let first = f64::from(row[0]);
        let is_list = self.objective == ObjectiveName::MultiSoftprob;
        match key {
            None => Selected::Nothing,
            Some(Key::PredictedLabel) => self.label(row),
            Some(Key::Labels) if self.objective.is_multiclass() => Selected::Wholes(self.num_class),
            Some(Key::Labels) => Selected::Wholes(2),
            Some(Key::Probability | Key::RawScore) if is_list => {
                let best = best_of(row);
                Selected::Number(f64::from(row[best]))
            }
            Some(Key::Probabilities | Key::RawScores) if is_list => numbers(row),
            Some(Key::Probabilities | Key::RawScores) => {
                Selected::Numbers(vec![1.0 - first, first])
            }
            Some(Key::PredictedScore) if row.len() > 1 => numbers(row),
            Some(Key::Probability | Key::RawScore | Key::PredictedScore) => Selected::Number(first),
        }
    }

    fn label(&self, row: &[f32]) -> Selected {
        if self.objective == ObjectiveName::BinaryLogistic {
            Selected::Whole(u32::from(row[0] > 0.5))
        } else if self.objective == ObjectiveName::BinaryLogitraw {
            Selected::Whole(u32::from(row[0] > 0.0))
        } else if self.objective == ObjectiveName::MultiSoftprob {
            Selected::Whole(best_of(row) as u32)
        } else {
            // The class itself, which the others predict.
            Selected::Number(f64::from(row[0]))
        }
    }
}

/// The first of the largest values.
fn best_of(row: &[f32]) -> usize {
    let mut best = 0;
    for (at, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = at;
        }
    }
    best
}

fn numbers(row: &[f32]) -> Selected {
    Selected::Numbers(row.iter().copied().map(f64::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(objective: ObjectiveName, keys: &str, row: &[f32]) -> Vec<Selected> {
        let asked: Vec<String> = keys.split(',').map(str::to_owned).collect();
        let objective = Objective {
            num_class: 3,
            ..Objective::new(objective)
        };
        let selection = Selection::new(&asked, &objective, row.len()).unwrap();
        selection.asked(row).map(|it| it.1).collect()
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn each_objective_has_its_keys() {
        use Selected::{Nothing, Number, Numbers, Whole, Wholes};
        let all =
            "predicted_label,labels,probability,probabilities,raw_score,raw_scores,predicted_score";
        for (objective, row, expected) in [
            (
                ObjectiveName::BinaryLogistic,
                &[0.75][..],
                [
                    Whole(1),
                    Wholes(2),
                    Number(0.75),
                    Numbers(vec![0.25, 0.75]),
                    Number(0.75),
                    Numbers(vec![0.25, 0.75]),
                    Nothing,
                ],
            ),
            (
                ObjectiveName::BinaryLogitraw,
                &[-2.0],
                [
                    Whole(0),
                    Wholes(2),
                    Nothing,
                    Nothing,
                    Number(-2.0),
                    Numbers(vec![3.0, -2.0]),
                    Nothing,
                ],
            ),
            (
                ObjectiveName::MultiSoftmax,
                &[2.0],
                [
                    Number(2.0),
                    Wholes(3),
                    Nothing,
                    Nothing,
                    Number(2.0),
                    Numbers(vec![-1.0, 2.0]),
                    Nothing,
                ],
            ),
            (
                ObjectiveName::MultiSoftprob,
                &[0.25, 0.5, 0.25],
                [
                    Whole(1),
                    Wholes(3),
                    Number(0.5),
                    Numbers(vec![0.25, 0.5, 0.25]),
                    Number(0.5),
                    Numbers(vec![0.25, 0.5, 0.25]),
                    Nothing,
                ],
            ),
            (
                ObjectiveName::RegTweedie,
                &[1.5],
                [
                    Nothing,
                    Nothing,
                    Nothing,
                    Nothing,
                    Nothing,
                    Nothing,
                    Number(1.5),
                ],
            ),
        ] {
            assert_eq!(
                values(objective, all, row),
                expected,
                "{}",
                objective.as_str()
            );
        }
    }

    #[test]
    fn documents_have_an_order_of_their_own() {
        let asked = ["foo", "raw_score", "predicted_label", "foo"].map(str::to_owned);
        let selection = Selection::new(&asked, &Objective::new(ObjectiveName::BinaryLogistic), 1);
        let selection = selection.unwrap();
        let keys: Vec<_> = selection.documented(&[0.5]).map(|it| it.0).collect();
        assert_eq!(keys, ["predicted_label", "raw_score", "foo"]);
        let keys: Vec<_> = selection.asked(&[0.5]).map(|it| it.0).collect();
        assert_eq!(keys, ["foo", "raw_score", "predicted_label", "foo"]);
    }

    #[test]
    fn objectives_without_keys_are_refused_in_the_built_in_containers_words() {
        let asked = ["predicted_score".to_owned()];
        for objective in [
            ObjectiveName::CountPoisson,
            ObjectiveName::RankMap,
            ObjectiveName::RankNdcg,
            ObjectiveName::RankPairwise,
            ObjectiveName::RegPseudoHuberError,
            ObjectiveName::RegQuantileError,
            ObjectiveName::RegSquaredLogError,
            ObjectiveName::SurvivalAft,
            ObjectiveName::SurvivalCox,
        ] {
            let told = Selection::new(&asked, &Objective::new(objective), 1);
            let name = objective.as_str();
            let expected =
                format!("Objective `{name}` unsupported for selectable inference predictions.");
            assert_eq!(told.unwrap_err().to_string(), expected);
        }
        let classes = Objective::new(ObjectiveName::BinaryLogistic);
        Selection::new(&asked, &classes, 2).unwrap_err();
        let numbers = Objective::new(ObjectiveName::RegSquaredError);
        let selection = Selection::new(&asked, &numbers, 2).unwrap();
        let values: Vec<_> = selection.asked(&[1.0, 2.0]).map(|it| it.1).collect();
        assert_eq!(values, [Selected::Numbers(vec![1.0, 2.0])]);
    }
}
