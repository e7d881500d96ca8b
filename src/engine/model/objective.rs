//! The objective in XGBoost's model document: its name, and groups of settings as texts.
//!
//! Which groups and settings an objective has is said where the objective is; here is how each is spelled.
//!
//! Source: XGBoost 1.7 to 3.2, each objective's `SaveConfig`.

use crate::booster::Booster;
use crate::objective::{Objective, ObjectiveName, PositionBias, Setting};

use super::error::ModelError;
use super::json::float_text;
use super::member::Member;
use super::value::{Encode, shortened};

/// What places have to do with clicks.
const CLICKED: &str = "ti+";
const PASSED: &str = "tj-";

/// Output groups: far more than anybody has classes, and few enough to be counted in.
const MAX_GROUPS: u32 = 1 << 20;

/// Writes the objective.
pub(super) fn write(objective: &Objective, out: &mut impl Encode) {
    out.begin_object();
    out.text_member("name", objective.name.as_str());
    for (group, settings) in objective.name.facts().document {
        out.key(group);
        out.begin_object();
        for &setting in *settings {
            out.text_member(setting.as_str(), &text(objective, setting));
        }
        out.end_object();
    }
    if objective.lambdarank.unbiased && !objective.position_bias.is_empty() {
        let PositionBias { clicked, passed } = &objective.position_bias;
        for (key, ratios) in [(CLICKED, clicked), (PASSED, passed)] {
            out.key(key);
            out.floats(ratios.iter().copied());
        }
    }
    out.end_object();
}

/// Reads the objective; `param` is the learner's own parameters.
pub(super) fn read(
    member: &Member<'_, '_>,
    param: &Member<'_, '_>,
) -> Result<Objective, ModelError> {
    let name = member.member("name")?;
    let Ok(known) = name.text()?.parse::<ObjectiveName>() else {
        let what = format!("objective `{}`", shortened(name.text()?));
        return Err(name.unsupported(what, &ObjectiveName::NAMES.join(", ")));
    };
    let mut objective = Objective::new(known);
    for &(group, settings) in known.facts().document {
        let Some(group) = member.optional(group)? else {
            continue;
        };
        for &setting in settings {
            if let Some(value) = group.optional(setting.as_str())? {
                set(&mut objective, setting, value.text()?)
                    .ok_or_else(|| value.expected(expected(setting)))?;
            }
        }
    }
    if objective.lambdarank.unbiased
        && let (Some(clicked), Some(passed)) = (member.optional(CLICKED)?, member.optional(PASSED)?)
    {
        let clicked = clicked.any_floats()?.into_owned();
        let passed = passed.floats(clicked.len())?.into_owned();
        objective.position_bias = PositionBias { clicked, passed };
    }
    if objective.has(Setting::NumClass) {
        let num_class = param.member("num_class")?;
        let classes = num_class.text()?;
        set(&mut objective, Setting::NumClass, classes)
            .ok_or_else(|| num_class.expected(expected(Setting::NumClass)))?;
    }
    Ok(objective)
}

/// Reads how many targets share the objective; the levels of `reg:quantileerror` are targets to XGBoost, and not here.
pub(super) fn read_targets(
    param: &Member<'_, '_>,
    objective: &Objective,
) -> Result<u32, ModelError> {
    let Some(num_target) = param.optional("num_target")? else {
        return Ok(1);
    };
    let expected = format!("a whole number up to {MAX_GROUPS} in a text");
    let n_targets = num_target.parsed::<u32>(&expected)?.max(1);
    let n_levels = objective.quantile_alpha.len();
    if n_targets > MAX_GROUPS {
        return Err(num_target.expected(expected));
    }
    if n_levels > 0 && n_targets as usize != n_levels {
        let what = format!("{n_targets} targets with {n_levels} levels");
        return Err(num_target.unsupported(what, "one target for each level"));
    }
    if n_targets > 1 && objective.name.is_multiclass() {
        return Err(num_target.unsupported("classes of several targets", "one target"));
    }
    Ok(if n_levels > 0 { 1 } else { n_targets })
}

/// What XGBoost calls targets.
pub(super) fn n_targets(booster: &Booster) -> usize {
    let n_levels = booster.objective.quantile_alpha.len();
    n_levels.max(booster.n_targets as usize)
}

fn text(objective: &Objective, setting: Setting) -> String {
    let rank = &objective.lambdarank;
    let flag = |is_on: bool| u8::from(is_on).to_string();
    match setting {
        Setting::NumClass => objective.num_class.to_string(),
        Setting::ScalePosWeight => number_text(objective.scale_pos_weight),
        Setting::MaxDeltaStep => float_text(objective.max_delta_step),
        Setting::TweedieVariancePower => float_text(objective.tweedie_variance_power),
        Setting::HuberSlope => float_text(objective.huber_slope),
        Setting::QuantileAlpha => {
            let levels = objective.quantile_alpha.iter();
            let levels: Vec<_> = levels.map(|&it| float_text(it)).collect();
            format!("[{}]", levels.join(","))
        }
        Setting::AftLossDistribution => objective.aft_loss_distribution.to_string(),
        Setting::AftLossDistributionScale => float_text(objective.aft_loss_distribution_scale),
        Setting::LambdarankPairMethod => rank.pair_method.to_string(),
        Setting::LambdarankNumPairPerSample => {
            // XGBoost's "not set".
            rank.num_pair_per_sample.unwrap_or(u32::MAX).to_string()
        }
        Setting::LambdarankNormalization => flag(rank.normalization),
        Setting::LambdarankScoreNormalization => flag(rank.score_normalization),
        Setting::NdcgExpGain => flag(rank.ndcg_exp_gain),
        Setting::LambdarankUnbiased => flag(rank.unbiased),
        Setting::LambdarankBiasNorm => rank.bias_norm.to_string(),
        Setting::FixListWeight => flag(false),
        Setting::NumPairSample => flag(true),
    }
}

/// Sets what `text` says; `None` if that is not [`expected`].
fn set(objective: &mut Objective, setting: Setting, text: &str) -> Option<()> {
    let real = || text.trim().parse::<f32>().ok().filter(|it| it.is_finite());
    let positive = || real().filter(|&it| it > 0.0);
    match setting {
        Setting::NumClass => {
            let classes = text.trim().parse().ok();
            objective.num_class = classes.filter(|it| (2..=MAX_GROUPS).contains(it))?;
        }
        Setting::ScalePosWeight => objective.scale_pos_weight = real()?,
        Setting::MaxDeltaStep => objective.max_delta_step = real()?,
        Setting::TweedieVariancePower => objective.tweedie_variance_power = real()?,
        Setting::HuberSlope => objective.huber_slope = real().filter(|&it| it != 0.0)?,
        Setting::QuantileAlpha => objective.quantile_alpha = levels(text)?.into(),
        Setting::AftLossDistribution => {
            objective.aft_loss_distribution = text.trim().parse().ok()?;
        }
        Setting::AftLossDistributionScale => objective.aft_loss_distribution_scale = positive()?,
        Setting::LambdarankPairMethod => {
            objective.lambdarank.pair_method = text.trim().parse().ok()?;
        }
        Setting::LambdarankNumPairPerSample => {
            let n: u32 = text.trim().parse().ok().filter(|it| *it > 0)?;
            objective.lambdarank.num_pair_per_sample = (n < u32::MAX).then_some(n);
        }
        Setting::LambdarankNormalization => objective.lambdarank.normalization = flag(text)?,
        Setting::LambdarankScoreNormalization => {
            objective.lambdarank.score_normalization = flag(text)?;
        }
        Setting::NdcgExpGain => objective.lambdarank.ndcg_exp_gain = flag(text)?,
        Setting::LambdarankUnbiased => objective.lambdarank.unbiased = flag(text)?,
        Setting::LambdarankBiasNorm => {
            let norm = text.trim().parse::<f64>().ok();
            objective.lambdarank.bias_norm = norm.filter(|it| (0.0..f64::INFINITY).contains(it))?;
        }
        Setting::FixListWeight | Setting::NumPairSample => {}
    }
    Some(())
}

/// `0` or `1`.
fn flag(text: &str) -> Option<bool> {
    match text.trim() {
        "0" | "false" => Some(false),
        "1" | "true" => Some(true),
        _ => None,
    }
}

fn expected(setting: Setting) -> String {
    match setting {
        Setting::NumClass => format!("a whole number from 2 to {MAX_GROUPS} in a text"),
        Setting::ScalePosWeight | Setting::MaxDeltaStep | Setting::TweedieVariancePower => {
            "a number in a text".to_owned()
        }
        Setting::HuberSlope => "a number other than 0 in a text".to_owned(),
        Setting::QuantileAlpha => "levels in [0, 1] in brackets in a text".to_owned(),
        Setting::AftLossDistribution => "normal, logistic or extreme".to_owned(),
        Setting::AftLossDistributionScale => "a number above 0 in a text".to_owned(),
        Setting::LambdarankPairMethod => "topk or mean".to_owned(),
        Setting::LambdarankBiasNorm => "a number from 0 in a text".to_owned(),
        Setting::LambdarankNumPairPerSample => "a whole number from 1 in a text".to_owned(),
        Setting::LambdarankUnbiased
        | Setting::LambdarankNormalization
        | Setting::LambdarankScoreNormalization
        | Setting::NdcgExpGain
        | Setting::FixListWeight
        | Setting::NumPairSample => "0 or 1 in a text".to_owned(),
    }
}

/// `[1E-1,5E-1]`, or one level without brackets.
fn levels(text: &str) -> Option<Vec<f32>> {
    let text = text.trim();
    let inner = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let level = |it: &str| {
        let level = it.trim().parse::<f32>().ok();
        level.filter(|it| (0.0..=1.0).contains(it))
    };
    inner.unwrap_or(text).split(',').map(level).collect()
}

/// A parameter that is whole most of the time, and then written as XGBoost does: `1`.
fn number_text(value: f32) -> String {
    const EXACT: f32 = 16_777_216.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        format!("{value}")
    } else {
        float_text(value)
    }
}
