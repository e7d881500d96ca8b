//! Files in a temporary channel, and the rows that a reader makes of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use contract::hyperparameter::OnBadRow;
use engine::dataset::{Tile, TileFeatures};
use engine::objective::ObjectiveName;
use engine::threads::Threads;
use tempfile::TempDir;
use trainer::data::csv::CsvOptions;
use trainer::data::files::discover;
use trainer::data::labels::LabelRule;
use trainer::data::objects::Input;
use trainer::data::side::SideOptions;
use trainer::data::tiles::Text;
use trainer::data::{
    Batch, DataError, Order, TileReader, csv, json_lines, libsvm, parquet, recordio,
};

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
        side: SideOptions::default(),
        categorical: Vec::new(),
        on_bad_row: OnBadRow::Error,
        labels: LabelRule {
            objective: ObjectiveName::RegSquaredError,
            num_class: 0,
        },
    }
}

pub(crate) fn text(dir: &Path, block_bytes: usize) -> Result<Text, DataError> {
    Ok(Text {
        input: Input::Files(discover("train", dir)?.files),
        block_bytes,
        order: Order::Rows,
    })
}

/// Reads CSV files in blocks of `block_bytes` on two threads.
pub(crate) fn read_csv(
    dir: &Path,
    options: &CsvOptions,
    block_bytes: usize,
) -> Result<Rows, DataError> {
    let threads = Threads::new(Some(2)).unwrap();
    let tiles = csv::open(text(dir, block_bytes)?, options, threads)?;
    tiles.map_or_else(|| Ok(Rows::default()), collect)
}

/// Reads CSV files in small blocks, first a sample of about `n_values` values.
pub(crate) fn read_csv_sampled(
    dir: &Path,
    (block_bytes, n_values): (usize, usize),
    n_threads: usize,
) -> Result<Rows, DataError> {
    let text = Text {
        order: Order::Sample(n_values),
        ..text(dir, block_bytes)?
    };
    let threads = Threads::new(Some(n_threads)).unwrap();
    let tiles = csv::open(text, &regression(false), threads)?;
    tiles.map_or_else(|| Ok(Rows::default()), collect)
}

/// Reads libsvm files in blocks of `block_bytes` on two threads.
pub(crate) fn read_libsvm(
    dir: &Path,
    labels: LabelRule,
    block_bytes: usize,
) -> Result<Rows, DataError> {
    let threads = Threads::new(Some(2)).unwrap();
    let options = CsvOptions {
        weighted: false,
        side: SideOptions::default(),
        categorical: Vec::new(),
        on_bad_row: OnBadRow::Error,
        labels,
    };
    let tiles = libsvm::open(text(dir, block_bytes)?, &options, threads)?;
    tiles.map_or_else(|| Ok(Rows::default()), collect)
}

/// Reads JSON Lines in blocks of `block_bytes` on two threads.
pub(crate) fn read_json(
    dir: &Path,
    options: &CsvOptions,
    block_bytes: usize,
) -> Result<Rows, DataError> {
    let threads = Threads::new(Some(2)).unwrap();
    let tiles = json_lines::open(text(dir, block_bytes)?, options, threads)?;
    tiles.map_or_else(|| Ok(Rows::default()), collect)
}

/// Reads records in blocks of `block_bytes` on two threads.
pub(crate) fn read_records(
    dir: &Path,
    options: &CsvOptions,
    block_bytes: usize,
) -> Result<Rows, DataError> {
    let threads = Threads::new(Some(2)).unwrap();
    let tiles = recordio::open(text(dir, block_bytes)?, options, threads)?;
    tiles.map_or_else(|| Ok(Rows::default()), collect)
}

/// Reads Parquet files on `n_threads` threads.
pub(crate) fn read_parquet(
    dir: &Path,
    options: CsvOptions,
    n_threads: usize,
) -> Result<Rows, DataError> {
    let threads = Threads::new(Some(n_threads)).unwrap();
    let files = discover("train", dir)?.files;
    let tiles = parquet::open(files, options, Order::Rows, threads)?;
    tiles.map_or_else(|| Ok(Rows::default()), collect)
}

fn collect(mut reader: impl TileReader) -> Result<Rows, DataError> {
    let mut parts = BTreeMap::new();
    loop {
        match reader.read()? {
            Batch::Parts(batch) => parts.extend(batch.into_iter().map(|it| (it.number, it.tiles))),
            Batch::StartAgain => parts.clear(),
            Batch::End => break,
        }
    }
    assert!(parts.keys().copied().eq(0..parts.len()));
    let mut rows = Rows::default();
    let mut before: (String, u64) = Default::default();
    for tiles in parts.into_values() {
        let object = tiles.first().map(|it| it.origin.object.to_string());
        if object.as_ref().is_some_and(|it| *it != before.0) {
            before = (object.unwrap_or_default(), 0);
        }
        let n_rows_before = rows.labels.len() as u64;
        rows.add(tiles, before.1);
        before.1 += rows.labels.len() as u64 - n_rows_before;
    }
    Ok(rows)
}

impl Rows {
    fn add(&mut self, tiles: Vec<Tile>, n_rows_before: u64) {
        for tile in tiles {
            self.add_tile(tile, n_rows_before);
        }
    }

    fn add_tile(&mut self, tile: Tile, n_rows_before: u64) {
        let rows = self;
        let n_rows = tile.labels.len();
        rows.origins.push((
            tile.origin.object.to_string(),
            n_rows_before + tile.origin.first_row,
        ));
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
}

/// The rows alone, for comparing files that are cut into blocks in other places.
pub(crate) fn without_origins(rows: Rows) -> Rows {
    Rows {
        origins: Vec::new(),
        ..rows
    }
}
