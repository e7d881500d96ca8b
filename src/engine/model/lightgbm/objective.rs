//! `LightGBM`'s objectives in XGBoost's terms: the one that makes the same predictions of the same margins, and of those the
//! nearest in what it learns.

use crate::objective::{Objective, ObjectiveName};

use super::super::error::ModelError;
use super::super::value::shortened;
use super::lines::Section;

/// What the sums of the leaves mean.
pub(super) struct Target {
    pub(super) objective: Objective,
    pub(super) n_targets: u32,
    /// A factor on all leaves: `LightGBM`'s logistic function may be steeper than XGBoost's.
    pub(super) scale: f64,
}

impl Target {
    /// Reads `objective`, such as `multiclass num_class:3` or `binary sigmoid:1`.
    pub(super) fn read(header: &Section<'_>, n_groups: usize) -> Result<Self, ModelError> {
        let text = header.optional("objective").unwrap_or("custom");
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or("custom");
        let mut scale = 1.0;
        for word in words {
            match word.split_once(':') {
                Some(("sigmoid", factor)) => {
                    let factor = factor.parse().ok().filter(|it: &f64| it.is_finite());
                    let expected = "a number after `sigmoid:`";
                    scale = factor.ok_or_else(|| header.expected("objective", expected))?;
                }
                Some(_) => {}
                None => return Err(refused(header, &format!("{name} {word}"))),
            }
        }
        // The first that is known: it learns what LightGBM's does, the last only predicts the same.
        let candidates: &[&str] = match name {
            "regression" | "l2" | "custom" | "none" => &["reg:squarederror"],
            "regression_l1" | "quantile" | "mape" => &["reg:absoluteerror", "reg:squarederror"],
            "huber" | "fair" => &["reg:pseudohubererror", "reg:squarederror"],
            "poisson" => &["count:poisson"],
            "gamma" => &["reg:gamma", "count:poisson"],
            "tweedie" => &["reg:tweedie", "count:poisson"],
            "binary" | "multiclassova" => &["binary:logistic"],
            "cross_entropy" => &["reg:logistic"],
            "multiclass" => &["multi:softprob"],
            "lambdarank" | "rank_xendcg" => &["rank:ndcg", "reg:squarederror"],
            other => return Err(refused(header, other)),
        };
        let known = candidates
            .iter()
            .find_map(|it| it.parse::<ObjectiveName>().ok());
        let mut objective = Objective::new(known.ok_or_else(|| refused(header, name))?);
        let mut n_targets = 1;
        if objective.name.is_multiclass() {
            if n_groups < 2 {
                return Err(header.expected("num_tree_per_iteration", "a tree for each class"));
            }
            objective.num_class = n_groups as u32;
        } else {
            n_targets = n_groups as u32;
        }
        Ok(Self {
            objective,
            n_targets,
            scale,
        })
    }
}

fn refused(header: &Section<'_>, name: &str) -> ModelError {
    ModelError::Unsupported {
        path: header.path("objective"),
        what: format!("objective `{}`, which has no equal in XGBoost,", shortened(name)),
        allowed: "regression (without sqrt), regression_l1, huber, fair, quantile, mape, poisson, gamma, tweedie, \
                  binary, cross_entropy, multiclass, multiclassova, lambdarank, rank_xendcg"
            .to_owned(),
    }
}
