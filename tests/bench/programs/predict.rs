//! How long prediction in this process takes: `predict MODEL ROWS MARGINS N_THREADS REPEATS`.
//!
//! `ROWS` is little-endian `f32`, row-major, as many columns as the model has; `MARGINS` is written in the same manner, for
//! whoever compares them. Reading and writing files is not timed. Ends with one line of JSON: the seconds of making the
//! model ready, of each repetition over all rows, and of one row.

use std::error::Error;
use std::io::Write;
use std::time::Instant;

use engine::booster::Predictor;
use engine::threads::Threads;

/// One row is predicted so often for one number.
const ONE_ROW_REPEATS: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, rows, margins_path, n_threads, repeats] = args.as_slice() else {
        return Err("usage: predict MODEL ROWS MARGINS N_THREADS REPEATS".into());
    };
    let booster = engine::model::load(&std::fs::read(model)?)?;
    let values: Vec<f32> = std::fs::read(rows)?
        .chunks_exact(4)
        .map(|it| f32::from_le_bytes([it[0], it[1], it[2], it[3]]))
        .collect();
    let threads = Threads::new(Some(n_threads.parse()?))?;
    let start = Instant::now();
    let predictor = Predictor::new(&booster);
    let prepare = start.elapsed().as_secs_f64();
    let n_features = predictor.n_features();
    let mut margins = vec![0.0; values.len() / n_features * predictor.n_groups()];
    // Threads start, and memory is there, before the clock does.
    predictor.predict_margin_into(&values, n_features, &mut margins, &threads)?;
    let mut seconds = Vec::new();
    for _ in 0..repeats.parse()? {
        let start = Instant::now();
        predictor.predict_margin_into(&values, n_features, &mut margins, &threads)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    let bytes: Vec<u8> = margins.iter().flat_map(|it| it.to_le_bytes()).collect();
    std::fs::write(margins_path, bytes)?;
    let one_row = one_row(&predictor, &values[..n_features])?;
    writeln!(
        std::io::stdout(),
        "{{\"prepare\": {prepare}, \"seconds\": {seconds:?}, \"one_row\": {one_row}}}"
    )?;
    Ok(())
}

/// The seconds of one row, in this thread.
fn one_row(predictor: &Predictor, row: &[f32]) -> Result<f64, Box<dyn Error>> {
    let threads = Threads::single();
    let mut margins = vec![0.0; predictor.n_groups()];
    let start = Instant::now();
    for _ in 0..ONE_ROW_REPEATS {
        let row = std::hint::black_box(row);
        predictor.predict_margin_into(row, row.len(), &mut margins, &threads)?;
    }
    Ok(start.elapsed().as_secs_f64() / ONE_ROW_REPEATS as f64)
}
