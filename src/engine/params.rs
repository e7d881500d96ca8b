//! The parameters of boosting, and what each may be.
//!
//! Invariant: a [`BoosterValidParams`] got from [`ParamGuard::check`] holds values that training accepts; names,
//! defaults and ranges are XGBoost's. Setters take and give [`BoosterParams`] by value, linfa's way.

use std::fmt::{self, Display};
use std::str::FromStr;

use linfa::ParamGuard;

use crate::metric::Metric;
use crate::objective::{Objective, ObjectiveName, POISSON_MAX_DELTA_STEP};
use crate::simd::Simd;

/// The most bins of a feature: a bin is one byte.
pub const MAX_BIN: u32 = 256;

/// Which node of a tree is split first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GrowPolicy {
    /// The one nearest to the root.
    #[default]
    DepthWise,
    /// The one whose split gains most.
    LossGuide,
}

/// A word that is no [`GrowPolicy`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown grow_policy `{name}`, allowed are depthwise, lossguide")]
pub struct UnknownGrowPolicy {
    /// What was asked for.
    pub name: String,
}

impl GrowPolicy {
    /// XGBoost's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DepthWise => "depthwise",
            Self::LossGuide => "lossguide",
        }
    }
}

impl FromStr for GrowPolicy {
    type Err = UnknownGrowPolicy;

    fn from_str(name: &str) -> Result<Self, UnknownGrowPolicy> {
        let known = [Self::DepthWise, Self::LossGuide]
            .into_iter()
            .find(|it| it.as_str() == name);
        known.ok_or_else(|| UnknownGrowPolicy {
            name: name.to_owned(),
        })
    }
}

impl Display for GrowPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Parameters that nobody has checked yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BoosterParams(BoosterValidParams);

/// Parameters that training accepts.
#[derive(Clone, Debug, PartialEq)]
pub struct BoosterValidParams {
    objective: ObjectiveName,
    num_class: u32,
    num_round: u32,
    learning_rate: f32,
    max_depth: u32,
    min_child_weight: f32,
    reg_lambda: f32,
    reg_alpha: f32,
    min_split_loss: f32,
    max_delta_step: Option<f32>,
    subsample: f32,
    colsample_bytree: f32,
    max_bin: u32,
    base_score: Option<f32>,
    scale_pos_weight: f32,
    num_parallel_tree: u32,
    seed: i64,
    nthread: Option<usize>,
    simd: Option<Simd>,
    max_leaves: u32,
    grow_policy: GrowPolicy,
    eval_metrics: Vec<Metric>,
    early_stopping_rounds: Option<u32>,
    save_best: Option<bool>,
}

/// A parameter out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{parameter}` is `{value}`, allowed is {allowed}")]
pub struct ParamError {
    /// The parameter's name, XGBoost's first spelling.
    pub parameter: &'static str,
    /// What it was set to.
    pub value: String,
    /// What it may be.
    pub allowed: String,
}

impl Default for BoosterValidParams {
    fn default() -> Self {
        Self {
            objective: ObjectiveName::RegSquaredError,
            num_class: 0,
            num_round: 10,
            learning_rate: 0.3,
            max_depth: 6,
            min_child_weight: 1.0,
            reg_lambda: 1.0,
            reg_alpha: 0.0,
            min_split_loss: 0.0,
            max_delta_step: None,
            subsample: 1.0,
            colsample_bytree: 1.0,
            max_bin: MAX_BIN,
            base_score: None,
            scale_pos_weight: 1.0,
            num_parallel_tree: 1,
            seed: 0,
            nthread: None,
            simd: None,
            max_leaves: 0,
            grow_policy: GrowPolicy::DepthWise,
            eval_metrics: Vec::new(),
            early_stopping_rounds: None,
            save_best: None,
        }
    }
}

/// For each parameter: a setter on [`BoosterParams`] and a getter on [`BoosterValidParams`].
macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident: $kind:ty;)*) => {
        impl BoosterParams {
            $($(#[$doc])* #[must_use] pub fn $name(mut self, $name: $kind) -> Self { self.0.$name = $name; self })*
        }
        impl BoosterValidParams {
            $($(#[$doc])* pub fn $name(&self) -> $kind { self.$name })*
        }
    };
}

parameters! {
    /// What is minimised; `reg:squarederror` unless set.
    objective: ObjectiveName;
    /// Classes of a `multi:` objective, at least 2; 0 for the others.
    num_class: u32;
    /// Boosting rounds, 10 unless set.
    num_round: u32;
    /// `eta`: factor on each tree's leaves, in `[0, 1]`, 0.3 unless set.
    learning_rate: f32;
    /// Splits from the root to a leaf, 6 unless set; 0 is no limit.
    max_depth: u32;
    /// The least sum of hessians on either side of a split, 1 unless set.
    min_child_weight: f32;
    /// `lambda`: L2 penalty on leaf weights, 1 unless set.
    reg_lambda: f32;
    /// `alpha`: L1 penalty on leaf weights, 0 unless set.
    reg_alpha: f32;
    /// `gamma`: the least gain of a split, 0 unless set.
    min_split_loss: f32;
    /// Limit on a leaf's weight before the learning rate; `None` or 0 is none, but 0.7 for `count:poisson`.
    max_delta_step: Option<f32>;
    /// Share of the rows that each tree sees, in `(0, 1]`.
    subsample: f32;
    /// Share of the columns that each tree sees, in `(0, 1]`; at least one is kept.
    colsample_bytree: f32;
    /// Bins of a feature, 2 to 256; a feature with missing values has one fewer at 256, and so has every feature of a
    /// table that is too large for its sample to hold everything.
    max_bin: u32;
    /// The prediction to start from, in output space; `None` estimates it from the labels.
    base_score: Option<f32>;
    /// Factor on the weight of rows with label 1.
    scale_pos_weight: f32;
    /// Trees of one round and group; above 1 with `subsample` below 1 it is a random forest.
    num_parallel_tree: u32;
    /// Seed of row and column sampling.
    seed: i64;
    /// Threads; `None` is as many as this process may run at once.
    nthread: Option<usize>;
    /// Instructions; `None` is the processor's best. They decide nothing but time.
    simd: Option<Simd>;
    /// Leaves of a tree; 0, the default, is no limit.
    max_leaves: u32;
    /// Which node is split first, where `max_leaves` makes that matter.
    grow_policy: GrowPolicy;
    /// Stop when the last metric of the last evaluation set has not improved for this many rounds.
    early_stopping_rounds: Option<u32>;
    /// Whether the booster is cut after the best round; `None` is yes where `early_stopping_rounds` is set.
    save_best: Option<bool>;
}

impl BoosterParams {
    /// Metrics to evaluate every round, in the order of printing; none is the objective's own.
    #[must_use]
    pub fn eval_metrics(mut self, eval_metrics: Vec<Metric>) -> Self {
        self.0.eval_metrics = eval_metrics;
        self
    }

    /// Everything that is wrong, one error a parameter; empty if training would accept them.
    pub fn problems(&self) -> Vec<ParamError> {
        self.0.problems()
    }
}

impl BoosterValidParams {
    /// The metrics to evaluate every round: those given, else the objective's own.
    pub fn eval_metrics(&self) -> Vec<Metric> {
        if self.eval_metrics.is_empty() {
            vec![self.objective.default_metric()]
        } else {
            self.eval_metrics.clone()
        }
    }

    /// The objective with what belongs to it.
    pub fn full_objective(&self) -> Objective {
        let is_poisson = self.objective == ObjectiveName::CountPoisson;
        Objective {
            name: self.objective,
            num_class: if self.objective.is_multiclass() {
                self.num_class
            } else {
                0
            },
            scale_pos_weight: self.scale_pos_weight,
            max_delta_step: if is_poisson {
                self.max_delta_step.unwrap_or(POISSON_MAX_DELTA_STEP)
            } else {
                0.0
            },
        }
    }

    /// Whether the booster is cut after its best round.
    pub fn saves_best(&self) -> bool {
        self.save_best
            .unwrap_or(self.early_stopping_rounds.is_some())
    }

    /// The limit on a leaf's weight, 0 where there is none.
    pub fn leaf_limit(&self) -> f32 {
        let is_poisson = self.objective == ObjectiveName::CountPoisson;
        self.max_delta_step.unwrap_or(if is_poisson {
            POISSON_MAX_DELTA_STEP
        } else {
            0.0
        })
    }

    fn problems(&self) -> Vec<ParamError> {
        let mut problems = Problems::default();
        problems.reals(self);
        problems.counts(self);
        problems.objective(self);
        problems.0
    }
}

#[derive(Default)]
struct Problems(Vec<ParamError>);

impl Problems {
    fn check(
        &mut self,
        fits: bool,
        parameter: &'static str,
        value: impl Display,
        allowed: impl Into<String>,
    ) {
        if !fits {
            self.0.push(ParamError {
                parameter,
                value: format!("{value}"),
                allowed: allowed.into(),
            });
        }
    }

    fn at_least_zero(&mut self, parameter: &'static str, value: f32) {
        self.check(
            value >= 0.0 && value.is_finite(),
            parameter,
            value,
            "[0, ∞)",
        );
    }

    fn reals(&mut self, params: &BoosterValidParams) {
        self.check(
            (0.0..=1.0).contains(&params.learning_rate),
            "eta",
            params.learning_rate,
            "[0, 1]",
        );
        self.at_least_zero("min_child_weight", params.min_child_weight);
        self.at_least_zero("lambda", params.reg_lambda);
        self.at_least_zero("alpha", params.reg_alpha);
        self.at_least_zero("gamma", params.min_split_loss);
        self.at_least_zero("max_delta_step", params.max_delta_step.unwrap_or(0.0));
        for (name, share) in [
            ("subsample", params.subsample),
            ("colsample_bytree", params.colsample_bytree),
        ] {
            self.check(share > 0.0 && share <= 1.0, name, share, "(0, 1]");
        }
        let spw = params.scale_pos_weight;
        self.check(
            spw > 0.0 && spw.is_finite(),
            "scale_pos_weight",
            spw,
            "(0, ∞)",
        );
    }

    fn counts(&mut self, params: &BoosterValidParams) {
        let allowed_bins = format!("2 to {MAX_BIN}");
        self.check(
            (2..=MAX_BIN).contains(&params.max_bin),
            "max_bin",
            params.max_bin,
            allowed_bins,
        );
        self.check(
            params.num_parallel_tree > 0,
            "num_parallel_tree",
            params.num_parallel_tree,
            "at least 1",
        );
        self.check(params.nthread != Some(0), "nthread", 0, "at least 1");
        self.check(
            params.early_stopping_rounds != Some(0),
            "early_stopping_rounds",
            0,
            "at least 1",
        );
    }

    fn objective(&mut self, params: &BoosterValidParams) {
        let name = params.objective;
        if name.is_multiclass() {
            self.check(
                params.num_class >= 2,
                "num_class",
                params.num_class,
                format!("at least 2 for {name}"),
            );
        } else {
            self.check(
                params.num_class <= 1,
                "num_class",
                params.num_class,
                format!("0 or 1 for {name}"),
            );
        }
        if let Some(base_score) = params.base_score {
            let (fits, allowed) = match name {
                ObjectiveName::RegLogistic | ObjectiveName::BinaryLogistic => (
                    base_score > 0.0 && base_score < 1.0,
                    "(0, 1) for logistic regression",
                ),
                ObjectiveName::CountPoisson => (
                    base_score > 0.0 && base_score.is_finite(),
                    "(0, ∞) for count:poisson",
                ),
                ObjectiveName::RegSquaredError
                | ObjectiveName::MultiSoftmax
                | ObjectiveName::MultiSoftprob => (base_score.is_finite(), "a finite number"),
            };
            self.check(fits, "base_score", base_score, allowed);
        }
        let n_groups = params.full_objective().n_groups();
        for metric in &params.eval_metrics {
            let allowed = if name.is_multiclass() {
                "merror, mlogloss or auc"
            } else {
                "a metric for one output"
            };
            self.check(
                metric.accepts_groups(n_groups),
                "eval_metric",
                metric,
                format!("{allowed} for {name}"),
            );
        }
    }
}

impl ParamGuard for BoosterParams {
    type Checked = BoosterValidParams;
    type Error = ParamError;

    fn check_ref(&self) -> Result<&BoosterValidParams, ParamError> {
        match self.problems().into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(&self.0),
        }
    }

    fn check(self) -> Result<BoosterValidParams, ParamError> {
        self.check_ref()?;
        Ok(self.0)
    }
}
