//! A machine word at a time, for processors without a vector unit that we know.

use super::class::{Class, Segments};
use super::scalar::Scalar;
use super::{End, Kernel};
use crate::SMALL;

/// As many bytes at a time as a register holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Swar;

const WORD_BYTES: usize = size_of::<usize>();
const ONES: usize = usize::MAX / 0xff;
const HIGH_BITS: usize = ONES << 7;

impl Kernel for Swar {
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn run_end(self, class: Class, bytes: &[u8], at: usize) -> End {
        // Names, paths and hosts are short, and their classes have no arithmetic: the table is quicker.
        Scalar.run_end(class, bytes, at)
    }

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn text_end(self, bytes: &[u8], at: usize) -> End {
        if SMALL {
            return Scalar.text_end(bytes, at);
        }
        let mut at = at;
        while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk::<WORD_BYTES>()) {
            if may_have_control(usize::from_ne_bytes(*word)) {
                let End { at: run, byte } = Scalar.text_end(word, 0);
                if byte.is_some() {
                    return End { at: at.wrapping_add(run), byte };
                }
            }
            at = at.wrapping_add(WORD_BYTES);
        }
        Scalar.text_end(bytes, at)
    }

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn segments_end(self, segments: Segments, bytes: &[u8], at: usize) -> End {
        Scalar.segments_end(segments, bytes, at)
    }
}

/// Whether a byte of the word is below 0x20 or 0x7f. True for any word that has one; of a word with a HTAB
/// too, which the caller sorts out.
#[cfg_attr(not(target_os = "none"), inline(always))]
const fn may_have_control(word: usize) -> bool {
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    let del = word ^ (ONES * 0x7f);
    let is_del = del.wrapping_sub(ONES) & !del;
    (below_space | is_del) & HIGH_BITS != 0
}
