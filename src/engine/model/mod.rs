//! Model files: XGBoost's model document, in JSON and in UBJSON; and `LightGBM`'s text, which is only read here.
//!
//! Invariants: what [`save`] writes loads in XGBoost 1.7 to 3.x (trees with several outputs from 2.0 on) and predicts the
//! same there; [`load`] gives back the booster that was saved, bit for bit, and refuses any other bytes without a panic
//! and within a small multiple of their length in memory.
//!
//! ```
//! use engine::{booster::Booster, model, objective::{Objective, ObjectiveName}, tree::{NO_PARENT, Node, Tree}};
//!
//! let booster = Booster {
//!     trees: vec![Tree::from(vec![Node::leaf(NO_PARENT, 0.25, 4.0)])],
//!     tree_info: vec![0],
//!     ..Booster::new(Objective::new(ObjectiveName::RegSquaredError), 1)
//! };
//! let bytes = model::save(&booster, model::ModelFormat::Ubj);
//! assert_eq!(model::load(&bytes).unwrap(), booster);
//! ```
//!
//! Source: XGBoost `doc/model.schema` and "Introduction to Model IO".

mod categories;
mod error;
mod json;
mod lightgbm;
mod member;
mod objective;
mod read;
mod read_tree;
mod ubj;
mod value;
mod write;

use std::fmt;
use std::str::FromStr;

use crate::booster::Booster;

pub use error::ModelError;

/// How a model is written. Reading tells by the first bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ModelFormat {
    /// Text that a person can read.
    Json,
    /// UBJSON, XGBoost's default since 2.1: a third of the size.
    #[default]
    Ubj,
}

/// A model format's name that is neither `json` nor `ubj`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown model format `{name}`, allowed are json, ubj")]
pub struct UnknownFormat {
    /// What was asked for.
    pub name: String,
}

impl FromStr for ModelFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        match name {
            "json" => Ok(Self::Json),
            "ubj" => Ok(Self::Ubj),
            _ => Err(UnknownFormat {
                name: name.to_owned(),
            }),
        }
    }
}

impl fmt::Display for ModelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "json",
            Self::Ubj => "ubj",
        })
    }
}

/// Reads a booster that this crate or XGBoost 1.7 and later has saved, in either format, or a `LightGBM` text model.
///
/// The format is told by the first bytes, as XGBoost does it: `{` and then a quote or white space is JSON, `{` and then
/// a letter is UBJSON; a first line `tree` is `LightGBM`'s. Nodes keep their numbers where these are in order, and are
/// numbered anew, breadth first, elsewhere.
///
/// Of `LightGBM`'s objectives the one of XGBoost's is taken that makes the same predictions of the same margins. A base
/// score for each class, or `LightGBM`'s averages, go into the leaves.
///
/// # Errors
/// - [`ModelError::Format`] if the bytes are none of these.
/// - [`ModelError::Syntax`] if they break off or stop being what they began as; names the byte.
/// - [`ModelError::Schema`] if a member is missing or has another type, length or value; names its path.
/// - [`ModelError::Tree`] if a tree is not a tree: a child out of range, a cycle, two parents, a feature out of range.
/// - [`ModelError::Unsupported`] for what this engine does not have, such as other objectives.
pub fn load(bytes: &[u8]) -> Result<Booster, ModelError> {
    if lightgbm::is_lightgbm(bytes) {
        return lightgbm::booster(bytes);
    }
    let document = match format_of(bytes) {
        Some(ModelFormat::Json) => json::decode(bytes)?,
        Some(ModelFormat::Ubj) => ubj::decode(bytes)?,
        None => {
            let head = &bytes[..bytes.len().min(8)];
            let found = if head.is_empty() {
                "no bytes".to_owned()
            } else {
                format!("`{}`", head.escape_ascii())
            };
            return Err(ModelError::Format { found });
        }
    };
    read::booster(&document)
}

/// The bytes of a model file.
///
/// XGBoost cannot be told of [`Booster::zero_is_missing`], which is left out; [`crate::export::export`] refuses it.
pub fn save(booster: &Booster, format: ModelFormat) -> Vec<u8> {
    match format {
        ModelFormat::Json => {
            let mut encoder = json::JsonEncoder::default();
            write::booster(booster, &mut encoder);
            encoder.into_bytes()
        }
        ModelFormat::Ubj => {
            let mut encoder = ubj::UbjEncoder::default();
            write::booster(booster, &mut encoder);
            encoder.into_bytes()
        }
    }
}

fn format_of(bytes: &[u8]) -> Option<ModelFormat> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let start = bytes.iter().position(|byte| !is_space(byte))?;
    if bytes[start] != b'{' {
        return None;
    }
    match bytes[start + 1..].iter().find(|byte| !is_space(byte)) {
        Some(b'"' | b'}') => Some(ModelFormat::Json),
        Some(byte) if byte.is_ascii_alphabetic() && start == 0 => Some(ModelFormat::Ubj),
        _ => None,
    }
}
