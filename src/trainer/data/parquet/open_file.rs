//! A file whose footer was read.

use std::sync::Arc;

use parquet::file::metadata::ParquetMetaData;

use super::super::csv::CsvOptions;
use super::super::error::DataError;
use super::super::files::DataFile;
use super::schema::Layout;
use super::source::{self, Source};

/// Bytes, footer and what the footer says of the columns.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) source: Arc<Source>,
    pub(super) metadata: ParquetMetaData,
    pub(super) layout: Layout,
}

impl OpenFile {
    /// Opens a file.
    ///
    /// # Errors
    /// As [`source::open`] and [`Layout::of`].
    pub(super) fn open(entry: &DataFile, options: &CsvOptions) -> Result<Self, DataError> {
        let (source, metadata) = source::open(entry)?;
        let layout = Layout::of(&entry.object, &metadata, options)?;
        Ok(Self {
            source: Arc::new(source),
            metadata,
            layout,
        })
    }
}
