//! Any bytes as a channel of this content type.
#![no_main]

use contract::content_type::ContentType;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzz::rows::read_twice(ContentType::Parquet, bytes));
