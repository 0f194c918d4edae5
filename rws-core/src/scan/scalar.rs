//! The plain kernel: one table look-up per byte. The reading that all others must agree with.

use super::class::{Class, Segments, is_text};
use super::{End, Kernel};

/// One byte at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scalar;

impl Kernel for Scalar {
    #[inline(always)]
    fn run_end(self, class: Class, bytes: &[u8], at: usize) -> End {
        end_of(bytes, at, |byte| class.contains(byte))
    }

    #[inline(always)]
    fn text_end(self, bytes: &[u8], at: usize) -> End {
        end_of(bytes, at, is_text)
    }

    #[inline(always)]
    fn segments_end(self, segments: Segments, bytes: &[u8], at: usize) -> End {
        let Segments { class, separator, not_first } = segments;
        let mut starts = false;
        end_of(bytes, at, |byte| {
            let fits = !starts || (byte != separator && byte != not_first);
            starts = byte == separator;
            fits && class.contains(byte)
        })
    }
}

/// The first byte from `at` on that is not `wanted`.
#[inline(always)]
fn end_of(bytes: &[u8], at: usize, mut wanted: impl FnMut(u8) -> bool) -> End {
    let rest = bytes.get(at..).unwrap_or(&[]);
    for (run, &byte) in rest.iter().enumerate() {
        if !wanted(byte) {
            return End { at: at.wrapping_add(run), byte: Some(byte) };
        }
    }
    End { at: at.wrapping_add(rest.len()), byte: None }
}
