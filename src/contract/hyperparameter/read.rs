//! From a name and a text to a row of the table, a value in its range, and what the row sets.
//!
//! Invariant: a hyperparameter that is refused sets nothing, and its name is kept, so that a rule about it stays silent.

use std::collections::{BTreeMap, BTreeSet};

use super::Ignored;
use super::draft::Draft;
use super::error::HyperparameterError;
use super::metrics::base_name;
use super::spec::{Interval, Kind, Spec, Support};
use super::table::{row, table};
use super::value;
use crate::nearest::nearest;

/// Integers reach the booster as 32-bit numbers, as in XGBoost.
const LARGEST_INTEGER: f64 = i32::MAX as f64;

/// Names that other programs use for ours.
const FOREIGN: &[(&str, &str)] = &[
    ("n_estimators", "num_round"),
    ("num_boost_round", "num_round"),
    ("num_iterations", "num_round"),
    ("shrinkage", "eta"),
    ("random_state", "seed"),
    ("n_jobs", "nthread"),
    ("silent", "verbosity"),
    ("verbose", "verbosity"),
    ("l1_regularization", "alpha"),
    ("l2_regularization", "lambda"),
];

/// What has been read so far.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) draft: Draft,
    pub(super) ignored: Vec<Ignored>,
    pub(super) errors: Vec<HyperparameterError>,
    /// Canonical names that were refused.
    pub(super) refused: BTreeSet<&'static str>,
    /// How each canonical name was spelled.
    spelled: BTreeMap<&'static str, String>,
}

impl Reading {
    /// Takes one hyperparameter as it came.
    pub(super) fn take(&mut self, name: &str, value: &str) {
        if self.reserved(name, value) {
            return;
        }
        let Some(spec) = row(name) else {
            let foreign = FOREIGN
                .iter()
                .find(|(it, _)| *it == name)
                .map(|(_, ours)| *ours);
            let names = table().flat_map(|it| it.aliases.iter().copied().chain([it.name]));
            let nearest = foreign.or_else(|| nearest(name, names));
            self.errors.push(HyperparameterError::Unknown {
                name: name.to_owned(),
                nearest,
            });
            return;
        };
        if let Some(first) = self.spelled.get(spec.name) {
            if self
                .draft
                .given
                .get(spec.name)
                .is_some_and(|it| it != value)
            {
                let (first, second) = (first.clone(), name.to_owned());
                self.refuse(
                    spec.name,
                    HyperparameterError::Twice {
                        name: spec.name,
                        first,
                        second,
                    },
                );
            }
            return;
        }
        self.spelled.insert(spec.name, name.to_owned());
        match self.set(spec, value) {
            Ok(()) => {
                self.draft.given.insert(spec.name, value.to_owned());
                if let Support::NoEffect(why) = spec.support {
                    let (name, value, why) = (name.to_owned(), value.to_owned(), why.to_owned());
                    self.ignored.push(Ignored { name, value, why });
                }
            }
            Err(error) => self.refuse(spec.name, error),
        }
    }

    /// Keeps a problem with a row.
    pub(super) fn refuse(&mut self, name: &'static str, error: HyperparameterError) {
        self.refused.insert(name);
        self.errors.push(error);
    }

    /// What SageMaker's toolkits add for themselves. A script cannot run here, so asking for one is an error.
    fn reserved(&mut self, name: &str, value: &str) -> bool {
        if name == "sagemaker_program" {
            self.errors.push(HyperparameterError::Unsupported {
                name: name.to_owned(),
                value: value.to_owned(),
                instead: "script mode needs Python, which this image does not hold; leave out the entry point to train \
                          with the built-in algorithms"
                    .to_owned(),
            });
            return true;
        }
        let reserved = name.starts_with("sagemaker_") || name == "default_user_module_name";
        if reserved {
            let why = "it is for SageMaker's own toolkits".to_owned();
            self.ignored.push(Ignored {
                name: name.to_owned(),
                value: value.to_owned(),
                why,
            });
        }
        reserved
    }

    fn set(&mut self, spec: &'static Spec, text: &str) -> Result<(), HyperparameterError> {
        let draft = &mut self.draft;
        let kind = |expected| HyperparameterError::Kind {
            name: spec.name,
            value: text.to_owned(),
            expected,
        };
        match spec.kind {
            Kind::Integer(interval, set) => {
                let number = value::integer(text).ok_or_else(|| kind("an integer"))?;
                in_range(spec, text, number as f64, &interval)?;
                if LARGEST_INTEGER < number as f64 {
                    return Err(kind("an integer of at most 2147483647"));
                }
                supported(spec, text, |it| value::integer(it) == Some(number))?;
                set(draft, number);
                Ok(())
            }
            Kind::Real(interval, set) => {
                let number = value::real(text).ok_or_else(|| kind("a number"))?;
                in_range(spec, text, number, &interval)?;
                supported(spec, text, |it| value::real(it) == Some(number))?;
                set(draft, number);
                Ok(())
            }
            Kind::Choice(choices, set) => {
                if !choices.contains(&text) {
                    return Err(not_among(
                        spec,
                        text,
                        nearest(text, choices.iter().copied()),
                    ));
                }
                supported(spec, text, |it| it == text)?;
                set(draft, text).map_err(|it| it.of(spec.name, text))
            }
            Kind::Choices(choices, set) => {
                let parts: Vec<&str> = text.split(',').map(str::trim).collect();
                if let Some(part) = parts.iter().find(|it| !choices.contains(&base_name(it))) {
                    return Err(not_among(
                        spec,
                        part,
                        nearest(part, choices.iter().copied()),
                    ));
                }
                supported(spec, text, |it| it == parts.join(","))?;
                set(draft, &parts).map_err(|it| it.of(spec.name, text))
            }
            Kind::Text(set) => {
                supported(spec, text, |it| it == text.replace(char::is_whitespace, ""))?;
                set(draft, text).map_err(|it| it.of(spec.name, text))
            }
        }
    }
}

fn in_range(
    spec: &Spec,
    text: &str,
    number: f64,
    interval: &Interval,
) -> Result<(), HyperparameterError> {
    if interval.contains(number) {
        return Ok(());
    }
    let (value, allowed) = (text.trim().to_owned(), interval.to_string());
    Err(HyperparameterError::Range {
        name: spec.name,
        value,
        allowed,
        nearest: None,
    })
}

fn not_among(spec: &Spec, text: &str, nearest: Option<&'static str>) -> HyperparameterError {
    HyperparameterError::Range {
        name: spec.name,
        value: text.to_owned(),
        allowed: spec.kind.allowed(),
        nearest,
    }
}

fn supported(
    spec: &Spec,
    text: &str,
    same: impl Fn(&str) -> bool,
) -> Result<(), HyperparameterError> {
    match spec.support {
        Support::Full | Support::NoEffect(_) => Ok(()),
        Support::Only { values, .. } if values.iter().any(|it| same(it)) => Ok(()),
        Support::Only { instead, .. } => Err(HyperparameterError::Unsupported {
            name: spec.name.to_owned(),
            value: text.to_owned(),
            instead: instead.to_owned(),
        }),
    }
}
