//! What each parameter may be.

use std::fmt::Display;

use crate::metric::Metric;
use crate::objective::ObjectiveName;

use super::{BoosterName, BoosterValidParams, FeatureSelector, LinearUpdater, MAX_BIN, ParamError};

impl BoosterValidParams {
    /// Everything that is wrong, one error a parameter.
    pub(super) fn problems(&self) -> Vec<ParamError> {
        let mut problems = Problems::default();
        problems.reals(self);
        problems.counts(self);
        problems.settings(self);
        problems.linear(self);
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
            (0.0..=1.0).contains(&params.learning_rate()),
            "eta",
            params.learning_rate(),
            "[0, 1]",
        );
        self.at_least_zero("min_child_weight", params.min_child_weight);
        self.at_least_zero("lambda", params.reg_lambda());
        self.at_least_zero("lambda_bias", params.linear.lambda_bias);
        self.at_least_zero("alpha", params.reg_alpha);
        self.at_least_zero("gamma", params.min_split_loss);
        self.at_least_zero("max_delta_step", params.max_delta_step.unwrap_or(0.0));
        for (name, share) in [
            ("subsample", params.subsample),
            ("colsample_bytree", params.colsample_bytree),
            ("colsample_bylevel", params.colsample_bylevel),
            ("colsample_bynode", params.colsample_bynode),
        ] {
            self.check(share > 0.0 && share <= 1.0, name, share, "(0, 1]");
        }
        let weights = &params.feature_weights;
        let wrong = weights.iter().find(|it| !(**it >= 0.0 && it.is_finite()));
        if let Some(wrong) = wrong {
            self.check(false, "feature_weights", wrong, "[0, ∞) for each column");
        }
        for (name, share) in [
            ("rate_drop", params.dart.rate_drop),
            ("skip_drop", params.dart.skip_drop),
        ] {
            self.check((0.0..=1.0).contains(&share), name, share, "[0, 1]");
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
        for (name, value) in [
            ("max_cat_to_onehot", params.max_cat_to_onehot),
            ("max_cat_threshold", params.max_cat_threshold),
            ("max_cached_hist_node", params.max_cached_hist_node),
        ] {
            self.check(value > 0, name, value, "at least 1");
        }
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
        let objective = params.full_objective();
        if let Some(base_score) = params.base_score {
            let fits = base_score.is_finite() && objective.prob_to_margin(base_score).is_finite();
            let allowed = format!("{} for {name}", objective.allowed_predictions());
            self.check(fits, "base_score", base_score, allowed);
        }
        for metric in &params.eval_metrics {
            let judges = Metric::ALL.iter().filter(|it| it.judges(&objective));
            let judges: Vec<_> = judges.map(ToString::to_string).collect();
            self.check(
                metric.judges(&objective),
                "eval_metric",
                metric,
                format!("{} for {name}", judges.join(", ")),
            );
        }
    }

    /// The settings of `gblinear` that do not go together.
    fn linear(&mut self, params: &BoosterValidParams) {
        let selector = params.linear.feature_selector;
        let in_order = match selector {
            FeatureSelector::Cyclic | FeatureSelector::Shuffle => true,
            FeatureSelector::Random | FeatureSelector::Greedy | FeatureSelector::Thrifty => false,
        };
        let fits = in_order
            || params.booster != BoosterName::GbLinear
            || params.linear.updater == LinearUpdater::CoordDescent;
        let allowed = "cyclic or shuffle where updater is shotgun, any where it is coord_descent";
        self.check(fits, "feature_selector", selector, allowed);
    }

    /// The objective's settings.
    fn settings(&mut self, params: &BoosterValidParams) {
        let rho = params.tweedie_variance_power;
        let fits = rho > 1.0 && rho < 2.0;
        self.check(fits, "tweedie_variance_power", rho, "(1, 2)");
        for (name, value) in [
            ("huber_slope", params.huber_slope),
            (
                "aft_loss_distribution_scale",
                params.aft_loss_distribution_scale,
            ),
        ] {
            let fits = value > 0.0 && value.is_finite();
            self.check(fits, name, value, "(0, ∞)");
        }
        let n_pairs = params.lambdarank.num_pair_per_sample;
        self.check(
            n_pairs != Some(0),
            "lambdarank_num_pair_per_sample",
            0,
            "at least 1",
        );
        let bias_norm = params.lambdarank.bias_norm;
        let fits = (0.0..f64::INFINITY).contains(&bias_norm);
        self.check(fits, "lambdarank_bias_norm", bias_norm, "[0, ∞)");
        let levels = &params.quantile_alpha;
        let missing = levels.is_empty() && params.objective == ObjectiveName::RegQuantileError;
        let are_shares = levels.iter().all(|it| (0.0..=1.0).contains(it));
        self.check(
            are_shares && !missing,
            "quantile_alpha",
            format!("{levels:?}"),
            "at least one level, each in [0, 1]",
        );
    }
}
