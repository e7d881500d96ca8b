//! What holds for any bytes that are read as a model, as rows, or as an invocation.

pub mod invocation;
pub mod rows;

use engine::booster::Booster;
use engine::dataset::Dataset;
use engine::export::{ExportFormat, export};
use engine::model::{ModelFormat, load, save};
use engine::threads::Threads;

/// Wider models are read, and neither predicted with nor explained: the table would be the fuzzer's memory.
const MAX_FEATURES: usize = 64;

/// Interactions are the square of it.
const MAX_GROUPS: usize = 16;

/// Reads `bytes`; what is read can be saved and read again, predicted with, explained, and written for others.
pub fn read_and_use(bytes: &[u8]) {
    let Ok(booster) = load(bytes) else { return };
    survives_being_saved(&booster);
    if booster.n_features() > MAX_FEATURES || booster.n_groups() > MAX_GROUPS {
        return;
    }
    for format in ExportFormat::ALL {
        let _ = export(&booster, format);
    }
    if booster.n_features() == 0 {
        return;
    }
    let mut values = vec![f32::NAN; booster.n_features()];
    values.extend((0..booster.n_features()).map(|it| it as f32 - 1.5));
    let data = Dataset::from_rows(booster.n_features(), &values, &[0.0; 2]).expect("two rows");
    let threads = Threads::single();
    let margins = booster.predict_margin(&data, &threads).expect("the columns fit");
    assert_eq!(margins.len(), 2 * booster.n_groups());
    let _ = booster.predict_leaf(&data, &threads);
    let _ = booster.predict_contributions(&data, &threads);
    let _ = booster.predict_approximate_contributions(&data, &threads);
    if booster.n_features() < 8 {
        let _ = booster.predict_interactions(&data, &threads);
    }
}

/// XGBoost's document has no word for zeros that are missing, and NaN is not equal to itself.
fn survives_being_saved(booster: &Booster) {
    for format in [ModelFormat::Json, ModelFormat::Ubj] {
        let saved = save(booster, format);
        let again = load(&saved).expect("what was saved is read");
        assert_eq!(save(&again, format), saved);
    }
}
