//! Any bytes as the body of an invocation: the first three choose the model, the content type and the form of the answer.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let [model, content_type, accept, body @ ..] = bytes {
        fuzz::invocation::answer([*model, *content_type, *accept], body);
    }
});
