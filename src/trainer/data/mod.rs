//! A channel's objects become tiles.
//!
//! ```text
//! files, objects, pipe     what the channel brings: files, or a stream; decompressed where it is compressed
//! ranges, blocks           cut into ranges of bytes that any thread reads, or one after the other
//! csv, libsvm, json_lines, recordio, parquet      the formats
//! plan, survey             which blocks make the sample that bins are cut by
//! tiles                    blocks are parsed side by side, and become numbered parts
//! ```
//!
//! Invariants: rows come in the order of the sorted files and of their lines; memory holds some blocks of a file and the
//! tiles made of them, never a file; every refusal names file and line or row. A new content type is one more [`TileReader`]
//! and one arm in [`open`].

pub mod bad_rows;
pub mod blocks;
pub(crate) mod cells;
pub mod csv;
pub mod delimiter;
mod error;
pub mod files;
pub mod json_lines;
pub mod labels;
pub mod libsvm;
pub mod number;
pub mod objects;
pub mod parquet;
pub mod pipe;
mod plan;
pub mod ranges;
pub mod recordio;
pub mod row_layout;
pub mod rows;
pub mod side;
mod sparse_rows;
pub(crate) mod stored;
mod survey;
pub mod tiles;
mod words;

use contract::content_type::ContentType;
use engine::threads::Threads;

use self::blocks::{BLOCK_BYTES, Blocks, Cut};
use self::csv::CsvOptions;
pub use self::error::{DataError, Place};
use self::objects::Input;
use self::tiles::Text;
pub use self::tiles::{Batch, Order, TileReader};

/// A channel that is to be read.
#[derive(Debug)]
pub struct Source {
    /// Its name.
    pub channel: String,
    /// Its bytes.
    pub input: Input,
    /// How to read them; `None` where the job did not say.
    pub content_type: Option<ContentType>,
}

/// Starts to read a channel; `None` if it holds no row.
///
/// # Errors
/// [`DataError`] if the first rows do not fit, or the content type cannot be read from such an input.
pub fn open(
    source: Source,
    options: CsvOptions,
    order: Order,
    threads: &Threads,
) -> Result<Option<Box<dyn TileReader>>, DataError> {
    let content_type = match source.content_type {
        Some(content_type) => content_type,
        None => sniff(&source)?,
    };
    let threads = threads.clone();
    let text = |input| Text {
        input,
        block_bytes: BLOCK_BYTES,
        order,
    };
    match content_type {
        ContentType::Csv { label_size: _ } => {
            let tiles = csv::open(text(source.input), &options, threads)?;
            Ok(tiles.map(|tiles| {
                tracing::info!(
                    "Determined delimiter of CSV input is '{}'",
                    tiles.format().delimiter()
                );
                Box::new(tiles) as Box<dyn TileReader>
            }))
        }
        ContentType::Libsvm => Ok(boxed(libsvm::open(text(source.input), &options, threads)?)),
        ContentType::JsonLines => Ok(boxed(json_lines::open(
            text(source.input),
            &options,
            threads,
        )?)),
        ContentType::RecordIoProtobuf => Ok(boxed(recordio::open(
            text(source.input),
            &options,
            threads,
        )?)),
        ContentType::Parquet => match source.input {
            Input::Files(files) => Ok(boxed(parquet::open(files, options, order, threads)?)),
            Input::Pipe(_) => Err(DataError::Piped {
                channel: source.channel,
                content_type,
            }),
        },
    }
}

fn boxed<R: TileReader + 'static>(reader: Option<R>) -> Option<Box<dyn TileReader>> {
    reader.map(|it| Box::new(it) as Box<dyn TileReader>)
}

/// What a channel without a content type holds: libsvm, as the built-in algorithm takes for granted, unless the first
/// row has no pair in it and something that separates cells. A pipe is not looked at, since it can be read but once.
fn sniff(source: &Source) -> Result<ContentType, DataError> {
    let Input::Files(files) = &source.input else {
        return Ok(ContentType::DEFAULT);
    };
    for block in Blocks::new(Input::Files(files.clone()), Cut::Lines) {
        let block = block?;
        let bytes = block.view().bytes;
        let Some(has_pairs) = libsvm::has_pairs(bytes) else {
            continue;
        };
        let mut lines = bytes
            .split(|it| matches!(it, b'\n' | b'\r'))
            .filter(|it| !it.trim_ascii().is_empty());
        let delimiter = lines.next().and_then(|line| delimiter::detect(line).ok());
        if !has_pairs && delimiter.is_some_and(|it| it != b':') {
            tracing::warn!(
                "channel `{}` has no content type and does not look like libsvm, so it is read as text/csv; \
                 the built-in algorithm would take it for libsvm",
                source.channel
            );
            return Ok(ContentType::Csv { label_size: 1 });
        }
        break;
    }
    Ok(ContentType::DEFAULT)
}
