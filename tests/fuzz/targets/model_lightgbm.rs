//! Bytes as `LightGBM`'s text.

#![no_main]

use libfuzzer_sys::fuzz_target;

/// What the format is told by; bytes of a corpus may have it already.
const HEAD: &[u8] = b"tree\n";

fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(HEAD) {
        fuzz::read_and_use(bytes);
    } else {
        fuzz::read_and_use(&[HEAD, bytes].concat());
    }
});
