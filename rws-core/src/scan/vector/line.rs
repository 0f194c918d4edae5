//! The field line of the usual shape, seen at a glance.

use super::super::class::TOKEN;
use super::super::{Dictionary, FieldLine, Spelling};
use super::search::{EqualTo, NotPrintable, NotText, Outside, first_lane};
use super::{Vector, Wide};

impl<V: Vector> Wide<V> {
    /// The field line at `at`, if it has the usual shape.
    ///
    /// # Safety
    /// With `FAR`, `at + Lines::REACH` is at most `bytes.len()`. Else `at` is inside, and so is one block.
    #[inline(always)]
    pub(super) unsafe fn usual_line<const FAR: bool, D: Dictionary>(
        self,
        bytes: &[u8],
        at: usize,
    ) -> Option<FieldLine<D::Word>> {
        // SAFETY: every call below is for indexes that the lines before it have placed inside the slice.
        let byte = |index: usize| unsafe { *bytes.get_unchecked(index) };
        // SAFETY: as above, for two bytes.
        let pair = |index: usize| unsafe { bytes.as_ptr().add(index).cast::<[u8; 2]>().read() };
        let last = bytes.len() - V::BYTES;
        // SAFETY: as the caller promises.
        let len = unsafe { self.first_in_block::<FAR, _>(bytes, at, last, EqualTo(b':')) };
        // With `FAR`, the colon, a space and the block behind them are inside: so `REACH` is made.
        if len.wrapping_sub(2) >= V::BYTES - 2 || (!FAR && at + len + 2 >= bytes.len()) {
            return None;
        }
        let (colon, value_at) = (at + len, at + len + 2);
        if pair(colon) != *b": " || byte(value_at) <= b' ' {
            return None;
        }
        // SAFETY: as above; `value_at` is inside.
        let value_len = unsafe { self.first_in_block::<FAR, _>(bytes, value_at, last, NotPrintable) };
        let mut value_end = value_at + value_len;
        if value_len >= V::BYTES || (!FAR && value_end + 1 >= bytes.len()) || pair(value_end) != *b"\r\n" {
            // SAFETY: `value_at` is inside; with `FAR`, a block is.
            value_end = unsafe { self.long_text_end::<FAR>(bytes, value_at, last) }?;
            if pair(value_end) != *b"\r\n" {
                return None;
            }
        }
        if byte(value_end - 1) <= b' ' {
            return None;
        }
        let ([first, second], [third, fourth]) = (pair(at), pair(colon - 2));
        // SAFETY: with `FAR`, a block fits at `at`; else the name is inside.
        let word = unsafe { self.look_up::<FAR, D>(bytes, at, len, [first, second, third, fourth]) };
        if word.is_none() {
            // A word is a token; any other name must be seen to be one.
            // SAFETY: as for the colon.
            let token_len = unsafe { self.first_in_block::<FAR, _>(bytes, at, last, Outside(TOKEN)) };
            if token_len != len {
                return None;
            }
        }
        let next = value_end + 2;
        let is_last = (next + 1 < bytes.len()) && pair(next) == *b"\r\n";
        Some(FieldLine { colon, value_at, value_end, next, is_last, word })
    }

    /// Where the text ends that starts at `at`. `None` if no byte follows that end in `bytes`.
    ///
    /// # Safety
    /// `last` is where the last block of `bytes` starts. With `FAR`, `at` is at most that; else it is inside.
    #[inline(always)]
    unsafe fn long_text_end<const FAR: bool>(self, bytes: &[u8], at: usize, last: usize) -> Option<usize> {
        // SAFETY: as the caller promises.
        let mut len = unsafe { self.first_in_block::<FAR, _>(bytes, at, last, NotText) };
        if len >= V::BYTES {
            let next = at + V::BYTES;
            len = if FAR {
                self.text_end_by_pairs(bytes, next, last).at - at
            } else if next < bytes.len() {
                // SAFETY: `next` is inside.
                V::BYTES + unsafe { self.first_in_block::<false, _>(bytes, next, last, NotText) }
            } else {
                V::BYTES
            };
        }
        if at + len + 1 < bytes.len() { Some(at + len) } else { None }
    }

    /// The word that the `len` bytes at `at` are.
    ///
    /// # Safety
    /// They are inside `bytes`, and at least two. With `FAR`, 32 bytes are.
    #[inline(always)]
    unsafe fn look_up<const FAR: bool, D: Dictionary>(
        self,
        bytes: &[u8],
        at: usize,
        len: usize,
        ends: [u8; 4],
    ) -> Option<D::Word> {
        let (word, spelling) = D::candidate(ends, len)?;
        // SAFETY: as the caller promises.
        let is_it = unsafe {
            if FAR {
                self.is_spelled(bytes, at, len, spelling)
            } else {
                is_spelled_in_words(bytes, at, len, spelling)
            }
        };
        if is_it { Some(word) } else { None }
    }

    /// Whether the `len` bytes at `at` are those of `spelling`.
    ///
    /// # Safety
    /// 32 bytes are inside `bytes` from `at` on.
    #[inline(always)]
    unsafe fn is_spelled(self, bytes: &[u8], at: usize, len: usize, spelling: &Spelling) -> bool {
        // SAFETY: as the caller promises; the second block is that of registers with 16 bytes.
        unsafe {
            let equal = self.equal_bytes(bytes, at, spelling, 0);
            if V::BYTES == Spelling::BYTES || equal < V::BYTES || len <= V::BYTES {
                return equal >= len;
            }
            V::BYTES + self.equal_bytes(bytes, at, spelling, V::BYTES) >= len
        }
    }

    /// How many bytes of `bytes[at + from..]` are those of `spelling` behind `from`: at least `V::BYTES` if
    /// a block is.
    ///
    /// # Safety
    /// A block is inside both from there on.
    #[inline(always)]
    unsafe fn equal_bytes(self, bytes: &[u8], at: usize, spelling: &Spelling, from: usize) -> usize {
        // SAFETY: as the caller promises.
        unsafe {
            let (lower, case) = (self.block(&spelling.lower, from), self.block(&spelling.case, from));
            first_lane::<V>(!self.block(bytes, at + from).equal_with(case, lower))
        }
    }
}

/// Whether the `len` bytes at `at` are those of `spelling`, for names that no full block starts at.
///
/// # Safety
/// They are inside `bytes`, and at least two.
#[inline(always)]
unsafe fn is_spelled_in_words(bytes: &[u8], at: usize, len: usize, spelling: &Spelling) -> bool {
    debug_assert!(at + len <= bytes.len() && len >= 2);
    // SAFETY: there are `len` bytes, at least the word's. The first and the last word may overlap.
    unsafe {
        match len {
            2..=3 => ends_are_spelled::<2>(bytes, at, len, spelling),
            4..=8 => ends_are_spelled::<4>(bytes, at, len, spelling),
            9..=16 => ends_are_spelled::<8>(bytes, at, len, spelling),
            17..=Spelling::BYTES => ends_are_spelled::<16>(bytes, at, len, spelling),
            _ => false,
        }
    }
}

/// Whether the first and the last `N` of the `len` bytes at `at` are those of `spelling`.
///
/// # Safety
/// `len` bytes are inside `bytes`, from `N` to 32.
#[inline(always)]
unsafe fn ends_are_spelled<const N: usize>(bytes: &[u8], at: usize, len: usize, spelling: &Spelling) -> bool {
    let end = len - N;
    // SAFETY: as the caller promises; arrays of bytes need no alignment.
    unsafe {
        let word = |from: &[u8], at: usize| widened(from.as_ptr().add(at).cast::<[u8; N]>().read());
        let first = (word(bytes, at) | word(&spelling.case, 0)) ^ word(&spelling.lower, 0);
        let last = (word(bytes, at + end) | word(&spelling.case, end)) ^ word(&spelling.lower, end);
        first | last == 0
    }
}

/// The bytes as one number.
#[inline(always)]
fn widened<const N: usize>(bytes: [u8; N]) -> u128 {
    let mut wide = [0; 16];
    wide.iter_mut().zip(bytes).for_each(|(wide, byte)| *wide = byte);
    u128::from_ne_bytes(wide)
}
