//! The engine's work in pieces, each through what is public: `cargo bench -p engine`, or with a part of a name behind it.
//!
//! For whoever changes a loop: criterion keeps the last run and says whether the next one differs. How Linden fares beside
//! others is `tests/bench/run`'s matter. Invariant: one thread, and tables from fixed seeds, so that a difference is the
//! code's or the machine's.

mod metrics;
mod predict;
mod table;
mod train;

use std::time::Duration;

use criterion::Criterion;

fn main() {
    // Ten samples of whole rounds: enough to see a tenth, and over in a minute.
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    train::bench(&mut criterion);
    predict::bench(&mut criterion);
    metrics::bench(&mut criterion);
    criterion.final_summary();
}
