//! What the C library does with large blocks of memory that are freed.
//!
//! It keeps them for itself as a rule, with gaps between what is still in use. While a table is read and binned that
//! costs a third of the peak; while rounds are boosted it saves asking the system for the same buffers again and again.
//! Only glibc has these switches; elsewhere nothing happens, and nothing but memory and time depends on them.

/// Bytes from which on a block is asked from the system and given back: less than a tile or a block of text takes.
#[cfg(target_env = "gnu")]
const LARGE: i32 = 128 << 10;

/// The most that glibc allows for that limit.
#[cfg(target_env = "gnu")]
const LARGEST: i32 = 32 << 20;

/// From here on large blocks go back to the system as soon as they are freed.
pub(super) fn give_back() {
    #[cfg(target_env = "gnu")]
    set(LARGE);
}

/// From here on freed blocks are kept for the next ones.
pub(super) fn keep() {
    #[cfg(target_env = "gnu")]
    set(LARGEST);
}

#[cfg(target_env = "gnu")]
#[expect(
    unsafe_code,
    reason = "safe Rust cannot reach the allocator's limits; with them the peak is two thirds of what it was"
)]
fn set(large: i32) {
    // SAFETY: `mallopt` takes numbers only, locks what it changes, and refuses numbers that it does not allow.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, large);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 2 * large);
    }
}
