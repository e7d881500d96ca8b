//! `hyperparameters.json`: a flat object of texts.
//!
//! SageMaker writes texts only, tests and local runs also write numbers and booleans, and SageMaker's SDK for frameworks
//! encodes each text as JSON once more. All of them are read; one layer of such encoding is taken off.
//!
//! Source: SageMaker developer guide, "Hyperparameters"; sagemaker-training-toolkit, `mapping.py`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document;
use crate::error::ContractError;
use crate::paths::HYPERPARAMETERS_JSON;

/// Reads the document. A `null` counts as not given.
///
/// # Errors
/// If it is not a JSON object, or a value is a list or an object; names the key.
pub fn read_hyperparameters_json(bytes: &[u8]) -> Result<BTreeMap<String, String>, ContractError> {
    let raw: BTreeMap<String, Value> = document::read(HYPERPARAMETERS_JSON, bytes)?;
    let mut values = BTreeMap::new();
    for (key, value) in raw {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => bare(text),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                let reason = "expected a text, a number or a boolean".to_owned();
                return Err(ContractError::Json {
                    document: HYPERPARAMETERS_JSON,
                    key,
                    reason,
                });
            }
        };
        values.insert(key, text);
    }
    Ok(values)
}

/// The document's text.
pub fn write_hyperparameters_json(values: &BTreeMap<String, String>) -> String {
    document::write(values)
}

/// `"abc"` with its quotation marks is the text `abc`.
fn bare(text: String) -> String {
    let quoted = text.len() >= 2 && text.starts_with('"') && text.ends_with('"');
    if quoted {
        serde_json::from_str(&text).unwrap_or(text)
    } else {
        text
    }
}
