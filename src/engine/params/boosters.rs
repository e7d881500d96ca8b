//! What is boosted, and what belongs to one booster alone.
//!
//! Source: XGBoost 3.2 "XGBoost Parameters"; `src/gbm/gbtree.h`, `DartTrainParam`; `src/linear/param.h`.

use super::words::words;

words! {
    /// What is boosted.
    BoosterName of "booster" {
        /// Trees.
        #[default]
        GbTree = "gbtree",
        /// Trees, some of which are left out while the next ones are grown.
        Dart = "dart",
        /// A weight for each feature.
        GbLinear = "gblinear",
    }
}

words! {
    /// How a round of `gblinear` goes through the weights.
    LinearUpdater of "updater" {
        /// Feature by feature, in the order of the features or in a shuffled one. XGBoost's threads race here and leave
        /// another model each time; this is what one of its threads does.
        #[default]
        Shotgun = "shotgun",
        /// Feature by feature, in any of the orders of [`FeatureSelector`].
        CoordDescent = "coord_descent",
    }
}

words! {
    /// Which weight of `gblinear` is the next.
    FeatureSelector of "feature_selector" {
        /// The next feature's.
        #[default]
        Cyclic = "cyclic",
        /// The next of an order that each round shuffles.
        Shuffle = "shuffle",
        /// A random one, perhaps again.
        Random = "random",
        /// The one that would change most.
        Greedy = "greedy",
        /// The next of those that would have changed most when the round began.
        Thrifty = "thrifty",
    }
}

/// The settings of `gblinear`, by XGBoost's names.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Linear {
    /// `updater`
    pub updater: LinearUpdater,
    /// `feature_selector`
    pub feature_selector: FeatureSelector,
    /// `top_k`: how many weights a round changes at most where `feature_selector` is greedy or thrifty; 0 is no limit.
    pub top_k: u32,
    /// `lambda_bias`: L2 penalty on the bias, at least 0. XGBoost has had none since 0.8.
    pub lambda_bias: f32,
}

words! {
    /// How the trees are chosen that a round of `dart` leaves out.
    SampleType of "sample_type" {
        /// Each alike.
        #[default]
        Uniform = "uniform",
        /// Each by its weight.
        Weighted = "weighted",
    }
}

words! {
    /// How a round of `dart` weighs new trees against those that were left out.
    NormalizeType of "normalize_type" {
        /// The new trees together as one of those that were left out.
        #[default]
        Tree = "tree",
        /// The new trees together as all that were left out.
        Forest = "forest",
    }
}

/// The settings of `dart`, by XGBoost's names.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Dart {
    /// `sample_type`
    pub sample_type: SampleType,
    /// `normalize_type`
    pub normalize_type: NormalizeType,
    /// `rate_drop`: the share of trees that a round leaves out, in `[0, 1]`.
    pub rate_drop: f32,
    /// `one_drop`: whether a round leaves out at least one tree.
    pub one_drop: bool,
    /// `skip_drop`: the probability that a round leaves out none, in `[0, 1]`.
    pub skip_drop: f32,
}

words! {
    /// Whether trees are grown, or those of a model updated.
    ProcessType of "process_type" {
        /// Trees are grown.
        #[default]
        Default = "default",
        /// Trees are updated.
        Update = "update",
    }
}

words! {
    /// What is done to a tree that is updated.
    UpdateStep of "updater" {
        /// Its weights, covers and gains become those of the rows at hand.
        #[default]
        Refresh = "refresh",
        /// Splits go whose gain is below `min_split_loss`, or that are deeper than `max_depth`.
        Prune = "prune",
    }
}

/// How the trees of a model are updated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeUpdate {
    /// What is done to each tree, in this order.
    pub steps: Vec<UpdateStep>,
    /// `refresh_leaf`: whether a refreshed tree's leaves get new values, or only what is told of its nodes.
    pub refresh_leaf: bool,
}

impl Default for TreeUpdate {
    fn default() -> Self {
        Self {
            steps: vec![UpdateStep::Refresh],
            refresh_leaf: true,
        }
    }
}
