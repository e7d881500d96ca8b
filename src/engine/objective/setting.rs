//! What objectives can be set to.

use std::fmt;
use std::str::FromStr;

/// A setting, by XGBoost's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// `num_class`
    NumClass,
    /// `scale_pos_weight`
    ScalePosWeight,
    /// `max_delta_step`
    MaxDeltaStep,
    /// `tweedie_variance_power`
    TweedieVariancePower,
    /// `huber_slope`
    HuberSlope,
    /// `quantile_alpha`
    QuantileAlpha,
    /// `aft_loss_distribution`
    AftLossDistribution,
    /// `aft_loss_distribution_scale`
    AftLossDistributionScale,
    /// `lambdarank_pair_method`
    LambdarankPairMethod,
    /// `lambdarank_num_pair_per_sample`
    LambdarankNumPairPerSample,
    /// `lambdarank_unbiased`
    LambdarankUnbiased,
    /// `lambdarank_normalization`
    LambdarankNormalization,
    /// `lambdarank_score_normalization`
    LambdarankScoreNormalization,
    /// `lambdarank_bias_norm`
    LambdarankBiasNorm,
    /// `ndcg_exp_gain`
    NdcgExpGain,
    /// `fix_list_weight` of XGBoost 1.7, which nothing reads.
    FixListWeight,
    /// `num_pairsample` of XGBoost 1.7, which nothing reads.
    NumPairSample,
}

impl Setting {
    /// XGBoost's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NumClass => "num_class",
            Self::ScalePosWeight => "scale_pos_weight",
            Self::MaxDeltaStep => "max_delta_step",
            Self::TweedieVariancePower => "tweedie_variance_power",
            Self::HuberSlope => "huber_slope",
            Self::QuantileAlpha => "quantile_alpha",
            Self::AftLossDistribution => "aft_loss_distribution",
            Self::AftLossDistributionScale => "aft_loss_distribution_scale",
            Self::LambdarankPairMethod => "lambdarank_pair_method",
            Self::LambdarankNumPairPerSample => "lambdarank_num_pair_per_sample",
            Self::LambdarankUnbiased => "lambdarank_unbiased",
            Self::LambdarankNormalization => "lambdarank_normalization",
            Self::LambdarankScoreNormalization => "lambdarank_score_normalization",
            Self::LambdarankBiasNorm => "lambdarank_bias_norm",
            Self::NdcgExpGain => "ndcg_exp_gain",
            Self::FixListWeight => "fix_list_weight",
            Self::NumPairSample => "num_pairsample",
        }
    }
}

/// How the logarithm of a survival time is distributed around its prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AftDistribution {
    /// The normal distribution.
    #[default]
    Normal,
    /// The logistic distribution.
    Logistic,
    /// The distribution of the smallest of many: times are Weibull.
    Extreme,
}

/// A word that is no [`AftDistribution`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown aft_loss_distribution `{name}`, allowed are normal, logistic, extreme")]
pub struct UnknownDistribution {
    /// What was asked for.
    pub name: String,
}

impl AftDistribution {
    /// Every distribution.
    pub const ALL: [Self; 3] = [Self::Normal, Self::Logistic, Self::Extreme];

    /// XGBoost's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Logistic => "logistic",
            Self::Extreme => "extreme",
        }
    }
}

impl fmt::Display for AftDistribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AftDistribution {
    type Err = UnknownDistribution;

    fn from_str(name: &str) -> Result<Self, UnknownDistribution> {
        let known = Self::ALL.into_iter().find(|it| it.as_str() == name);
        known.ok_or_else(|| UnknownDistribution {
            name: name.to_owned(),
        })
    }
}
