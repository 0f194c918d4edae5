//! The plain kernel: one table look-up per byte. The reading that all others must agree with.

use super::Kernel;
use super::class::{TARGET, TEXT, TOKEN, is};

/// One byte at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scalar;

impl Kernel for Scalar {
    #[inline(always)]
    fn token_end(self, bytes: &[u8], at: usize) -> usize {
        run_end(bytes, at, TOKEN)
    }

    #[inline(always)]
    fn text_end(self, bytes: &[u8], at: usize) -> usize {
        run_end(bytes, at, TEXT)
    }

    #[inline(always)]
    fn target_end(self, bytes: &[u8], at: usize) -> usize {
        run_end(bytes, at, TARGET)
    }
}

/// The first byte from `at` on that is not in `class`.
#[inline(always)]
pub(super) fn run_end(bytes: &[u8], at: usize, class: u8) -> usize {
    let rest = bytes.get(at..).unwrap_or(&[]);
    let run = rest.iter().position(|&byte| !is(byte, class)).unwrap_or(rest.len());
    at.wrapping_add(run)
}
