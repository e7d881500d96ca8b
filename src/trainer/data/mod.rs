//! A channel's files become tiles.
//!
//! Invariants: rows come in the order of the sorted files and of their lines; memory holds some blocks of a file and the
//! tiles made of them, never a file; every refusal names file and line or row. A new content type is one more [`TileReader`]
//! and one arm in [`open`].

pub mod blocks;
mod cells;
pub mod csv;
pub mod delimiter;
mod error;
pub mod files;
pub mod labels;
pub mod libsvm;
pub mod number;
pub mod parquet;
mod plan;
pub mod ranges;
pub mod rows;
pub mod side;
pub mod tiles;
mod words;

use contract::content_type::ContentType;
use engine::threads::Threads;

use self::blocks::{BLOCK_BYTES, Blocks, Quotes};
use self::csv::CsvOptions;
pub use self::error::{DataError, Place};
use self::files::DataFile;
use self::tiles::TextFiles;
pub use self::tiles::{Batch, InOrder, Order, TileReader};

/// A channel that is to be read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub channel: String,
    /// Its files, in order.
    pub files: Vec<DataFile>,
    /// How to read them; `None` where the job did not say.
    pub content_type: Option<ContentType>,
}

/// Starts to read a channel; `None` if its files hold no row.
///
/// # Errors
/// [`DataError`] if the first rows do not fit, or nothing reads the content type.
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
    let text = |files| TextFiles {
        files,
        block_bytes: BLOCK_BYTES,
        order,
    };
    match content_type {
        ContentType::Csv { label_size: _ } => {
            let tiles = csv::open(text(source.files), &options, threads)?;
            Ok(tiles.map(|tiles| {
                tracing::info!(
                    "Determined delimiter of CSV input is '{}'",
                    tiles.format().delimiter()
                );
                Box::new(tiles) as Box<dyn TileReader>
            }))
        }
        ContentType::Libsvm => {
            let tiles = libsvm::open(text(source.files), &options, threads)?;
            Ok(tiles.map(|tiles| Box::new(tiles) as Box<dyn TileReader>))
        }
        ContentType::Parquet => {
            let tiles = parquet::open(source.files, options, threads)?;
            Ok(tiles.map(|tiles| Box::new(InOrder::new(tiles)) as Box<dyn TileReader>))
        }
        ContentType::RecordIoProtobuf => Err(DataError::NoReader {
            channel: source.channel,
            content_type,
        }),
    }
}

/// What a channel without a content type holds: libsvm, as the built-in algorithm takes for granted, unless the first
/// row has no pair in it and something that separates cells.
fn sniff(source: &Source) -> Result<ContentType, DataError> {
    for block in Blocks::new(source.files.clone(), Quotes::Ignore) {
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
