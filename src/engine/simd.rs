//! Which instructions the kernels may use: found out while the program runs, since one binary serves every machine.
//!
//! Invariant: a kernel gives the same bytes with any of them. Kernels are plain Rust that the compiler turns into vectors
//! as wide as it may; it neither reorders sums nor contracts products, so the instructions decide nothing but time. The one
//! that is written for each set, the search for bins, counts whole numbers.

use std::fmt;
use std::str::FromStr;

/// A set of instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Simd {
    /// What every processor of the target has.
    Portable,
    /// AVX2, BMI and POPCNT: x86-64 processors since 2013.
    Avx2,
    /// AVX-512 with its byte, word and double-word parts: x86-64 server processors since 2017.
    Avx512,
}

/// A name that is not one of [`Simd`]'s, or instructions that this processor does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimdError {
    /// No such name.
    #[error("unknown instruction set `{0}`, allowed are avx512, avx2 and portable")]
    Unknown(String),
    /// Not on this processor.
    #[error("this processor has no {0}, its best is {best}", best = Simd::best())]
    Unavailable(Simd),
}

impl Simd {
    /// Every set, the plainest first.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The best set of this processor.
    pub fn best() -> Self {
        let available = Self::ALL.into_iter().rev().find(|it| it.is_available());
        available.unwrap_or(Self::Portable)
    }

    /// Whether this processor has these instructions.
    pub fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        let (avx2, avx512) = {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("popcnt")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            (avx2, avx2 && avx512)
        };
        #[cfg(not(target_arch = "x86_64"))]
        let (avx2, avx512) = (false, false);
        match self {
            Self::Portable => true,
            Self::Avx2 => avx2,
            Self::Avx512 => avx512,
        }
    }

    /// Its name, as users write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

impl fmt::Display for Simd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Simd {
    type Err = SimdError;

    fn from_str(name: &str) -> Result<Self, SimdError> {
        let known = Self::ALL.into_iter().find(|it| it.as_str() == name);
        let simd = known.ok_or_else(|| SimdError::Unknown(name.to_owned()))?;
        if simd.is_available() {
            Ok(simd)
        } else {
            Err(SimdError::Unavailable(simd))
        }
    }
}

/// A kernel with what it works on. `run` must be `#[inline(always)]`, and so must whatever of it is to become vectors: a
/// closure in its place would be compiled once, for the plainest processor, and called from everywhere.
pub(crate) trait Kernel {
    /// What it computes.
    type Output;
    /// Computes it.
    fn run(self) -> Self::Output;
}

/// Runs `kernel` compiled for `simd`.
#[inline(always)]
pub(crate) fn dispatch<K: Kernel>(simd: Simd, kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if simd.is_available() {
        #[expect(
            unsafe_code,
            reason = "the compiler cannot know the processor; split search takes a third of the time (tests/bench)"
        )]
        // SAFETY: `is_available` has just found every instruction that the function is compiled for.
        unsafe {
            match simd {
                Simd::Portable => {}
                Simd::Avx2 => return x86::avx2(kernel),
                Simd::Avx512 => return x86::avx512(kernel),
            }
        }
    }
    let _ = simd;
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Kernel;

    #[target_feature(enable = "avx2,bmi1,bmi2")]
    pub(super) fn avx2<K: Kernel>(kernel: K) -> K::Output {
        kernel.run()
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) fn avx512<K: Kernel>(kernel: K) -> K::Output {
        kernel.run()
    }
}

#[cfg(test)]
mod tests {
    use super::{Kernel, Simd, SimdError, dispatch};

    #[test]
    fn names_are_read_back_and_others_refused() {
        for simd in Simd::ALL {
            match simd.as_str().parse::<Simd>() {
                Ok(read) => assert_eq!(read, simd),
                Err(err) => assert_eq!(err, SimdError::Unavailable(simd)),
            }
        }
        let said = "sse9".parse::<Simd>().unwrap_err().to_string();
        assert!(said.contains("avx512, avx2 and portable"), "{said}");
    }

    struct SumOfRoots<'a>(&'a [f32]);

    impl Kernel for SumOfRoots<'_> {
        type Output = f64;

        #[inline(always)]
        fn run(self) -> f64 {
            self.0.iter().map(|&it| f64::from(it.sqrt())).sum()
        }
    }

    #[test]
    fn every_set_that_is_there_computes_the_same() {
        let values: Vec<f32> = (0..1000).map(|it| 1.0 / (it as f32 + 0.3)).collect();
        let sum = |simd| dispatch(simd, SumOfRoots(&values)).to_bits();
        let available = Simd::ALL.into_iter().filter(|it| it.is_available());
        assert!(available.map(sum).all(|it| it == sum(Simd::Portable)));
    }
}
