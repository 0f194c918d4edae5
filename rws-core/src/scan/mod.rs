//! Byte-scanning kernels: where does a run of allowed bytes end?
//!
//! ```text
//!   dispatch(task) ── once per head ──▶ task.run(kernel)      the whole parse is compiled per kernel
//!                                          │
//!           run_end · text_end · segments_end (bytes, at) ──▶ the first byte that does not belong
//!
//!   Scalar   one byte at a time: the reading that the others are tested against
//!   Swar     a machine word                         Wide<V>   a vector: Sse2, Avx2 (asked for once), Neon
//! ```
//!
//! What belongs to a class is said once, in `class`. A kernel never reads outside the slice that it is given.
//! This is the only folder of the crate with unsafe code in it.

mod backend;
mod class;
mod scalar;
mod swar;

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod avx2;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod neon;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod sse2;
#[cfg(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon")
))]
mod vector;

pub(crate) use backend::Backend;
pub(crate) use class::{Class, LABELS, PATH, QUERY, Segments, TOKEN, VISIBLE};
pub(crate) use scalar::Scalar;
use swar::Swar;

/// Finds the ends of runs. All searches take a start and give an index in `at..=bytes.len()` (or `at` itself,
/// should it lie beyond the slice).
pub(crate) trait Kernel: Copy {
    /// Whether `equals_lowercase` is quicker than comparing the bytes one by one.
    const COMPARES_WIDE: bool = false;

    /// The first byte from `at` on that is not in `class`.
    fn run_end(self, class: Class, bytes: &[u8], at: usize) -> usize;

    /// The first byte from `at` on that may not stand in a field value (RFC 9110 §5.5): a control byte
    /// other than HTAB.
    fn text_end(self, bytes: &[u8], at: usize) -> usize;

    /// The first byte from `at` on that is not in `segments.class`, or that must not follow the separator
    /// before it. A separator before `at` does not count.
    fn segments_end(self, segments: Segments, bytes: &[u8], at: usize) -> usize;

    /// Whether the `len` token bytes at `at` are `lowercase[..len]` in any case.
    fn equals_lowercase(self, bytes: &[u8], at: usize, len: usize, lowercase: &[u8; 32]) -> bool;
}

/// Work that is compiled once per kernel, so that the kernel's code is inlined into it.
pub(crate) trait Task {
    /// What the work gives.
    type Output;

    /// Does the work. Implementations are `#[inline(always)]`.
    fn run<K: Kernel>(self, kernel: K) -> Self::Output;
}

/// Runs `task` with the fastest kernel of this processor.
#[inline(always)]
pub(crate) fn dispatch<T: Task>(task: T) -> T::Output {
    Backend::fastest().run(task)
}

/// Runs `task` with the kernel that `backend` names.
#[cfg(test)]
pub(crate) fn run_on<T: Task>(backend: Backend, task: T) -> T::Output {
    backend.run(task)
}

#[cfg(test)]
mod tests;
