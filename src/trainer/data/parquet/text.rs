//! A column of text of one row group, whose cells are categories.
//!
//! Invariant: as in CSV, what is empty is missing. A text is a word even where its characters are digits: whoever writes
//! numbers as text means names.

use std::sync::Arc;

use engine::dataset::FeatureWords;
use parquet::data_type::ByteArrayType;
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;

use super::super::words::ColumnWords;
use super::column::{Cells, Opening, Values};
use super::source::Source;

/// Starts to read the column `idx` of a row group.
pub(super) fn open(
    source: &Arc<Source>,
    group: &RowGroupMetaData,
    idx: usize,
) -> Result<Box<dyn Values<f32>>, ParquetError> {
    let opening = Opening::new(source, group, (idx, f32::NAN))?;
    Ok(Box::new(Text {
        cells: opening.cells(),
        words: ColumnWords::default(),
    }))
}

struct Text {
    cells: Cells<ByteArrayType>,
    words: ColumnWords,
}

impl Values<f32> for Text {
    fn fill(&mut self, out: &mut [f32]) -> Result<usize, ParquetError> {
        let words = &mut self.words;
        self.cells.fill(out, |cell| {
            let text = cell.filter(|it| !it.is_empty());
            text.map_or(f32::NAN, |text| {
                words.value(&String::from_utf8_lossy(text.data()), false)
            })
        })
    }

    fn skip(&mut self, n_rows: usize) -> Result<usize, ParquetError> {
        self.cells.skip(n_rows)
    }

    fn words(&self, feature: u32) -> Option<FeatureWords> {
        self.words.of_feature(feature)
    }
}
