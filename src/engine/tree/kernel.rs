//! The addition of rows to a histogram: where a training spends most of its time.
//!
//! One word of eight codes is read and taken apart in registers: with a load for each code there would be two loads and
//! a store an addition, and loads are what a core runs out of. Columns are taken in tiles whose cells fit the second
//! cache, rows in blocks, so that a tile's cells and a block's codes are both still there when they are needed again.

use crate::bin::CODES;
use crate::simd::{Kernel, Simd, dispatch};

use super::cell::Cell;
use super::record::Record;

/// How many rows ahead of its use a row's line is asked for: long enough for memory to answer, short enough to be still
/// there.
const ROWS_AHEAD: usize = 48;

/// Columns of a tile, in fours.
const TILE_QUADS: usize = 8;

/// Rows of a block where there are several tiles.
const BLOCK_ROWS: usize = 512;

/// The cells of four columns.
type Quad<C> = [[C; CODES]; 4];

/// Dense codes, `(n_rows, stride)` row-major.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DenseRows<'a> {
    pub(crate) codes: &'a [u8],
    pub(crate) stride: usize,
}

/// Adds `records` to `histogram`, `(n_columns, CODES)` with a multiple of four columns and no more than a row has bytes.
pub(crate) fn add_rows<C: Cell>(
    rows: DenseRows<'_>,
    records: &[Record<C::Unit>],
    histogram: &mut [C],
    simd: Simd,
) {
    let (columns, _) = histogram.as_chunks_mut::<CODES>();
    let (quads, _) = columns.as_chunks_mut::<4>();
    dispatch(
        simd,
        AddRows::<C> {
            rows,
            records,
            quads,
        },
    );
}

/// The kernel of [`add_rows`].
struct AddRows<'a, C: Cell> {
    rows: DenseRows<'a>,
    records: &'a [Record<C::Unit>],
    quads: &'a mut [Quad<C>],
}

impl<C: Cell> Kernel for AddRows<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            rows,
            records,
            quads,
        } = self;
        if quads.len() <= TILE_QUADS {
            return add_tile::<C>(rows, 0, records, quads);
        }
        for records in records.chunks(BLOCK_ROWS) {
            for (tile, quads) in quads.chunks_mut(TILE_QUADS).enumerate() {
                add_tile::<C>(rows, tile * 4 * TILE_QUADS, records, quads);
            }
        }
    }
}

/// Adds the columns from `first` on.
#[inline(always)]
fn add_tile<C: Cell>(
    rows: DenseRows<'_>,
    first: usize,
    records: &[Record<C::Unit>],
    quads: &mut [Quad<C>],
) {
    match quads.len() {
        1 => add_quads::<C, 1>(rows, first, records, quads),
        2 => add_quads::<C, 2>(rows, first, records, quads),
        3 => add_quads::<C, 3>(rows, first, records, quads),
        4 => add_quads::<C, 4>(rows, first, records, quads),
        5 => add_quads::<C, 5>(rows, first, records, quads),
        6 => add_quads::<C, 6>(rows, first, records, quads),
        7 => add_quads::<C, 7>(rows, first, records, quads),
        TILE_QUADS => add_quads::<C, TILE_QUADS>(rows, first, records, quads),
        _ => {}
    }
}

#[inline(always)]
fn add_quads<C: Cell, const QUADS: usize>(
    rows: DenseRows<'_>,
    first: usize,
    records: &[Record<C::Unit>],
    quads: &mut [Quad<C>],
) {
    let Ok(quads) = <&mut [Quad<C>; QUADS]>::try_from(quads) else {
        return;
    };
    for (idx, record) in records.iter().enumerate() {
        if let Some(ahead) = records.get(idx + ROWS_AHEAD) {
            prefetch(rows.codes, ahead.row as usize * rows.stride + first);
        }
        let cell = C::of(record.unit);
        let codes = &rows.codes[record.row as usize * rows.stride + first..][..4 * QUADS];
        let (words, rest) = codes.as_chunks::<8>();
        for pair in 0..QUADS / 2 {
            let word = u64::from_le_bytes(words[pair]);
            for lane in 0..8 {
                let code = (word >> (8 * lane)) as u8;
                let sum = &mut quads[2 * pair + lane / 4][lane % 4][usize::from(code)];
                *sum = sum.plus(cell);
            }
        }
        if QUADS % 2 == 1 {
            let word = rest.first_chunk().copied().map_or(0, u32::from_le_bytes);
            for (lane, column) in quads[QUADS - 1].iter_mut().enumerate() {
                let code = (word >> (8 * lane)) as u8;
                let sum = &mut column[usize::from(code)];
                *sum = sum.plus(cell);
            }
        }
    }
}

/// Adds `records` to `histogram`, where each row lists the cells that it adds to: `slots[indptr[row]..indptr[row + 1]]`.
pub(crate) fn add_listed<C: Cell>(
    (indptr, slots): (&[usize], &[u32]),
    records: &[Record<C::Unit>],
    histogram: &mut [C],
) {
    for (idx, record) in records.iter().enumerate() {
        if let Some(ahead) = records.get(idx + ROWS_AHEAD) {
            prefetch(slots, indptr[ahead.row as usize]);
        }
        let cell = C::of(record.unit);
        let row = record.row as usize;
        for &slot in &slots[indptr[row]..indptr[row + 1]] {
            let sum = &mut histogram[slot as usize];
            *sum = sum.plus(cell);
        }
    }
}

/// Asks for the line of `values[at]`, if there is such a value. The hint reads nothing and cannot fail.
#[inline(always)]
fn prefetch<T>(values: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(value) = values.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[expect(
            unsafe_code,
            reason = "safe Rust has no prefetch; with it a histogram takes less than half the time (tests/bench)"
        )]
        // SAFETY: SSE is part of x86_64, and a prefetch has no effect but on caches; the address is that of a reference.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, at);
}
