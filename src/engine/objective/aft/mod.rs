//! `survival:aft`: accelerated failure times. The logarithm of a time is the margin plus noise of a known distribution; a
//! label may be known as an interval only, and then the probability of the interval counts.
//!
//! Where a probability is too small to divide by, derivatives take the values that they tend to; they are cut to
//! `[-15, 15]` and `[1e-16, 15]` as in XGBoost, so that no row outweighs all others.
//!
//! Source: XGBoost `src/common/survival_util.h`; Barnwal, Cho and Hocking, "Survival regression with accelerated failure
//! time model in XGBoost" (arXiv 2006.04920).

mod distribution;

use crate::dataset::Targets;
use crate::metric::Metric;

use super::link::Link;
use super::loss::{Facts, Judged, Loss, RowLoss, Scores, Start, Task};
use super::{AftDistribution, GradientPair, Objective, Setting};

use distribution::Point;

/// Probabilities and denominators below this are too small.
const SMALLEST: f64 = 1e-12;

/// Derivatives are cut to this.
const LARGEST: f64 = 15.0;

/// The least hessian.
const SMALLEST_HESS: f64 = 1e-16;

pub(super) struct Aft;

impl Loss for Aft {
    const FACTS: Facts = Facts {
        task: Task::Time,
        link: Link::Exponential,
        judged: Judged::Margin,
        start: Start::Half,
        document: &[(
            "aft_loss_param",
            &[
                Setting::AftLossDistribution,
                Setting::AftLossDistributionScale,
            ],
        )],
        ..Facts::NUMBER
    };

    fn default_metric(_: &Objective) -> Metric {
        Metric::AftNloglik
    }

    #[inline(always)]
    fn takes(label: f32, _: u32) -> bool {
        label >= 0.0 && label.is_finite()
    }

    fn allowed(_: u32) -> String {
        "a time must not be negative".to_owned()
    }
}

impl RowLoss for Aft {
    #[inline(always)]
    fn gradients(
        objective: &Objective,
        scores: Scores<'_>,
        targets: &Targets<'_>,
        pairs: &mut [GradientPair],
    ) {
        let labels = targets.labels();
        let upper_bounds = targets.upper_bounds().unwrap_or(labels);
        let rows = scores.margins.iter().zip(labels.iter().zip(upper_bounds));
        for ((&margin, (&lower, &upper)), pair) in rows.zip(pairs) {
            *pair = Time::new(lower, upper).pair(objective, margin);
        }
    }
}

/// What is known of a row's time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Time {
    /// The time.
    Known(f64),
    /// It is within these; 0 and infinity are open ends.
    Within(f64, f64),
}

/// On which sides a time is open.
#[derive(Clone, Copy)]
enum Open {
    Nowhere,
    Above,
    Below,
}

impl Time {
    pub(crate) fn new(lower: f32, upper: f32) -> Self {
        if lower == upper {
            Self::Known(lower.into())
        } else {
            Self::Within(lower.into(), upper.into())
        }
    }

    /// Minus the logarithm of the time's likelihood.
    pub(crate) fn nloglik(self, objective: &Objective, margin: f32) -> f64 {
        let noise = Noise::new(objective, margin);
        let likelihood = match self {
            Self::Known(time) => noise.at(time).pdf / (noise.sigma * time),
            Self::Within(lower, upper) => noise.upper_end(upper).cdf - noise.lower_end(lower).cdf,
        };
        -libm::log(likelihood.max(SMALLEST))
    }

    /// Whether `time` is what is known.
    pub(crate) fn contains(self, time: f64) -> bool {
        match self {
            Self::Known(known) => known == time,
            Self::Within(lower, upper) => (lower..=upper).contains(&time),
        }
    }

    fn pair(self, objective: &Objective, margin: f32) -> GradientPair {
        let noise = Noise::new(objective, margin);
        let sigma = noise.sigma;
        // First and second derivative as fractions, and whether the label is above the margin.
        let (grad, hess, above, open) = match self {
            Self::Known(time) => {
                let point = noise.at(time);
                let grad = (point.slope, sigma * point.pdf);
                let hess = point.slope * point.slope - point.pdf * point.curvature;
                (grad, (hess, grad.1 * grad.1), point.z > 0.0, Open::Nowhere)
            }
            Self::Within(lower, upper) => {
                let (high, low) = (noise.upper_end(upper), noise.lower_end(lower));
                let (cdf, pdf) = (high.cdf - low.cdf, high.pdf - low.pdf);
                let grad = (pdf, sigma * cdf);
                let hess = pdf * pdf - cdf * (high.slope - low.slope);
                let open = match (lower <= 0.0, upper.is_infinite()) {
                    (true, _) => Open::Below,
                    (false, true) => Open::Above,
                    (false, false) => Open::Nowhere,
                };
                let above = high.z > 0.0 || low.z > 0.0;
                (grad, (hess, grad.1 * grad.1), above, open)
            }
        };
        let limits = Limits {
            distribution: noise.distribution,
            sigma,
            above,
            open,
        };
        let grad = ratio(grad, || limits.grad()).clamp(-LARGEST, LARGEST);
        let hess = ratio(hess, || limits.hess()).clamp(SMALLEST_HESS, LARGEST);
        GradientPair {
            grad: grad as f32,
            hess: hess as f32,
        }
    }
}

/// The noise around a row's margin.
struct Noise {
    distribution: AftDistribution,
    sigma: f64,
    margin: f64,
}

impl Noise {
    fn new(objective: &Objective, margin: f32) -> Self {
        Self {
            distribution: objective.aft_loss_distribution,
            sigma: objective.aft_loss_distribution_scale.into(),
            margin: margin.into(),
        }
    }

    fn at(&self, time: f64) -> Point {
        self.distribution
            .at((libm::log(time) - self.margin) / self.sigma)
    }

    /// The upper end of an interval.
    fn upper_end(&self, upper: f64) -> Point {
        if upper.is_infinite() {
            Point::END
        } else {
            self.at(upper)
        }
    }

    /// The lower end of an interval.
    fn lower_end(&self, lower: f64) -> Point {
        if lower <= 0.0 {
            Point::BEGIN
        } else {
            self.at(lower)
        }
    }
}

/// A fraction, or what it tends to where that cannot be computed.
fn ratio((numerator, denominator): (f64, f64), limit: impl Fn() -> f64) -> f64 {
    let ratio = numerator / denominator;
    if denominator < SMALLEST && !ratio.is_finite() {
        limit()
    } else {
        ratio
    }
}

/// What derivatives tend to, far from the label.
struct Limits {
    distribution: AftDistribution,
    sigma: f64,
    /// Whether the label is above the margin.
    above: bool,
    open: Open,
}

impl Limits {
    fn grad(&self) -> f64 {
        let (far_above, far_below) = match self.distribution {
            AftDistribution::Normal => (-LARGEST, LARGEST),
            AftDistribution::Logistic => (-1.0 / self.sigma, 1.0 / self.sigma),
            AftDistribution::Extreme => (-LARGEST, 1.0 / self.sigma),
        };
        match (self.open, self.above) {
            (Open::Nowhere | Open::Above, true) => far_above,
            (Open::Nowhere | Open::Below, false) => far_below,
            (Open::Above, false) | (Open::Below, true) => 0.0,
        }
    }

    fn hess(&self) -> f64 {
        let normal = 1.0 / (self.sigma * self.sigma);
        let (far_above, far_below) = match self.distribution {
            AftDistribution::Normal => (normal, normal),
            AftDistribution::Logistic => (SMALLEST_HESS, SMALLEST_HESS),
            AftDistribution::Extreme => (LARGEST, SMALLEST_HESS),
        };
        match (self.open, self.above) {
            (Open::Nowhere | Open::Above, true) => far_above,
            (Open::Nowhere | Open::Below, false) => far_below,
            (Open::Above, false) | (Open::Below, true) => SMALLEST_HESS,
        }
    }
}
