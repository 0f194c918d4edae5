//! Byte-scanning kernels: where does a run of allowed bytes end?
//!
//! ```text
//!   dispatch(task) ── once per head ──▶ task.run(kernel)      the whole parse is compiled per kernel
//!                                          │
//!            token_end / text_end / target_end(bytes, at) ──▶ index of the first byte that is not of the class
//! ```
//!
//! The classes are defined by one table ([`class`]); [`Scalar`] is their plain reading, and every other
//! kernel is tested against it. A kernel never reads outside the slice that it is given.

mod class;
mod scalar;

pub(crate) use scalar::Scalar;

/// Finds the ends of runs. All methods take a start index and return an index in `at..=bytes.len()` (or
/// `at` itself, should it lie beyond the slice).
pub(crate) trait Kernel: Copy {
    /// The first byte from `at` on that is not a token byte (RFC 9110 §5.6.2).
    fn token_end(self, bytes: &[u8], at: usize) -> usize;

    /// The first byte from `at` on that may not stand in a field value (RFC 9110 §5.5): a control byte
    /// other than HTAB.
    fn text_end(self, bytes: &[u8], at: usize) -> usize;

    /// The first byte from `at` on that is not visible ASCII.
    fn target_end(self, bytes: &[u8], at: usize) -> usize;
}

/// Work that is compiled once per kernel, so that the kernels' code is inlined into it.
pub(crate) trait Task {
    /// What the work gives.
    type Output;

    /// Does the work. Implementations are `#[inline(always)]`.
    fn run<K: Kernel>(self, kernel: K) -> Self::Output;
}

/// Runs `task` with the fastest kernel of this processor.
#[inline]
pub(crate) fn dispatch<T: Task>(task: T) -> T::Output {
    task.run(Scalar)
}

#[cfg(test)]
mod tests;
