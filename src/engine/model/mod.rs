//! Model files: XGBoost's model document, in JSON and in UBJSON.
//!
//! Invariants: what [`save`] writes loads in XGBoost 1.7 to 3.x and predicts the same there; [`load`] gives back the
//! booster that was saved, bit for bit, and refuses any other bytes without a panic and within a small multiple of
//! their length in memory.
//!
//! ```
//! use std::collections::BTreeMap;
//! use engine::{booster::Booster, model, objective::{Objective, ObjectiveName}, tree::{NO_PARENT, Node, Tree}};
//!
//! let booster = Booster {
//!     trees: vec![Tree { nodes: vec![Node::leaf(NO_PARENT, 0.25, 4.0)] }],
//!     tree_info: vec![0],
//!     num_parallel_tree: 1,
//!     n_features: 1,
//!     base_score: 0.5,
//!     objective: Objective::new(ObjectiveName::RegSquaredError),
//!     feature_names: Vec::new(),
//!     attributes: BTreeMap::new(),
//! };
//! let bytes = model::save(&booster, model::ModelFormat::Ubj);
//! assert_eq!(model::load(&bytes).unwrap(), booster);
//! ```
//!
//! Source: XGBoost `doc/model.schema` and "Introduction to Model IO".

mod error;
mod json;
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

/// Reads a booster that this crate or XGBoost 1.7 and later has saved, in either format.
///
/// The format is told by the first bytes, as XGBoost does it: `{` and then a quote or white space is JSON, `{` and then
/// a letter is UBJSON. Nodes are numbered anew, breadth first.
///
/// # Errors
/// - [`ModelError::Format`] if the bytes are neither.
/// - [`ModelError::Syntax`] if they break off or stop being what they began as; names the byte.
/// - [`ModelError::Schema`] if a member is missing or has another type, length or value; names its path.
/// - [`ModelError::Tree`] if a tree is not a tree: a child out of range, a cycle, two parents, a feature out of range.
/// - [`ModelError::Unsupported`] for `dart`, `gblinear`, categorical splits, several targets and other objectives.
pub fn load(bytes: &[u8]) -> Result<Booster, ModelError> {
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
