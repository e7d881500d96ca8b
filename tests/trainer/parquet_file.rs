//! Parquet files as another program would write them: schema as text, columns as cells, settings of the writer.

use std::sync::Arc;

use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// The cells of a column of a row group; `None` is null, and is allowed where the schema says `optional`.
#[derive(Clone, Debug)]
pub(crate) enum Cells {
    Bool(Vec<Option<bool>>),
    Int(Vec<Option<i32>>),
    Long(Vec<Option<i64>>),
    Float(Vec<Option<f32>>),
    Double(Vec<Option<f64>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Int96(Vec<Option<[u32; 3]>>),
}

/// Cells of whole numbers.
pub(crate) fn ints(values: &[i32]) -> Cells {
    Cells::Int(values.iter().copied().map(Some).collect())
}

pub(crate) fn floats(values: &[f32]) -> Cells {
    Cells::Float(values.iter().copied().map(Some).collect())
}

pub(crate) fn doubles(values: &[f64]) -> Cells {
    Cells::Double(values.iter().copied().map(Some).collect())
}

/// A file with these columns, separated by `;`, and these row groups.
pub(crate) fn file(columns: &str, groups: &[Vec<Cells>]) -> Vec<u8> {
    file_with(columns, groups, WriterProperties::builder())
}

pub(crate) fn file_with(
    columns: &str,
    groups: &[Vec<Cells>],
    properties: WriterPropertiesBuilder,
) -> Vec<u8> {
    let end = if columns.ends_with('}') { "" } else { ";" };
    let schema = parse_message_type(&format!("message table {{ {columns}{end} }}")).unwrap();
    let properties = Arc::new(properties.build());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(schema), properties).unwrap();
    for cells in groups {
        let mut group = writer.next_row_group().unwrap();
        let mut cells = cells.iter();
        while let Some(mut column) = group.next_column().unwrap() {
            write(column.untyped(), cells.next().unwrap());
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

fn write(column: &mut ColumnWriter<'_>, cells: &Cells) {
    let n_written = match (column, cells) {
        (ColumnWriter::BoolColumnWriter(it), Cells::Bool(cells)) => {
            it.write_batch(&present(cells), Some(&levels(cells)), Some(&zeros(cells)))
        }
        (ColumnWriter::Int32ColumnWriter(it), Cells::Int(cells)) => {
            it.write_batch(&present(cells), Some(&levels(cells)), Some(&zeros(cells)))
        }
        (ColumnWriter::Int64ColumnWriter(it), Cells::Long(cells)) => {
            it.write_batch(&present(cells), Some(&levels(cells)), Some(&zeros(cells)))
        }
        (ColumnWriter::FloatColumnWriter(it), Cells::Float(cells)) => {
            it.write_batch(&present(cells), Some(&levels(cells)), Some(&zeros(cells)))
        }
        (ColumnWriter::DoubleColumnWriter(it), Cells::Double(cells)) => {
            it.write_batch(&present(cells), Some(&levels(cells)), Some(&zeros(cells)))
        }
        (ColumnWriter::ByteArrayColumnWriter(it), Cells::Bytes(cells)) => {
            let values: Vec<ByteArray> = present(cells).into_iter().map(Into::into).collect();
            it.write_batch(&values, Some(&levels(cells)), Some(&zeros(cells)))
        }
        (ColumnWriter::FixedLenByteArrayColumnWriter(it), Cells::Bytes(cells)) => {
            let values: Vec<FixedLenByteArray> =
                present(cells).into_iter().map(Into::into).collect();
            it.write_batch(&values, Some(&levels(cells)), Some(&zeros(cells)))
        }
        (ColumnWriter::Int96ColumnWriter(it), Cells::Int96(cells)) => {
            let values: Vec<Int96> = present(cells)
                .into_iter()
                .map(|words| Int96::from(words.to_vec()))
                .collect();
            it.write_batch(&values, Some(&levels(cells)), Some(&zeros(cells)))
        }
        (_, cells) => panic!("{cells:?} do not fit their column"),
    };
    n_written.unwrap();
}

fn present<T: Clone>(cells: &[Option<T>]) -> Vec<T> {
    cells.iter().flatten().cloned().collect()
}

fn levels<T>(cells: &[Option<T>]) -> Vec<i16> {
    cells.iter().map(|it| i16::from(it.is_some())).collect()
}

fn zeros<T>(cells: &[Option<T>]) -> Vec<i16> {
    vec![0; cells.len()]
}
