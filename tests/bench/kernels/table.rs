//! Tables for the kernels: a label that a few columns decide, dense, with gaps, or sparse.

use std::sync::Arc;

use engine::bin::{BinnedDataset, HistogramCuts};
use engine::dataset::{Dataset, Origin, SideColumns, Tile, TileFeatures};
use engine::threads::Threads;

/// Columns of the dense tables, as in UCI HIGGS.
pub(crate) const N_FEATURES: usize = 28;

/// Columns of a sparse table, of which each row has [`N_STORED`].
const N_SPARSE: usize = 5000;
const N_STORED: usize = 30;

/// Numbers that need not be good, only always the same.
struct Numbers(u64);

impl Numbers {
    fn unit(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }
}

/// `(values, labels)`: values row-major `(n_rows, N_FEATURES)`, of which the share `missing` is NaN.
pub(crate) fn rows(n_rows: usize, missing: f32) -> (Vec<f32>, Vec<f32>) {
    let mut numbers = Numbers(1);
    let mut values = Vec::with_capacity(n_rows * N_FEATURES);
    let mut labels = Vec::with_capacity(n_rows);
    for _ in 0..n_rows {
        let row: [f32; N_FEATURES] = std::array::from_fn(|_| numbers.unit());
        let score = row[0] + row[1] * row[2] + (row[3] * 9.0).sin() / 3.0 + numbers.unit();
        labels.push(f32::from(score > 1.25));
        values.extend(row.map(|it| {
            if numbers.unit() < missing {
                f32::NAN
            } else {
                it
            }
        }));
    }
    (values, labels)
}

/// The rows of [`rows`] as a table.
pub(crate) fn dense(n_rows: usize, missing: f32) -> Dataset {
    let (values, labels) = rows(n_rows, missing);
    Dataset::from_rows(N_FEATURES, &values, &labels).expect("numbers in [0, 1) and NaN are allowed")
}

/// Ones in [`N_STORED`] of [`N_SPARSE`] columns of each row, one in each share of the columns.
pub(crate) fn sparse(n_rows: usize) -> Dataset {
    let mut numbers = Numbers(2);
    let share = N_SPARSE / N_STORED;
    let (mut indices, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..n_rows {
        let mut score = 0;
        for field in 0..N_STORED {
            let code = (numbers.unit() * numbers.unit() * share as f32) as usize;
            score += code % 2;
            indices.push((field * share + code) as u32);
        }
        labels.push(f32::from(score > N_STORED / 2));
    }
    let features = TileFeatures::Csr {
        indptr: (0..=n_rows).map(|row| row * N_STORED).collect(),
        values: vec![1.0; indices.len()],
        indices,
    };
    let mut builder = Dataset::builder();
    let origin = Origin {
        object: Arc::from("memory"),
        first_row: 0,
    };
    let tile = Tile {
        features,
        labels,
        weights: None,
        side: SideColumns::default(),
        words: Vec::new(),
        origin,
    };
    builder.push(tile).expect("columns ascend within a row");
    builder.finish().expect("there are rows")
}

/// The table in 256 bins.
pub(crate) fn binned(data: Dataset) -> BinnedDataset {
    let threads = Threads::single();
    let cuts = HistogramCuts::from_dataset(&data, 256, &threads).expect("256 bins are allowed");
    data.bin(&Arc::new(cuts), &threads)
        .expect("the cuts are of this table")
}
