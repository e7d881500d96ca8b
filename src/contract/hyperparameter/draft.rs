//! Hyperparameters while they are being read: each row of the table sets its part, then the rules look at the whole.

use std::collections::BTreeMap;

use engine::metric::Metric;
use engine::objective::{LambdaRank, Objective, ObjectiveName, Setting};
use engine::params::{BoosterName, BoosterParams, Dart, Linear, ProcessType, SamplingMethod};

use crate::checkpoint::{Cadence, OnMismatch};

use super::{Algorithm, DeclaredColumns, FeatureOptions, ModelFormat, OnBadRow};

/// What the rows have set so far.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub(super) params: BoosterParams,
    pub(super) algorithm: Algorithm,
    pub(super) booster: BoosterName,
    pub(super) dart: Dart,
    pub(super) linear: Linear,
    pub(super) process_type: ProcessType,
    /// The steps of a round, as they were given.
    pub(super) updaters: Vec<String>,
    pub(super) refresh_leaf: Option<bool>,
    pub(super) objective: Option<ObjectiveName>,
    pub(super) num_class: u32,
    pub(super) quantile_alpha: Vec<f32>,
    /// What the user should know although it was accepted.
    pub(super) warnings: Vec<String>,
    pub(super) num_round: Option<u32>,
    pub(super) eval_metrics: Vec<Metric>,
    pub(super) early_stopping_rounds: Option<u32>,
    pub(super) tuning_objective_metric: Option<Metric>,
    pub(super) csv_weights: bool,
    pub(super) columns: DeclaredColumns,
    pub(super) kfold: Option<u32>,
    pub(super) num_cv_round: Option<u32>,
    pub(super) exact: bool,
    pub(super) lambdarank: LambdaRank,
    pub(super) save_model_on_termination: bool,
    pub(super) checkpoints: Cadence,
    pub(super) on_mismatch: OnMismatch,
    pub(super) model_format: ModelFormat,
    pub(super) on_bad_row: OnBadRow,
    pub(super) feature_names: Vec<String>,
    pub(super) features: FeatureOptions,
    pub(super) sampling_method: SamplingMethod,
    pub(super) baseline_columns: Vec<String>,
    pub(super) categorical_features: Vec<String>,
    pub(super) verbosity: Option<u8>,
    /// What was given and accepted, by canonical name.
    pub(super) given: BTreeMap<&'static str, String>,
}

impl Draft {
    /// Sets a parameter of the booster.
    pub(super) fn boost(&mut self, set: impl FnOnce(BoosterParams) -> BoosterParams) {
        self.params = set(std::mem::take(&mut self.params));
    }

    pub(super) fn warn(&mut self, text: &str) {
        self.warnings.push(text.to_owned());
    }

    /// Sets a parameter of the booster where the user has not.
    pub(super) fn default_to(
        &mut self,
        name: &str,
        set: impl FnOnce(BoosterParams) -> BoosterParams,
    ) {
        if !self.given.contains_key(name) {
            self.boost(set);
        }
    }

    /// The number that was given, if one was.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.given.get(name).and_then(|it| super::value::real(it))
    }

    /// The objective, or what holds where none is given.
    pub(super) fn objective(&self) -> ObjectiveName {
        self.objective.unwrap_or(ObjectiveName::RegSquaredError)
    }

    /// The objective with what decides how many groups it has.
    pub(super) fn full_objective(&self) -> Objective {
        let mut objective = Objective::new(self.objective());
        if objective.has(Setting::NumClass) {
            objective.num_class = self.num_class.max(2);
        }
        if objective.has(Setting::QuantileAlpha) && !self.quantile_alpha.is_empty() {
            objective.quantile_alpha = self.quantile_alpha.as_slice().into();
        }
        if let Some(rho) = self.number("tweedie_variance_power") {
            objective.tweedie_variance_power = rho as f32;
        }
        objective.lambdarank = self.lambdarank;
        objective
    }
}
