//! The objectives: a line each.
//!
//! `Variant = "name", kind Loss;` where the kind says which trait has the gradients: `margin` is
//! [`MarginLoss`](super::loss::MarginLoss), `row` [`RowLoss`], `table` [`TableLoss`].

use crate::dataset::Targets;
use crate::metric::Metric;
use crate::threads::Threads;

use super::gradient::each;
use super::loss::{Facts, Loss, RowLoss, Scores, TableLoss};
use super::{GradientPair, Objective};

use super::absolute_error::AbsoluteError;
use super::aft::Aft;
use super::cox::Cox;
use super::gamma::Gamma;
use super::hinge::Hinge;
use super::logistic::{BinaryLogistic, Logitraw, RegLogistic};
use super::poisson::Poisson;
use super::pseudo_huber::PseudoHuber;
use super::quantile_error::QuantileError;
use super::rank::{Map, Ndcg, Pairwise};
use super::softmax::Softmax;
use super::squared_error::SquaredError;
use super::squared_log_error::SquaredLogError;
use super::tweedie::Tweedie;

/// The gradients of rows of weight 1, by the trait that the kind names.
macro_rules! fill {
    (margin $loss:ident, $objective:expr, $scores:expr, $targets:expr, $pairs:expr, $threads:expr) => {
        each::<$loss>($objective, $scores.margins, $targets.labels(), $pairs)
    };
    (row $loss:ident, $objective:expr, $scores:expr, $targets:expr, $pairs:expr, $threads:expr) => {
        <$loss as RowLoss>::gradients($objective, $scores, $targets, $pairs)
    };
    (table $loss:ident, $objective:expr, $scores:expr, $targets:expr, $pairs:expr, $threads:expr) => {
        <$loss as TableLoss>::gradients($objective, $scores.margins, $targets, $pairs, $threads)
    };
}

macro_rules! is_table {
    (table) => {
        true
    };
    ($kind:ident) => {
        false
    };
}

macro_rules! is_margin {
    (margin) => {
        true
    };
    ($kind:ident) => {
        false
    };
}

macro_rules! objectives {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $kind:ident $loss:ident;)*) => {
        /// An objective by name.
        #[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
        pub enum ObjectiveName {
            $($(#[$doc])* $name,)*
        }

        impl ObjectiveName {
            /// Every objective.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Every objective's name, in the same order.
            pub const NAMES: &[&str] = &[$($text,)*];

            /// XGBoost's spelling.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            #[inline(always)]
            pub(crate) fn facts(self) -> &'static Facts {
                match self {
                    $(Self::$name => const { &<$loss as Loss>::FACTS },)*
                }
            }

            /// Whether rows have to do with each other, so that gradients need all of them.
            pub(crate) fn needs_all_rows(self) -> bool {
                match self {
                    $(Self::$name => is_table!($kind),)*
                }
            }

            /// Whether a row may have several labels, each with a margin of its own, as in XGBoost.
            pub fn has_targets(self) -> bool {
                match self {
                    $(Self::$name => is_margin!($kind),)*
                }
            }

            #[inline(always)]
            pub(super) fn takes(self, label: f32, num_class: u32) -> bool {
                match self {
                    $(Self::$name => <$loss as Loss>::takes(label, num_class),)*
                }
            }

            pub(super) fn allowed(self, num_class: u32) -> String {
                match self {
                    $(Self::$name => <$loss as Loss>::allowed(num_class),)*
                }
            }
        }

        impl Objective {
            /// What judges the objective where the user names no metric.
            pub fn default_metric(&self) -> Metric {
                match self.name {
                    $(ObjectiveName::$name => <$loss as Loss>::default_metric(self),)*
                }
            }

            /// The gradients of rows of weight 1, which are all rows if the loss needs all.
            #[inline(always)]
            pub(super) fn fill(
                &self,
                scores: Scores<'_>,
                targets: &Targets<'_>,
                pairs: &mut [GradientPair],
                threads: &Threads,
            ) {
                match self.name {
                    $(ObjectiveName::$name => {
                        fill!($kind $loss, self, scores, targets, pairs, threads);
                    })*
                }
            }
        }
    };
}

objectives! {
    /// `reg:squarederror`: half the squared difference.
    RegSquaredError = "reg:squarederror", margin SquaredError;
    /// `reg:logistic`: logistic regression on labels in `[0, 1]`, judged by rmse.
    RegLogistic = "reg:logistic", margin RegLogistic;
    /// `binary:logistic`: logistic regression for two classes, judged by logloss.
    BinaryLogistic = "binary:logistic", margin BinaryLogistic;
    /// `count:poisson`: counts, with a logarithmic link.
    CountPoisson = "count:poisson", margin Poisson;
    /// `multi:softmax`: several classes, predicts the class.
    MultiSoftmax = "multi:softmax", row Softmax;
    /// `multi:softprob`: several classes, predicts each one's probability.
    MultiSoftprob = "multi:softprob", row Softmax;
    /// `binary:logitraw`: as `binary:logistic`, but predicts the margin.
    BinaryLogitraw = "binary:logitraw", margin Logitraw;
    /// `binary:hinge`: two classes by their margin's sign, predicts the class.
    BinaryHinge = "binary:hinge", margin Hinge;
    /// `reg:squaredlogerror`: half the squared difference of logarithms of one more.
    RegSquaredLogError = "reg:squaredlogerror", margin SquaredLogError;
    /// `reg:pseudohubererror`: squared near the label, absolute far from it.
    RegPseudoHuberError = "reg:pseudohubererror", margin PseudoHuber;
    /// `reg:absoluteerror`: the absolute difference, with medians in the leaves.
    RegAbsoluteError = "reg:absoluteerror", margin AbsoluteError;
    /// `reg:quantileerror`: quantiles, one group for each of `quantile_alpha`.
    RegQuantileError = "reg:quantileerror", row QuantileError;
    /// `reg:gamma`: positive numbers of a gamma distribution, with a logarithmic link.
    RegGamma = "reg:gamma", margin Gamma;
    /// `reg:tweedie`: sums of a random count of positive numbers, with a logarithmic link.
    RegTweedie = "reg:tweedie", margin Tweedie;
    /// `survival:cox`: hazards; a negative label is a time until which nothing happened.
    SurvivalCox = "survival:cox", table Cox;
    /// `survival:aft`: times that may be known as intervals only.
    SurvivalAft = "survival:aft", row Aft;
    /// `rank:pairwise`: queries in the order of their labels, every pair alike.
    RankPairwise = "rank:pairwise", table Pairwise;
    /// `rank:ndcg`: queries by discounted cumulative gain.
    RankNdcg = "rank:ndcg", table Ndcg;
    /// `rank:map`: queries by average precision, of labels 0 and 1.
    RankMap = "rank:map", table Map;
}
