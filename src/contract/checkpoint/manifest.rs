//! The manifest of a checkpoint: what its file must be, written once that lies on the disk.

use serde::{Deserialize, Serialize};

use crate::document;
use crate::error::ContractError;

/// What messages call the document.
const NAME: &str = "the manifest";

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this document.
    pub schema: u32,
    /// The file's name.
    pub file: String,
    /// The file's length.
    pub bytes: u64,
    /// The file's SHA-256 digest, in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// The version that is written.
    pub const SCHEMA: u32 = 1;

    /// Reads the document; unknown keys are ignored.
    ///
    /// # Errors
    /// If it is not JSON, or a key is missing or of another type.
    pub fn read(bytes: &[u8]) -> Result<Self, ContractError> {
        document::read(NAME, bytes)
    }

    /// The document's text.
    pub fn write(&self) -> String {
        document::write(self)
    }
}
