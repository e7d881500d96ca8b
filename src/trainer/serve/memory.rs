//! How large a model there is memory for.

use contract::artifact::MAX_MODEL_BYTES;

use crate::memory::{Swap, available};

/// What a model takes at most while it is read, in the bytes of its file: the document, what is read of it, and the two
/// layouts that predict. Measured by `tests/bench/serving memory` on models of 4 to 70 MB: 3.1 to 4.6.
const BYTES_PER_BYTE: u64 = 5;
/// What loading takes whatever the size of the file: of models below 1 MB about 3 MiB more than that.
const BYTES_BESIDE: u64 = 8 << 20;

/// The largest model file that can be loaded; where nobody says how much memory there is, that of any model.
pub(super) fn room() -> u64 {
    room_in(available(Swap::LeftOut))
}

fn room_in(available: Option<u64>) -> u64 {
    let room = available.map(|it| it.saturating_sub(BYTES_BESIDE) / BYTES_PER_BYTE);
    room.map_or(MAX_MODEL_BYTES, |it| it.min(MAX_MODEL_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_takes_five_times_its_file_and_something() {
        assert_eq!(room_in(None), MAX_MODEL_BYTES);
        assert_eq!(room_in(Some(u64::MAX)), MAX_MODEL_BYTES);
        assert_eq!(room_in(Some(BYTES_BESIDE + 500)), 100);
        assert_eq!(room_in(Some(BYTES_BESIDE - 1)), 0);
    }
}
