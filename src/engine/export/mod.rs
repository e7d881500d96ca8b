//! Models in other programs' formats.
//!
//! Invariants: what is written predicts the same where it is read, missing values included, up to the rounding of other
//! orders of sums; what a format cannot say is refused by name. [`crate::model`] reads and writes XGBoost's own documents.

mod lightgbm;
mod onnx;
mod scalar;

use std::fmt;
use std::str::FromStr;

use crate::booster::Booster;
use crate::model::{self, ModelFormat};

/// What a model can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExportFormat {
    /// XGBoost's JSON.
    XgboostJson,
    /// XGBoost's UBJSON.
    XgboostUbj,
    /// ONNX, with the operators of `ai.onnx.ml`.
    Onnx,
    /// `LightGBM`'s text, version 4.
    LightGbm,
}

impl ExportFormat {
    /// Every format.
    pub const ALL: [Self; 4] = [
        Self::XgboostJson,
        Self::XgboostUbj,
        Self::Onnx,
        Self::LightGbm,
    ];

    /// The format's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::XgboostJson => "xgboost-json",
            Self::XgboostUbj => "xgboost-ubj",
            Self::Onnx => "onnx",
            Self::LightGbm => "lightgbm",
        }
    }
}

/// A name that is none of [`ExportFormat::ALL`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{name}`, allowed are xgboost-json, xgboost-ubj, onnx, lightgbm")]
pub struct UnknownExportFormat {
    /// What was asked for.
    pub name: String,
}

impl FromStr for ExportFormat {
    type Err = UnknownExportFormat;

    fn from_str(name: &str) -> Result<Self, UnknownExportFormat> {
        let known = Self::ALL.into_iter().find(|it| it.as_str() == name);
        known.ok_or_else(|| UnknownExportFormat {
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a format cannot hold a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{format} cannot hold this model: {reason}")]
pub struct ExportError {
    /// The format.
    pub format: ExportFormat,
    /// What it has no word for.
    pub reason: String,
}

/// The bytes of a model in `format`.
///
/// # Errors
/// [`ExportError`] for what the format has no word for.
pub fn export(booster: &Booster, format: ExportFormat) -> Result<Vec<u8>, ExportError> {
    let refused = |reason: String| ExportError { format, reason };
    let has_zeros = !booster.zero_is_missing.is_empty();
    if has_zeros && format != ExportFormat::LightGbm {
        let reason = "some of its splits take 0 for a missing value (LightGBM's zero_as_missing)";
        return Err(refused(reason.to_owned()));
    }
    match format {
        ExportFormat::XgboostJson => Ok(model::save(booster, ModelFormat::Json)),
        ExportFormat::XgboostUbj => Ok(model::save(booster, ModelFormat::Ubj)),
        ExportFormat::Onnx => onnx::export(booster).map_err(refused),
        ExportFormat::LightGbm => lightgbm::export(booster).map_err(refused),
    }
}
