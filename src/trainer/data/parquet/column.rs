//! One column of one row group, a few rows at a time.
//!
//! Invariant: a column holds one decompressed page and its dictionary, however many rows the row group has.

use std::sync::Arc;

use engine::dataset::FeatureWords;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::column::reader::{ColumnReaderImpl, get_column_reader, get_typed_column_reader};
use parquet::data_type::{
    BoolType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use super::super::number::whole;
use super::numbers::{Numbers, big_endian, decimal, half, whole_decimal};
use super::problem::guarded;
use super::source::Source;
use super::text;

/// The values of a column, in the order of the rows.
pub(super) trait Values<V>: Send {
    /// Reads the next rows and tells how many there were; fewer than asked for at the column's end only.
    fn fill(&mut self, out: &mut [V]) -> Result<usize, ParquetError>;
    /// Passes the next rows over and tells how many there were, as [`Values::fill`]; pages that hold none but those are not
    /// unpacked.
    fn skip(&mut self, n_rows: usize) -> Result<usize, ParquetError>;
    /// The words that values so far stand for, of a column of text that is this feature.
    fn words(&self, _feature: u32) -> Option<FeatureWords> {
        None
    }
}

/// A query id, or the number that is none; NaN for null.
pub(super) type QueryId = Result<u64, f64>;

/// Starts to read the column `idx` of a row group; null is NaN.
pub(super) fn open(
    source: &Arc<Source>,
    group: &RowGroupMetaData,
    idx: usize,
    numbers: Numbers,
) -> Result<Box<dyn Values<f32>>, ParquetError> {
    guarded(|| {
        if numbers == Numbers::Text {
            return text::open(source, group, idx);
        }
        let opening = Opening::new(source, group, (idx, f32::NAN))?;
        Ok(match numbers {
            Numbers::Text => unreachable!("text was opened above"),
            Numbers::Boolean => opening.typed::<BoolType, _>(|&it| f32::from(u8::from(it))),
            Numbers::Int32 => opening.typed::<Int32Type, _>(|&it| it as f32),
            Numbers::Int64 => opening.typed::<Int64Type, _>(|&it| it as f32),
            Numbers::Uint32 => opening.typed::<Int32Type, _>(|&it| it as u32 as f32),
            Numbers::Uint64 => opening.typed::<Int64Type, _>(|&it| it as u64 as f32),
            Numbers::Float => opening.typed::<FloatType, _>(|&it| it),
            Numbers::Double => opening.typed::<DoubleType, _>(|&it| it as f32),
            Numbers::Half => opening.typed::<FixedLenByteArrayType, _>(|it| half(it.data())),
            Numbers::Decimal32(scale) => {
                opening.typed::<Int32Type, _>(move |&it| decimal(i128::from(it), scale))
            }
            Numbers::Decimal64(scale) => {
                opening.typed::<Int64Type, _>(move |&it| decimal(i128::from(it), scale))
            }
            Numbers::Decimal128(scale) => opening
                .typed::<FixedLenByteArrayType, _>(move |it| decimal(big_endian(it.data()), scale)),
        })
    })
}

/// Starts to read the column `idx` of a row group as query ids.
pub(super) fn open_ids(
    source: &Arc<Source>,
    group: &RowGroupMetaData,
    idx: usize,
    numbers: Numbers,
) -> Result<Box<dyn Values<QueryId>>, ParquetError> {
    let id = |value: f64| whole(value).ok_or(value);
    let of_decimal = |unscaled: i128, scale: u32| {
        whole_decimal(unscaled, scale).ok_or_else(|| decimal(unscaled, scale).into())
    };
    guarded(|| {
        let opening = Opening::new(source, group, (idx, Err(f64::NAN)))?;
        Ok(match numbers {
            Numbers::Text => unreachable!("a query of text is refused by its footer"),
            Numbers::Boolean => opening.typed::<BoolType, _>(|&it| Ok(u64::from(it))),
            Numbers::Int32 => {
                opening.typed::<Int32Type, _>(|&it| it.try_into().map_err(|_| f64::from(it)))
            }
            Numbers::Int64 => {
                opening.typed::<Int64Type, _>(|&it| it.try_into().map_err(|_| it as f64))
            }
            Numbers::Uint32 => {
                opening.typed::<Int32Type, _>(|&it| Ok(u64::from(it.cast_unsigned())))
            }
            Numbers::Uint64 => opening.typed::<Int64Type, _>(|&it| Ok(it.cast_unsigned())),
            Numbers::Float => opening.typed::<FloatType, _>(move |&it| id(it.into())),
            Numbers::Double => opening.typed::<DoubleType, _>(move |&it| id(it)),
            Numbers::Half => {
                opening.typed::<FixedLenByteArrayType, _>(move |it| id(half(it.data()).into()))
            }
            Numbers::Decimal32(scale) => {
                opening.typed::<Int32Type, _>(move |&it| of_decimal(it.into(), scale))
            }
            Numbers::Decimal64(scale) => {
                opening.typed::<Int64Type, _>(move |&it| of_decimal(it.into(), scale))
            }
            Numbers::Decimal128(scale) => opening.typed::<FixedLenByteArrayType, _>(move |it| {
                of_decimal(big_endian(it.data()), scale)
            }),
        })
    })
}

pub(super) struct Opening<'a, V> {
    group: &'a RowGroupMetaData,
    idx: usize,
    pages: Box<dyn PageReader>,
    /// What null becomes.
    missing: V,
}

impl<'a, V: Copy + Send + 'static> Opening<'a, V> {
    pub(super) fn new(
        source: &Arc<Source>,
        group: &'a RowGroupMetaData,
        (idx, missing): (usize, V),
    ) -> Result<Self, ParquetError> {
        let chunk = group.column(idx);
        let n_rows = usize::try_from(group.num_rows())?;
        let source = source.for_column(chunk.byte_range(), group.num_columns());
        let pages = SerializedPageReader::new(source, chunk, n_rows, None)?;
        Ok(Self {
            group,
            idx,
            pages: Box::new(CheckedPages(pages)),
            missing,
        })
    }

    /// The column's cells, as they are stored.
    pub(super) fn cells<T: DataType>(self) -> Cells<T> {
        let column = self.group.schema_descr().column(self.idx);
        Cells {
            reader: get_typed_column_reader(get_column_reader(column, self.pages)),
            values: Vec::new(),
            levels: Vec::new(),
        }
    }

    fn typed<T, F>(self, convert: F) -> Box<dyn Values<V>>
    where
        T: DataType,
        F: Fn(&T::T) -> V + Send + 'static,
    {
        let missing = self.missing;
        Box::new(Typed::<T, F, V> {
            cells: self.cells(),
            convert,
            missing,
        })
    }
}

/// The cells of a column as they are stored.
pub(super) struct Cells<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
    /// 1 for a value, 0 for null; empty where the column has no nulls.
    levels: Vec<i16>,
}

impl<T: DataType> Cells<T> {
    /// Fills `out` with what `convert` makes of the next cells, `None` for null, and tells how many there were.
    pub(super) fn fill<V>(
        &mut self,
        out: &mut [V],
        mut convert: impl FnMut(Option<&T::T>) -> V,
    ) -> Result<usize, ParquetError> {
        guarded(|| {
            let mut n_filled = 0;
            while n_filled < out.len() {
                match self.read(&mut out[n_filled..], &mut convert)? {
                    0 => break,
                    more => n_filled += more,
                }
            }
            Ok(n_filled)
        })
    }

    /// Reads up to `out.len()` rows and tells how many.
    fn read<V>(
        &mut self,
        out: &mut [V],
        mut convert: impl FnMut(Option<&T::T>) -> V,
    ) -> Result<usize, ParquetError> {
        self.values.clear();
        self.levels.clear();
        let levels = Some(&mut self.levels);
        let (n_rows, n_values, _) =
            self.reader
                .read_records(out.len(), levels, None, &mut self.values)?;
        let out = &mut out[..n_rows];
        if n_values == n_rows {
            for (out, value) in out.iter_mut().zip(&self.values) {
                *out = convert(Some(value));
            }
        } else {
            let mut values = self.values.iter();
            for (out, &level) in out.iter_mut().zip(&self.levels) {
                *out = convert(if level == 0 { None } else { values.next() });
            }
        }
        Ok(n_rows)
    }

    /// As [`Values::skip`].
    pub(super) fn skip(&mut self, n_rows: usize) -> Result<usize, ParquetError> {
        guarded(|| self.reader.skip_records(n_rows))
    }
}

struct Typed<T: DataType, F, V> {
    cells: Cells<T>,
    convert: F,
    missing: V,
}

impl<T: DataType, F: Fn(&T::T) -> V + Send, V: Copy + Send> Values<V> for Typed<T, F, V> {
    fn fill(&mut self, out: &mut [V]) -> Result<usize, ParquetError> {
        let (convert, missing) = (&self.convert, self.missing);
        self.cells.fill(out, |cell| cell.map_or(missing, convert))
    }

    fn skip(&mut self, n_rows: usize) -> Result<usize, ParquetError> {
        self.cells.skip(n_rows)
    }
}

/// Pages that are what their headers say, since the library allocates and cuts by what they say.
struct CheckedPages<R>(R);

impl<R: PageReader> PageReader for CheckedPages<R> {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        let page = self.0.get_next_page()?;
        let fits = page.as_ref().is_none_or(|page| match page {
            // No number is smaller than a byte in a dictionary.
            Page::DictionaryPage {
                buf, num_values, ..
            } => *num_values as usize <= buf.len(),
            Page::DataPage { .. } => true,
            Page::DataPageV2 {
                buf,
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => {
                u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len)
                    <= buf.len() as u64
            }
        });
        if fits {
            Ok(page)
        } else {
            Err(ParquetError::General(
                "a page is shorter than its header says".to_owned(),
            ))
        }
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        self.0.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        self.0.skip_next_page()
    }
}

impl<R: PageReader> Iterator for CheckedPages<R> {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}
