//! The metrics: a line each.
//!
//! `Variant { parameter } = "name", kind Implementation;` where the kind says which trait it implements: `row` is
//! [`RowMetric`], `table` [`TableMetric`]. A variant's parameters have the values that [`Metric::ALL`] shows.

use crate::objective::Objective;
use crate::threads::Threads;

use super::row::{Counted, Judged, RowMetric, TableMetric};

use super::aft::{AftNloglik, IntervalRegressionAccuracy};
use super::auc::{Auc, Aucpr};
use super::class::{Error, Merror, Mlogloss};
use super::confusion::{
    Accuracy, BalancedAccuracy, F1, F1Binary, Precision, PrecisionMacro, PrecisionMicro, Recall,
    RecallMacro, RecallMicro,
};
use super::cox::CoxNloglik;
use super::difference::{Mae, Mape, Mphe, Mse, Rmse, Rmsle};
use super::likelihood::{GammaDeviance, GammaNloglik, Logloss, PoissonNloglik, TweedieNloglik};
use super::quantile::Quantile;
use super::r2::R2;
use super::rank::{Cut, Map, Ndcg, Pre};

macro_rules! of_kind {
    (sum, row $metric:expr, $rows:expr) => {
        RowMetric::sum($metric, $rows)
    };
    (sum, table $metric:expr, $rows:expr) => {{
        let _ = $metric;
        f64::NAN
    }};
    (finish, row $metric:expr, $mean:expr) => {
        RowMetric::finish($metric, $mean)
    };
    (finish, table $metric:expr, $mean:expr) => {{
        let _ = $metric;
        f64::NAN
    }};
    (counted, row $name:ident) => {
        <$name as RowMetric>::COUNTED
    };
    (counted, table $name:ident) => {
        Counted::Once
    };
    (suffix, row $metric:expr) => {
        RowMetric::parameter($metric).map(|it| format!("@{it}"))
    };
    (suffix, table $metric:expr) => {
        TableMetric::suffix($metric)
    };
    (maximize, row $name:ident) => {
        <$name as RowMetric>::MAXIMIZE
    };
    (maximize, table $name:ident) => {
        <$name as TableMetric>::MAXIMIZE
    };
    (judges, row $metric:expr, $objective:expr) => {
        RowMetric::judges($metric, $objective)
    };
    (judges, table $metric:expr, $objective:expr) => {
        TableMetric::judges($metric, $objective)
    };
    (evaluate, row $metric:expr, $rows:expr, $threads:expr) => {{
        let _ = $metric;
        None
    }};
    (evaluate, table $metric:expr, $rows:expr, $threads:expr) => {
        Some(TableMetric::evaluate($metric, $rows, $threads))
    };
    (forms, row $name:ident) => {
        <$name as RowMetric>::SUFFIX
    };
    (forms, table $name:ident) => {
        <$name as TableMetric>::SUFFIX
    };
    (of_queries, row $name:ident) => {
        false
    };
    (of_queries, table $name:ident) => {
        <$name as TableMetric>::OF_QUERIES
    };
    (needs_all_rows, row) => {
        false
    };
    (needs_all_rows, table) => {
        true
    };
    (with, row $metric:expr, $parameter:expr) => {
        RowMetric::with_text($metric, $parameter)
    };
    (with, table $metric:expr, $parameter:expr) => {
        TableMetric::with_text($metric, $parameter)
    };
}

macro_rules! metrics {
    ($(
        $(#[$doc:meta])*
        $variant:ident $({ $(#[$field_doc:meta])* $field:ident: $type:ty = $usual:expr })? = $text:literal, $kind:ident $name:ident;
    )*) => {
        /// What an evaluation measures.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Metric {
            $($(#[$doc])* $variant $({ $(#[$field_doc])* $field: $type })?,)*
        }

        impl Metric {
            /// Every metric, with its usual parameter where it has one.
            pub const ALL: &[Self] = &[$(Self::$variant $({ $field: $usual })?,)*];

            /// Every metric's name, in the same order; some may be followed by `@` and a number.
            pub const NAMES: &[&str] = &[$($text,)*];

            /// Every metric's name with what may stand behind it, in the same order.
            pub(super) const FORMS: &[(&str, &str)] = &[$(($text, of_kind!(forms, $kind $name)),)*];

            /// The name without a parameter.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant $({ $field: _ })? => $text,)*
                }
            }

            /// Whether a larger value is better.
            pub fn maximize(self) -> bool {
                match self {
                    $(Self::$variant $({ $field: _ })? => of_kind!(maximize, $kind $name),)*
                }
            }

            /// Whether it is a mean over queries, and nothing without them.
            pub fn is_of_queries(self) -> bool {
                match self {
                    $(Self::$variant $({ $field: _ })? => of_kind!(of_queries, $kind $name),)*
                }
            }

            /// Whether the metric can judge the objective's predictions.
            pub fn judges(self, objective: &Objective) -> bool {
                match self {
                    $(Self::$variant $({ $field })? => of_kind!(judges, $kind $name $({ $field })?, objective),)*
                }
            }

            /// What is printed behind the name.
            pub(super) fn suffix(self) -> Option<String> {
                match self {
                    $(Self::$variant $({ $field })? => of_kind!(suffix, $kind $name $({ $field })?),)*
                }
            }

            /// The metric with what stands behind an `@`; `None` if it takes no such thing.
            pub(super) fn with(self, parameter: &str) -> Option<Self> {
                match self {
                    $(Self::$variant $({ $field })? => of_kind!(with, $kind $name $({ $field })?, parameter)
                        .map(|$name $({ $field })?| Self::$variant $({ $field })?),)*
                }
            }

            /// How rows count.
            pub(super) fn counted(self) -> Counted {
                match self {
                    $(Self::$variant $({ $field: _ })? => of_kind!(counted, $kind $name),)*
                }
            }

            /// The summed losses of a block; NaN for a metric that needs all rows at once.
            #[inline(always)]
            pub(super) fn sum(self, rows: &Judged<'_>) -> f64 {
                match self {
                    $(Self::$variant $({ $field })? => of_kind!(sum, $kind $name $({ $field })?, rows),)*
                }
            }

            /// The value from the mean of all losses; NaN for a metric that needs all rows at once.
            pub(super) fn finish(self, mean: f64) -> f64 {
                match self {
                    $(Self::$variant $({ $field })? => of_kind!(finish, $kind $name $({ $field })?, mean),)*
                }
            }

            /// The value of a metric that needs all rows at once.
            pub(crate) fn of_table(self, rows: &Judged<'_>, threads: &Threads) -> Option<f64> {
                match self {
                    $(Self::$variant $({ $field })? => of_kind!(evaluate, $kind $name $({ $field })?, rows, threads),)*
                }
            }

            /// Whether the metric needs all rows at once.
            pub(crate) fn needs_all_rows(self) -> bool {
                match self {
                    $(Self::$variant $({ $field: _ })? => of_kind!(needs_all_rows, $kind),)*
                }
            }
        }
    };
}

metrics! {
    /// Root of the mean squared difference.
    Rmse = "rmse", row Rmse;
    /// Mean absolute difference.
    Mae = "mae", row Mae;
    /// Mean negative log-likelihood of a Bernoulli label.
    Logloss = "logloss", row Logloss;
    /// Share of rows on the wrong side of a threshold.
    Error {
        /// A prediction above it counts as positive; `None` is 0.5.
        threshold: Option<f32> = None
    } = "error", row Error;
    /// Area under the receiver operating characteristic; one class against the rest where there are several.
    Auc = "auc", table Auc;
    /// Share of rows whose most probable class is not the label.
    Merror = "merror", row Merror;
    /// Mean negative log-likelihood of the label's class.
    Mlogloss = "mlogloss", row Mlogloss;
    /// Mean negative log-likelihood of a Poisson count.
    PoissonNloglik = "poisson-nloglik", row PoissonNloglik;
    /// Share of rows of which the class is predicted, counting each row once.
    Accuracy = "accuracy", table Accuracy;
    /// Mean negative log-likelihood of a time that may be known as an interval only.
    AftNloglik = "aft-nloglik", row AftNloglik;
    /// Area under the curve of precision over recall; the mean over classes where there are several.
    Aucpr = "aucpr", table Aucpr;
    /// Mean over the classes of the share of their rows that is predicted, counting each row once.
    BalancedAccuracy = "balanced_accuracy", table BalancedAccuracy;
    /// Negative log partial likelihood of proportional hazards, a mean over events, counting each row once.
    CoxNloglik = "cox-nloglik", table CoxNloglik;
    /// Mean over the classes of the harmonic mean of precision and recall, counting each row once.
    F1 = "f1", table F1;
    /// Harmonic mean of precision and recall of the positive class, counting each row once.
    F1Binary = "f1_binary", table F1Binary;
    /// As `f1`.
    F1Macro = "f1_macro", table F1;
    /// Mean deviance of a gamma distribution.
    GammaDeviance = "gamma-deviance", row GammaDeviance;
    /// Mean negative log-likelihood of a gamma distribution of dispersion 1.
    GammaNloglik = "gamma-nloglik", row GammaNloglik;
    /// Mean over queries of average precision; a label above 0 is relevant.
    Map {
        /// How far it looks.
        cut: Cut = Cut::USUAL
    } = "map", table Map;
    /// Mean over queries of discounted cumulative gain as a share of the largest one.
    Ndcg {
        /// How far it looks.
        cut: Cut = Cut::USUAL
    } = "ndcg", table Ndcg;
    /// Mean over queries of the share of relevant rows among the first.
    Pre {
        /// How far it looks.
        cut: Cut = Cut::USUAL
    } = "pre", table Pre;
    /// Share of rows whose time is predicted within what is known of it.
    IntervalRegressionAccuracy = "interval-regression-accuracy", row IntervalRegressionAccuracy;
    /// Mean absolute difference as a share of the label.
    Mape = "mape", row Mape;
    /// Mean of what `reg:pseudohubererror` minimises.
    Mphe = "mphe", row Mphe;
    /// Mean squared difference, counting each row once.
    Mse = "mse", row Mse;
    /// Share of true ones among predicted positives, counting each row once.
    Precision = "precision", table Precision;
    /// Mean over the classes of their precision, counting each row once.
    PrecisionMacro = "precision_macro", table PrecisionMacro;
    /// Precision of all classes together, counting each row once.
    PrecisionMicro = "precision_micro", table PrecisionMicro;
    /// Mean of what `reg:quantileerror` minimises, over rows and levels.
    Quantile = "quantile", row Quantile;
    /// Share of the labels' variance that predictions explain, counting each row once.
    R2 = "r2", table R2;
    /// Share of predicted ones among true positives, counting each row once.
    Recall = "recall", table Recall;
    /// Mean over the classes of their recall, counting each row once.
    RecallMacro = "recall_macro", table RecallMacro;
    /// Recall of all classes together, counting each row once.
    RecallMicro = "recall_micro", table RecallMicro;
    /// Root of the mean squared difference of logarithms of one more.
    Rmsle = "rmsle", row Rmsle;
    /// Mean negative log-likelihood of a Tweedie distribution.
    TweedieNloglik {
        /// Power of the mean in the variance; `None` is that of the objective.
        rho: Option<f32> = None
    } = "tweedie-nloglik", row TweedieNloglik;
}
