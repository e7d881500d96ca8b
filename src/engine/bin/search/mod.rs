//! From a value to its bin, without a branch.
//!
//! Invariants: values are finite or NaN, which whoever reads tables sees to. A value's code is the number of cuts, but for the
//! sentinel, that are not above it; what is missing has the number of bins as its code, which does not fit a byte where there
//! are 256 bins.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::{CODES, Categories, HistogramCuts};
use crate::simd::Simd;

/// Cuts that are compared at once: four vectors of the narrowest machine that we run on.
const GROUP: usize = 16;

/// Finds the bins of one feature: first the group of cuts that the value falls into, then its place in the group.
#[derive(Debug)]
pub(super) struct Search {
    /// The last cut of each group.
    ends: [f32; GROUP],
    /// As many as there are cuts for; a table of a hundred thousand columns has few in most.
    groups: Box<[[f32; GROUP]]>,
    missing: u16,
    /// The codes of categories, where a bin's number is another one.
    listed: Option<Box<[u32]>>,
}

/// Finds the bins of all features.
#[derive(Debug)]
pub(super) struct Searches {
    features: Vec<Search>,
    /// For columns that had no value when cuts were made: all that is present is in one bin.
    late: Search,
}

/// A code in memory.
pub(super) trait Code: Copy + Default + Send {
    fn of(code: u16) -> Self;
}

impl Code for u8 {
    fn of(code: u16) -> Self {
        code as Self
    }
}

impl Code for u16 {
    fn of(code: u16) -> Self {
        code
    }
}

impl Searches {
    pub(super) fn new(cuts: &HistogramCuts) -> Self {
        let features = (0..cuts.n_features()).map(|feature| {
            let categories = cuts.categories(feature);
            Search {
                listed: categories.and_then(Categories::listed).map(Into::into),
                ..Search::new(cuts.cuts(feature))
            }
        });
        Self {
            features: features.collect(),
            late: Search::new(&[super::SENTINEL]),
        }
    }

    /// Columns that cuts were made for.
    pub(super) fn n_features(&self) -> usize {
        self.features.len()
    }

    pub(super) fn feature(&self, feature: usize) -> &Search {
        self.features.get(feature).unwrap_or(&self.late)
    }
}

impl Search {
    fn new(feature_cuts: &[f32]) -> Self {
        let n_below_sentinel = feature_cuts.len() - 1;
        let mut groups = vec![[f32::INFINITY; GROUP]; n_below_sentinel / GROUP + 1];
        groups.as_flattened_mut()[..n_below_sentinel]
            .copy_from_slice(&feature_cuts[..n_below_sentinel]);
        let mut ends = [f32::INFINITY; GROUP];
        for (end, group) in ends.iter_mut().zip(&groups) {
            *end = group[GROUP - 1];
        }
        Self {
            ends,
            groups: groups.into(),
            missing: feature_cuts.len() as u16,
            listed: None,
        }
    }

    /// The code of a missing value.
    pub(super) fn missing(&self) -> u16 {
        self.missing
    }

    /// Whether a missing value has no code of one byte.
    pub(super) fn is_full(&self) -> bool {
        usize::from(self.missing) == CODES
    }

    #[inline]
    pub(super) fn code(&self, value: f32) -> u16 {
        match &self.listed {
            None => self.code_of_number(value),
            Some(listed) => self.code_of_category(listed, value),
        }
    }

    /// The bin of a code of a category.
    fn code_of_category(&self, listed: &[u32], value: f32) -> u16 {
        if value.is_nan() {
            return self.missing;
        }
        let bin = listed.binary_search(&(value as u32));
        bin.map_or(self.missing - 1, |bin| bin as u16)
    }

    #[inline]
    fn code_of_number(&self, value: f32) -> u16 {
        // Only a group that is full has an end that a value can reach, and then another group follows.
        let group = count(&self.ends, value);
        let within = count(&self.groups[group as usize], value);
        self.code_at((group, within), value)
    }

    /// The code of a value, by its group and its place in the group.
    #[inline]
    fn code_at(&self, (group, within): (u32, u32), value: f32) -> u16 {
        if value.is_nan() {
            self.missing
        } else {
            (GROUP as u32 * group + within) as u16
        }
    }

    /// Finds the bins of several values.
    pub(super) fn codes<C: Code>(&self, values: &[f32], codes: &mut [C], simd: Simd) {
        match &self.listed {
            None => self.codes_of_numbers(values, codes, simd),
            Some(listed) => {
                for (code, &value) in codes.iter_mut().zip(values) {
                    *code = C::of(self.code_of_category(listed, value));
                }
            }
        }
    }

    fn codes_of_numbers<C: Code>(&self, values: &[f32], codes: &mut [C], simd: Simd) {
        #[cfg(target_arch = "x86_64")]
        if simd.is_available() {
            #[expect(
                unsafe_code,
                reason = "the compiler cannot know the processor; a quarter of the time (`cargo bench -p engine`, `bin 100k x 28`)"
            )]
            // SAFETY: `is_available` has just found every instruction that the function is compiled for.
            unsafe {
                match simd {
                    Simd::Portable => {}
                    Simd::Avx2 => return x86::codes_avx2(self, values, codes),
                    Simd::Avx512 => return x86::codes_avx512(self, values, codes),
                }
            }
        }
        let _ = simd;
        for (code, &value) in codes.iter_mut().zip(values) {
            *code = C::of(self.code_of_number(value));
        }
    }
}

/// How many of the cuts are not above the value.
#[inline]
fn count(cuts: &[f32; GROUP], value: f32) -> u32 {
    cuts.iter().map(|&cut| u32::from(cut <= value)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_cuts_that_are_not_above_a_value() {
        for n_bins in [1_u16, 2, 15, 16, 17, 100, 255, 256] {
            let inner = (1..n_bins).map(f32::from);
            let cuts: Vec<f32> = inner.chain([super::super::SENTINEL]).collect();
            let search = Search::new(&cuts);
            for code in 0..n_bins {
                assert_eq!(search.code(f32::from(code)), code);
                assert_eq!(search.code(f32::from(code) + 0.5), code);
            }
            assert_eq!(search.code(-1e30), 0);
            assert_eq!(search.code(1e30), n_bins - 1);
            assert_eq!(search.code(f32::NAN), n_bins);
            assert_eq!(search.is_full(), n_bins == 256);
        }
    }

    #[test]
    fn every_set_of_instructions_finds_the_same_bins() {
        for n_bins in [1_u16, 15, 16, 17, 33, 255, 256] {
            let inner = (1..n_bins).map(|it| f32::from(it) / 7.0 - 9.0);
            let cuts: Vec<f32> = inner.clone().chain([super::super::SENTINEL]).collect();
            let search = Search::new(&cuts);
            let near = inner.flat_map(|it| [it.next_down(), it, it.next_up()]);
            let odd = [f32::NAN, f32::MAX, f32::MIN, 0.0, -0.0, f32::MIN_POSITIVE];
            let values: Vec<f32> = near.chain(odd).collect();
            let expected: Vec<u16> = values.iter().map(|&it| search.code(it)).collect();
            for simd in Simd::ALL.into_iter().filter(|it| it.is_available()) {
                let mut codes = vec![0_u16; values.len()];
                search.codes(&values, &mut codes, simd);
                assert_eq!(codes, expected, "{simd}, {n_bins} bins");
                let mut bytes = vec![0_u8; values.len()];
                search.codes(&values, &mut bytes, simd);
                let expected: Vec<u8> = expected.iter().map(|&it| it as u8).collect();
                assert_eq!(bytes, expected, "{simd}, {n_bins} bins");
            }
        }
    }
}
