//! A hint that memory will be read soon.
//!
//! Rows of a node lie apart, so a histogram waits for memory longer than it adds. The hint is the one thing here that
//! safe Rust has no word for; it reads nothing and cannot fail, whatever the address.

/// How many rows ahead a hint is given: long enough for memory to answer, short enough to be still there.
pub(crate) const ROWS_AHEAD: usize = 16;

/// Asks for the line of `values[at]`, if there is such a value.
#[inline]
pub(crate) fn prefetch<T>(values: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(value) = values.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[expect(
            unsafe_code,
            reason = "safe Rust has no prefetch; with it a histogram takes less than half the time"
        )]
        // SAFETY: SSE is part of x86_64, and a prefetch has no effect but on caches; the address is that of a reference.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, at);
}
