//! Files in a temporary channel, and the rows that a reader makes of them.

use std::fs;
use std::path::Path;

use engine::dataset::TileFeatures;
use engine::objective::ObjectiveName;
use engine::threads::Threads;
use tempfile::TempDir;
use trainer::data::blocks::{Blocks, Quotes};
use trainer::data::csv::CsvOptions;
use trainer::data::files::discover;
use trainer::data::labels::LabelRule;
use trainer::data::{DataError, TileReader, csv, libsvm, parquet};

/// Rows as a reader gave them; `None` is a missing value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rows {
    pub(crate) labels: Vec<f32>,
    pub(crate) weights: Vec<f32>,
    pub(crate) features: Vec<Vec<Option<f32>>>,
    /// File and row number of each tile's first row.
    pub(crate) origins: Vec<(String, u64)>,
}

/// A channel of these files, by path below it.
pub(crate) fn channel(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

pub(crate) fn regression(weighted: bool) -> CsvOptions {
    CsvOptions {
        weighted,
        labels: LabelRule {
            objective: ObjectiveName::RegSquaredError,
            num_class: 0,
        },
    }
}

pub(crate) fn blocks(dir: &Path, quotes: Quotes, block_bytes: usize) -> Result<Blocks, DataError> {
    Ok(Blocks::new(discover("train", dir)?.files, quotes).with_block_bytes(block_bytes))
}

/// Reads CSV files in blocks of `block_bytes` on two threads.
pub(crate) fn read_csv(
    dir: &Path,
    options: CsvOptions,
    block_bytes: usize,
) -> Result<Rows, DataError> {
    let threads = Threads::new(Some(2)).unwrap();
    let tiles = csv::open(blocks(dir, Quotes::Hold, block_bytes)?, options, threads)?;
    tiles.map_or_else(|| Ok(Rows::default()), collect)
}

/// Reads libsvm files in blocks of `block_bytes` on two threads.
pub(crate) fn read_libsvm(
    dir: &Path,
    labels: LabelRule,
    block_bytes: usize,
) -> Result<Rows, DataError> {
    let threads = Threads::new(Some(2)).unwrap();
    let tiles = libsvm::open(blocks(dir, Quotes::Ignore, block_bytes)?, labels, threads)?;
    tiles.map_or_else(|| Ok(Rows::default()), collect)
}

/// Reads Parquet files on `n_threads` threads.
pub(crate) fn read_parquet(
    dir: &Path,
    options: CsvOptions,
    n_threads: usize,
) -> Result<Rows, DataError> {
    let threads = Threads::new(Some(n_threads)).unwrap();
    let tiles = parquet::open(discover("train", dir)?.files, options, threads)?;
    tiles.map_or_else(|| Ok(Rows::default()), collect)
}

fn collect(reader: impl TileReader) -> Result<Rows, DataError> {
    let mut rows = Rows::default();
    for tile in reader {
        let tile = tile?;
        let n_rows = tile.labels.len();
        rows.origins
            .push((tile.origin.object.to_string(), tile.origin.first_row));
        for row in 0..n_rows {
            rows.features.push(match &tile.features {
                TileFeatures::Dense { n_features, values } => (0..*n_features)
                    .map(|f| Some(values[f * n_rows + row]).filter(|it| !it.is_nan()))
                    .collect(),
                TileFeatures::Csr {
                    indptr,
                    indices,
                    values,
                } => {
                    let mut cells = Vec::new();
                    for entry in indptr[row]..indptr[row + 1] {
                        cells.resize(indices[entry] as usize, None);
                        cells.push(Some(values[entry]).filter(|it| !it.is_nan()));
                    }
                    cells
                }
            });
        }
        rows.labels.extend(tile.labels);
        rows.weights.extend(tile.weights.unwrap_or_default());
    }
    Ok(rows)
}

/// The rows alone, for comparing files that are cut into blocks in other places.
pub(crate) fn without_origins(rows: Rows) -> Rows {
    Rows {
        origins: Vec::new(),
        ..rows
    }
}
