//! The plain kernel: one table look-up per byte. The reading that all others must agree with.

use super::Kernel;
use super::class::{Class, Segments, is_text};

/// One byte at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scalar;

impl Kernel for Scalar {
    #[inline(always)]
    fn run_end(self, class: Class, bytes: &[u8], at: usize) -> usize {
        end_of(bytes, at, |byte| class.contains(byte))
    }

    #[inline(always)]
    fn text_end(self, bytes: &[u8], at: usize) -> usize {
        end_of(bytes, at, is_text)
    }

    #[inline(always)]
    fn segments_end(self, segments: Segments, bytes: &[u8], at: usize) -> usize {
        let Segments { class, separator, not_first } = segments;
        let mut starts = false;
        end_of(bytes, at, |byte| {
            let fits = !starts || (byte != separator && byte != not_first);
            starts = byte == separator;
            fits && class.contains(byte)
        })
    }

    #[inline(always)]
    fn equals_lowercase(self, bytes: &[u8], at: usize, len: usize, lowercase: &[u8; 32]) -> bool {
        match (bytes.get(at..at.wrapping_add(len)), lowercase.get(..len)) {
            (Some(name), Some(lowercase)) => equal_in_lowercase(name, lowercase),
            _ => false,
        }
    }
}

/// Compares slices of the same length, up to 32 bytes, by overlapping words from both ends.
#[inline(always)]
fn equal_in_lowercase(name: &[u8], lowercase: &[u8]) -> bool {
    match name.len() {
        17.. => ends_equal::<16>(name, lowercase),
        8..=16 => ends_equal::<8>(name, lowercase),
        4..=7 => ends_equal::<4>(name, lowercase),
        2..=3 => ends_equal::<2>(name, lowercase),
        0..=1 => ends_equal::<1>(name, lowercase) || name.is_empty(),
    }
}

/// Whether the first `N` bytes are equal, and the last.
#[inline(always)]
fn ends_equal<const N: usize>(name: &[u8], lowercase: &[u8]) -> bool {
    let same = |name: Option<&[u8; N]>, lowercase: Option<&[u8; N]>| match (name, lowercase) {
        (Some(name), Some(lowercase)) => name.map(|byte| byte | 0x20) == *lowercase,
        _ => false,
    };
    same(name.first_chunk(), lowercase.first_chunk()) && same(name.last_chunk(), lowercase.last_chunk())
}

/// The first byte from `at` on that is not `wanted`.
#[inline(always)]
pub(super) fn end_of(bytes: &[u8], at: usize, mut wanted: impl FnMut(u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or(&[]);
    let run = rest.iter().position(|&byte| !wanted(byte)).unwrap_or(rest.len());
    at.wrapping_add(run)
}
