//! A column of text of one row group, whose cells are categories.
//!
//! Invariant: as in CSV, what is empty is missing. A text is a word even where its characters are digits: whoever writes
//! numbers as text means names.

use std::sync::Arc;

use engine::dataset::FeatureWords;
use parquet::column::reader::{ColumnReaderImpl, get_column_reader, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;

use super::super::words::ColumnWords;
use super::column::{Opening, Values};
use super::problem::guarded;
use super::source::Source;

/// Starts to read the column `idx` of a row group.
pub(super) fn open(
    source: &Arc<Source>,
    group: &RowGroupMetaData,
    idx: usize,
) -> Result<Box<dyn Values<f32>>, ParquetError> {
    let opening = Opening::new(source, group, (idx, f32::NAN))?;
    let column = group.schema_descr().column(idx);
    Ok(Box::new(Text {
        reader: get_typed_column_reader(get_column_reader(column, opening.into_pages())),
        words: ColumnWords::default(),
        texts: Vec::new(),
        levels: Vec::new(),
    }))
}

struct Text {
    reader: ColumnReaderImpl<ByteArrayType>,
    words: ColumnWords,
    texts: Vec<ByteArray>,
    /// 1 for a value, 0 for null; empty where the column has no nulls.
    levels: Vec<i16>,
}

impl Text {
    /// Reads up to `out.len()` rows and tells how many.
    fn read(&mut self, out: &mut [f32]) -> Result<usize, ParquetError> {
        self.texts.clear();
        self.levels.clear();
        let levels = Some(&mut self.levels);
        let (n_rows, n_values, _) =
            self.reader
                .read_records(out.len(), levels, None, &mut self.texts)?;
        let mut texts = self.texts.iter();
        for (row, out) in out[..n_rows].iter_mut().enumerate() {
            let is_there = n_values == n_rows || self.levels.get(row) == Some(&1);
            let text = if is_there { texts.next() } else { None };
            let text = text.filter(|it| !it.is_empty());
            *out = text.map_or(f32::NAN, |text| {
                self.words
                    .value(&String::from_utf8_lossy(text.data()), false)
            });
        }
        Ok(n_rows)
    }
}

impl Values<f32> for Text {
    fn fill(&mut self, out: &mut [f32]) -> Result<usize, ParquetError> {
        guarded(|| {
            let mut n_rows = 0;
            while n_rows < out.len() {
                match self.read(&mut out[n_rows..])? {
                    0 => break,
                    more => n_rows += more,
                }
            }
            Ok(n_rows)
        })
    }

    fn words(&self, feature: u32) -> Option<FeatureWords> {
        self.words.of_feature(feature)
    }
}
