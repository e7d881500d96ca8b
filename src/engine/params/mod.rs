//! The parameters of boosting; what each may be is in `check.rs`.
//!
//! Invariant: a [`BoosterValidParams`] got from [`ParamGuard::check`] holds values that training accepts; names,
//! defaults and ranges are XGBoost's. Setters take and give [`BoosterParams`] by value, linfa's way.

mod boosters;
mod check;
mod features;
mod words;

use linfa::ParamGuard;

use crate::metric::Metric;
use crate::objective::{AftDistribution, LambdaRank, Objective, ObjectiveName, Setting};
use crate::simd::Simd;

pub use boosters::{
    BoosterName, Dart, FeatureSelector, Linear, LinearUpdater, NormalizeType, ProcessType,
    SampleType, TreeUpdate, UpdateStep,
};
pub use features::{Monotone, SamplingMethod};
pub use words::UnknownWord;
pub(crate) use words::words;

/// The most bins of a feature: a bin is one byte.
pub const MAX_BIN: u32 = 256;

words! {
    /// Which node of a tree is split first.
    GrowPolicy of "grow_policy" {
        /// The one nearest to the root.
        #[default]
        DepthWise = "depthwise",
        /// The one whose split gains most.
        LossGuide = "lossguide",
    }
}

/// Parameters that nobody has checked yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BoosterParams(BoosterValidParams);

/// Parameters that training accepts.
#[derive(Clone, Debug, PartialEq)]
pub struct BoosterValidParams {
    booster: BoosterName,
    dart: Dart,
    linear: Linear,
    tree_update: TreeUpdate,
    objective: ObjectiveName,
    num_class: u32,
    num_round: u32,
    learning_rate: Option<f32>,
    max_depth: u32,
    min_child_weight: f32,
    reg_lambda: Option<f32>,
    reg_alpha: f32,
    min_split_loss: f32,
    max_delta_step: Option<f32>,
    subsample: f32,
    sampling_method: SamplingMethod,
    colsample_bytree: f32,
    colsample_bylevel: f32,
    colsample_bynode: f32,
    feature_weights: Vec<f32>,
    monotone_constraints: Vec<Monotone>,
    interaction_constraints: Vec<Vec<u32>>,
    max_bin: u32,
    base_score: Option<f32>,
    scale_pos_weight: f32,
    tweedie_variance_power: f32,
    huber_slope: f32,
    quantile_alpha: Vec<f32>,
    aft_loss_distribution: AftDistribution,
    aft_loss_distribution_scale: f32,
    lambdarank: LambdaRank,
    num_parallel_tree: u32,
    seed: i64,
    nthread: Option<usize>,
    simd: Option<Simd>,
    max_leaves: u32,
    grow_policy: GrowPolicy,
    max_cat_to_onehot: u32,
    max_cat_threshold: u32,
    max_cached_hist_node: u32,
    categorical_features: Vec<u32>,
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
            booster: BoosterName::GbTree,
            dart: Dart::default(),
            linear: Linear::default(),
            tree_update: TreeUpdate::default(),
            objective: ObjectiveName::RegSquaredError,
            num_class: 0,
            num_round: 10,
            learning_rate: None,
            max_depth: 6,
            min_child_weight: 1.0,
            reg_lambda: None,
            reg_alpha: 0.0,
            min_split_loss: 0.0,
            max_delta_step: None,
            subsample: 1.0,
            sampling_method: SamplingMethod::Uniform,
            colsample_bytree: 1.0,
            colsample_bylevel: 1.0,
            colsample_bynode: 1.0,
            feature_weights: Vec::new(),
            monotone_constraints: Vec::new(),
            interaction_constraints: Vec::new(),
            max_bin: MAX_BIN,
            base_score: None,
            scale_pos_weight: 1.0,
            tweedie_variance_power: 1.5,
            huber_slope: 1.0,
            quantile_alpha: Vec::new(),
            aft_loss_distribution: AftDistribution::Normal,
            aft_loss_distribution_scale: 1.0,
            lambdarank: LambdaRank::default(),
            num_parallel_tree: 1,
            seed: 0,
            nthread: None,
            simd: None,
            max_leaves: 0,
            grow_policy: GrowPolicy::DepthWise,
            max_cat_to_onehot: 4,
            max_cat_threshold: 64,
            max_cached_hist_node: 65_536,
            categorical_features: Vec::new(),
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
    /// What is boosted; trees unless set.
    booster: BoosterName;
    /// What `dart` is set to.
    dart: Dart;
    /// What `gblinear` is set to.
    linear: Linear;
    /// What is minimised; `reg:squarederror` unless set.
    objective: ObjectiveName;
    /// Classes of a `multi:` objective, at least 2; 0 for the others.
    num_class: u32;
    /// Boosting rounds, 10 unless set.
    num_round: u32;
    /// Splits from the root to a leaf, 6 unless set; 0 is no limit.
    max_depth: u32;
    /// The least sum of hessians on either side of a split, 1 unless set.
    min_child_weight: f32;
    /// `alpha`: L1 penalty on leaf weights, 0 unless set.
    reg_alpha: f32;
    /// `gamma`: the least gain of a split, 0 unless set.
    min_split_loss: f32;
    /// Limit on a leaf's weight before the learning rate; `None` or 0 is none, but 0.7 for `count:poisson`.
    max_delta_step: Option<f32>;
    /// Share of the rows that each tree sees, in `(0, 1]`.
    subsample: f32;
    /// Which rows those are; it matters where `subsample` is below 1.
    sampling_method: SamplingMethod;
    /// Share of the columns that each tree sees, in `(0, 1]`; at least one is kept.
    colsample_bytree: f32;
    /// Share of a tree's columns that the splits of each level see, in `(0, 1]`; at least one is kept.
    colsample_bylevel: f32;
    /// Share of a level's columns that each split sees, in `(0, 1]`; at least one is kept.
    colsample_bynode: f32;
    /// Bins of a feature, 2 to 256; a feature with missing values has one fewer at 256, and so has every feature of a
    /// table that is too large for its sample to hold everything.
    max_bin: u32;
    /// The prediction to start from, in output space; `None` estimates it from the labels.
    base_score: Option<f32>;
    /// Factor on the weight of rows with label 1.
    scale_pos_weight: f32;
    /// Power of the mean in the variance of `reg:tweedie`, in `(1, 2)`, 1.5 unless set.
    tweedie_variance_power: f32;
    /// Where `reg:pseudohubererror` turns from squared to absolute, above 0, 1 unless set.
    huber_slope: f32;
    /// How the logarithm of a time is distributed for `survival:aft`; normal unless set.
    aft_loss_distribution: AftDistribution;
    /// Scale of that distribution, above 0, 1 unless set.
    aft_loss_distribution_scale: f32;
    /// What the `rank:` objectives, and the gains of `ndcg`, are set to.
    lambdarank: LambdaRank;
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
    /// A feature of fewer categories than this is split into one of them and the others, 4 unless set; at least 1.
    max_cat_to_onehot: u32;
    /// Categories that a split looks at from either end of their order, 64 unless set; at least 1.
    max_cat_threshold: u32;
    /// Nodes that keep their histograms while they wait to be split, 65,536 unless set; at least 1. It decides time and
    /// memory, which is bounded beside that: a GiB holds no more of them. The trees are the same.
    max_cached_hist_node: u32;
    /// Stop when the last metric of the last evaluation set has not improved for this many rounds.
    early_stopping_rounds: Option<u32>;
    /// Whether the booster is cut after the best round; `None` is yes where `early_stopping_rounds` is set.
    save_best: Option<bool>;
}

impl BoosterParams {
    /// `eta`: factor on each tree's leaves, or on each step of a linear weight, in `[0, 1]`; 0.3 unless set, and 0.5 for
    /// `gblinear`.
    #[must_use]
    pub fn learning_rate(mut self, learning_rate: f32) -> Self {
        self.0.learning_rate = Some(learning_rate);
        self
    }

    /// `lambda`: L2 penalty on leaf weights, 1 unless set; on linear weights, 0 unless set.
    #[must_use]
    pub fn reg_lambda(mut self, reg_lambda: f32) -> Self {
        self.0.reg_lambda = Some(reg_lambda);
        self
    }

    /// Metrics to evaluate every round, in the order of printing; none is the objective's own.
    #[must_use]
    pub fn eval_metrics(mut self, eval_metrics: Vec<Metric>) -> Self {
        self.0.eval_metrics = eval_metrics;
        self
    }

    /// The columns whose values are codes of categories, none unless set. The estimators bin by it; where tables come in bins,
    /// their cuts say it: see [`crate::bin::HistogramCuts::with_categories`].
    #[must_use]
    pub fn categorical_features(mut self, categorical_features: Vec<u32>) -> Self {
        self.0.categorical_features = categorical_features;
        self
    }

    /// What [`crate::booster::update`] does to the trees of a model; it refreshes them unless set.
    #[must_use]
    pub fn tree_update(mut self, tree_update: TreeUpdate) -> Self {
        self.0.tree_update = tree_update;
        self
    }

    /// Levels of `reg:quantileerror`, each in `[0, 1]`, at least one; a group each.
    #[must_use]
    pub fn quantile_alpha(mut self, quantile_alpha: Vec<f32>) -> Self {
        self.0.quantile_alpha = quantile_alpha;
        self
    }

    /// Everything that is wrong, one error a parameter; empty if training would accept them.
    pub fn problems(&self) -> Vec<ParamError> {
        self.0.problems()
    }
}

impl BoosterValidParams {
    /// The columns whose values are codes of categories.
    pub fn categorical_features(&self) -> &[u32] {
        &self.categorical_features
    }

    /// `eta`, or what holds for the booster where it is not set.
    pub fn learning_rate(&self) -> f32 {
        self.learning_rate.unwrap_or(match self.booster {
            BoosterName::GbTree | BoosterName::Dart => 0.3,
            BoosterName::GbLinear => 0.5,
        })
    }

    /// `lambda`, or what holds for the booster where it is not set.
    pub fn reg_lambda(&self) -> f32 {
        self.reg_lambda.unwrap_or(match self.booster {
            BoosterName::GbTree | BoosterName::Dart => 1.0,
            BoosterName::GbLinear => 0.0,
        })
    }

    /// What is done to the trees of a model that is updated.
    pub fn tree_update(&self) -> &TreeUpdate {
        &self.tree_update
    }

    /// Levels of `reg:quantileerror`; empty unless set.
    pub fn quantile_alpha(&self) -> &[f32] {
        &self.quantile_alpha
    }

    /// The metrics to evaluate every round: those given, else the objective's own.
    pub fn eval_metrics(&self) -> Vec<Metric> {
        let settings = self.objective_for_metrics();
        if self.eval_metrics.is_empty() {
            return vec![settings.default_metric()];
        }
        let metrics = self.eval_metrics.iter();
        metrics.map(|metric| metric.beside(&settings)).collect()
    }

    /// The objective with what belongs to it.
    pub fn full_objective(&self) -> Objective {
        let mut objective = Objective::new(self.objective);
        if objective.weighs_positives() {
            objective.scale_pos_weight = self.scale_pos_weight;
        }
        if objective.has(Setting::NumClass) {
            objective.num_class = self.num_class;
        }
        if objective.has(Setting::MaxDeltaStep) {
            objective.max_delta_step = self.leaf_limit();
        }
        if objective.has(Setting::QuantileAlpha) {
            objective.quantile_alpha = self.quantile_alpha.as_slice().into();
        }
        self.set(&mut objective, Objective::has);
        objective
    }

    /// The objective with the settings that are not its own: metrics read them too.
    pub fn objective_for_metrics(&self) -> Objective {
        self.with_settings_of_metrics(&self.full_objective())
    }

    /// `objective` with the settings that are not its own.
    pub(crate) fn with_settings_of_metrics(&self, objective: &Objective) -> Objective {
        let mut objective = objective.clone();
        self.set(&mut objective, |objective, setting| !objective.has(setting));
        objective
    }

    /// Sets those of the settings with a meaning for metrics that are `wanted`.
    fn set(&self, objective: &mut Objective, wanted: impl Fn(&Objective, Setting) -> bool) {
        if wanted(objective, Setting::NdcgExpGain) {
            objective.lambdarank = self.lambdarank;
        }
        if wanted(objective, Setting::TweedieVariancePower) {
            objective.tweedie_variance_power = self.tweedie_variance_power;
        }
        if wanted(objective, Setting::HuberSlope) {
            objective.huber_slope = self.huber_slope;
        }
        if wanted(objective, Setting::AftLossDistribution) {
            objective.aft_loss_distribution = self.aft_loss_distribution;
        }
        if wanted(objective, Setting::AftLossDistributionScale) {
            objective.aft_loss_distribution_scale = self.aft_loss_distribution_scale;
        }
    }

    /// Whether the booster is cut after its best round.
    pub fn saves_best(&self) -> bool {
        self.save_best
            .unwrap_or(self.early_stopping_rounds.is_some())
    }

    /// The limit on a leaf's weight, 0 where there is none.
    pub fn leaf_limit(&self) -> f32 {
        let usual = || Objective::new(self.objective).max_delta_step;
        self.max_delta_step.unwrap_or_else(usual)
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
