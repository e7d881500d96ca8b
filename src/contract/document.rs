//! Reads a JSON document of SageMaker's, and says which key does not fit.
//!
//! Invariant: keys that are not known are ignored. AWS adds keys without notice.

use serde::de::DeserializeOwned;

use crate::error::ContractError;

/// Reads `bytes` as the document of that name.
pub(crate) fn read<T: DeserializeOwned>(
    document: &'static str,
    bytes: &[u8],
) -> Result<T, ContractError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|err| {
        let path = err.path().to_string();
        let key = if path == "." { String::new() } else { path };
        ContractError::Json {
            document,
            key,
            reason: err.inner().to_string(),
        }
    })?;
    let rest = deserializer.end();
    rest.map_err(|err| ContractError::Json {
        document,
        key: String::new(),
        reason: err.to_string(),
    })?;
    Ok(value)
}

/// The document as text, indented, with a line end.
pub(crate) fn write<T: serde::Serialize>(value: &T) -> String {
    let mut text =
        serde_json::to_string_pretty(value).expect("string keys and plain values always serialize");
    text.push('\n');
    text
}

/// The document as one line, without a line end.
pub(crate) fn write_line<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("string keys and plain values always serialize")
}
