//! `application/json` and `application/jsonlines`, in the forms that SageMaker's algorithms share:
//! `{"instances": [{"features": [1.5, 16.0]}, {"data": {"features": {"keys": [0], "shape": [4], "values": [1.5]}}}]}`, a
//! single instance, and an instance a line; an instance may also be the plain array of its features. `null` is missing.
//!
//! Invariant: memory stays a small multiple of the request's length: numbers are read into place and nothing is buffered.
//!
//! Source: SageMaker developer guide, "Common Data Formats for Inference".

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};

use crate::data::libsvm::MAX_INDEX;

use super::super::rows::{DenseRows, Rows, SparseRows};
use super::{Found, Problem, Spot, trimmed};

/// What an instance looks like, for messages.
const EXPECTED: &str = "`{\"features\": [...]}`, `{\"data\": {\"features\": {\"values\": [...]}}}` or an array of numbers";

/// A row's values; sparse with `keys`.
#[derive(Debug, Default, Deserialize)]
struct Tensor {
    values: Vec<Option<f64>>,
    #[serde(default)]
    keys: Option<Vec<u32>>,
    #[serde(default)]
    shape: Option<Vec<usize>>,
}

#[derive(Deserialize)]
struct Data {
    features: Tensor,
}

/// A row.
struct Instance(Tensor);

/// The members of an instance; one of them must be there.
#[derive(Deserialize)]
struct Members {
    #[serde(default)]
    features: Option<Vec<Option<f64>>>,
    #[serde(default)]
    data: Option<Data>,
    /// Not of an instance, but of a document.
    #[serde(default)]
    instances: Option<Vec<Instance>>,
}

/// All rows of a document.
struct Document(Vec<Instance>);

fn dense(values: Vec<Option<f64>>) -> Instance {
    Instance(Tensor {
        values,
        ..Tensor::default()
    })
}

impl Members {
    fn instance(self) -> Option<Instance> {
        match (self.features, self.data) {
            (Some(values), None) => Some(dense(values)),
            (None, Some(data)) => Some(Instance(data.features)),
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Instance {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneRow;
        impl<'de> Visitor<'de> for OneRow {
            type Value = Instance;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Instance, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(dense)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Instance, A::Error> {
                let members = Members::deserialize(MapAccessDeserializer::new(map))?;
                let instance = members.instance();
                instance.ok_or_else(|| serde::de::Error::custom(format!("expected {EXPECTED}")))
            }
        }
        deserializer.deserialize_any(OneRow)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Members::deserialize(deserializer)?;
        match members {
            Members {
                features: None,
                data: None,
                instances: Some(instances),
            } => Ok(Self(instances)),
            members => {
                let instance = members.instance();
                let expected = || format!("expected `{{\"instances\": [...]}}`, or {EXPECTED}");
                let instance = instance.ok_or_else(|| serde::de::Error::custom(expected()))?;
                Ok(Self(vec![instance]))
            }
        }
    }
}

/// Reads a document.
pub(super) fn decode(body: &[u8]) -> Result<Rows, Found> {
    let document: Document =
        serde_json::from_slice(body).map_err(|err| (Spot::Whole, told(&err)))?;
    gathered(document.0)
}

/// Reads an instance a line; blank lines between them are refused as whatever else is none.
pub(super) fn decode_lines(body: &[u8]) -> Result<Rows, Found> {
    let text = trimmed(body);
    let lines = text.split(|it| *it == b'\n').enumerate();
    let lines = lines.filter(|_| !text.is_empty());
    let instances: Result<Vec<Instance>, Found> = lines
        .map(|(row, line)| {
            serde_json::from_slice(line).map_err(|err| (Spot::Row(row + 1), told(&err)))
        })
        .collect();
    gathered(instances?)
}

fn told(err: &serde_json::Error) -> Problem {
    Problem::Json(err.to_string())
}

/// All rows are sparse if one is.
fn gathered(instances: Vec<Instance>) -> Result<Rows, Found> {
    let is_sparse = instances.iter().any(|it| it.0.keys.is_some());
    if is_sparse {
        let mut rows = SparseRows::default();
        for (row, Instance(tensor)) in instances.into_iter().enumerate() {
            push_sparse(tensor, &mut rows).map_err(|problem| (Spot::Row(row + 1), problem))?;
        }
        return Ok(rows.finish());
    }
    let mut rows = DenseRows::default();
    for (row, Instance(tensor)) in instances.into_iter().enumerate() {
        let spot = Spot::Row(row + 1);
        for value in tensor.values {
            rows.values.push(number(value).map_err(|it| (spot, it))?);
        }
        rows.end_row().map_err(|it| (spot, it.into()))?;
    }
    Ok(rows.finish())
}

fn push_sparse(tensor: Tensor, rows: &mut SparseRows) -> Result<(), Problem> {
    let (n_keys, n_values) = (tensor.keys.as_ref().map(Vec::len), tensor.values.len());
    if n_keys.is_some_and(|it| it != n_values) {
        return Err(Problem::Json(format!(
            "{} keys and {n_values} values, expected as many of one as of the other",
            n_keys.unwrap_or(0)
        )));
    }
    if let Some(&n_columns) = tensor.shape.as_ref().and_then(|it| it.first()) {
        rows.widen(n_columns);
    }
    for (at, value) in tensor.values.into_iter().enumerate() {
        let key = tensor.keys.as_ref().map_or(at as u32, |keys| keys[at]);
        if key > MAX_INDEX {
            return Err(Problem::Json(format!(
                "key {key} is not a column, allowed are whole numbers from 0 to {MAX_INDEX}"
            )));
        }
        rows.push(key, number(value)?);
    }
    Ok(rows.end_row()?)
}

fn number(value: Option<f64>) -> Result<f32, Problem> {
    let value = value.map_or(f32::NAN, |it| it as f32);
    if value.is_infinite() {
        return Err(Problem::Infinite);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_rows_in_all_their_forms() {
        let expected = Rows::Dense {
            n_columns: 2,
            values: vec![1.5, -2.0, 3.0, 4.0],
        };
        for text in [
            r#"{"instances": [{"features": [1.5, -2]}, {"features": [3, 4]}]}"#,
            r#"{"instances": [[1.5, -2], [3, 4]]}"#,
            r#"{"instances": [{"data": {"features": {"values": [1.5, -2]}}}, {"features": [3, 4]}], "configuration": {}}"#,
        ] {
            assert_eq!(decode(text.as_bytes()).unwrap(), expected, "{text}");
        }
        let lines = "{\"features\": [1.5, -2]}\n[3, 4]\n";
        assert_eq!(decode_lines(lines.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn one_sparse_row_makes_all_sparse() {
        let text = r#"{"instances": [{"data": {"features": {"keys": [3, 0], "shape": [6], "values": [1.5, 2]}}}, [3, 4]]}"#;
        let expected = Rows::Sparse {
            n_columns: 6,
            indptr: vec![0, 2, 4],
            indices: vec![0, 3, 0, 1],
            values: vec![2.0, 1.5, 3.0, 4.0],
        };
        assert_eq!(decode(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_single_instance_may_have_gaps() {
        let rows = decode(br#"{"features": [null, 1]}"#).unwrap();
        let Rows::Dense { n_columns, values } = rows else {
            panic!("dense values gave sparse rows")
        };
        assert_eq!(n_columns, 2);
        assert!(values[0].is_nan() && values[1] == 1.0);
    }

    #[test]
    fn other_documents_are_refused() {
        for text in [
            "",
            "[1, 2]",
            "{}",
            r#"{"instances": [{"values": [1]}]}"#,
            r#"{"instances": [["a"]]}"#,
            r#"{"instances": [[1], [1, 2]]}"#,
            r#"{"instances": [[1e39]]}"#,
            r#"{"instances": [{"data": {"features": {"keys": [0, 1], "values": [1]}}}]}"#,
            r#"{"instances": [{"data": {"features": {"keys": [4000000000], "values": [1]}}}]}"#,
            r#"{"instances": [{"data": {"features": {"keys": [1, 1], "values": [1, 2]}}}]}"#,
        ] {
            decode(text.as_bytes()).unwrap_err();
        }
        let (spot, _) = decode_lines(b"[1]\n\n[2]").unwrap_err();
        assert_eq!(spot, Spot::Row(2));
    }
}
