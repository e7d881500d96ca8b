//! What hyperparameters say about single features, before the table is known: directions, company, chances.
//!
//! Invariant: what stands here is well-formed; whether the features are there, [`FeatureOptions::resolve`] tells once
//! their names or their number are known.

use engine::params::{BoosterParams, Monotone};

use super::error::{HyperparameterError, HyperparameterErrors, Refusal};
use super::literal::{self, Literal};
use super::value;
use crate::nearest::nearest;

/// Names that a message lists; more would hide what it says.
const LISTED_NAMES: usize = 20;

/// A feature as a user writes it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeatureRef {
    /// Its number from 0.
    Number(usize),
    /// Its name, or its number in quotes.
    Name(String),
}

/// A value for each feature.
#[derive(Clone, Debug, PartialEq)]
pub enum PerFeature<T> {
    /// In the order of the features.
    InOrder(Vec<T>),
    /// For some of them.
    Named(Vec<(FeatureRef, T)>),
}

/// What a job says about single features.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureOptions {
    /// `monotone_constraints`.
    pub monotone: Option<PerFeature<Monotone>>,
    /// `interaction_constraints`.
    pub interactions: Vec<Vec<FeatureRef>>,
    /// `feature_weights`.
    pub weights: Option<PerFeature<f32>>,
}

/// The features of a table.
#[derive(Clone, Copy, Debug)]
pub struct TableFeatures<'a> {
    /// Their names; empty where they have none.
    pub names: &'a [String],
    /// How many there are.
    pub n_features: usize,
}

impl FeatureRef {
    fn new(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::Word(text) => Some(match text.parse() {
                Ok(number) => Self::Number(number),
                Err(_) => Self::Name(text.clone()),
            }),
            Literal::Quoted(text) => Some(Self::Name(text.clone())),
            Literal::List(_) | Literal::Map(_) => None,
        }
    }
}

impl TableFeatures<'_> {
    /// The number of a feature.
    fn find(&self, feature: &FeatureRef) -> Result<usize, String> {
        let (found, text) = match feature {
            FeatureRef::Number(number) => (Some(*number), number.to_string()),
            FeatureRef::Name(name) => {
                let named = self.names.iter().position(|it| it == name);
                (named.or_else(|| name.parse().ok()), name.clone())
            }
        };
        found
            .filter(|it| *it < self.n_features)
            .ok_or_else(|| format!("there is no column `{text}`, {}", self.allowed(&text)))
    }

    fn allowed(&self, text: &str) -> String {
        let last = self.n_features.saturating_sub(1);
        let numbers = format!("allowed are 0 to {last}");
        if self.names.is_empty() {
            return numbers;
        }
        let near = nearest(text, self.names.iter().map(String::as_str));
        match near {
            Some(near) => {
                format!("{numbers} and the names of the features; did you mean `{near}`?")
            }
            None if self.names.len() <= LISTED_NAMES => {
                format!("{numbers} and {}", self.names.join(", "))
            }
            None => format!("{numbers} and the names of the features"),
        }
    }
}

impl<T: Copy> PerFeature<T> {
    /// The values in the order of the features, `usual` for those that are not named.
    fn resolve(&self, features: &TableFeatures<'_>, usual: T) -> Result<Vec<T>, String> {
        let named = match self {
            Self::InOrder(values) => return Ok(values.clone()),
            Self::Named(named) => named,
        };
        let mut values = vec![None; features.n_features];
        for (feature, value) in named {
            let at = features.find(feature)?;
            if values[at].replace(*value).is_some() {
                return Err(format!("column `{at}` is there twice"));
            }
        }
        Ok(values.into_iter().map(|it| it.unwrap_or(usual)).collect())
    }
}

impl FeatureOptions {
    /// Puts what the job says into a booster's parameters, for a table of these features.
    ///
    /// # Errors
    /// One problem a hyperparameter: a feature that is not there or is there twice, more directions than features, or not as
    /// many weights.
    pub fn resolve(
        &self,
        params: BoosterParams,
        features: TableFeatures<'_>,
    ) -> Result<BoosterParams, HyperparameterErrors> {
        let mut problems = Vec::new();
        let monotone = self.monotone(&features);
        let interactions = self.interactions(&features);
        let weights = self.weights(&features);
        let mut or_none = |name: &'static str, problem: String| {
            let message = format!("Hyperparameter {name}: {problem}");
            problems.push(HyperparameterError::Rule { name, message });
        };
        let monotone = monotone.map_err(|it| or_none("monotone_constraints", it));
        let interactions = interactions.map_err(|it| or_none("interaction_constraints", it));
        let weights = weights.map_err(|it| or_none("feature_weights", it));
        match (monotone, interactions, weights) {
            (Ok(monotone), Ok(interactions), Ok(weights)) => Ok(params
                .monotone_constraints(monotone)
                .interaction_constraints(interactions)
                .feature_weights(weights)),
            _ => Err(HyperparameterErrors(problems)),
        }
    }

    fn monotone(&self, features: &TableFeatures<'_>) -> Result<Vec<Monotone>, String> {
        let Some(monotone) = &self.monotone else {
            return Ok(Vec::new());
        };
        let directions = monotone.resolve(features, Monotone::Free)?;
        let (n_found, n_features) = (directions.len(), features.n_features);
        if n_found > n_features {
            return Err(format!(
                "{n_found} directions for {n_features} feature columns"
            ));
        }
        Ok(directions)
    }

    fn interactions(&self, features: &TableFeatures<'_>) -> Result<Vec<Vec<u32>>, String> {
        let groups = self.interactions.iter();
        let find = |it: &FeatureRef| features.find(it).map(|number| number as u32);
        groups
            .map(|group| group.iter().map(find).collect())
            .collect()
    }

    fn weights(&self, features: &TableFeatures<'_>) -> Result<Vec<f32>, String> {
        let Some(weights) = &self.weights else {
            return Ok(Vec::new());
        };
        let weights = weights.resolve(features, 1.0)?;
        let (n_found, n_features) = (weights.len(), features.n_features);
        if n_found != n_features {
            return Err(format!(
                "{n_found} weights for {n_features} feature columns"
            ));
        }
        Ok(weights)
    }
}

/// Reads `monotone_constraints`; nothing where no feature is named.
pub(super) fn monotone(text: &str) -> Result<Option<PerFeature<Monotone>>, Refusal> {
    let why = "directions are 1, 0 and -1, as `(1,0,-1)` in the order of the features, or `{\"price\": -1}` by name";
    per_feature(text, why, |it| match value::integer(it) {
        Some(sign @ -1..=1) => Some(Monotone::from_sign(sign)),
        Some(_) | None => None,
    })
}

/// Reads `feature_weights`; nothing where no feature is named.
pub(super) fn weights(text: &str) -> Result<Option<PerFeature<f32>>, Refusal> {
    let why = "weights are numbers that are not negative, as `1,0.5,2` in the order of the features, or `price:0.5` by name";
    per_feature(text, why, |it| {
        let weight = value::real(it).map(|it| it as f32);
        weight.filter(|it| *it >= 0.0 && it.is_finite())
    })
}

/// Reads `interaction_constraints`.
pub(super) fn interactions(text: &str) -> Result<Vec<Vec<FeatureRef>>, Refusal> {
    let why = "groups are lists in a list, as `[[0, 1], [\"price\", \"season\"]]`";
    let Literal::List(groups) = read(text, why)? else {
        return Err(Refusal::instead(text, why));
    };
    let group = |literal: &Literal| {
        let refused = || Refusal::instead(&literal.to_string(), why);
        let Literal::List(features) = literal else {
            return Err(refused());
        };
        let features = features.iter().map(FeatureRef::new);
        features.collect::<Option<_>>().ok_or_else(refused)
    };
    groups.iter().map(group).collect()
}

fn per_feature<T>(
    text: &str,
    why: &str,
    value: impl Fn(&str) -> Option<T>,
) -> Result<Option<PerFeature<T>>, Refusal> {
    let value = |literal: &Literal| {
        let found = match literal {
            Literal::Word(text) | Literal::Quoted(text) => value(text),
            Literal::List(_) | Literal::Map(_) => None,
        };
        found.ok_or_else(|| Refusal::instead(&literal.to_string(), why))
    };
    match read(text, why)? {
        Literal::List(items) if items.is_empty() => Ok(None),
        Literal::Map(pairs) if pairs.is_empty() => Ok(None),
        Literal::List(items) => {
            let values = items.iter().map(value).collect::<Result<_, _>>()?;
            Ok(Some(PerFeature::InOrder(values)))
        }
        Literal::Map(pairs) => {
            let pair = |(key, literal): &(Literal, Literal)| {
                let feature = FeatureRef::new(key);
                let feature = feature.ok_or_else(|| Refusal::instead(&key.to_string(), why))?;
                Ok((feature, value(literal)?))
            };
            let pairs = pairs.iter().map(pair).collect::<Result<_, _>>()?;
            Ok(Some(PerFeature::Named(pairs)))
        }
        Literal::Word(_) | Literal::Quoted(_) => Err(Refusal::instead(text, why)),
    }
}

fn read(text: &str, why: &str) -> Result<Literal, Refusal> {
    literal::read(text).map_err(|err| Refusal::instead(text, format!("{err}; {why}")))
}
