//! The distributions of the noise: densities, their derivatives, and probabilities.
//!
//! Source: XGBoost `src/common/probability_distribution.h`.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

use super::super::AftDistribution;

/// A distribution at one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) z: f64,
    /// The probability of less.
    pub(super) cdf: f64,
    /// The density, its first and its second derivative.
    pub(super) pdf: f64,
    pub(super) slope: f64,
    pub(super) curvature: f64,
}

impl Point {
    /// Below everything. XGBoost takes it for a place at 0 where it asks for the side.
    pub(super) const BEGIN: Self = Self {
        z: 0.0,
        cdf: 0.0,
        pdf: 0.0,
        slope: 0.0,
        curvature: 0.0,
    };

    /// Above everything.
    pub(super) const END: Self = Self {
        cdf: 1.0,
        ..Self::BEGIN
    };
}

impl AftDistribution {
    pub(super) fn at(self, z: f64) -> Point {
        match self {
            Self::Normal => normal(z),
            Self::Logistic => logistic(z),
            Self::Extreme => extreme(z),
        }
    }
}

fn normal(z: f64) -> Point {
    let pdf = libm::exp(-z * z / 2.0) / TAU.sqrt();
    Point {
        z,
        cdf: 0.5 * (1.0 + libm::erf(z * FRAC_1_SQRT_2)),
        pdf,
        slope: -z * pdf,
        curvature: (z * z - 1.0) * pdf,
    }
}

fn logistic(z: f64) -> Point {
    let w = libm::exp(z);
    // The square decides: it overflows first.
    if (w * w).is_infinite() {
        return Point {
            z,
            cdf: if w.is_infinite() { 1.0 } else { w / (1.0 + w) },
            ..Point::BEGIN
        };
    }
    let pdf = w / ((1.0 + w) * (1.0 + w));
    Point {
        z,
        cdf: w / (1.0 + w),
        pdf,
        slope: pdf * (1.0 - w) / (1.0 + w),
        curvature: pdf * (w * w - 4.0 * w + 1.0) / ((1.0 + w) * (1.0 + w)),
    }
}

fn extreme(z: f64) -> Point {
    let w = libm::exp(z);
    let cdf = 1.0 - libm::exp(-w);
    if (w * w).is_infinite() {
        return Point {
            z,
            cdf,
            ..Point::BEGIN
        };
    }
    let pdf = w * libm::exp(-w);
    Point {
        z,
        cdf,
        pdf,
        slope: (1.0 - w) * pdf,
        curvature: (w * w - 3.0 * w + 1.0) * pdf,
    }
}
