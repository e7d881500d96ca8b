//! Augmented manifests: a JSON object a line, of which some attributes are brought, one after the other.
//!
//! Invariants: the attributes of a line come in the order of `AttributeNames`. One whose name ends with `-ref` is an object
//! in S3, which comes in its place; a text comes without its quotes, and everything else as JSON.
//!
//! Source: SageMaker developer guide, "Provide Dataset Metadata to Training Jobs with an Augmented Manifest File"; SageMaker
//! API, `S3DataSource`.

use super::channels::Piece;
use crate::s3::Objects;
use contract::job::{NameError, S3Uri};
use serde_json::{Map, Value};
use std::fs;

/// Attributes that SageMaker brings of a line.
const MOST_ATTRIBUTES: usize = 16;

/// The lines of a manifest, each as the attributes of these names.
pub(super) fn lines(
    objects: &Objects,
    uri: &S3Uri,
    names: &[String],
) -> Result<Vec<Vec<Piece>>, String> {
    if names.is_empty() || names.len() > MOST_ATTRIBUTES {
        return Err(format!(
            "AttributeNames has {} names, an augmented manifest needs 1 to {MOST_ATTRIBUTES}",
            names.len()
        ));
    }
    let file = objects
        .file(uri.bucket(), uri.key())
        .ok_or("there is no such object")?;
    let text = fs::read_to_string(file).map_err(|err| err.to_string())?;
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let attributes = attributes(objects, line, names);
            attributes.map_err(|reason| format!("line {}: {reason}", number + 1))
        })
        .collect()
}

fn attributes(objects: &Objects, line: &str, names: &[String]) -> Result<Vec<Piece>, String> {
    let line: Map<String, Value> =
        serde_json::from_str(line).map_err(|err| format!("not a JSON object: {err}"))?;
    let piece = |name: &String| {
        let value = line
            .get(name)
            .ok_or_else(|| format!("there is no attribute `{name}`"))?;
        match value {
            Value::String(uri) if name.ends_with("-ref") => {
                let uri: S3Uri = uri.parse().map_err(|err: NameError| err.to_string())?;
                let file = objects.file(uri.bucket(), uri.key());
                let file = file.ok_or_else(|| format!("there is no object `{uri}`"))?;
                Ok(Piece::Object(file))
            }
            Value::String(text) => Ok(Piece::Value(text.clone().into_bytes())),
            value => Ok(Piece::Value(value.to_string().into_bytes())),
        }
    };
    names.iter().map(piece).collect()
}
